"""The errors that the engine knows, and the one that a person reads.

Clients translate each SDK's exceptions into these few kinds; nothing above a client sees an SDK's exception.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file: line and column count from 1, the column in characters."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class OperationError(Exception):
    """Something that a person, a file, a network or a service caused, said so that they can act on it.

    `code` is stable and part of the interface; `resource` names what it happened to; `message` holds the service's own
    words where there are any; `fix` says what to do next (empty: core.advice may know).
    """

    exit_code = 1

    def __init__(
        self,
        code: str,
        message: str,
        *,
        resource: str = "",
        fix: str = "",
        location: Location | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.resource = resource
        self.fix = fix
        self.location = location

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else f"{self.resource}: " if self.resource else ""
        return f"{where}{self.code}: {self.message}" + (f"; {self.fix}" if self.fix else "")


class UsageError(OperationError):
    """Wrong options or an invalid file; nothing was sent."""

    exit_code = 2


class NotSignedIn(OperationError):
    """No credential, or one that the service does not take."""

    exit_code = 3


class ServiceError(OperationError):
    """A service answered with an error; `status` is its HTTP status (0: no answer came)."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        resource: str = "",
        fix: str = "",
        location: Location | None = None,
        status: int = 0,
    ) -> None:
        super().__init__(code, message, resource=resource, fix=fix, location=location)
        self.status = status


class Transient(ServiceError):
    """The same request may succeed later: throttled, overloaded, connection lost.

    `retry_after` is in seconds, None where the service did not say.
    """

    retry_after: float | None = None


class NotYet(ServiceError):
    """Waits for replication: final unless what it needs was made in this run (see platform facts, role assignments)."""


class NotFound(ServiceError):
    """What was asked for does not exist."""


class Conflict(ServiceError):
    """It exists already, or something else holds it."""


class Forbidden(ServiceError):
    """The principal lacks a right; `action` and `scope` name it where the service said so."""

    exit_code = 3
    action: str = ""
    scope: str = ""
