"""Which files of a folder are published, as git would see them: bytes, modes, links, and what .gitignore says."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.edit import UNFINISHED

LARGEST = 10_000_000  # bytes; GitHub refuses files over 100 MB and warns from 50 MB on, and none of ours is near
FILE, EXECUTABLE, LINK = "100644", "100755", "120000"
# Never published, whatever .gitignore says.
_NEVER = frozenset({".git", ".venv", "__pycache__", ".databricks", ".pytest_cache", ".mypy_cache", ".ruff_cache"})


@dataclass(frozen=True, slots=True)
class LocalFile:
    """`mode` is "" where the file system has no executable bit: then the repository's counts."""

    path: str
    mode: str
    content: bytes

    @property
    def is_text(self) -> bool:
        """Whether it travels inside a tree; else it has a request of its own (clients.github)."""
        try:
            self.content.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True

    @property
    def sha(self) -> str:
        """The SHA-1 that git gives to the content."""
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Collected:
    """`left_out`: a line for each file that can't be published, with the reason; what is ignored isn't told."""

    files: tuple[LocalFile, ...]
    left_out: tuple[str, ...] = ()


def collect(root: Path, paths: Sequence[str]) -> Collected:
    """The files at or below `paths` (relative to `root`, with slashes), by path; a path that isn't there is skipped.

    Raises OperationError `file-unreadable`.
    """
    files: dict[str, LocalFile] = {}
    left_out: list[str] = []
    for path in paths:
        for found in _walk(root, path.strip("/"), _rules_above(root, path)):
            try:
                read = _read(root, found)
            except OSError as error:
                raise OperationError("file-unreadable", error.strerror or str(error), resource=found) from error
            if isinstance(read, LocalFile):
                files[found] = read
            else:
                left_out.append(f"{found} ({read})")
    return Collected(tuple(files[name] for name in sorted(files)), tuple(left_out))


def _walk(root: Path, path: str, rules: list[_Rule]) -> Iterator[str]:
    """The files at or below a path that no rule ignores."""
    here = root / path
    if not os.path.lexists(here) or path.rsplit("/", 1)[-1] in _NEVER or path.endswith((".pyc", UNFINISHED)):
        return
    is_folder = here.is_dir() and not here.is_symlink()
    if path and _ignored(rules, path, is_folder):
        return
    if not is_folder:
        yield path
        return
    rules = [*rules, *_rules_of(root, path)]
    for name in sorted(entry.name for entry in os.scandir(here)):
        yield from _walk(root, f"{path}/{name}" if path else name, rules)


def _read(root: Path, path: str) -> LocalFile | str:
    """The file, or why it is left out."""
    here = root / path
    status = here.lstat()
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(here).replace(os.sep, "/")
        inside = here.resolve().is_relative_to(root.resolve()) and not os.path.isabs(target)
        return LocalFile(path, LINK, os.fsencode(target)) if inside else "a link to outside the folder"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if status.st_size > LARGEST:
        return f"larger than {LARGEST // 1_000_000} MB"
    mode = "" if os.name == "nt" else EXECUTABLE if status.st_mode & stat.S_IXUSR else FILE
    return LocalFile(path, mode, here.read_bytes())


# .gitignore: git-scm.com/docs/gitignore#_pattern_format


@dataclass(frozen=True, slots=True)
class _Rule:
    base: str  # the folder of the .gitignore, with a slash at its end; "" at the root
    pattern: re.Pattern[str]
    includes: bool
    folders_only: bool


def _ignored(rules: Sequence[_Rule], path: str, is_folder: bool) -> bool:
    """Whether the last rule that fits the path ignores it."""
    for rule in reversed(rules):
        if not path.startswith(rule.base) or (rule.folders_only and not is_folder):
            continue
        if rule.pattern.fullmatch(path[len(rule.base) :]):
            return not rule.includes
    return False


def _rules_above(root: Path, path: str) -> list[_Rule]:
    """The rules of the folders above a path."""
    rules: list[_Rule] = []
    folders = path.strip("/").split("/")[:-1]
    for depth in range(len(folders) + 1):
        rules += _rules_of(root, "/".join(folders[:depth]))
    return rules if path.strip("/") else []


def _rules_of(root: Path, folder: str) -> list[_Rule]:
    try:
        text = (root / folder / ".gitignore").read_text("utf-8", "replace")
    except OSError:
        return []
    base = f"{folder}/" if folder else ""
    rules = (_rule(base, line.strip()) for line in text.splitlines())
    return [rule for rule in rules if rule]


def _rule(base: str, line: str) -> _Rule | None:
    if not line or line.startswith("#"):
        return None
    includes, folders_only = line.startswith("!"), line.endswith("/")
    pattern = line.removeprefix("!").removeprefix("\\").rstrip("/")
    anywhere = "/" not in pattern
    expression = _expression(pattern.removeprefix("/"))
    return _Rule(base, re.compile(f"(?:.*/)?{expression}" if anywhere else expression), includes, folders_only)


_TOKEN = re.compile(r"/\*\*$|\*\*/|\*+|\?|\[!?[^\]]+\]|\\.|.")


def _expression(pattern: str) -> str:
    return "".join(_translated(token) for token in _TOKEN.findall(pattern))


def _translated(token: str) -> str:
    known = {"/**": "/.*", "**/": "(?:.*/)?", "?": "[^/]"}
    if token in known:
        return known[token]
    if token.startswith("*"):
        return "[^/]*"
    if token.startswith("[") and len(token) > 1:
        return token.replace("[!", "[^", 1).replace("\\", "\\\\")
    return re.escape(token.removeprefix("\\") or token)
