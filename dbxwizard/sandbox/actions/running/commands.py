"""Commands that a step prints: `::name key=value,…::data`.

docs.github.com/actions/reference/workflows-and-actions/workflow-commands. What is escaped: `%25 %0D %0A`, in
properties `%3A %2C` too (actions/toolkit, packages/core/src/command.ts). `set-output` and `save-state` still work
there with a warning; here they are told as what they are and do nothing, since no page tells how long they will.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dbxwizard.sandbox.actions.running.masks import Masker

_COMMAND = re.compile(r"\s*::(?P<name>[\w-]+)(?:\s+(?P<properties>.*?))?::(?P<data>.*)", re.DOTALL)
_LEVELS = {"error": "failure", "warning": "warning", "notice": "notice"}


@dataclass(frozen=True, slots=True)
class Annotation:
    """`level`: failure, warning or notice, as the API of check runs has them. Lines count from 1; 0: none named."""

    level: str
    message: str
    title: str = ""
    path: str = ""
    start_line: int = 0
    end_line: int = 0


class Commands:
    """Takes the lines of a step: carries out what is a command, and gives the line that stands in the log, or None."""

    def __init__(self, masker: Masker, annotate: Callable[[Annotation], None], *, shows_debug: bool = False) -> None:
        self._masker = masker
        self._annotate = annotate
        self._shows_debug = shows_debug
        self._resume = ""

    def take(self, line: str) -> str | None:
        found = _COMMAND.fullmatch(line)
        if not found or (self._resume and found["name"] != self._resume):
            return line
        if self._resume:
            self._resume = ""
            return None
        return self._do(found["name"].lower(), _properties(found["properties"] or ""), found["data"], line)

    def _do(self, name: str, properties: Mapping[str, str], data: str, line: str) -> str | None:
        text = _unescaped(data)
        if name in _LEVELS:
            self._annotate(_annotation(name, properties, self._masker.masked(text)))
            return f"##[{name}]{text}"
        if name == "add-mask":
            self._masker.add(text)
            return None
        if name == "stop-commands":
            self._resume = text
            return None
        if name == "debug":
            return f"##[debug]{text}" if self._shows_debug else None
        return {"group": f"##[group]{text}", "endgroup": "##[endgroup]", "echo": None}.get(name, line)


def _annotation(name: str, properties: Mapping[str, str], message: str) -> Annotation:
    start = _number(properties.get("line", ""))
    return Annotation(
        level=_LEVELS[name],
        message=message,
        title=properties.get("title", ""),
        path=properties.get("file", ""),
        start_line=start,
        end_line=_number(properties.get("endline", "")) or start,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _properties(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {
        name.strip().lower(): _unescaped(value.replace("%3A", ":").replace("%2C", ","))
        for name, equals, value in pairs
        if equals
    }


def _unescaped(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
