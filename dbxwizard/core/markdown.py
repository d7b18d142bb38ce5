"""Texts of others inside Markdown: shown as they are, never read as markup (github.github.com/gfm)."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"[\\`*_\[\]<>&#|~$]")
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def words(text: str) -> str:
    """`text` inside a line; spaces, line breaks and control characters become one space."""
    return _MARKUP.sub(lambda found: f"\\{found.group()}", _line(text))


def code(text: str) -> str:
    """`text` as a code span, delimited by more backticks than it has in a row."""
    line = _line(text) or '""'
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    apart = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{apart}{line}{apart}{fence}"


def _line(text: str) -> str:
    return _UNSEEN.sub(" ", text).strip()
