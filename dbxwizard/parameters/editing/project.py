"""All environment files of a project while they are edited."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.document import read
from dbxwizard.parameters.editing.session import Session
from dbxwizard.parameters.loading import find_files


class Project:
    """`folder` is the project's, or environments/ itself. A file is read when it is first asked for."""

    def __init__(self, folder: Path | str, *, read_only: bool = False) -> None:
        self.folder = Path(folder)
        self.read_only = read_only
        self.files = find_files(self.folder)
        self._sessions: dict[Path, Session] = {}

    def session(self, path: Path) -> Session:
        if path not in self._sessions:
            self._sessions[path] = Session(read(path), read_only=self.read_only)
        return self._sessions[path]

    @property
    def sessions(self) -> list[Session]:
        """All files, in order."""
        return [self.session(path) for path in self.files]

    @property
    def opened(self) -> list[Session]:
        """Those that were read."""
        return [self._sessions[path] for path in self.files if path in self._sessions]

    @property
    def changed(self) -> list[Session]:
        return [session for session in self.opened if session.changed]

    def find_new(self) -> bool:
        """Looks for files that were added; those that are gone stay while they are edited. True where there are any."""
        found = find_files(self.folder)
        kept = [path for path in self.files if path not in found and path in self._sessions]
        before, self.files = self.files, (*found, *kept)
        return self.files != before

    def save(self, sessions: Iterable[Session]) -> list[OperationError]:
        """Saves each; what could not be saved stays changed. Gives what went wrong."""
        errors = []
        for session in sessions:
            try:
                session.save()
            except OperationError as error:
                errors.append(error)
        return errors
