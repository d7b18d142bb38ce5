"""A file as it lies on the disk: its bytes, its text, and where an offset of the text is on a person's screen."""

from __future__ import annotations

import codecs
import os
import stat
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dbxwizard.core.errors import Location
from dbxwizard.parameters.problems import Finding, Problem

MAX_BYTES = 4_000_000

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True)
class Document:
    """`text` is without the byte order mark; line ends are as in the file. `problem` is set where there is no text."""

    path: Path
    raw: bytes = b""
    text: str = ""
    mark: bytes = b""
    encoding: str = "utf-8"
    problem: Problem | None = None
    name: str = ""

    def encode(self, text: str) -> bytes:
        return self.mark + text.encode(self.encoding)

    def location(self, offset: int) -> Location:
        line = bisect_right(self._line_starts, offset)
        return Location(self.name, line, offset - self._line_starts[line - 1] + 1)

    def offset(self, location: Location) -> int:
        """Where a location is in the text: the other way round."""
        starts = self._line_starts
        return min(starts[min(location.line, len(starts)) - 1] + location.column - 1, len(self.text))

    def describe(self, finding: Finding) -> Problem:
        return Problem(self.location(finding.offset), finding.severity, finding.code, finding.message, finding.fix)

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        position = self.text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = self.text.find("\n", position + 1)
        return starts


def read(path: Path) -> Document:
    """Reads at most 4 MB. Whatever is wrong with the file is the document's `problem`; never raises."""
    try:
        raw = _read_bytes(path)
    except FileNotFoundError:
        return _unread(path, "file-not-found", "there is no such file", "check the path, or run: dbxwizard init")
    except IsADirectoryError:
        return _unread(path, "not-a-file", "this is not a regular file", "name a .json file, such as Development.json")
    except (OSError, ValueError) as error:
        message = getattr(error, "strerror", None) or "this can't be the path of a file"
        return _unread(path, "file-unreadable", message, "check the path and its permissions")
    if len(raw) > MAX_BYTES:
        return _unread(path, "file-too-large", f"larger than {MAX_BYTES // 1_000_000} MB", "is it an environment file?")
    return _decode(path, raw)


def _read_bytes(path: Path) -> bytes:
    # A device or a pipe could block or never end, so only regular files are opened.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise IsADirectoryError
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def _decode(path: Path, raw: bytes) -> Document:
    mark, encoding = next(((m, e) for m, e in _MARKS if raw.startswith(m)), (b"", "utf-8"))
    try:
        text = raw[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        before = raw[len(mark) : len(mark) + error.start].decode(encoding, "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        fix = "save the file as UTF-8"
        return _unread(path, "not-text", f"this byte is not {encoding.upper()}", fix, line, column)
    return Document(path, raw, text, mark, encoding, name=str(path))


def _unread(path: Path, code: str, message: str, fix: str, line: int = 1, column: int = 1) -> Document:
    problem = Problem(Location(str(path), line, column), "error", code, message, fix)
    return Document(path, problem=problem, name=str(path))
