"""The files of a folder that git would take: tracked or new, and not ignored. Git itself reads .gitignore."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from dbxwizard.core.errors import OperationError

# Credentials of this machine: never sent, whatever .gitignore says.
_NEVER = frozenset({".env", ".databrickscfg", ".netrc"})


def local_files(folder: Path) -> list[str]:
    """Paths with slashes, relative to `folder`; no links. Raises OperationError `git-missing`, `git-failed`."""
    with _repository(folder) as options:
        given = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = [name for name in _git(folder, *options, *given).split("\0") if name]
    return sorted({name for name in names if is_sent(name) and _is_file(folder / name)})


def is_sent(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return parts[-1] not in _NEVER and ".git" not in parts and ".." not in parts


def ignored(folder: Path, paths: Iterable[str]) -> set[str]:
    """Those of the paths that git would not take. Raises as `local_files`."""
    wanted = list(paths)
    if not wanted:
        return set()
    with _repository(folder) as options:
        said = _git(folder, *options, "check-ignore", "-z", "--stdin", given="\0".join(wanted), fine=(0, 1))
    return {*said.split("\0"), *(path for path in wanted if not is_sent(path))} - {""}


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


@contextmanager
def _repository(folder: Path) -> Iterator[tuple[str, ...]]:
    """The options by which git works on the folder; outside of a repository with an empty one for the moment."""
    if _git(folder, "rev-parse", "--is-inside-work-tree", fine=(0, 128)).strip() == "true":
        yield ()
        return
    with tempfile.TemporaryDirectory(prefix="dbxwizard-git-") as made:
        _git(Path(made), "init", "--quiet", ".")
        yield (f"--git-dir={made}/.git", f"--work-tree={folder.resolve()}")


def _git(folder: Path, *arguments: str, given: str = "", fine: tuple[int, ...] = (0,)) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *arguments], cwd=folder, input=given, capture_output=True, text=True, check=False,  # noqa: S607
            encoding="utf-8", errors="surrogateescape",
        )  # fmt: skip
    except FileNotFoundError as error:
        raise OperationError(
            "git-missing", "git says which files are ignored, and is not here", resource=str(folder), fix="Install git."
        ) from error
    if done.returncode not in fine:
        raise OperationError(
            "git-failed", done.stderr.strip() or f"git ended with {done.returncode}", resource=str(folder)
        )
    return done.stdout
