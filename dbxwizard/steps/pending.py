"""What stands in a plan for steps that can't be known yet, or not from here. None of it is ever applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from dbxwizard.core.advice import advise
from dbxwizard.core.errors import Forbidden, NotChecked, OperationError
from dbxwizard.core.plan import Change, Inputs, KnownAfterApply, Progress, Scope, Step


class _Unknown(Step[None]):
    def diff(self, state: None, inputs: Inputs) -> Change:
        return Change.none()

    async def apply(self, state: None, change: Change, inputs: Inputs, progress: Progress) -> Mapping[str, object]:
        return {}


class LeftToPerson(_Unknown):
    """All of setup, in the plan of a job."""

    id = "setup"
    title = "what setup makes"
    scope = Scope.SETUP

    async def read(self, inputs: Inputs) -> NoReturn:
        raise NotChecked("it needs a person's rights, and a service principal plans")


class Refused(_Unknown):
    """What could not even be prepared for want of a right, or of a sign-in to its service: `error` says which."""

    def __init__(
        self, step_id: str, title: str, error: OperationError, *, scope: Scope = Scope.SETUP, environment: str = ""
    ) -> None:
        self.id, self.title = step_id, title
        self.scope, self.environment = scope, environment
        self._error = error

    async def read(self, inputs: Inputs) -> NoReturn:
        error = self._error
        right, scope = getattr(error, "action", ""), getattr(error, "scope", "")
        raise Forbidden(
            error.code,
            error.message,
            resource=error.resource,
            fix=error.fix or advise(error),
            location=error.location,
            status=403,
            action=right,
            scope=scope,
        ) from error


class AfterSetup(_Unknown):
    """All of one environment, before setup has made the service principals and filled in the file."""

    def __init__(self, environment: str) -> None:
        self.id = f"{environment.lower()}/deployment"
        self.title = "all that the file describes"
        self.environment = environment

    async def read(self, inputs: Inputs) -> NoReturn:
        raise KnownAfterApply("setup", "environment", "setup")
