"""What stands in a plan of everything for steps that can't be known yet, or not from here. Neither is ever applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from dbxwizard.core.errors import Forbidden
from dbxwizard.core.plan import Change, Inputs, KnownAfterApply, Progress, Scope, Step


class _Unknown(Step[None]):
    def diff(self, state: None, inputs: Inputs) -> Change:
        return Change.none()

    async def apply(self, state: None, change: Change, inputs: Inputs, progress: Progress) -> Mapping[str, object]:
        return {}


class NotChecked(_Unknown):
    """All of setup, or its part `where`, for somebody who may not look at it; `reason` in the words of the service."""

    scope = Scope.SETUP

    def __init__(self, reason: str, where: str = "") -> None:
        self.id = f"setup/{where.lower()}".rstrip("/")
        self.title = f"what setup makes {f'at {where}' if where else ''}".rstrip()
        self._reason = reason

    async def read(self, inputs: Inputs) -> NoReturn:
        raise Forbidden("not-checked", self._reason, resource=self.title)


class AfterSetup(_Unknown):
    """All of one environment, before setup has made the service principals and filled in the file."""

    def __init__(self, environment: str) -> None:
        self.id = f"{environment.lower()}/deployment"
        self.title = "all that the file describes"
        self.environment = environment

    async def read(self, inputs: Inputs) -> NoReturn:
        raise KnownAfterApply("setup", "environment", "setup")
