"""Whether git would take a file, and the lines of .gitignore that keep it from doing so."""

from __future__ import annotations

import shutil
import subprocess  # git is asked itself
from collections.abc import Sequence
from pathlib import Path

from dbxwizard.core.errors import OperationError
from dbxwizard.dev.changes import FileChange, existing, newline

_HEADING = "# What belongs to this machine alone (dbxwizard dev setup)"
_IGNORED, _NOT_IGNORED = 0, 1  # exit codes of git check-ignore


def ignore_change(root: Path, names: Sequence[str]) -> FileChange | None:
    """Adds those that git would take. Outside of a repository the file alone counts. Raises the core's errors."""
    for name in names:
        _refuse_tracked(root, name)
    document = existing(root / ".gitignore")
    written = {line.strip().strip("/") for line in document.text.splitlines()}
    known = {name: _ignores(root, name) for name in names}
    taken = [name for name in names if known[name] is False or (known[name] is None and name.strip("/") not in written)]
    if not taken:
        return None
    text = document.text
    end = newline(text)
    start = text if not text or text.endswith("\n") else text + end
    lines = [*([""] if text.strip() else []), _HEADING, *taken]
    after = start + "".join(line + end for line in lines)
    # Lines at its end change nothing that is there: nobody has to be asked.
    return FileChange(document, ".gitignore", after, yours=False, why=f"git shall not take {', '.join(taken)}")


def require_ignored(root: Path, name: str) -> None:
    """Raises OperationError where git would take it all the same, as an exception in a .gitignore can make it."""
    if _ignores(root, name) is False:
        raise OperationError(
            "git-would-take",
            "git would take it, whatever .gitignore says at its end",
            resource=name,
            fix=f"see git check-ignore --verbose --no-index {name}, and take the exception out",
        )


def _ignores(root: Path, name: str) -> bool | None:
    """None where git does not know: no git here, or no repository."""
    code = _git(root, "check-ignore", "--quiet", "--no-index", "--", name)
    return {_IGNORED: True, _NOT_IGNORED: False}.get(code)


def _refuse_tracked(root: Path, name: str) -> None:
    if _git(root, "ls-files", "--error-unmatch", "--", name.strip("/")) == 0:
        raise OperationError(
            "git-has-it",
            "git has this file already, so it would take each change of it too",
            resource=name,
            fix=f"git rm --cached -r {name}, and commit that",
        )


def _git(root: Path, *arguments: str) -> int:
    git = shutil.which("git")
    if git is None:
        return 128
    return subprocess.run([git, "-C", str(root), *arguments], capture_output=True, check=False).returncode  # noqa: S603
