"""Where somebody is on the screen, for the cursor of the terminal: a screen reader reads the line that it stands in."""

from __future__ import annotations

from textual.geometry import Offset
from textual.widget import Widget
from textual.widgets import DataTable, Input, OptionList, TextArea, Tree

SHOWN = "\x1b[?25h"  # DECTCEM: the cursor is visible


def place_of(focused: Widget | None) -> Offset | None:
    """The screen's column and row of what the keys act on; None where nothing has the focus."""
    if focused is None:
        return None
    if isinstance(focused, Input | TextArea):
        return focused.cursor_screen_offset
    region = focused.content_region
    line = min(max(_line(focused) - focused.scroll_offset.y, 0), max(region.height - 1, 0))
    return Offset(region.x, region.y + line)


def _line(focused: Widget) -> int:
    """The line under the widget's own cursor, of all that it has."""
    if isinstance(focused, DataTable) and focused.row_count:
        return focused._get_row_region(focused.cursor_row).y  # no public way tells it
    if isinstance(focused, OptionList) and focused.highlighted is not None:
        return focused._index_to_line.get(focused.highlighted, 0)
    return focused.cursor_line if isinstance(focused, Tree) else focused.scroll_offset.y
