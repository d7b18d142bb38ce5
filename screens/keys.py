"""The keys of the screen that one is on."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Label

from dbxwizard.screens.modes import MODES, WIZARD
from dbxwizard.screens.widgets import Table

_TEXTUALS = ("app.focus_next", "app.focus_previous", "screen.copy_text")  # what every screen of Textual has


class KeysPanel(ModalScreen[None]):
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

    def on_mount(self) -> None:
        table = self.query_one(Table)
        for key, does in self._rows.items():
            table.add_row(key, does, key=key)
        table.focus()


def _rows(screen: Screen[Any]) -> dict[str, str]:
    """What each key does: those of `screen`, then the modes, last how one moves; keys of one action on one line."""
    own: dict[str, list[str]] = {}
    moving: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    for node, binding, enabled, _ in screen.active_bindings.values():
        if enabled and binding.description and not binding.action.startswith("go("):
            group = own if node in (screen, screen.app) and binding.action not in _TEXTUALS else moving
            group.setdefault(binding.action, []).append(screen.app.get_key_display(binding))
            words[binding.action] = binding.description
    modes = {f"go {mode.name}": [mode.key] for mode in (WIZARD, *MODES)}
    words |= {f"go {mode.name}": f"Go to {mode.title}" for mode in (WIZARD, *MODES)}
    return {", ".join(dict.fromkeys(keys)): words[action] for action, keys in (own | modes | moving).items()}
