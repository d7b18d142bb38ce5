"""Writes values as the file around them is laid out: its indentation, its line ends, its short lists on one line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dbxwizard.parameters.edit import as_json, indentation, insert, spans
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Array, Object
from dbxwizard.parameters.problems import Edit

_LONGEST_LINE = 80  # characters that a list or an object on one line may have
_FIRST_INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_LINE_INDENT = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Layout:
    """`unit` is one step of indentation, `newline` "" in a file that has no line ends."""

    unit: str
    newline: str

    @classmethod
    def of(cls, text: str) -> Layout:
        end = text.find("\n")
        newline = "" if end < 0 else "\r\n" if text[end - 1 : end] == "\r" else "\n"
        found = _FIRST_INDENT.search(text)
        return cls(found[1] if found else "  ", newline)

    def render(self, value: JsonValue, indent: str) -> str:
        """A value as JSON; lines below the first start with `indent`."""
        line = as_json(value)
        if not self.newline or not isinstance(value, dict | list) or (_is_flat(value) and len(line) <= _LONGEST_LINE):
            return line
        inner = indent + self.unit
        pairs = ((f"{as_json(key)}: ", one) for key, one in value.items()) if isinstance(value, dict) else None
        items = [f"{key}{self.render(one, inner)}" for key, one in pairs or (("", one) for one in value)]
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        joined = f",{self.newline}{inner}".join(items)
        return f"{opening}{self.newline}{inner}{joined}{self.newline}{indent}{closing}"

    def member(self, key: str | None, value: JsonValue, indent: str) -> str:
        """The same with its key before it, where it has one."""
        return self.render(value, indent) if key is None else f"{as_json(key)}: {self.render(value, indent)}"


ONE_LINE = Layout("", "")


def _is_flat(value: JsonValue) -> bool:
    inner = value.values() if isinstance(value, dict) else value
    return not any(isinstance(one, dict | list) and one for one in inner)


def line_indent(text: str, offset: int) -> str:
    """The white space that the line of an offset starts with."""
    found = _LINE_INDENT.match(text, text.rfind("\n", 0, offset) + 1)
    return found[0] if found else ""


def reindented(source: str, before: str, after: str, newline: str) -> str:
    """A value copied from elsewhere: lines below the first go from the one indentation to the other."""
    first, *rest = (line.removesuffix("\r") for line in source.split("\n"))
    moved = [after + line.removeprefix(before) if line.startswith(before) else line.lstrip() for line in rest]
    return newline.join([first, *moved])


def put(text: str, container: Object | Array, key: str | None, value: JsonValue) -> list[Edit]:
    """Adds a value at the end of a list (key None) or of an object, on its own lines where its siblings have them."""
    layout = Layout.of(text)
    there = spans(container)
    if there:
        own_line = indentation(text, there[-1][0])
        like = ONE_LINE if own_line is None else layout
        return insert(text, container, like.member(key, value, own_line or ""))
    indent = line_indent(text, container.start)
    inner = indent + layout.unit
    inside = text[container.start + 1 : container.end - 1]
    if inside.strip() or not layout.newline or (key is None and not isinstance(value, dict | list)):
        return insert(text, container, layout.member(key, value, indent))
    lines = f"{layout.newline}{inner}{layout.member(key, value, inner)}{layout.newline}{indent}"
    return [Edit(container.start + 1, container.end - 1, lines)]
