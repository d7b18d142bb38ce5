"""Choosing one of many: a list that is searched while one types."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from rich.table import Table as Grid
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label, Static
from textual.widgets.option_list import Option

from dbxwizard.screens.dialogs import Dialog
from dbxwizard.screens.one_line import OneLine
from dbxwizard.screens.widgets import Choices, hanging

ResultT = TypeVar("ResultT")
MOST = 100  # that are listed at once, for each key anew; more can only be found by typing


def holds(text: str, words: Sequence[str]) -> bool:
    """Whether every one of the words is in it, case aside."""
    return all(word.casefold() in text.casefold() for word in words)


class SearchDialog(Dialog[ResultT]):
    """A line to type in, and a list in which the arrows move meanwhile. Escape gives `nothing`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel"),
        Binding("down", "move('cursor_down')", "Down", show=False),
        Binding("up", "move('cursor_up')", "Up", show=False),
        Binding("pagedown", "move('page_down')", "Page down", show=False),
        Binding("pageup", "move('page_up')", "Page up", show=False),
    ]
    nothing: ResultT

    def action_move(self, action: str) -> None:
        for listed in self.query(Choices):
            getattr(listed, f"action_{action}")()

    def action_leave(self) -> None:
        self.dismiss(self.nothing)

    def on_click(self, event: events.Click) -> None:
        """Beside it: who has only a mouse chooses nothing so."""
        if self.get_widget_at(event.screen_x, event.screen_y)[0] is self:
            self.dismiss(self.nothing)


@dataclass(frozen=True, slots=True)
class Item:
    """`key` is what is chosen; `title` and `details` are searched too."""

    key: str
    title: str
    details: str = ""

    def has(self, words: Sequence[str]) -> bool:
        return holds(f"{self.title} {self.details} {self.key}", words)


class Picker(SearchDialog[str]):
    """Gives the key of what was chosen, "" for nothing.

    `by_hand`: what choosing something is called that is not in the list, where what was typed has the form `pattern`.
    """

    nothing = ""

    def __init__(
        self, title: str, items: Sequence[Item], current: str = "", *, by_hand: str = "", pattern: str = ".+"
    ) -> None:
        super().__init__()
        self._title, self._items, self._current = title, list(items), current
        self._by_hand, self._pattern = by_hand, pattern
        self._text = ""
        self._shown: list[Item] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="-tall"):
            yield Label(self._title, id="title", markup=False)
            yield OneLine(placeholder="type to search, enter chooses, esc cancels", compact=True)
            yield Choices(compact=True, markup=False)
            yield Static("", id="count", classes="words", markup=False)

    def on_mount(self) -> None:
        self._search("")
        place = next((place for place, one in enumerate(self._shown) if one.key == self._current), None)
        if place is not None:
            self.query_one(Choices).highlighted = place
        self.query_one(Input).focus()

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        self._search(event.value.strip())

    def _search(self, text: str) -> None:
        self._text = text
        found = [one for one in self._items if one.has(text.split())]
        typed = bool(self._by_hand) and re.fullmatch(self._pattern, text) is not None
        if typed and not any(one.key == text for one in found):
            found.append(Item(text, f"{self._by_hand}: {text}"))
        self._shown = found[:MOST]
        choices = self.query_one(Choices)
        choices.set_options(Option(self._prompt(one)) for one in self._shown)
        choices.highlighted = 0 if self._shown else None
        rest = f", {len(found) - MOST} more: type on" if len(found) > MOST else ""
        self.query_one("#count", Static).update(f"{len(self._shown)} shown, {len(self._items)} in all{rest}")

    def describe(self, details: Mapping[str, str]) -> None:
        """More about some of the items, by their keys, when it is known; the cursor stays where it is."""
        self._items = [replace(one, details=details.get(one.key, one.details)) for one in self._items]
        choices = self.query_one(Choices)
        kept = choices.highlighted
        self._search(self._text)
        choices.highlighted = kept

    def _prompt(self, one: Item) -> Grid:
        sign = "●" if one.key == self._current else "○"
        return hanging([(Text(sign), Text.assemble(one.title, (f"  {one.details}" if one.details else "", "dim")))])

    @on(Input.Submitted)
    def choose_highlighted(self) -> None:
        place = self.query_one(Choices).highlighted
        if place is not None:
            self.dismiss(self._shown[place].key)

    @on(Choices.OptionSelected)
    def choose(self, event: Choices.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index].key)
