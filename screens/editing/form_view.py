"""A parameter file as a form: one line for each field; only the visible ones are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from dbxwizard.parameters.editing.form import Row, State, rows
from dbxwizard.parameters.editing.paths import FieldPath
from dbxwizard.parameters.nodes import Node
from dbxwizard.screens.editing.styles import ink, paper

_STATES = {State.DEFAULT: "default", State.MISSING: "missing", State.UNKNOWN: "unknown key"}
_LABELS = 30  # columns that labels may take


class FormView(ScrollView, can_focus=True):
    """`show` gives it a tree; the cursor stays at its field. `Moved` tells where it went."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"form-view--{part}" for part in ("cursor", "label", "value", "quiet", "missing", "error", "warning"))
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.choose", "Edit"),
        Binding("space", "screen.switch", "Switch", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "move(-1000000)", "First", show=False),
        Binding("end,G", "move(1000000)", "Last", show=False),
        Binding("right,l", "open", "Open", show=False),
        Binding("left,h", "close", "Close", show=False),
        Binding("a,plus,insert", "screen.add", "Add"),
        Binding("d", "screen.duplicate", "Duplicate", show=False),
        Binding("delete,backspace", "screen.take_out", "Take out", show=False),
        Binding("K,shift+up", "screen.move(-1)", "Move up", show=False),
        Binding("J,shift+down", "screen.move(1)", "Move down", show=False),
        Binding("o", "every", "All fields, set or not", show=False),
        Binding("e", "screen.next_problem(1)", "Next problem", show=False),
        Binding("E", "screen.next_problem(-1)", "Previous problem", show=False),
        Binding("f", "screen.fix", "Fix"),
        Binding("F", "screen.fix_all", "Rewrite all old forms", show=False),
        Binding("u", "screen.undo", "Undo"),
        Binding("U", "screen.redo", "Redo", show=False),
        Binding("s", "screen.save", "Save", show=False),
    ]

    place: reactive[int] = reactive(0, always_update=True)

    class Moved(Message):
        """The cursor is at another field."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._root: Node | None = None
        self._opened: set[FieldPath] = set()
        self._every = False
        self._marks: Mapping[FieldPath, str] = {}
        self._stale = False

    # what is shown

    def show(self, root: Node | None, marks: Mapping[FieldPath, str], *, stale: bool = False) -> None:
        """A tree and the worst severity at each path. `stale`: the text is broken, and this is how it was before."""
        path = self.current.path if self.current else ()
        self._root, self._marks, self._stale = root, marks, stale
        self._fill(path)

    def _fill(self, path: FieldPath) -> None:
        self.rows = rows(self._root, self._opened, every=self._every)
        self.virtual_size = Size(0, len(self.rows))
        self.set_reactive(FormView.place, self._nearest(path))
        self._reveal()
        self.refresh()

    def _nearest(self, path: FieldPath) -> int:
        """The row of a path, or of what it is in."""
        places = {row.path: place for place, row in enumerate(self.rows)}
        found = (places.get(path[:depth]) for depth in range(len(path), 0, -1))
        return next((place for place in found if place is not None), min(self.place, max(len(self.rows) - 1, 0)))

    @property
    def current(self) -> Row | None:
        return self.rows[self.place] if self.place < len(self.rows) else None

    def go_to(self, path: FieldPath) -> None:
        """Opens what a field is in and puts the cursor there, without a word to anybody."""
        above = {path[:depth] for depth in range(1, len(path))}
        if above <= self._opened and self.current and self.current.path == path:
            return
        self._opened |= above
        self._fill(path)

    def restart(self) -> None:
        """Another file: everything closed, the cursor at the top."""
        self._opened.clear()
        self.set_reactive(FormView.place, 0)
        self.scroll_to(y=0, animate=False)

    # moving

    def validate_place(self, place: int) -> int:
        return max(0, min(place, len(self.rows) - 1))

    def watch_place(self) -> None:
        self._reveal()
        self.refresh()
        if self.current:
            self.post_message(self.Moved(self.current))

    def _reveal(self) -> None:
        self.scroll_to_region(Region(0, self.place, 1, 1), animate=False, force=True)

    def action_move(self, by: int) -> None:
        self.place += by

    def action_page(self, by: int) -> None:
        self.place += by * max(1, self.size.height - 1)

    def action_open(self) -> None:
        row = self.current
        if row and row.is_container and row.path not in self._opened:
            self._opened.add(row.path)
            self._fill(row.path)
        else:
            self.action_move(1)

    def action_close(self) -> None:
        row = self.current
        if row and row.path in self._opened:
            self._opened.discard(row.path)
            self._fill(row.path)
        elif row and len(row.path) > 1:
            self.place = self._nearest(row.path[:-1])

    def is_open(self, row: Row) -> bool:
        return row.path in self._opened

    def flip(self) -> None:
        """Opens or closes what the cursor is at."""
        row = self.current
        if row and row.path in self._opened:
            self.action_close()
        elif row:
            self._opened.add(row.path)
            self._fill(row.path)

    def action_every(self) -> None:
        self._every = not self._every
        self._fill(self.current.path if self.current else ())
        self.notify("all fields" if self._every else "fields that are set", timeout=2)

    # the mouse

    def on_click(self, event: events.Click) -> None:
        place = event.y + self.scroll_offset.y
        if place >= len(self.rows):
            return
        again = place == self.place
        self.place = place
        row = self.rows[place]
        if row.is_container and event.x < 4 + 2 * row.depth:
            self.flip()
        elif again or event.chain > 1:
            self.app.call_later(self.run_action, "screen.choose")

    def on_resize(self) -> None:
        self.virtual_size = Size(0, len(self.rows))
        self.call_after_refresh(self._reveal)

    # looks

    def render_line(self, y: int) -> Strip:
        place = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if place >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        text = self._line(self.rows[place], width)
        if place == self.place:
            text.stylize(paper(self, "form-view--cursor") if self.has_focus else Style(underline=True))
        text.truncate(width, overflow="ellipsis", pad=True)
        return Strip(text.render(self.app.console), width).apply_style(self.rich_style)

    def _line(self, row: Row, width: int) -> Text:
        severity = self._marks.get(row.path, "")
        sign = {"error": "✗ ", "warning": "! "}.get(severity, "  ")
        fold = ("▾ " if row.path in self._opened else "▸ ") if row.is_container else "  "
        labels = min(_LABELS, width // 2)
        label = Text(f"{'  ' * row.depth}{fold}{row.label}", self._style("label") if row.node else self._style("quiet"))
        label.truncate(max(labels - 3, 4), overflow="ellipsis", pad=True)
        return Text.assemble((sign, self._style(severity) if severity else Style()), label, " ", self._value(row))

    def _value(self, row: Row) -> Text:
        word = _STATES.get(row.state, "")
        if self._stale and row.node:
            return Text(row.value, self._style("quiet"))
        if not word:
            return Text(row.value, self._style("quiet" if row.is_container and not row.is_item else "value"))
        style = self._style("missing" if row.state is not State.DEFAULT else "quiet")
        return Text(f"{row.value} ({word})" if row.value else f"({word})", style)

    def _style(self, part: str) -> Style:
        return ink(self, f"form-view--{part}")
