"""A text as lines that a terminal can show: each character of the text has its column, line ends have none."""

from __future__ import annotations

import re
from bisect import bisect_right

from dbxwizard.parameters.editing.history import Change

# What a terminal would obey, or hide, is shown as a picture of it: control characters, what other programs take for
# a line end, and what turns the order of letters round (so that a file can't look like another one).
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)}
_PICTURES |= {0x7F: "␡", 0x2028: "␤", 0x2029: "␤"}
_PICTURES |= dict.fromkeys((*range(0x80, 0xA0), *range(0xD800, 0xE000)), "�")
_PICTURES |= dict.fromkeys((0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF), "�")
_SPECIAL = re.compile(f"[{''.join(map(re.escape, map(chr, _PICTURES)))}]")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def shown(text: str) -> str:
    """With \\n at line ends, and as many characters as before beside them."""
    text = text.replace("\r\n", "\n")
    return text.translate(_PICTURES) if _SPECIAL.search(text) else text


def entered(text: str, like: str) -> str:
    """A text that was typed or pasted, with the line ends of the text `like`."""
    end = like.find("\n")
    newline = "\r\n" if end > 0 and like[end - 1] == "\r" else "\n"
    return _LINE_BREAK.sub(newline, text)


class Lines:
    """Where the lines of a text start. Rows and columns count from 0, as in what `shown` gives."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._length = len(text)

    @property
    def count(self) -> int:
        return len(self._starts)

    def offset(self, row: int, column: int) -> int:
        """Of a place in the text; behind the last line it is the end."""
        return self._length if row >= len(self._starts) else min(self._starts[row] + column, self._length)

    def location(self, offset: int) -> tuple[int, int]:
        row = bisect_right(self._starts, offset) - 1
        return row, offset - self._starts[row]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Start of a row, and end of another one with its line end."""
        return self._starts[first], self._starts[last + 1] if last + 1 < self.count else self._length

    def apply(self, change: Change) -> tuple[int, int, int]:
        """Follows a change of the text. Gives the first row that it touched, the last one then and the last one now."""
        first, last = self.location(change.start)[0], self.location(change.end)[0]
        new = [change.start + found.end() for found in re.finditer("\n", change.inserted)]
        shift = len(change.inserted) - len(change.removed)
        behind = [start + shift for start in self._starts[last + 1 :]]
        self._starts[first + 1 :] = [*new, *behind]
        self._length += shift
        return first, last, first + len(new)
