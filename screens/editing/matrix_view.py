"""All environments side by side; only the visible lines are drawn."""

from __future__ import annotations

from collections.abc import Sequence
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

from dbxwizard.parameters.editing.matrix import Cell, Key, MatrixRow
from dbxwizard.screens.editing.styles import ink, paper

_LABELS = 32  # columns that labels may take
_NARROWEST = 13  # columns of an environment


class MatrixView(ScrollView, can_focus=True):
    """A cursor on one value of one environment. The first line has the names."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"matrix-view--{part}" for part in ("head", "cursor", "line", "differs", "same", "quiet"))
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.choose", "Edit"),
        Binding("space", "screen.flip", "Open or close", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("left,h", "side(-1)", "Left", show=False),
        Binding("right,l", "side(1)", "Right", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "move(-1000000)", "First", show=False),
        Binding("end,G", "move(1000000)", "Last", show=False),
        Binding("c", "screen.copy_to", "Copy to others"),
        Binding("o", "screen.differences", "Only differences"),
        Binding("u", "screen.undo", "Undo"),
        Binding("s", "screen.save", "Save", show=False),
    ]

    place: reactive[int] = reactive(0, always_update=True)
    column: reactive[int] = reactive(0, always_update=True)

    class Moved(Message):
        """The cursor is at another value."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[MatrixRow] = ()
        self._names: Sequence[str] = ()
        self._opened: frozenset[Key] = frozenset()
        self._first = 0  # the first environment that is shown

    def show(self, names: Sequence[str], rows: Sequence[MatrixRow], opened: frozenset[Key]) -> None:
        key = self.current.key if self.current else ()
        self._names, self.rows, self._opened = names, rows, opened
        self.virtual_size = Size(0, len(rows) + 1)
        keys = {row.key: place for place, row in enumerate(rows)}
        found = (keys.get(key[:depth]) for depth in range(len(key), 0, -1))
        self.place = next((place for place in found if place is not None), self.place)

    @property
    def current(self) -> MatrixRow | None:
        return self.rows[self.place] if self.place < len(self.rows) else None

    @property
    def cell(self) -> Cell | None:
        return self.current.cells[self.column] if self.current else None

    # moving

    def validate_place(self, place: int) -> int:
        return max(0, min(place, len(self.rows) - 1))

    def validate_column(self, column: int) -> int:
        return max(0, min(column, len(self._names) - 1))

    def watch_place(self) -> None:
        # The names stay at the top: a line under them must not be hidden by them.
        self.scroll_to_region(Region(0, self.place, 1, 2), animate=False, force=True)
        self._moved()

    def watch_column(self) -> None:
        shown = self._shown()
        if self.column < self._first:
            self._first = self.column
        elif self.column >= self._first + shown:
            self._first = self.column - shown + 1
        self._moved()

    def _moved(self) -> None:
        self.refresh()
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        self.place += by

    def action_side(self, by: int) -> None:
        self.column += by

    def action_page(self, by: int) -> None:
        self.place += by * max(1, self.size.height - 2)

    def on_click(self, event: events.Click) -> None:
        if event.y == 0 or event.y - 1 + self.scroll_offset.y >= len(self.rows):
            return
        place, column = event.y - 1 + self.scroll_offset.y, self.column
        if event.x >= self._label_width():
            column = self._first + (event.x - self._label_width()) // self._width()
        again = (place, column) == (self.place, self.column)
        self.place, self.column = place, column
        if again or event.chain > 1:
            self.app.call_later(self.run_action, "screen.choose")

    def on_resize(self) -> None:
        self.call_after_refresh(self.watch_column)

    # looks

    def _label_width(self) -> int:
        return min(_LABELS, self.size.width // 3)

    def _shown(self) -> int:
        """How many environments there is room for."""
        room = self.scrollable_content_region.width - self._label_width()
        return max(1, min(len(self._names) or 1, room // _NARROWEST))

    def _width(self) -> int:
        return max(1, (self.scrollable_content_region.width - self._label_width()) // self._shown())

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        place = y - 1 + self.scroll_offset.y
        if y == 0:
            text = self._head()
        elif place < len(self.rows):
            text = self._line(self.rows[place], here=place == self.place)
        else:
            return Strip.blank(width, self.rich_style)
        text.truncate(width, overflow="crop", pad=True)
        return Strip(text.render(self.app.console), width).apply_style(self.rich_style)

    def _head(self) -> Text:
        columns = range(self._first, self._first + self._shown())
        more = len(self._names) - self._shown()
        label = f"{self._first + 1}–{columns.stop} of {len(self._names)}" if more > 0 else ""
        names = (_padded(Text(self._names[column]), self._width()) for column in columns if column < len(self._names))
        text = Text.assemble(_padded(Text(label), self._label_width()), *names)
        text.stylize(paper(self, "matrix-view--head"))
        return text

    def _line(self, row: MatrixRow, *, here: bool) -> Text:
        fold = ("▾ " if row.key in self._opened else "▸ ") if row.is_container else "  "
        sign = "≠ " if row.differs else "= "
        style = self._style("differs" if row.differs else "same")
        label = Text.assemble((sign, style), f"{'  ' * row.depth}{fold}{row.label}")
        cells = []
        for column in range(self._first, self._first + self._shown()):
            cell = _padded(self._cell(row, row.cells[column]), self._width())
            if here and column == self.column:
                cell.stylize(paper(self, "matrix-view--cursor") if self.has_focus else Style(underline=True))
            cells.append(cell)
        text = Text.assemble(_padded(label, self._label_width()), *cells)
        if here:
            text.stylize_before(paper(self, "matrix-view--line"))
        return text

    def _cell(self, row: MatrixRow, cell: Cell) -> Text:
        if cell.is_set:
            return Text(cell.text, self._style("quiet") if row.is_container else Style())
        return Text(f"{cell.text} (default)" if cell.text else "–", self._style("quiet"))

    def _style(self, part: str) -> Style:
        return ink(self, f"matrix-view--{part}")


def _padded(text: Text, width: int) -> Text:
    """With a blank behind it."""
    text.truncate(max(width - 1, 1), overflow="ellipsis", pad=True)
    return text.append(" ")
