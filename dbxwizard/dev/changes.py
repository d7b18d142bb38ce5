"""What `dev setup` would change on this machine, as data: planned from what is there, shown, then made so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.core.secret import hide
from dbxwizard.parameters.document import Document, read
from dbxwizard.parameters.edit import write

# A line of a .env or a configuration file whose name says what its value is.
_SECRET = re.compile(
    r"(?i)^(.[ \t]*(?:export )?[\w.-]*(?:token|secret|pass|pwd|key|connection_string|appi_ik)[\w.-]*[ \t]*[=:])"
    r"(?! ?to-be).+"
)


@dataclass(frozen=True, slots=True)
class FileChange:
    """`after`: the whole text that `document` shall have. `yours`: it touches what somebody else wrote.

    `name`: the path as it is shown. `mode`: the permissions that the file gets, None for those it has.
    """

    document: Document
    name: str
    after: str
    yours: bool
    why: str
    mode: int | None = None

    @property
    def action(self) -> str:
        return "update" if exists(self.document) else "create"

    @property
    def reasons(self) -> tuple[str, ...]:
        return (self.why,)

    def diff(self) -> Iterator[str]:
        """As `diff -u` says it, secrets hidden."""
        before, after = self.document.text.splitlines(), self.after.splitlines()
        for line in unified_diff(before, after, self.name, self.name, lineterm="", n=0):
            yield _SECRET.sub(r"\1***", hide(line))

    def write(self) -> None:
        """At once or not at all. Raises OperationError."""
        folder = self.document.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fix = "check the permissions of its folder"
            raise OperationError(
                "file-not-written", error.strerror or str(error), resource=self.name, fix=fix
            ) from error
        write(self.document, self.after, mode=self.mode)


def exists(document: Document) -> bool:
    return document.problem is None


def existing(path: Path) -> Document:
    """A file that may be missing; its `text` is then empty. Raises UsageError where something else is in its place."""
    for folder in path.parents:
        if folder.is_dir():
            break
        if folder.exists():
            fix = "move it away, and run dev setup again"
            raise UsageError("not-a-folder", "this has to be a folder", resource=str(folder), fix=fix)
    document = read(path)
    problem = document.problem
    if problem is None or problem.code == "file-not-found":
        return document
    fix = problem.fix if problem.code == "not-text" else "move it away, and run dev setup again"
    message = "this has to be a file" if path.is_dir() else problem.message
    raise UsageError(problem.code, message, resource=str(path), fix=fix)


def writable(document: Document) -> None:
    """Raises OperationError where the system will not let it be written, before anything is."""
    import os

    path = document.path.resolve()
    folder = next(one for one in path.parents if one.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        fix = "check the permissions of its folder"
        raise OperationError("file-not-written", f"{folder} can't be written", resource=str(path), fix=fix)


def newline(text: str) -> str:
    """How the lines of a text end; as on Unix where it has none."""
    return "\r\n" if "\r\n" in text else "\n"
