"""A job's log, of any size: what is on the screen is read from its file when it is drawn, nothing else is held."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events, work
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from dbxwizard.backend.console.job_log import Group, LogFile, plain, stamped
from dbxwizard.screens.widgets import SCROLLING

_PAGE = 128  # lines that are read at a time
_PAGES = 32  # that are held
_PACE = 0.05  # seconds between two looks at a file that grows
_LOOKS = 2  # at one time: some 10 ms
_TAB = 4
# GitHub's marks at the start of a line: what stands in their place, and the colour of the line.
_MARKS = {
    "##[error]": ("✗ ", "error"),
    "##[warning]": ("! ", "warning"),
    "##[notice]": ("· ", "secondary"),
    "##[section]": ("", "success"),
    "##[debug]": ("", ""),
    "##[command]": ("$ ", "secondary"),
    "[command]": ("$ ", "secondary"),
    "##[endgroup]": ("", ""),
}


class JobLogView(ScrollView, can_focus=True):
    """`open` shows a file; Changed tells that there is more of it, or that it is shown in another way."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *SCROLLING,
        Binding("enter", "fold_here", "Fold this group", show=False),
    ]

    class Changed(Message):
        """`searched`: a search has ended; `found`: it found something."""

        def __init__(self, *, searched: bool = False, found: bool = False) -> None:
            super().__init__()
            self.searched, self.found = searched, found

    def __init__(self) -> None:
        super().__init__()
        self.file: LogFile | None = None
        self.whole = False  # nothing comes any more
        self.read = False  # and all of it was looked through
        self._pages: LRUCache[int, list[str]] = LRUCache(_PAGES)
        self._strips: LRUCache[tuple[int, int], Strip] = LRUCache(2000)
        self._rows: dict[int, tuple[int, int]] = {}  # wrapped: line and part of each row that is on the screen
        self._folded: set[int] = set()  # first lines of groups
        self._hidden: list[tuple[int, int]] = []  # the first line that a folded group hides, and how many
        self._before: list[int] = []  # how many lines all folded groups up to each hide
        self._widest = 0
        self._wrap = self._times = False
        self._sought, self._found = "", -1

    def on_mount(self) -> None:
        self.set_interval(_PACE, self._grow)

    def on_unmount(self) -> None:
        if self.file is not None:
            self.file.close()

    # what there is

    def open(self, file: LogFile) -> None:
        if self.file is not None:
            self.file.close()
        self.file, self.read = file, False
        self._pages.clear()
        self._folded.clear()
        self._found = -1
        self._arrange()

    def _grow(self) -> None:
        if self.file is None or self.read:
            return
        before = self.file.lines
        more = [self.file.grow(whole=self.whole) for _ in range(_LOOKS)]
        self.read = self.whole and not any(more)
        if self.file.lines != before or self.read:
            self._pages.discard(before // _PAGE)
            self._arrange()

    @property
    def lines(self) -> int:
        return self.file.lines if self.file is not None else 0

    @property
    def _shown(self) -> int:
        return self.lines - (self._before[-1] if self._before else 0)

    def texts(self) -> Sequence[str]:
        """The lines in view."""
        rows = [self._row(y) for y in range(self.size.height)]
        numbers = dict.fromkeys(line for line, _ in rows if 0 <= line < self.lines)
        return [plain(self._line(line)) for line in numbers]

    def _line(self, number: int) -> str:
        page = number // _PAGE
        if page not in self._pages:
            assert self.file is not None  # noqa: S101  it has lines
            self._pages[page] = self.file.read(page * _PAGE, _PAGE)
        return self._pages[page][number % _PAGE]

    # how it is shown

    @property
    def wrap(self) -> bool:
        return self._wrap

    @wrap.setter
    def wrap(self, wrap: bool) -> None:
        self._wrap = wrap
        self._arrange()
        if wrap:
            self.scroll_to(x=0, animate=False, force=True)

    @property
    def times(self) -> bool:
        return self._times

    @times.setter
    def times(self, times: bool) -> None:
        self._times = times
        self._arrange()

    def _arrange(self) -> None:
        """A wrapped view scrolls by lines, so that no line has to be measured that is not on the screen."""
        self._strips.clear()
        self._rows = {}
        extra = max(self.size.height - 1, 0) if self._wrap else 0
        self.virtual_size = Size(0 if self._wrap else self._widest, self._shown + (extra if self._shown else 0))
        self.refresh()
        self.post_message(self.Changed())

    def on_resize(self, event: events.Resize) -> None:
        self._strips.clear()
        self._rows = {}

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._rows = {}

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    # folding

    def fold_all(self) -> None:
        """All groups, or none where any is folded."""
        if self.file is not None:
            self._fold(set() if self._folded else {one.first for one in self.file.groups()})

    def action_fold_here(self) -> None:
        """The group that the topmost line is in."""
        self._toggle(self._group(self._line_at(self.scroll_offset.y)))

    def on_click(self, event: events.Click) -> None:
        line, _ = self._row(event.y)
        group = self._group(line)
        if group is not None and group.first == line:
            event.stop()
            self._toggle(group)

    def _group(self, line: int) -> Group | None:
        return self.file.group_of(line) if self.file is not None and 0 <= line < self.lines else None

    def _toggle(self, group: Group | None) -> None:
        if group is not None:
            self._fold(self._folded ^ {group.first})

    def _fold(self, folded: set[int]) -> None:
        top = self._line_at(self.scroll_offset.y)
        self._folded = folded
        groups = [one for one in map(self._group, sorted(folded)) if one is not None]
        self._hidden = [(one.first + 1, one.last - one.first) for one in groups]
        self._before = list(accumulate(count for _, count in self._hidden))
        self._arrange()
        self.scroll_to(y=self._place_of(top), animate=False, force=True)

    def _line_at(self, place: int) -> int:
        """The line at that place among those that are not hidden."""
        starts = [first - (self._before[at] - count) for at, (first, count) in enumerate(self._hidden)]
        at = bisect_right(starts, place) - 1
        return place + (self._before[at] if at >= 0 else 0)

    def _place_of(self, line: int) -> int:
        at = bisect_right(self._hidden, (line, self.lines)) - 1
        if at < 0:
            return line
        first, count = self._hidden[at]
        if line >= first + count:
            return line - self._before[at]
        return first - 1 - (self._before[at] - count)  # it is hidden: the heading of its group

    # searching

    def seek(self, text: str) -> None:
        """Marks `text`, case aside, and goes to the first line from here on that has it."""
        self._sought, self._found = text, -1
        self._strips.clear()
        self.refresh()
        if text:
            self.go(1)

    def go(self, step: int) -> None:
        """To the next (1) or previous (-1) line that has what is sought, round at the ends."""
        if self._sought and self.file is not None:
            here = self._found if self._found >= 0 else self._line_at(self.scroll_offset.y) - (step > 0)
            self._search(self._sought, here, step)

    @work(exclusive=True, group="search")
    async def _search(self, text: str, here: int, step: int) -> None:
        """Block by block, so that the screen goes on meanwhile."""
        assert self.file is not None  # noqa: S101  asked before
        for found in self.file.find(text, here, step):
            if found is not None:
                self._reveal(found)
                self.post_message(self.Changed(searched=True, found=True))
                return
            await asyncio.sleep(0)
        self.post_message(self.Changed(searched=True))

    def _reveal(self, line: int) -> None:
        group = self._group(line)
        if group is not None and group.first in self._folded and line != group.first:
            self._toggle(group)
        self._found = line
        self._strips.clear()
        self.scroll_to(y=max(self._place_of(line) - self.size.height // 3, 0), animate=False, force=True)
        self.refresh()

    # drawing

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        line, part = self._row(y)
        if not 0 <= line < self.lines:
            return Strip.blank(width, self.rich_style)
        left = part * width if self._wrap else self.scroll_offset.x
        strip = self._drawn(line).crop(left, left + width)
        return strip.apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)

    def _row(self, y: int) -> tuple[int, int]:
        """The line in a row of the screen, and which part of it; -1 below the last one."""
        top = self.scroll_offset.y
        if not self._wrap:
            return (self._line_at(top + y), 0) if top + y < self._shown else (-1, 0)
        if not self._rows:
            self._rows = dict(enumerate(self._wrapped(top)))
        return self._rows.get(y, (-1, 0))

    def _wrapped(self, top: int) -> Iterator[tuple[int, int]]:
        rows = 0
        for place in range(top, self._shown):
            line = self._line_at(place)
            for part in range(max(-(-self._drawn(line).cell_length // max(self.size.width, 1)), 1)):
                yield line, part
                rows += 1
            if rows >= self.size.height:
                return

    def _drawn(self, line: int) -> Strip:
        key = (line, self._found if line == self._found else -1)
        if key not in self._strips:
            self._strips[key] = Strip(list(self._text(line).render(self.app.console)))
            if self._strips[key].cell_length > self._widest and not self._wrap:
                self._widest = self._strips[key].cell_length
                self.call_later(self._widen)
        return self._strips[key]

    def _widen(self) -> None:
        if not self._wrap:
            self.virtual_size = Size(self._widest, self._shown)

    def _text(self, number: int) -> Text:
        time, rest = stamped(self._line(number))
        text, group = self._marked(number, rest), self._group(number)
        inside = group is not None and group.first != number
        line = Text.assemble((f"{time:<8} " if self._times else "", "dim"), "  " if inside else "", text, end="")
        line.no_wrap = True
        if self._sought:
            here = number == self._found
            style = Style(reverse=True, bold=here, underline=here)
            low, sought = line.plain.lower(), self._sought.lower()
            found = low.find(sought)
            while found >= 0:
                line.stylize(style, found, found + len(sought))
                found = low.find(sought, found + len(sought))
        return line

    def _marked(self, number: int, rest: str) -> Text:
        """Coloured as whoever wrote it wanted, and by GitHub's own marks."""
        if rest.startswith("##[group]"):
            sign = "▸ " if number in self._folded else "▾ "
            return Text(sign + plain(rest.removeprefix("##[group]")).expandtabs(_TAB), "bold")
        for mark, (sign, style) in _MARKS.items():
            if rest.startswith(mark):
                colour = self.app.theme_variables.get(style, "dim")
                return Text(sign + plain(rest.removeprefix(mark)).expandtabs(_TAB), colour)
        if "\x1b[" in rest:
            coloured = Text.from_ansi(rest.expandtabs(_TAB))
            if coloured.plain == plain(rest).expandtabs(_TAB):  # nothing but colours
                return coloured
        return Text(plain(rest).expandtabs(_TAB))
