"""Lines of a log: only those that are on the screen are drawn, so tens of thousands are no more work than twenty."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from dbxwizard.screens.widgets import SCROLLING

_MOST = 50_000  # lines that are held; the file has them all
_TAB = 4
# The day, and what all lines have: left out where they are read, the file has it.
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d),(\d)\d\d (\w+) (?:dbxwizard\.)?([\w.]+): ")
_COLOURS = {"WARNING": "warning", "ERROR": "error", "CRITICAL": "error"}


class LogView(ScrollView, can_focus=True):
    """`add` appends; a reader who scrolled up stays where they are."""

    BINDINGS: ClassVar[list[BindingType]] = [*SCROLLING]

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[str, str]] = []
        self._shown: list[int] = []  # places in _lines
        self._ends: list[int] = []  # the row after each shown line, when wrapped
        self._widest = 0
        self._wrap = False
        self._levels: frozenset[str] | None = None
        self._only = self._sought = ""
        self._found = -1  # place in _shown
        self._at_end = True  # until somebody scrolls up; the size alone can't tell before there is one
        self._strips: LRUCache[tuple[int, int, int], Strip] = LRUCache(2000)

    # what there is

    def add(self, lines: Iterable[tuple[str, str]]) -> None:
        """Level and text of each."""
        first = len(self._lines)
        self._lines += [(level, _STAMP.sub(_short, text.expandtabs(_TAB))) for level, text in lines]
        if len(self._lines) > _MOST:
            self._lines = self._lines[-_MOST:]
            self._arrange()
        else:
            self._append(range(first, len(self._lines)))
        if self._at_end:  # force: the scrollbar, without which nothing scrolls, comes only with the next frame
            self.scroll_end(animate=False, force=True)

    def clear(self) -> None:
        self._lines.clear()
        self._arrange()

    @property
    def count(self) -> tuple[int, int]:
        """Lines that are shown, and all."""
        return len(self._shown), len(self._lines)

    @property
    def texts(self) -> Sequence[str]:
        """Those that are shown."""
        return [self._lines[place][1] for place in self._shown]

    # how it is shown

    @property
    def wrap(self) -> bool:
        return self._wrap

    @wrap.setter
    def wrap(self, wrap: bool) -> None:
        at_end, first = self._at_end, self._line_at(self.scroll_offset.y)
        self._wrap = wrap
        self._arrange()
        if at_end:
            self.scroll_end(animate=False, force=True)
        else:
            self.scroll_to(y=self._row_of(min(first, max(len(self._shown) - 1, 0))), animate=False, force=True)

    def show_only(self, text: str, levels: frozenset[str] | None) -> None:
        """Lines that hold `text`, case aside, and have one of the levels (None: any)."""
        self._only, self._levels = text.lower(), levels
        self._arrange()

    def seek(self, text: str) -> None:
        """Marks `text`, case aside, and goes to the next line that has it."""
        self._sought, self._found = text.lower(), -1
        self._strips.clear()
        self.refresh()
        if text:
            self.go(1)

    def go(self, step: int) -> bool:
        """To the next (1) or previous (-1) line that has what is sought, round at the ends; whether there is one."""
        if not self._sought or not self._shown:
            return False
        here = self._found if self._found >= 0 else self._line_at(self.scroll_offset.y) - (step > 0)
        count = len(self._shown)
        for distance in range(1, count + 1):
            place = (here + step * distance) % count
            if self._sought in self._lines[self._shown[place]][1].lower():
                self._found = place
                self._strips.clear()
                self.scroll_to(y=max(self._row_of(place) - self.size.height // 3, 0), animate=False, force=True)
                self.refresh()
                return True
        return False

    # rows

    def _arrange(self) -> None:
        self._shown, self._ends, self._widest, self._found = [], [], 0, -1
        self._append(range(len(self._lines)))

    def _append(self, places: Iterable[int]) -> None:
        new = [place for place in places if self._is_wanted(*self._lines[place])]
        self._shown += new
        lengths = [len(self._lines[place][1]) for place in new]
        self._widest = max((self._widest, *lengths))
        if self._wrap:
            width = self._width
            heights = (max(-(-length // width), 1) for length in lengths)
            last = self._ends[-1] if self._ends else 0
            self._ends += list(accumulate(heights, initial=last))[1:]
        rows = (self._ends[-1] if self._ends else 0) if self._wrap else len(self._shown)
        self._strips.clear()
        self.virtual_size = Size(0 if self._wrap else self._widest, rows)
        self.refresh()

    def _is_wanted(self, level: str, text: str) -> bool:
        return (self._levels is None or level in self._levels) and self._only in text.lower()

    @property
    def _width(self) -> int:
        return max(self.scrollable_content_region.width, 10)

    def on_resize(self, event: Resize) -> None:
        if self._wrap:
            self._arrange()
        if self._at_end:
            self.scroll_end(animate=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.size.height:
            self._at_end = self.is_vertical_scroll_end

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    def _line_at(self, row: int) -> int:
        return bisect_right(self._ends, row) if self._wrap else row

    def _row_of(self, place: int) -> int:
        return (self._ends[place - 1] if place else 0) if self._wrap else place

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        place, width = self._line_at(top + y), self.size.width
        if place >= len(self._shown):
            return Strip.blank(width, self.rich_style)
        start = (top + y - self._row_of(place)) * self._width if self._wrap else left
        key = (place, start, width)
        if key not in self._strips:
            self._strips[key] = self._drawn(place, start, width)
        return self._strips[key]

    def _drawn(self, place: int, start: int, width: int) -> Strip:
        level, text = self._lines[self._shown[place]]
        end = start + (self._width if self._wrap else width)
        line = Text(text, no_wrap=True, end="")
        line.stylize(self._style(level))  # a style of the whole Text is not drawn where it has no other
        if self._sought:
            here = Style(reverse=True, bold=place == self._found, underline=place == self._found)
            found = text.lower().find(self._sought)
            while found >= 0:
                line.stylize(here, found, found + len(self._sought))
                found = text.lower().find(self._sought, found + len(self._sought))
        segments = list(line[start:end].render(self.app.console)) if start < len(text) else [Segment("")]
        return Strip(segments).apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)

    def _style(self, level: str) -> str:
        return self.app.theme_variables.get(_COLOURS.get(level, ""), "")


def _short(stamp: re.Match[str]) -> str:
    at, tenth, level, name = stamp.groups()
    return f"{at}.{tenth} {'' if level == 'INFO' else level + ' '}{name}: "
