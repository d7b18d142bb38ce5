"""The keys of the screen that one is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Label

from dbxwizard.screens.dialogs import Dialog
from dbxwizard.screens.modes import MODES, WIZARD
from dbxwizard.screens.widgets import Table

# What every screen of Textual has, in our words.
_TEXTUALS = {
    "app.focus_next": "To the next control",
    "app.focus_previous": "To the control before",
    "screen.copy_text": "Copy what the mouse has marked",
}
_WORDS = _TEXTUALS | {"command_palette": "Command palette: all actions by name"}


class KeysPanel(Dialog[None]):
    """`?` opens and closes it; so does escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close"),
    ]

    def __init__(self, of: Screen[Any]) -> None:
        super().__init__()
        self._rows = _rows(of)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog"):
            yield Label("Keys", id="title")
            yield Table("key", "does")

    def on_click(self, event: events.Click) -> None:
        """Beside it: who has only a mouse closes it so."""
        if self.get_widget_at(event.screen_x, event.screen_y)[0] is self:
            self.dismiss()

    def on_mount(self) -> None:
        table = self.query_one(Table)
        for key, does in self._rows.items():
            table.add_row(key, does, key=key)
        table.focus()


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be done on a screen now, and with which keys."""

    node: DOMNode
    action: str
    words: str
    keys: tuple[str, ...]


def offers(screen: Screen[Any]) -> list[Offer]:
    """One for each action, whatever keys it has; going to a mode is none of the screen's own."""
    found: dict[tuple[DOMNode, str], Offer] = {}
    for node, binding, enabled, _ in screen.active_bindings.values():
        if not enabled or not binding.description or binding.action.startswith("go("):
            continue
        keys = found[node, binding.action].keys if (node, binding.action) in found else ()
        words = _WORDS.get(binding.action, binding.description)
        words = words.capitalize() if words.istitle() else words  # Textual writes "Scroll Up", we "Next match"
        keys = tuple(dict.fromkeys((*keys, screen.app.get_key_display(binding))))
        found[node, binding.action] = Offer(node, binding.action, words, keys)
    return list(found.values())


def _rows(screen: Screen[Any]) -> dict[str, str]:
    """What each key does: those of `screen`, then the modes, last how one moves; keys of one action on one line."""
    offered = offers(screen)
    owners = (screen, screen.app)
    own = {", ".join(one.keys): one.words for one in offered if one.node in owners and one.action not in _TEXTUALS}
    modes = {mode.key: f"Go to {mode.title}" for mode in (WIZARD, *MODES)}
    rest = {", ".join(one.keys): one.words for one in offered}
    return own | modes | {keys: words for keys, words in rest.items() if keys not in own}
