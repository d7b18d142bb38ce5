"""A `.env` file: its values, and how they are set with everything else in it kept.

Read as VS Code's Python extension and python-dotenv do: `export` before a name, quotes around a value, comments behind
white space, the last of several lines of one name counts. Written so that a shell reads the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dbxwizard.dev.changes import newline

_LINE = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"
    r"(?P<value>'[^']*'|\"(?:\\.|[^\"\\])*\"|[^\r\n]*?)"
    r"(?P<comment>[ \t]+\#[^\r\n]*)?[ \t]*(?=\r?\n|\Z)",
    re.MULTILINE | re.DOTALL,
)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def values(text: str) -> dict[str, str]:
    return {found["name"]: _unquoted(found["value"]) for found in _LINE.finditer(text)}


def with_values(text: str, wanted: Mapping[str, str], heading: str) -> str:
    """The text with these values: lines that say them already stay letter for letter, others get the new value in
    their place, and what is missing follows at the end, below `heading` where that is not there yet."""
    missing = dict(wanted)
    for found in reversed(list(_LINE.finditer(text))):
        if found["name"] in missing:
            value = missing.pop(found["name"])
            if _unquoted(found["value"]) != value:
                text = text[: found.start("value")] + _quoted(value) + text[found.end("value") :]
    end = newline(text)
    lines = [f"{name}={_quoted(value)}" for name, value in wanted.items() if name in missing]
    if not lines:
        return text
    start = text if not text or text.endswith("\n") else text + end
    above = [] if heading in text else [*([""] if text.strip() else []), heading]
    return start + "".join(line + end for line in (*above, *lines))


def without(text: str, name: str) -> str:
    """The text without the lines of a name."""
    for found in reversed(list(_LINE.finditer(text))):
        if found["name"] == name:
            rest = text[found.end() :]
            text = text[: found.start()] + rest.removeprefix("\r").removeprefix("\n")
    return text


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) > 1 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[1]), value[1:-1], flags=re.DOTALL)
    return value


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return '"' + re.sub(r'(["\\$`])', r"\\\1", value) + '"'
