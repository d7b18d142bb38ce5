"""What the program and its runs did: each request, each step, each failure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.screens.filtering import FilterBar
from dbxwizard.screens.log_view import LogView
from dbxwizard.screens.page import AskFailed, Page

if TYPE_CHECKING:
    from dbxwizard.backend.log import LogBatch

_PACE = 0.1  # seconds between two looks at the file
_LEVELS: dict[str, frozenset[str] | None] = {
    "everything": None,
    "warnings and errors": frozenset({"WARNING", "ERROR", "CRITICAL"}),
    "errors": frozenset({"ERROR", "CRITICAL"}),
}


class LogRead(Message):
    def __init__(self, batch: LogBatch) -> None:
        super().__init__()
        self.batch = batch


class LogsScreen(Page):
    heading = "Logs"
    slash = "search"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow"),
        Binding("w", "wrap", "Wrap"),
        Binding("ampersand", "only", "Filter", key_display="&"),
        Binding("L", "level", "Level", key_display="L"),
        Binding("Y", "save_copy", "Save", key_display="Y"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._place, self._path = -1, ""
        self._follows = True
        self._level, self._only = "everything", ""
        self._reading = False
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield FilterBar("&", "show only lines with", id="only")

    def body(self) -> Iterable[Widget]:
        yield LogView()
        yield Static("", id="log-state", markup=False)

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    def on_mount(self) -> None:
        self.view.focus()
        self._timer = self.set_interval(_PACE, self._read)

    @on(events.ScreenSuspend)
    def rest(self) -> None:
        if self._timer is not None:
            self._timer.pause()

    @on(events.ScreenResume)
    def go_on(self) -> None:
        if self._timer is not None:
            self._timer.resume()
        self._read()

    def _read(self) -> None:
        if self._reading or (not self._follows and self._place >= 0):
            return
        self._reading = True
        self.request(self.ask.log(after=self._place), LogRead)

    @on(LogRead)
    def show_lines(self, message: LogRead) -> None:
        batch = message.batch
        self._reading = False
        self._place, self._path = batch.place, str(batch.path)
        if batch.anew:
            self.view.clear()
        if batch.lines:
            self.view.add(batch.lines)
        self._tell()

    @on(AskFailed)
    def stop_reading(self) -> None:
        """Or the error would come back ten times a second; `f` tries again."""
        self._reading = self._follows = False
        self._place = max(self._place, 0)
        self._tell()

    def _tell(self) -> None:
        shown, whole = self.view.count
        lines = f"{whole} lines" if shown == whole else f"{shown} of {whole} lines"
        words = [
            lines,
            "follows" if self._follows else "does not follow",
            f"level: {self._level}",
            *([f"only: {self._only}"] if self._only else []),
            *(["wrapped"] if self.view.wrap else []),
            self._path,
        ]
        self.query_one("#log-state", Static).update(" · ".join(words))

    # keys

    def action_follow(self) -> None:
        self._follows = not self._follows
        if self._follows:
            self.view.scroll_end(animate=False)
        self._tell()

    def action_wrap(self) -> None:
        self.view.wrap = not self.view.wrap
        self._tell()

    def action_level(self) -> None:
        names = list(_LEVELS)
        self._level = names[(names.index(self._level) + 1) % len(names)]
        self._arrange()

    def action_only(self) -> None:
        self.query_one("#only", FilterBar).open()

    @on(FilterBar.Changed)
    def take_only(self, message: FilterBar.Changed) -> None:
        if message.sign == "&":
            self._only = message.text
            self._arrange()

    def filtered(self, text: str) -> None:
        self.view.seek(text)

    def _arrange(self) -> None:
        self.view.show_only(self._only, _LEVELS[self._level])
        self._tell()

    def match(self, step: int) -> None:
        if not self.view.go(step):
            self.notify("not found", severity="warning")

    def copied(self) -> str:
        return "\n".join(self.view.texts)
