"""The log of the program, read as it grows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.errors import OperationError

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_NEWEST = 4_000_000  # bytes of a log that are read when it is opened, some 30,000 lines
_AT_ONCE = 1_000_000
_LEVEL = re.compile(r"^\S+ \S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ")


@dataclass(frozen=True, slots=True)
class LogBatch:
    """`lines`: level and text of each, a line without a level of its own has that of the one before. `place`: where to
    go on; `anew`: the file was begun anew, what came before is not in it any more."""

    lines: tuple[tuple[str, str], ...]
    place: int
    path: Path
    anew: bool = False


def read_log(path: Path, after: int) -> LogBatch:
    """What stands after the byte `after`, whole lines only; -1: the newest part. Raises OperationError."""
    try:
        size = path.stat().st_size
        anew = after > size
        start = max(size - _NEWEST, 0) if after < 0 else 0 if anew else after
        with path.open("rb") as file:
            file.seek(start)
            found = file.read(_NEWEST if after < 0 else _AT_ONCE)
    except FileNotFoundError:
        return LogBatch((), 0, path)
    except OSError as error:
        raise OperationError("log-unreadable", error.strerror or str(error), resource=str(path)) from error
    whole = found[: found.rfind(b"\n") + 1]
    texts = whole.decode("utf-8", "replace").split("\n")[:-1]
    if after < 0 and start:
        texts = texts[1:]  # the first one is cut
    return LogBatch(_leveled(texts), start + len(whole), path, anew)


def _leveled(texts: list[str]) -> tuple[tuple[str, str], ...]:
    lines, level = [], "INFO"
    for text in texts:
        found = _LEVEL.match(text)
        level = found.group(1) if found else level
        lines.append((level, text))
    return tuple(lines)
