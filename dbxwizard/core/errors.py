"""The errors that the engine knows, and the one that a person reads.

Clients translate each SDK's exceptions into these few kinds; nothing above a client sees an SDK's exception.
"""

# ruff: noqa: N818 - the names say what a service answered; steps read better with them
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file: line and column count from 1, the column in characters."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class About(TypedDict, total=False):
    """What any error may say beside its code and message: the keyword arguments of OperationError."""

    resource: str
    fix: str
    location: Location | None


class AboutService(About, total=False):
    """The keyword arguments of ServiceError."""

    status: int


class OperationError(Exception):
    """Something that a person, a file, a network or a service caused, said so that they can act on it.

    `code` is stable and part of the interface; `resource` names what it happened to; `message` holds the service's own
    words where there are any; `fix` says what to do next (empty: core.advice may know).
    """

    exit_code = 1

    def __init__(
        self, code: str, message: str, *, resource: str = "", fix: str = "", location: Location | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.resource = resource
        self.fix = fix
        self.location = location

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as it is: the terminal program and its backend are two processes."""
        return _restored, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else f"{self.resource}: " if self.resource else ""
        return f"{where}{self.code}: {self.message}" + (f"; {self.fix}" if self.fix else "")

    def to_json(self) -> dict[str, object]:
        """The error as the output contract has it; where nobody said a fix, the advice table does."""
        from dbxwizard.core.advice import advise

        place = self.location
        return {
            "code": self.code,
            "resource": self.resource,
            "message": self.message,
            "fix": advise(self),
            "location": {"file": place.file, "line": place.line, "column": place.column} if place else None,
        }


def _restored(kind: type[OperationError], arguments: tuple[Any, ...], state: dict[str, Any]) -> OperationError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class SeveralErrors(OperationError):
    """More than one thing went wrong at once; `errors` has them in the order of the plan."""

    def __init__(self, errors: Sequence[OperationError]) -> None:
        first = errors[0]
        super().__init__(first.code, "\n".join(str(error) for error in errors), resource=first.resource, fix=first.fix)
        self.errors = tuple(errors)
        self.exit_code = common_exit_code(errors)

    def __str__(self) -> str:
        return self.message


def each_error(error: OperationError) -> tuple[OperationError, ...]:
    """The single errors that `error` stands for."""
    return error.errors if isinstance(error, SeveralErrors) else (error,)


def common_exit_code(errors: Sequence[OperationError]) -> int:
    """The exit code that all `errors` share, else 1 (a step failed)."""
    codes = {error.exit_code for error in errors}
    return codes.pop() if len(codes) == 1 else 1


class UsageError(OperationError):
    """Wrong options or an invalid file; nothing was sent."""

    exit_code = 2


class NotSignedIn(OperationError):
    """No credential, or one that the service does not take."""

    exit_code = 3


class ServiceError(OperationError):
    """A service answered with an error; `status` is its HTTP status (0: no answer came)."""

    def __init__(self, code: str, message: str, *, status: int = 0, **about: Unpack[About]) -> None:
        super().__init__(code, message, **about)
        self.status = status


class Transient(ServiceError):
    """The same request may succeed later: throttled, overloaded, connection lost.

    `retry_after` is in seconds, None where the service did not say.
    """

    def __init__(
        self, code: str, message: str, *, retry_after: float | None = None, **about: Unpack[AboutService]
    ) -> None:
        super().__init__(code, message, **about)
        self.retry_after = retry_after


class NotYet(ServiceError):
    """Waits for replication: final unless what it needs was made in this run (see platform facts, role assignments)."""


class NotFound(ServiceError):
    """What was asked for does not exist."""


class Conflict(ServiceError):
    """It exists already, or something else holds it."""


class Forbidden(ServiceError):
    """The principal lacks a right; `action` and `scope` name it where the service said so."""

    exit_code = 3

    def __init__(
        self, code: str, message: str, *, action: str = "", scope: str = "", **about: Unpack[AboutService]
    ) -> None:
        super().__init__(code, message, **about)
        self.action = action
        self.scope = scope

    @property
    def right(self) -> str:
        """The right and where it lacks, in words; "" where the service did not name both."""
        return f"{self.action} at {self.scope}" if self.action and self.scope else ""


class NotChecked(Forbidden):
    """What was not read, and nothing is amiss: the actor is one that never sees it, or it needs what was not read."""

    def __init__(self, message: str, *, cause: str = "", **about: Unpack[About]) -> None:
        """`cause`: why that was not read which it needs."""
        super().__init__("not-checked", message, status=403, **about)
        self.cause = cause


class Blocked(NotChecked):
    """It needs, by way of others perhaps, what could not be read for want of a right; `cause` names that."""


def told_once(errors: Sequence[OperationError]) -> list[OperationError]:
    """The errors in their order; a right that lacks at several scopes is one error, which names them all."""
    kept: dict[object, list[OperationError]] = {}
    for number, error in enumerate(errors):
        same: object = number
        if isinstance(error, Forbidden) and error.right:
            same = (error.code, error.action.lower(), error.fix)
        kept.setdefault(same, []).append(error)
    return [_at_all(found) for found in kept.values()]


def _at_all(found: Sequence[OperationError]) -> OperationError:
    first, *others = found
    if not isinstance(first, Forbidden):
        return first
    scopes = dict.fromkeys(one.scope for one in others if isinstance(one, Forbidden) and one.scope != first.scope)
    if not scopes:
        return first
    return Forbidden(
        first.code,
        f"{first.message.rstrip('.')}. The same right lacks at {', '.join(scopes)}.",
        action=first.action,
        scope=", ".join((first.scope, *scopes)),
        status=first.status,
        resource=first.resource,
        fix=first.fix,
        location=first.location,
    )


def not_deployed(environment: str, what: str, resource: str) -> OperationError:
    """`what` an environment should have, and has only once it is deployed."""
    fix = f"Deploy it: dbxwizard deploy -e {environment}"
    return OperationError("not-deployed", f"{environment} has no {what} yet", resource=resource, fix=fix)
