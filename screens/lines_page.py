"""What every screen of lines that grow does alike: follow, wrap, search, show only some, save."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.screens.filtering import FilterBar
from dbxwizard.screens.log_view import LogView
from dbxwizard.screens.page import Page


class LinesPage(Page):
    """`standing` says, beside what all have, what its lines are. `levels`: of those that are shown, None for all."""

    slash = "search"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Search", key_display="/", show=False),
        Binding("f", "follow", "Follow"),
        Binding("w", "wrap", "Wrap"),
        Binding("ampersand", "only", "Only lines with", key_display="&"),
        Binding("L", "level", "Level", key_display="L"),
        Binding("Y", "save_copy", "Save", key_display="Y"),
    ]
    _only = ""
    _follows = True

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield FilterBar("&", "show only lines with", id="only")

    def body(self) -> Iterable[Widget]:
        yield LogView()
        yield Static("", id="log-state", markup=False)

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    def levels(self) -> frozenset[str] | None:
        return None

    def standing(self) -> Iterable[str]:
        return ()

    def tell(self) -> None:
        shown, whole = self.view.count
        words = [
            f"{whole} lines" if shown == whole else f"{shown} of {whole} lines",
            "follows" if self._follows else "does not follow",
            *([f"only: {self._only}"] if self._only else []),
            *(["wrapped"] if self.view.wrap else []),
            *self.standing(),
        ]
        self.query_one("#log-state", Static).update(" · ".join(words))

    def show_wanted(self) -> None:
        self.view.show_only(self._only, self.levels())
        self.tell()

    # keys

    def action_follow(self) -> None:
        self._follows = not self._follows
        if self._follows:
            self.view.scroll_end(animate=False)
        self.tell()

    def action_wrap(self) -> None:
        self.view.wrap = not self.view.wrap
        self.tell()

    def action_level(self) -> None:
        """Goes to the next level."""

    def action_only(self) -> None:
        self.query_one("#only", FilterBar).open()

    @on(FilterBar.Changed)
    def take_only(self, message: FilterBar.Changed) -> None:
        if message.sign == "&":
            self._only = message.text
            self.show_wanted()

    def filtered(self, text: str) -> None:
        self.view.seek(text)

    def match(self, step: int) -> None:
        if not self.view.go(step):
            self.notify("not found", severity="warning")

    def copied(self) -> str:
        return "\n".join(self.view.texts)
