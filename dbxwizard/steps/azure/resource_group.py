"""A resource group that is there before the deployment: rights that end at it can be given only then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from dbxwizard.core.errors import OperationError
from dbxwizard.core.plan import Change, Inputs, Progress, Scope, Step, compare
from dbxwizard.core.requests import Host, Request
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.azure.template_parameters import template_parameters
from dbxwizard.steps.rights import Rights

_VERSION = "2025-04-01"  # as in bicep/main.bicep
Json = Mapping[str, Any]


class ResourceManager(Protocol):
    """What this step needs of clients.arm.ArmClient."""

    async def get_resource(self, resource_id: str, api_version: str) -> Json | None: ...

    async def put_resource(self, resource_id: str, api_version: str, body: Json) -> Json: ...


def resource_group_step_id(environment: str) -> str:
    return f"setup/resource-group/{environment.lower()}"


class ResourceGroupStep(Step[Json]):
    """The resource group of `environment` exists as bicep/main.bicep makes it, so that deploy finds nothing to change.

    One that is there keeps its tags: what differs of them is deploy's. Raises OperationError for one in another region.
    """

    scope = Scope.SETUP

    def __init__(
        self, arm: ResourceManager, environment: Environment, subscription_id: str, *, rights: Rights | None = None
    ) -> None:
        """`rights`: of who acts, to be asked before a change."""
        group = environment.resources.resource_group
        self.id = resource_group_step_id(environment.name)
        self.title = f"resource group {group}"
        self.environment = environment.name
        self._arm, self._rights = arm, rights
        self._resource_id = f"/subscriptions/{subscription_id}/resourceGroups/{group}"
        self._body = {
            "location": environment.location,
            "tags": template_parameters(environment)["tags"]["value"],
        }

    async def read(self, inputs: Inputs) -> Json | None:
        return await self._arm.get_resource(self._resource_id, _VERSION)

    def diff(self, state: Json | None, inputs: Inputs) -> Change:
        if state is None:
            return Change.create(**self._body)
        if compare({"location": self._body["location"]}, state):
            raise OperationError(
                "resource-group-elsewhere",
                f"{self.title} is in {state.get('location')}, and the file says {self._body['location']}",
                resource=self.title,
                fix="Choose another ResourceGroup, or that Location; a resource group can't move.",
            )
        return Change.none()

    async def require_rights(self, state: Json | None, change: Change, inputs: Inputs) -> None:
        if self._rights:
            await self._rights.require("Microsoft.Resources/subscriptions/resourceGroups/write")

    async def apply(
        self, state: Json | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        await self._arm.put_resource(self._resource_id, _VERSION, self._body)
        return {}

    def writes(self, state: Json | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        return (Request("PUT", Host.ARM, self._resource_id, f"makes the {self.title}"),)
