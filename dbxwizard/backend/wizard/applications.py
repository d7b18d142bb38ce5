"""The service principals: what each is for, what there is to decide, and which applications are there already."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dbxwizard.backend.tables import table
from dbxwizard.backend.wizard.application_views import (
    ApplicationsView,
    ExistingApplication,
    Made,
    ServicePrincipalView,
    Standing,
    TradeOff,
)
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.identity.adoption import adopted
from dbxwizard.steps.identity.applications import OWN_TAG, own_tags, unique_name
from dbxwizard.steps.setup_options import SetupOptions, display_name, keys_of, pairs

if TYPE_CHECKING:
    from dbxwizard.clients.graph import GraphClient


async def applications(
    connection: Connection, options: SetupOptions, environments: Sequence[Environment]
) -> ApplicationsView:
    """Raises UsageError for adoptions that fit nothing, and the core's errors for what can't be read."""
    made_for = {
        key: tuple(environment.name for environment in pair.environments)
        for pair in pairs(options, environments)
        for key in pair.keys
    }
    adoptions = adopted(options.adopt, keys_of(pairs(options, environments)))
    looked = (
        _Look(connection.graph(), options, key).principal(names, adoptions.get(key, ""))
        for key, names in made_for.items()
    )
    return ApplicationsView(tuple(await asyncio.gather(*looked)), trade_offs())


def trade_offs() -> tuple[TradeOff, ...]:
    rows = table("service_principals")["trade_offs"]
    return tuple(TradeOff(one["decision"], one["value"], one["title"], one["words"], one["default"]) for one in rows)


class _Look:
    """Looks for the application of one key."""

    def __init__(self, graph: GraphClient, options: SetupOptions, key: str) -> None:
        self._graph, self._key, self._name = graph, key, display_name(options, key)
        self._repository = options.repository

    async def principal(self, environments: tuple[str, ...], adopt: str) -> ServicePrincipalView:
        ours, named = await asyncio.gather(self._ours(), self._graph.applications_named(self._name))
        used = await self._by_id(adopt) if adopt else ours[0] if len(ours) == 1 else None
        rest = {one["id"]: one for one in (*ours, *named) if used is None or one["id"] != used["id"]}
        about = table("service_principals")["purposes"][self._key.rpartition("/")[2]]
        return ServicePrincipalView(
            key=self._key,
            title=about["title"],
            purpose=about["words"],
            environments=environments,
            name=self._name,
            standing=self._standing(used, adopt, len(ours), len(named)),
            application=await self._shown(used) if used else None,
            others=tuple(await asyncio.gather(*map(self._shown, rest.values()))),
        )

    def _standing(self, used: object, adopt: str, ours: int, named: int) -> Standing:
        if adopt:
            return "adopted" if used else "not found"
        if used:
            return "exists"
        return "ambiguous" if ours > 1 else "name taken" if named else "will be made"

    async def _ours(self) -> list[dict[str, Any]]:
        """As the step finds it: by the key that Entra keeps for us, else by our tag."""
        found = await self._graph.application_of_name(unique_name(self._repository, self._key))
        return [found] if found else await self._graph.applications_tagged(own_tags(self._repository, self._key)[1])

    async def _by_id(self, adopt: str) -> dict[str, Any] | None:
        return await self._graph.application_of_client(adopt) or await self._graph.application(adopt)

    async def _shown(self, application: Mapping[str, Any]) -> ExistingApplication:
        owners = await self._graph.owners(application["id"])
        return ExistingApplication(
            name=application["displayName"],
            client_id=application["appId"],
            object_id=application["id"],
            owners=tuple(str(one.get("userPrincipalName") or one.get("displayName") or one["id"]) for one in owners),
            created=str(application.get("createdDateTime") or "")[:10],
            made=self._made(application),
            adopt=f"{self._key}={application['appId']}",
        )

    def _made(self, application: Mapping[str, Any]) -> Made:
        tags = application.get("tags") or ()
        if own_tags(self._repository, self._key)[1] in tags:
            return "for this"
        return "for another repository" if OWN_TAG in tags else "by somebody else"
