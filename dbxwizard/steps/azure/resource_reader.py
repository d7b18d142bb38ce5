"""The live resources that templates describe: asked for one by one, or listed where one list tells of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from dbxwizard.arm_template import Expected
from dbxwizard.core.errors import Forbidden, NotYet
from dbxwizard.steps.readings import Readings

Json = Mapping[str, Any]
_GROUP = "microsoft.resources/resourcegroups"
_ASSIGNMENTS = "microsoft.authorization/roleassignments"
# Types of which the list of a subscription answers the whole of each resource: in Azure/azure-rest-api-specs the
# operations List or ListBySubscription have the model of Get.
_LISTED = frozenset(
    {
        _GROUP,
        "microsoft.databricks/accessconnectors",
        "microsoft.databricks/workspaces",
        "microsoft.insights/components",
        "microsoft.keyvault/vaults",
        "microsoft.operationalinsights/workspaces",
        "microsoft.storage/storageaccounts",
    }
)


class Lister(Protocol):
    """What this needs of clients.arm.ArmClient."""

    async def get_resource(self, resource_id: str, api_version: str) -> Json | None: ...

    async def list_resources(self, collection: str, api_version: str) -> Sequence[Json]: ...


class ResourceReader:
    """For the environments of one subscription.

    A list may lag behind, so it is asked for a first look alone, and what it does not show is asked for by its id:
    only that says that something is not there.
    """

    def __init__(self, arm: Lister) -> None:
        self._arm = arm
        self._expected: dict[str, set[str]] = {}  # ids in lower case by the list that may show them
        self._around: dict[str, str] = {}  # groups, or subscriptions, with role assignments; the version to ask in
        self._readings = Readings()

    def expect(self, wanted: Iterable[Expected]) -> None:
        """Says what an environment is going to look for: a list pays where it tells of more than one thing."""
        for item in wanted:
            if item.type.lower() == _ASSIGNMENTS:
                self._around[_home(item.id)] = item.api_version
            elif address := _list_of(item):
                self._expected.setdefault(address, set()).add(item.id.lower())

    async def first(self, item: Expected) -> Json | None:
        """It, as a list or its own address answers; None when it is not there."""
        if item.type.lower() == _ASSIGNMENTS:
            listed = await self._assignments() or {}
        else:
            address = _list_of(item)
            shared = len(self._expected.get(address, ())) > 1
            listed = await self._listed(address, item.api_version) or {} if shared else {}
        return listed.get(item.id.lower()) or await self.now(item)

    async def now(self, item: Expected) -> Json | None:
        """It, as its own address answers; None when it is not there."""
        return await self._arm.get_resource(item.id, item.api_version)

    async def assignments_at(self, scope: str) -> list[Json] | None:
        """The role assignments made at `scope` itself, by the list that tells of the template's; None where there is no
        such list, or it does not reach so far."""
        root = self._root()
        if not root or not f"{scope}/".lower().startswith(f"{root}/"):
            return None
        listed = await self._assignments()
        if listed is None:
            return None
        at = scope.lower().rstrip("/")
        return [one for one in listed.values() if str(one["properties"]["scope"]).lower().rstrip("/") == at]

    def assignments_changed(self) -> None:
        """Forgets their list: something was deployed."""
        self._readings.changed(_ASSIGNMENTS)

    def _root(self) -> str:
        """What has all role assignments that are looked for below it: a group, or the subscription; "" for nothing."""
        if len(self._around) == 1:
            return next(iter(self._around))
        return next((home.split("/resourcegroups/")[0] for home in self._around), "")

    async def _assignments(self) -> Mapping[str, Json] | None:
        """Those at the root, above it and below it (learn.microsoft.com/azure/role-based-access-control/
        role-assignments-list-rest)."""
        version = next(iter(self._around.values()))
        address = f"{self._root()}/providers/{_ASSIGNMENTS}"
        return await self._readings.once(_ASSIGNMENTS, lambda: self._list(address, version))

    async def _listed(self, address: str, version: str) -> Mapping[str, Json] | None:
        return await self._readings.once(f"{address} {version}", lambda: self._list(address, version))

    async def _list(self, address: str, version: str) -> Mapping[str, Json] | None:
        """By id in lower case; None for a caller whose rights end below."""
        try:
            found = await self._arm.list_resources(address, version)
        except (Forbidden, NotYet):
            return None
        return {str(one["id"]).lower(): one for one in found}


def _home(resource_id: str) -> str:
    """The group that it lies in, or the subscription, in lower case."""
    parts = resource_id.lower().strip("/").split("/")
    inside = 4 if parts[2:3] == ["resourcegroups"] else 2
    return "/" + "/".join(parts[:inside])


def _list_of(item: Expected) -> str:
    """The address that lists resources of its type in the whole subscription; "" where none tells enough."""
    parts = item.id.strip("/").split("/")
    if item.type.lower() not in _LISTED or parts[0].lower() != "subscriptions":
        return ""
    subscription = "/".join(parts[:2])
    return (
        f"/{subscription}/resourceGroups" if item.type.lower() == _GROUP else f"/{subscription}/providers/{item.type}"
    )
