"""The log of a job on GitHub as a file on this machine: fetched once, and read in part, whatever its size.

A log of a job that has ended never changes, so a file that is whole is never fetched again. GitHub has masked the
secrets in it; it is for its owner alone all the same.
"""

from __future__ import annotations

import asyncio
import os
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dbxwizard.core.errors import OperationError

if TYPE_CHECKING:
    from dbxwizard.clients.github_runs import GitHubRuns

FOLDER = "github-logs"
_KEPT = 20  # files
_LOADING = ".loading"
LONGEST = 16 * 1024  # bytes of a line that are shown
_EVERY = 64  # lines from one remembered place to the next
_BLOCK = 32  # places: some 2,000 lines, which are searched at a time
AT_ONCE = 1_000_000  # bytes that are looked through at a time: some 5 ms
_MARK = re.compile(rb"\n|##\[(?:end)?group\]")
_STAMP = re.compile(r"\ufeff?\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)(?:\.\d+)?Z ?")
_BEFORE_A_MARK = re.compile(rb"(?:\xef\xbb\xbf)?[\d:.TZ -]*")
# What a terminal takes for more than text: escape sequences, and other control characters but the tab.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


async def fetch(runs: GitHubRuns, job: int, state_folder: Path, begun: Callable[[Path], None]) -> Path | None:
    """The file, once it is whole; None while GitHub has no log. `begun` is told where it grows."""
    whole = state_folder / FOLDER / f"{job}.log"
    if whole.is_file():
        begun(whole)
        return whole
    pieces = await runs.log(job)
    if pieces is None:
        return None
    growing = whole.with_suffix(_LOADING)
    try:
        async with aclosing(pieces):
            with _opened(growing) as file:
                begun(growing)
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)
        growing.replace(whole)
        _prune(whole.parent)
    except OSError as error:
        growing.unlink(missing_ok=True)
        fix = "Check the permissions and the free space of its folder."
        raise OperationError("log-not-kept", error.strerror or str(error), resource=str(growing), fix=fix) from error
    return whole


def _opened(path: Path) -> BinaryIO:
    """A new file under this name: who still reads the one of before goes on reading that."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    return open(path, "xb", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600))


def _prune(folder: Path) -> None:
    """Keeps the newest."""
    files = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in files[_KEPT:]:
        old.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Group:
    """Lines `first` (its heading) to `last`."""

    first: int
    last: int


class LogFile:
    """A log that is read by line number while it grows. In memory are a place for every 64th line, and the groups."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115  read as long as it is shown
        self.lines = 0  # those that were found so far
        self.size = 0  # bytes that were looked through
        self._places = array("Q", [0])
        self._starts = array("Q")  # the first line of each group
        self._ends = array("Q")  # the line of its end

    def close(self) -> None:
        self._file.close()

    def grow(self, *, whole: bool = False) -> bool:
        """Looks through what has come, at most AT_ONCE bytes; whether there may be more.

        `whole`: nothing comes any more, so what has no line end is a line too.
        """
        self._file.seek(self.size)
        found = self._file.read(AT_ONCE)
        end = found.rfind(b"\n") + 1 or (len(found) if whole or len(found) == AT_ONCE else 0)
        start = 0
        for mark in _MARK.finditer(found, 0, end):
            if mark[0] == b"\n":
                start = mark.end()
                self._end_line(self.size + start)
            elif _BEFORE_A_MARK.fullmatch(found, start, mark.start()):
                self._note(mark[0] == b"##[group]")
        self.size += end
        if whole and 0 < end == len(found) < AT_ONCE and not found.endswith(b"\n"):
            self._end_line(self.size)
        return end > 0

    def _end_line(self, place: int) -> None:
        self.lines += 1
        if self.lines % _EVERY == 0:
            self._places.append(place)

    def _note(self, begins: bool) -> None:
        """Groups lie in no other: one that begins ends the one before."""
        if len(self._starts) > len(self._ends):
            self._ends.append(max(self.lines - begins, self._starts[-1]))
        if begins:
            self._starts.append(self.lines)

    def group_of(self, line: int) -> Group | None:
        """The group that has the line, if it has ended."""
        place = bisect_right(self._starts, line) - 1
        if place < 0 or place >= len(self._ends) or line > self._ends[place]:
            return None
        return Group(self._starts[place], self._ends[place])

    def groups(self) -> list[Group]:
        """Those that have ended."""
        return [Group(first, last) for first, last in zip(self._starts, self._ends, strict=False)]

    def read(self, first: int, count: int) -> list[str]:
        """Lines as they are written, without their ends; of a very long one the beginning."""
        self._file.seek(self._places[first // _EVERY])
        for _ in range(first % _EVERY):
            self._skip()
        return [self._line() for _ in range(max(min(count, self.lines - first), 0))]

    def _line(self) -> str:
        line = self._file.readline(LONGEST)
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if len(line) == LONGEST and not line.endswith(b"\n"):
            self._skip()
            return f"{text} …"
        return text

    def _skip(self) -> None:
        while (part := self._file.readline(LONGEST)) and not part.endswith(b"\n"):
            pass

    def find(self, text: str, line: int, step: int) -> Iterator[int | None]:
        """The next (1) or previous (-1) line after `line` that shows `text`, case aside, round at the ends.

        None after each block of lines that has none, so that whoever searches can do other things in between.
        """
        sought, blocks = text.lower(), -(-len(self._places) // _BLOCK)
        here = max(line, 0) // (_EVERY * _BLOCK)
        for distance in range(blocks + 1):  # the first block once more at the end, for its other half
            block = (here + step * distance) % blocks
            found = self._matches(block, sought)
            if distance == 0:
                found = [one for one in found if (one > line if step > 0 else one < line)]
            if found:
                yield found[0] if step > 0 else found[-1]
                return
            yield None

    def _matches(self, block: int, sought: str) -> list[int]:
        """The lines of a block that show it."""
        first = block * _BLOCK
        end = self._places[first + _BLOCK] if first + _BLOCK < len(self._places) else self.size
        self._file.seek(self._places[first])
        text = self._file.read(end - self._places[first]).decode("utf-8", "replace")
        if sought not in text.lower():
            return []
        lines = enumerate(text.split("\n"), first * _EVERY)
        return [number for number, one in lines if number < self.lines and sought in plain(one).lower()]


def stamped(line: str) -> tuple[str, str]:
    """The time of a line, as 08:00:00 ("" where it has none), and the rest."""
    found = _STAMP.match(line)
    return (found[1], line[found.end() :]) if found else ("", line)


def plain(line: str) -> str:
    """What a line says, without its time and without what would colour it."""
    return _ESCAPES.sub("", stamped(line)[1])
