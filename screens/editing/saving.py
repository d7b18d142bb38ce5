"""What is asked before a file is written, and where somebody else has written it."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Label, Static

from dbxwizard.parameters.editing.merging import Conflict, Side
from dbxwizard.parameters.editing.paths import title
from dbxwizard.screens.dialogs import Dialog

_STYLES = {"+": "green", "-": "red", "@": "dim"}
_LONGEST = 12  # lines of each side of a conflict


class DiffDialog(Dialog[bool]):
    """What saving would change; True to save."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(False)", "Cancel"),
        Binding("s", "answer(True)", "Save", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, diff: str, note: str = "") -> None:
        super().__init__()
        self._diff, self._note = diff, note

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Label("Save these changes?", id="title")
            yield Static(self._note, id="note", markup=False)
            with VerticalScroll(id="diff", can_focus=False):
                yield Static(_coloured(self._diff))
            with Horizontal(id="answers"):
                yield Button("Save", id="save", variant="primary", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        self.query_one("#note").display = bool(self._note)
        self.query_one("#save").focus()

    def action_scroll(self, by: int) -> None:
        self.query_one("#diff").scroll_relative(y=by, animate=False)

    def action_answer(self, save: bool) -> None:
        self.dismiss(save)

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "save")


def _coloured(diff: str) -> Text:
    lines = (Text(line, _STYLES.get(line[:1], "")) for line in diff.splitlines())
    return Text("\n").join(lines)


class ConflictDialog(Dialog[Side | None]):
    """One place that both changed; None to decide later."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer('')", "Later"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, name: str, conflict: Conflict, place: str) -> None:
        super().__init__()
        self._name, self._conflict, self._place = name, conflict, place

    def compose(self) -> ComposeResult:
        conflict = self._conflict
        with VerticalScroll(id="dialog", can_focus=False):
            yield Label(f"{self._name}: both changed {title(conflict.path)}  {self._place}", id="title", markup=False)
            yield Static("Somebody else has written this file while it was being edited here.", markup=False)
            for word, text in (("before", conflict.base), ("yours", conflict.mine), ("on the disk", conflict.theirs)):
                yield Static(Text.assemble((f"{word}\n", "bold"), _short(text)), classes="side")
            with Horizontal(id="answers"):
                yield Button("Decide later", id="later", compact=True)
                yield Button("Keep yours", id=Side.MINE.value, compact=True)
                yield Button("Take theirs", id=Side.THEIRS.value, compact=True)
                if conflict.is_addition:
                    yield Button("Keep both", id=Side.BOTH.value, compact=True)

    def on_mount(self) -> None:
        self.query_one("#later").focus()

    def action_answer(self, side: str) -> None:
        self.dismiss(Side(side) if side else None)

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_answer("" if event.button.id == "later" else event.button.id or "")


def _short(text: str) -> str:
    lines = text.strip().splitlines() or ["(nothing)"]
    more = [f"… {len(lines) - _LONGEST} more lines"] if len(lines) > _LONGEST else []
    return "\n".join(f"  {line}" for line in (*lines[:_LONGEST], *more))
