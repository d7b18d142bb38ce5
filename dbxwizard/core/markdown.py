"""Texts of others inside Markdown: shown as they are, never read as markup (github.github.com/gfm)."""

from __future__ import annotations

import re
from urllib.parse import quote

_MARKUP = re.compile(r"[\\`*_\[\]<>&#|~$]")
_BLOCK = re.compile(r"^(\d*)([-+=.)])")  # what begins a list, a line or a heading
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def words(text: str) -> str:
    """`text` in a line, or as the whole of it; spaces, line breaks and control characters become one space."""
    escaped = _MARKUP.sub(lambda found: f"\\{found.group()}", _line(text))
    return _BLOCK.sub(lambda found: f"{found[1]}\\{found[2]}", escaped)


def code(text: str) -> str:
    """`text` as a code span, delimited by more backticks than it has in a row."""
    line = _line(text)
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    apart = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{apart}{line}{apart}{fence}"


def link(title: str, url: str) -> str:
    """`url` behind a title; what would end the address is percent-encoded."""
    address = re.sub(r"[<>\s\x00-\x1f\x7f\\]", lambda found: quote(found.group()), url)
    return f"[{words(title)}](<{address}>)"


def _line(text: str) -> str:
    return _UNSEEN.sub(" ", text).strip() or '""'
