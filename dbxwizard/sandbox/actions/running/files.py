"""The files through which a step sets variables and outputs.

docs.github.com/actions/reference/workflows-and-actions/workflow-commands#environment-files. The words of the errors
are those of FileCommandManager.cs in actions/runner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_PAIR = re.compile(r"(.*?)(=|<<)(.*)")  # whichever sign comes first
MAX_SUMMARY = 1024 * 1024  # bytes of a step's summary: same page, #step-isolation-and-limits


class FileError(Exception):
    """A file that can't be taken: the step fails."""


class StepFiles:
    """GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH and GITHUB_STEP_SUMMARY of one step, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._paths = {name: folder / name.lower() for name in ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY", "STATE")}
        for path in self._paths.values():
            path.touch()

    def variables(self) -> dict[str, str]:
        return {f"GITHUB_{name}": str(path) for name, path in self._paths.items()}

    def outputs(self) -> dict[str, str]:
        """Raises FileError."""
        return self._pairs("OUTPUT")

    def environment(self) -> dict[str, str]:
        """Raises FileError."""
        found = self._pairs("ENV")
        if "NODE_OPTIONS" in map(str.upper, found):
            raise FileError("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.")
        return found

    def paths(self) -> list[str]:
        return [line for line in self._text("PATH").splitlines() if line]

    def summary(self) -> str:
        """Empty where it is too large to be uploaded."""
        text = self._text("STEP_SUMMARY")
        return text if len(text.encode()) <= MAX_SUMMARY else ""

    def _text(self, name: str) -> str:
        """A file that the step took away is an empty one."""
        try:
            return self._paths[name].read_text("utf-8-sig", errors="replace")
        except OSError:
            return ""

    def _pairs(self, name: str) -> dict[str, str]:
        try:
            return dict(_pairs(self._text(name)))
        except FileError as error:
            raise FileError(f"Unable to process file command '{name.lower()}' successfully.\n{error}") from error


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """`name=value`, or `name<<END` with lines up to one that is END."""
    lines = iter(text.splitlines())
    for line in lines:
        if not line:
            continue
        found = _PAIR.fullmatch(line)
        if not found:
            raise FileError(f"Invalid format '{line}'")
        name, sign, value = found.groups()
        if not name:
            raise FileError(f"Invalid format '{line}'. Name must not be empty")
        yield name, value if sign == "=" else _until(value, lines, line)


def _until(delimiter: str, lines: Iterator[str], first: str) -> str:
    if not delimiter:
        raise FileError(f"Invalid format '{first}'. Name must not be empty and delimiter must not be empty")
    value: list[str] = []
    for line in lines:
        if line == delimiter:
            return "\n".join(value)
        value.append(line)
    raise FileError(f"Invalid value. Matching delimiter not found '{delimiter}'")
