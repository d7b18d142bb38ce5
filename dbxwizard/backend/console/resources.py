"""What belongs to one environment, in Azure, Databricks and GitHub: as a tree, with links, and each thing as JSON."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dbxwizard.backend.console import items
from dbxwizard.backend.console.items import Item, filled
from dbxwizard.backend.host import unexpected
from dbxwizard.core.errors import NotFound, OperationError
from dbxwizard.core.secret import hide

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient
    from dbxwizard.deployed import Deployed

_HIDDEN = re.compile(
    r"secret|password|token|credential|connectionstring|instrumentationkey|accesskey|sas", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Branch:
    """What one service holds. `error` says why it could not be seen, whole or in part."""

    service: str  # Azure, Databricks or GitHub
    url: str = ""
    items: tuple[Item, ...] = ()
    error: OperationError | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentResources:
    """`at` in epoch seconds."""

    environment: str
    branches: tuple[Branch, ...]
    at: float


class Resources:
    """Looks at one environment. Reads only."""

    def __init__(self, deployed: Deployed, repository: str) -> None:
        self._environment, self._connection = deployed.environment, deployed.connection
        self._deployed, self._repository = deployed, repository

    async def read(self, at: float) -> EnvironmentResources:
        """All three services side by side; what one of them refuses keeps nobody from seeing the others."""
        parts = (("Azure", self._azure), ("Databricks", self._databricks), ("GitHub", self._github))
        branches = await asyncio.gather(*(_guarded(service, look) for service, look in parts))
        return EnvironmentResources(self._environment.name, tuple(branches), at)

    # Azure

    async def _azure(self) -> Branch:
        group = self._environment.resources.resource_group
        group_id = f"/subscriptions/{self._environment.subscription_id}/resourceGroups/{group}"
        try:
            found = await self._connection.arm(self._environment.subscription_id).resources_in(group)
        except NotFound:
            return Branch("Azure")
        found_items = sorted(map(self._resource, found), key=lambda item: (item.id.split("/")[-2], item.name))
        return Branch("Azure", self._portal(group_id), tuple(found_items))

    def _resource(self, found: Mapping[str, Any]) -> Item:
        tags = found.get("tags") or {}
        fields = (
            ("type", str(found["type"])),
            ("location", str(found.get("location", ""))),
            ("kind", str(found.get("kind") or "")),
            ("SKU", str((found.get("sku") or {}).get("name", ""))),
            ("tags", ", ".join(f"{name}={value}" for name, value in tags.items())),
        )
        url = self._portal(str(found["id"]))
        return Item("resource", str(found["id"]), str(found["name"]), url=url, fields=filled(fields))

    def _portal(self, resource_id: str) -> str:
        """learn.microsoft.com/azure/azure-portal: a resource by its id, in the tenant that is signed in."""
        portal, tenant = self._connection.cloud.portal, self._connection.signed_in.tenant_id
        return f"{portal}/#@{tenant}/resource{quote(resource_id)}" if portal else ""

    # Databricks

    async def _databricks(self) -> Branch:
        client = await self._deployed.workspace()
        if client is None:
            return Branch("Databricks")
        clusters, jobs, folders, scopes = await asyncio.gather(
            client.clusters(), client.jobs(), client.repos("/Repos"), client.secret_scopes()
        )
        inside = [
            *sorted((items.of_cluster(client.url, one) for one in clusters), key=lambda item: item.name),
            *sorted((items.of_job(client.url, one) for one in jobs), key=lambda item: item.name),
            *sorted((items.of_folder(client.url, one) for one in folders), key=lambda item: item.name),
            *(Item("secret scope", one["name"], one["name"]) for one in scopes),
        ]
        return Branch("Databricks", client.url, tuple(inside))

    # GitHub

    async def _github(self) -> Branch:
        if not self._repository:
            return Branch("GitHub")
        client, name = self._connection.github(self._repository), self._environment.name
        repository, environment = await asyncio.gather(client.repository(), client.environment(name))
        if environment is None:
            return Branch("GitHub", repository.html_url)
        variables, secrets = await asyncio.gather(client.variables(name), client.secrets(name))
        settings = f"{repository.html_url}/settings/environments"
        settings_of = [
            Item("environment", name, name, url=f"{settings}/{environment['id']}/edit"),
            *(
                Item("variable", key, key, url=settings, fields=(("value", one.value), ("updated", one.updated_at)))
                for key, one in sorted(variables.items())
            ),
            *(
                Item("secret", key, key, url=settings, fields=(("value", "never shown"), ("updated", when)))
                for key, when in sorted(secrets.items())
            ),
        ]
        return Branch("GitHub", repository.html_url, tuple(settings_of))

    # one thing as JSON

    async def details(self, kind: str, item_id: str) -> str:
        """As the service tells it, what looks like a secret left out. Raises NotFound for what is gone."""
        if kind in ("resource", "environment"):
            found = await self._outside(kind, item_id)
        else:
            client = await self._deployed.workspace()
            found = await _inside(client, kind, item_id) if client is not None else None
        if found is None:
            raise NotFound("resource-not-found", "it is not there any more", resource=item_id)
        return hide(json.dumps(without_secrets(found), indent=2, ensure_ascii=False))

    async def _outside(self, kind: str, item_id: str) -> Any:
        if kind == "environment":
            return await self._connection.github(self._repository).environment(item_id)
        return await self._raw_resource(item_id)

    async def _raw_resource(self, resource_id: str) -> Any:
        """With its properties where the template tells the version of its API, else as the group lists it."""
        arm = self._connection.arm(self._environment.subscription_id)
        known = {item.id.lower(): item.api_version for item in self._deployed.expected.resources}
        if resource_id.lower() in known:
            return await arm.get_resource(resource_id, known[resource_id.lower()])
        listed = await arm.resources_in(self._environment.resources.resource_group)
        return next((one for one in listed if str(one["id"]).lower() == resource_id.lower()), None)


async def _inside(client: WorkspaceClient, kind: str, item_id: str) -> Any:
    if kind == "cluster":
        return await client.cluster(item_id)
    if kind == "job":
        return await client.job(int(item_id))
    if kind == "git folder":
        return next((one for one in await client.repos("/Repos") if str(one["id"]) == item_id), None)
    return {"name": item_id, "acls": await client.scope_acls(item_id)}


async def _guarded(service: str, look: Callable[[], Awaitable[Branch]]) -> Branch:
    try:
        return await look()
    except OperationError as error:
        return Branch(service, error=error)
    except Exception as error:  # a defect of ours must not take the other services away
        return Branch(service, error=unexpected(service, error))


def without_secrets(value: Any, name: str = "") -> Any:
    """`value` with *** for each text whose name says that it is a secret; a reference to a secret scope stays."""
    if isinstance(value, Mapping):
        return {key: without_secrets(one, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [without_secrets(one, name) for one in value]
    if isinstance(value, str) and _HIDDEN.search(name) and not value.startswith("{{secrets/"):
        return "***" if value else ""
    return value
