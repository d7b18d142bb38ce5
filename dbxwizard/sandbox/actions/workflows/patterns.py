r"""Filters of branches, tags and paths.

docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet. `?` and `+` belong
to the character before them; `\` takes a special character as it is. What `?` and `+` mean at the start is not
published: here they are themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

_PIECES = re.compile(r"(\\.|\*\*/|\*+|\[[^\]]+\]|.)([?+])?", re.DOTALL)


def includes(patterns: Sequence[str], name: str) -> bool:
    """Whether the last pattern that fits `name` is one without `!`."""
    decided = False
    for pattern in patterns:
        if matches(pattern.removeprefix("!"), name):
            decided = not pattern.startswith("!")
    return decided


def includes_any(patterns: Sequence[str], names: Iterable[str]) -> bool:
    return any(includes(patterns, name) for name in names)


def matches(pattern: str, name: str) -> bool:
    """Whether one pattern, without `!`, fits the whole name."""
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_piece(*found.groups()) for found in _PIECES.finditer(pattern)), re.DOTALL)


def _piece(text: str, quantifier: str | None) -> str:
    return _single(text) + (quantifier or "")


def _single(text: str) -> str:
    if text == "**/":
        return "(?:.*/)?"
    if text.startswith("*"):
        return "(?:.*)" if len(text) > 1 else "(?:[^/]*)"
    if text.startswith("[") and len(text) > 1:
        return "[" + text[1:-1].replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^") + "]"
    return re.escape(text[-1])
