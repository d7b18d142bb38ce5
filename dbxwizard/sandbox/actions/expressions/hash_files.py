"""`hashFiles`: one SHA-256 for all files of a workspace that fit.

docs.github.com/actions/reference/workflows-and-actions/expressions#hashfiles, and the patterns of
npmjs.com/package/@actions/glob. In which order the files are hashed is not published (it is that of the directory);
here they are sorted, so for several files the value may differ from GitHub's.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from dbxwizard.sandbox.actions.expressions.functions import MAX_ARGUMENTS, Function
from dbxwizard.sandbox.actions.expressions.values import to_text

_PIECES = re.compile(r"\*|\?|\[!?[^\]]+\]|[^*?\[]+|\[")


def hash_files(workspace: Path) -> Function:
    """The function for jobs that have a workspace."""
    return Function(lambda *patterns: _hash(workspace, [to_text(pattern) for pattern in patterns]), 1, MAX_ARGUMENTS)


def _hash(workspace: Path, patterns: list[str]) -> str:
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in _matching(workspace, patterns)]
    return hashlib.sha256(b"".join(digests)).hexdigest() if digests else ""


def _matching(workspace: Path, patterns: list[str]) -> Iterator[Path]:
    """The last pattern that fits a file decides; `!` takes it away again."""
    rules = [rule for pattern in patterns for rule in _rules(pattern)]
    for path in sorted(_files(workspace)):
        name = path.relative_to(workspace).as_posix()
        decisions = [is_included for is_included, rule in rules if rule.fullmatch(name)]
        if decisions and decisions[-1]:
            yield path


def _files(folder: Path) -> Iterator[Path]:
    """Regular files; links to folders are not followed."""
    for root, _, names in os.walk(folder):
        yield from (path for name in names if (path := Path(root, name)).is_file())


def _rules(pattern: str) -> Iterator[tuple[bool, re.Pattern[str]]]:
    """A pattern may have several lines; `#` begins a comment. A folder stands for all that is in it."""
    for line in map(str.strip, pattern.splitlines()):
        if not line or line.startswith("#"):
            continue
        segments = [part for part in line.removeprefix("!").split("/") if part not in {"", "."}]
        yield not line.startswith("!"), re.compile(_regex(segments) + r"(/.*)?", re.DOTALL)


def _regex(segments: list[str]) -> str:
    text = ""
    for at, segment in enumerate(segments):
        is_last = at == len(segments) - 1
        if segment == "**":
            text += ".*" if is_last else "(?:.*/)?"
        else:
            text += _segment(segment) + ("" if is_last else "/")
    return text


def _segment(segment: str) -> str:
    wild = {"*": "[^/]*", "?": "[^/]"}
    return "".join(wild.get(piece) or _literal(piece) for piece in _PIECES.findall(segment))


def _literal(piece: str) -> str:
    if not piece.startswith("[") or len(piece) == 1:
        return re.escape(piece)
    inside = piece[1:-1].replace("\\", r"\\").replace("[", r"\[")
    return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
