"""Lists, tables and trees with the keys of vim beside the arrows, and dialogs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from rich.table import Table as Grid
from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.message import Message
from textual.widgets import DataTable, OptionList, Static, Tree
from textual.widgets.data_table import ColumnKey
from textual.widgets.option_list import Option

NodeT = TypeVar("NodeT")

_LITTLE = 60  # columns

_UP_AND_DOWN: tuple[BindingType, ...] = (
    Binding("j", "cursor_down", "Down", show=False),
    Binding("k", "cursor_up", "Up", show=False),
)

SCROLLING: tuple[BindingType, ...] = (
    Binding("j", "scroll_down", "Down", show=False),
    Binding("k", "scroll_up", "Up", show=False),
    Binding("h", "scroll_left", "Left", show=False),
    Binding("l", "scroll_right", "Right", show=False),
    Binding("g", "scroll_home", "First", show=False),
    Binding("G", "scroll_end", "Last", show=False),
)


class Table(DataTable[Any]):
    """Rows by key, one cursor for the whole row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_UP_AND_DOWN,
        Binding("h", "cursor_left", "Left", show=False),
        Binding("l", "cursor_right", "Right", show=False),
        Binding("g", "scroll_top", "First", show=False),
        Binding("G", "scroll_bottom", "Last", show=False),
    ]

    def __init__(self, *columns: str, id: str | None = None) -> None:  # noqa: A002  as Textual names it
        super().__init__(cursor_type="row", zebra_stripes=True, id=id)
        self._columns_wanted = columns

    def on_mount(self) -> None:
        self.set_up()

    def set_up(self) -> None:
        """Once it is mounted; Textual calls `on_mount` of every class, this one is overridden."""
        for column in self._columns_wanted:
            self.add_column(column, key=column)

    @property
    def current(self) -> str:
        """The key of the row under the cursor; "" in an empty table."""
        if not self.row_count:
            return ""
        return str(self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value)

    def put(self, row: str, column: str | ColumnKey, value: Text) -> None:
        """Writes a cell where it differs. A column becomes wider with it, never narrower: for that Textual measures all
        its rows, for each cell, which takes a second for two hundred."""
        if not _same(self.get_cell(row, column), value):
            held = self.columns[ColumnKey(column) if isinstance(column, str) else column]
            self.update_cell(row, column, value, update_width=held.auto_width and value.cell_len > held.content_width)

    def put_row(self, row: str, cells: Iterable[Text]) -> None:
        """As `put`, for all columns."""
        for column, cell in zip(self.columns, cells, strict=True):
            self.put(row, column, cell)


def _same(one: Text, other: Text) -> bool:
    """Also in colour: to Rich texts of other styles are equal, and a new theme would change nothing."""
    return one == other and one.style == other.style


class Steady(Static):
    """Text in a place whose size its style says: to lay out the screen anew for each change takes 10 ms."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002  as Textual names it
        super().__init__("", id=id, markup=False)
        self._shown = Text()

    def show(self, text: Text) -> None:
        if not _same(text, self._shown):
            self._shown = text
            self.update(text, layout=False)


class FittedTable(Table):
    """Shows those of its columns that there is room for; enter opens a row (`action_open` of its screen).

    `columns`: from which width of the screen on which ones, the widest first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.open", "Open")]

    def __init__(self, columns: Mapping[int, Sequence[str]], id: str | None = None) -> None:  # noqa: A002  as Textual names it
        super().__init__(id=id)
        self._by_width = columns
        self._shown: Sequence[str] = ()
        self._wanted: Mapping[str, Mapping[str, Text]] = {}

    def show(self, rows: Mapping[str, Mapping[str, Text]]) -> None:
        """Rows by their keys, each with a cell for every column; the cursor stays where it was.

        Where no row comes or goes only cells that differ are written.
        """
        self._wanted = rows
        if list(rows) == [str(key.value) for key in self.rows]:
            for key, cells in rows.items():
                for column in self._shown:
                    self.put(key, column, cells[column])
            return
        here = self.current
        self.clear()
        for key, cells in rows.items():
            self.add_row(*(cells[column] for column in self._shown), key=key)
        if here in self.rows:
            self.move_cursor(row=self.get_row_index(here))

    def on_resize(self) -> None:
        wanted = next(columns for least, columns in self._by_width.items() if self.app.size.width >= least)
        if wanted == self._shown:
            return
        here, self._shown = self.current, wanted
        self.clear(columns=True)
        for column in wanted:
            self.add_column(column, key=column)
        self.show(self._wanted)
        if here in self.rows:
            self.move_cursor(row=self.get_row_index(here))


class WrappedTable(Table):
    """A table whose columns share the width that is there, in proportion; long cells go on below.

    Where there is little width all of a row stands in one column.
    """

    def __init__(self, columns: Mapping[str, int], id: str | None = None) -> None:  # noqa: A002  as Textual names it
        super().__init__(id=id)
        self._shares = columns
        self._rows_wanted: list[tuple[str, Sequence[Text]]] = []
        self._width = 0

    def show(self, rows: Iterable[tuple[str, Sequence[Text]]], columns: Mapping[str, int] | None = None) -> None:
        """Each a key and its cells, of which those beyond the `columns` are left out; the cursor stays where it was."""
        self._rows_wanted = list(rows)
        self._shares = columns or self._shares
        self._draw()

    def put(self, row: str, column: str | ColumnKey, value: Text) -> None:
        """Nothing where it has no column of its own."""
        if column in self.columns:
            super().put(row, column, value)

    def on_resize(self) -> None:
        if self.size.width != self._width:
            self._width = self.size.width
            self._draw()

    def _draw(self) -> None:
        place = self.cursor_row
        self.clear(columns=True)
        spare = self._width - 2 * len(self._shares) * self.cell_padding - 2  # 2: the scrollbar
        if spare <= 0:
            return
        for name, share in self._columns(spare).items():
            self.add_column(name, key=name, width=max(4, share))
        for key, cells in self._rows_wanted:
            self.add_row(*self._row(cells), key=key, height=None)
        self.move_cursor(row=place)

    def _row(self, cells: Sequence[Text]) -> Sequence[Text]:
        shown = cells[: len(self._shares)]
        if self._width < _LITTLE:
            return [Text("\n").join(cell for cell in shown if cell.plain)]
        return shown

    def _columns(self, spare: int) -> dict[str, int]:
        if self._width < _LITTLE:
            return {", ".join(self._shares): spare + 2 * (len(self._shares) - 1) * self.cell_padding}
        return {name: spare * share // sum(self._shares.values()) for name, share in self._shares.items()}


class Checklist(Table):
    """Rows that are chosen by space, enter or a click: `[x]` says which, so that no colour has to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "choose_row", "Choose"),
        Binding("a", "choose_all", "All or none"),
    ]

    def __init__(self, items: Mapping[str, Text], id: str | None = None) -> None:  # noqa: A002  as Textual names it
        super().__init__("chosen", "name", id=id)
        self.show_header = False
        self._items = items
        self._chosen: set[str] = set()

    def set_up(self) -> None:
        super().set_up()
        for key, label in self._items.items():
            self.add_row(_box(False), label, key=key)

    @property
    def chosen(self) -> list[str]:
        """The keys of what is chosen, in their order."""
        return [key for key in self._items if key in self._chosen]

    def choose(self, keys: Iterable[str]) -> None:
        self._chosen = set(keys)
        for key in self._items:
            self.update_cell(key, "chosen", _box(key in self._chosen))

    def on_click(self, event: events.Click) -> None:
        """One click chooses: a table by itself wants a first one, which moves its cursor to the cell."""
        row, column = event.style.meta.get("row", -1), event.style.meta.get("column", -1)
        if row >= 0 and column >= 0:
            self.cursor_coordinate = Coordinate(row, column)

    def action_choose_row(self) -> None:
        self.choose(self._chosen ^ {self.current})

    def action_choose_all(self) -> None:
        self.choose(self._items if len(self._chosen) < len(self._items) else ())

    @on(DataTable.RowSelected)
    def _clicked(self, event: DataTable.RowSelected) -> None:
        """Only a click comes here: enter is a key of ours."""
        event.stop()
        self.action_choose_row()


def _box(chosen: bool) -> Text:
    return Text("[x]" if chosen else "[ ]")


class Choices(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        *_UP_AND_DOWN,
        Binding("g", "first", "First", show=False),
        Binding("G", "last", "Last", show=False),
    ]


Line: TypeAlias = tuple[Text, Text]  # a sign, and what it is about


def hanging(lines: Iterable[Line]) -> Grid:
    """The lines below each other, the texts in a column of their own, so that they wrap beside their signs."""
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for sign, text in lines:
        grid.add_row(sign, text)
    return grid


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to decide: what it is called, and in a sentence what follows of it."""

    value: str
    title: str
    words: str = ""


class Decision(Choices):
    """One of a few choices, each with its words below; enter, space and a click decide."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "select", "Choose", show=False)]

    class Made(Message):
        def __init__(self, decision: Decision, value: str) -> None:
            super().__init__()
            self.decision, self.value = decision, value

        @property
        def control(self) -> Decision:
            return self.decision

    def __init__(self, id: str | None = None) -> None:  # noqa: A002  as Textual names it
        super().__init__(id=id, compact=True)
        self._choices: tuple[Choice, ...] = ()
        self.value = ""

    def offer(self, choices: Iterable[Choice], value: str) -> None:
        """Shows `choices`, of which `value` is decided; the cursor stays where it was."""
        kept = self.highlighted
        self._choices, self.value = tuple(choices), value
        self.set_options([Option(self._prompt(one), one.value or "-") for one in self._choices])
        decided = [one.value for one in self._choices].index(value) if self._has(value) else 0
        self.highlighted = min(kept, len(self._choices) - 1) if kept is not None else decided

    def _has(self, value: str) -> bool:
        return any(one.value == value for one in self._choices)

    def _prompt(self, one: Choice) -> Text:
        sign = "● " if one.value == self.value else "○ "
        words = f"\n  {one.words}" if one.words else ""
        chosen = "  (chosen)" if one.value == self.value else ""
        return Text.assemble((f"{sign}{one.title}{chosen}", "bold" if chosen else ""), (words, "dim"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        value = self._choices[event.option_index].value
        if value != self.value:
            self.offer(self._choices, value)
            self.post_message(self.Made(self, value))


class Branches(Tree[NodeT], Generic[NodeT]):
    BINDINGS: ClassVar[list[BindingType]] = [
        *_UP_AND_DOWN,
        Binding("h", "cursor_parent", "To the parent", show=False),
        Binding("l", "toggle_node", "Open or close", show=False),
        Binding("g", "scroll_home", "First", show=False),
        Binding("G", "scroll_end", "Last", show=False),
    ]
