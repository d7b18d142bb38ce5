"""Lists, tables and trees with the keys of vim beside the arrows, and dialogs."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.widgets import DataTable, OptionList, Tree

NodeT = TypeVar("NodeT")

_UP_AND_DOWN: tuple[BindingType, ...] = (
    Binding("j", "cursor_down", "Down", show=False),
    Binding("k", "cursor_up", "Up", show=False),
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
        for column in self._columns_wanted:
            self.add_column(column, key=column)

    @property
    def current(self) -> str:
        """The key of the row under the cursor; "" in an empty table."""
        if not self.row_count:
            return ""
        return str(self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value)


class Choices(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        *_UP_AND_DOWN,
        Binding("g", "first", "First", show=False),
        Binding("G", "last", "Last", show=False),
    ]


class Branches(Tree[NodeT], Generic[NodeT]):
    BINDINGS: ClassVar[list[BindingType]] = [
        *_UP_AND_DOWN,
        Binding("h", "cursor_parent", "To the parent", show=False),
        Binding("l", "toggle_node", "Open or close", show=False),
        Binding("g", "scroll_home", "First", show=False),
        Binding("G", "scroll_end", "Last", show=False),
    ]
