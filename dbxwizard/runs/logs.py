"""A job's log, line by line, whatever its size.

docs.github.com/actions/how-tos/monitor-workflows/use-workflow-run-logs
"""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

LONGEST_LINE = 64 * 1024  # characters; what is longer comes in parts, so that memory stays bounded
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*Z ?")


@dataclass(frozen=True, slots=True)
class LogLine:
    """`at` in epoch seconds, 0 where the line has no time of its own. `text` still has GitHub's marks (`##[group]`)."""

    at: float
    text: str


async def texts(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The lines of a file that arrives in pieces, without their ends."""
    decoder, rest = codecs.getincrementaldecoder("utf-8-sig")("replace"), ""
    async for piece in pieces:
        *whole, rest = (rest + decoder.decode(piece)).split("\n")
        for line in whole:
            yield line.removesuffix("\r")
        while len(rest) > LONGEST_LINE:
            yield rest[:LONGEST_LINE]
            rest = rest[LONGEST_LINE:]
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


async def lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[LogLine]:
    async for text in texts(pieces):
        yield read_line(text)


def read_line(text: str) -> LogLine:
    """A line as GitHub writes it: `2026-09-01T08:00:00.1234567Z text`."""
    found = _STAMP.match(text)
    if not found:
        return LogLine(0.0, text)
    at = datetime.fromisoformat(f"{found[1]}{found[2] or ''}+00:00").timestamp()
    return LogLine(at, text[found.end() :])
