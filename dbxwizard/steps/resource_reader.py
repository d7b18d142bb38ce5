"""The live resources that templates describe: asked for one by one, or listed for all environments at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from dbxwizard.arm_template import Expected
from dbxwizard.core.errors import Forbidden, NotYet
from dbxwizard.steps.readings import Readings

Json = Mapping[str, Any]
_GROUP = "microsoft.resources/resourcegroups"
# Types of which the list of a subscription answers the whole of each resource: in Azure/azure-rest-api-specs the
# operations List or ListBySubscription have the model of Get. Role assignments are listed with those below.
_LISTED = frozenset(
    {
        _GROUP,
        "microsoft.authorization/roleassignments",
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
        self._readings = Readings()

    def expect(self, wanted: Iterable[Expected]) -> None:
        """Says what an environment is going to look for: a list pays where there is more than one of a type."""
        for item in wanted:
            if address := _list_of(item):
                self._expected.setdefault(address, set()).add(item.id.lower())

    async def first(self, item: Expected) -> Json | None:
        """It, as a list of the subscription or its own address answers; None when it is not there."""
        address = _list_of(item)
        if len(self._expected.get(address, ())) > 1:
            version = item.api_version
            listed = await self._readings.once(f"{address} {version}", lambda: self._list(address, version))
            if item.id.lower() in listed:
                return listed[item.id.lower()]
        return await self.now(item)

    async def now(self, item: Expected) -> Json | None:
        """It, as its own address answers; None when it is not there."""
        return await self._arm.get_resource(item.id, item.api_version)

    async def _list(self, address: str, version: str) -> Mapping[str, Json]:
        """By id in lower case; nothing for a caller whose rights end below the subscription."""
        try:
            found = await self._arm.list_resources(address, version)
        except (Forbidden, NotYet):
            return {}
        return {str(one["id"]).lower(): one for one in found}


def _list_of(item: Expected) -> str:
    """The address that lists resources of its type in the whole subscription; "" where none tells enough."""
    parts = item.id.strip("/").split("/")
    if item.type.lower() not in _LISTED or parts[0].lower() != "subscriptions":
        return ""
    subscription = "/".join(parts[:2])
    return (
        f"/{subscription}/resourceGroups" if item.type.lower() == _GROUP else f"/{subscription}/providers/{item.type}"
    )
