"""Azure Resource Manager: the subscription, its providers, resource groups and resources, and deployments.

On azure-mgmt-resource, -subscriptions and -deployments, each loaded when it is first needed (300 ms each).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from dbxwizard.clients.client import Client
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.errors import translated
from dbxwizard.clients.identity import SignedIn
from dbxwizard.clients.management import Json, answered, as_body, deployment_error, failure, sdk_options, whole
from dbxwizard.clients.transport import CloudTransport
from dbxwizard.core.errors import NotFound
from dbxwizard.core.step import Progress

if TYPE_CHECKING:
    from azure.mgmt.resource.deployments.aio import DeploymentsMgmtClient
    from azure.mgmt.resource.resources.aio import ResourceManagementClient
    from azure.mgmt.resource.subscriptions.aio import SubscriptionClient

# Of what no SDK above knows.
_VAULTS_VERSION = "2024-11-01"
_STORAGE_VERSION = "2024-01-01"
_COMPUTE_VERSION = "2024-07-01"
_DEPLOYMENT_ENDED = ("Succeeded", "Failed", "Canceled")


class ArmClient(Client):
    """An asynchronous context manager for one subscription.

    What is found comes as the JSON objects of the service. Every method raises the core's errors. `only_reads`: a
    what-if does not ask whether the caller may write each resource.
    """

    def __init__(self, cloud: Cloud, signed_in: SignedIn, subscription_id: str, *, only_reads: bool = False) -> None:
        self.subscription_id, self._only_reads = subscription_id, only_reads
        self._transport = CloudTransport(cloud)
        self._options = sdk_options(cloud, signed_in, self._transport)
        # Without a Retry-After the SDKs ask again after this many seconds; Azure's own default is 30.
        self._pace = 0.1 if cloud.is_sandbox else 5.0
        self._scope = f"/subscriptions/{subscription_id}"

    async def close(self) -> None:
        await self._transport.close()

    @cached_property
    def _resources(self) -> ResourceManagementClient:
        from azure.mgmt.resource.resources.aio import ResourceManagementClient

        return ResourceManagementClient(subscription_id=self.subscription_id, **self._options)

    @cached_property
    def _subscriptions(self) -> SubscriptionClient:
        from azure.mgmt.resource.subscriptions.aio import SubscriptionClient

        return SubscriptionClient(**self._options)

    @cached_property
    def _deployments(self) -> DeploymentsMgmtClient:
        from azure.mgmt.resource.deployments.aio import DeploymentsMgmtClient

        return DeploymentsMgmtClient(subscription_id=self.subscription_id, **self._options)

    # The subscription and its providers.

    async def subscription(self) -> Json:
        """displayName, state, tenantId …; NotFound when it is not there or the caller has no role in it."""
        with translated(f"subscription {self.subscription_id}"):
            return await answered(self._subscriptions.subscriptions.get(self.subscription_id, cls=whole))

    async def locations(self) -> dict[str, str]:
        """Display names of the subscription's regions, by name."""
        with translated(f"subscription {self.subscription_id}"):
            found = self._subscriptions.subscriptions.list_locations(self.subscription_id)
            return {str(entry.name): str(entry.display_name) async for entry in found}

    async def providers(self) -> dict[str, str]:
        """The registration state of each resource provider, by namespace."""
        with translated(f"resource providers of {self.subscription_id}"):
            found = self._resources.providers.list()
            return {str(entry.namespace): str(entry.registration_state) async for entry in found}

    async def regions_of(self, namespace: str, resource_type: str) -> frozenset[str]:
        """Display names of the regions in which the provider has the resource type (`workspaces`)."""
        with translated(f"resource provider {namespace}"):
            found = await self._resources.providers.get(namespace)
        kinds = [one for one in found.resource_types or () if str(one.resource_type).lower() == resource_type.lower()]
        return frozenset(str(location) for kind in kinds for location in kind.locations or ())

    async def provider_state(self, namespace: str) -> str:
        """`NotRegistered`, `Registering` or `Registered`."""
        with translated(f"resource provider {namespace}"):
            found = await self._resources.providers.get(namespace)
        return str(found.registration_state)

    async def register_provider(self, namespace: str) -> str:
        """Begins to register it; the state as in `provider_state`."""
        with translated(f"resource provider {namespace}"):
            found = await self._resources.providers.register(namespace)
        return str(found.registration_state)

    async def wait_for_provider(self, namespace: str) -> None:
        """Returns when it is Registered. Registering takes minutes at most; it does not fail."""
        while True:
            if await self.provider_state(namespace) == "Registered":
                return
            await asyncio.sleep(self._pace)

    # Groups and resources.

    async def resource_groups(self) -> list[Json]:
        with translated(f"resource groups of {self.subscription_id}"):
            return [entry.as_dict() async for entry in self._resources.resource_groups.list()]

    async def resources_in(self, group: str) -> list[Json]:
        """What lies in the resource group, without properties. NotFound when there is no such group."""
        with translated(f"resource group {group}"):
            return [entry.as_dict() async for entry in self._resources.resources.list_by_resource_group(group)]

    async def get_resource(self, resource_id: str, api_version: str) -> Json | None:
        """The resource (a resource group too); None when it, or its group, is not there."""
        return await _or_none(self._get(resource_id, api_version))

    async def _get(self, resource_id: str, api_version: str) -> Json:
        with translated(resource_id):
            reading = self._resources.resources.get_by_id(resource_id, api_version=api_version, cls=whole)
            return await answered(reading)

    async def list_resources(self, collection: str, api_version: str) -> list[Json]:
        """The resources at the path of a type, below a group or another resource; none where that is not there."""
        found: list[Json] = []
        address = collection
        while address:
            page = await _or_none(self._send("GET", address, api_version)) or {}
            found += page.get("value", [])
            address = page.get("nextLink") or ""
        return found

    async def put_resource(self, resource_id: str, api_version: str, body: Mapping[str, Any]) -> Json:
        """Makes or replaces it and waits until that is done; the resource as it is then."""
        with translated(resource_id):
            poller = await self._resources.resources.begin_create_or_update_by_id(
                resource_id,
                as_body(dict(body)),
                api_version=api_version,
                content_type="application/json",
                polling_interval=self._pace,
                cls=whole,
            )
            return await answered(poller.result())

    async def delete_resource(self, resource_id: str, api_version: str) -> None:
        """Removes it, or the resource group, and waits for that; nothing when it is not there."""
        with translated(resource_id):
            poller = await self._resources.resources.begin_delete_by_id(
                resource_id, api_version=api_version, polling_interval=self._pace
            )
            await poller.result()

    async def get_deleted_vault(self, location: str, name: str) -> Json | None:
        """The soft-deleted key vault of that name in that region; None when there is none."""
        path = f"{self._scope}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}"
        return await _or_none(self._send("GET", path, _VAULTS_VERSION))

    async def cores(self, location: str) -> tuple[int, int]:
        """Cores in use in the region, and how many the subscription may use there at most."""
        path = f"{self._scope}/providers/Microsoft.Compute/locations/{location}/usages"
        usages = (await self._send("GET", path, _COMPUTE_VERSION))["value"]
        found = next(one for one in usages if one["name"]["value"] == "cores")
        return int(found["currentValue"]), int(found["limit"])

    async def name_problem(self, resource_type: str, name: str) -> str:
        """Why nobody can make a key vault or a storage account of that name; "" when it is free."""
        namespace = resource_type.split("/", 1)[0]
        version = _VAULTS_VERSION if namespace == "Microsoft.KeyVault" else _STORAGE_VERSION
        path = f"{self._scope}/providers/{namespace}/checkNameAvailability"
        answer = await self._send("POST", path, version, {"name": name, "type": resource_type})
        return "" if answer.get("nameAvailable") else str(answer.get("message") or answer.get("reason"))

    # Deployments at the subscription.

    async def what_if(
        self, name: str, location: str, template: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> list[Json]:
        """What Azure expects a deployment to change: `changeType`, `resourceId`, `delta` … for each resource."""
        resource = f"deployment {name}"
        level = {"validationLevel": "ProviderNoRbac"} if self._only_reads else {}
        with translated(resource):
            try:
                poller = await self._deployments.deployments.begin_what_if_at_subscription_scope(
                    name, _deployment(location, template, parameters, level), polling_interval=self._pace, cls=whole
                )
                answer = await answered(poller.result())
            except HttpResponseError as error:
                raise deployment_error(error, resource) from error
            failed = failure(answer.get("error") or {}, 0, resource)
            if failed is not None:
                raise failed
        changes: list[Json] = answer.get("properties", {}).get("changes", [])
        return changes

    async def deploy(
        self,
        name: str,
        location: str,
        template: Mapping[str, Any],
        parameters: Mapping[str, Any],
        progress: Progress,
        tags: Mapping[str, str] | None = None,
    ) -> Json:
        """Runs the deployment to its end; the deployment. Conflict `DeploymentActive` while another of that name runs.

        Raises what made it fail: the error of the resource, or SeveralErrors.
        """
        resource = f"deployment {name}"
        with translated(resource):
            try:
                poller = await self._deployments.deployments.begin_create_or_update_at_subscription_scope(
                    name, _deployment(location, template, parameters, tags=tags), polling_interval=self._pace, cls=whole
                )
                progress.waiting(resource)
                return await answered(poller.result())
            except HttpResponseError as error:
                raise deployment_error(error, resource) from error

    async def deployments(self) -> list[Json]:
        """The history of the subscription's own scope: the newest of each name."""
        with translated(f"deployments of {self.subscription_id}"):
            return [entry.as_dict() async for entry in self._deployments.deployments.list_at_subscription_scope()]

    async def get_deployment(self, name: str) -> Json | None:
        """The deployment of that name at the subscription; None when there is none."""
        return await _or_none(self._get_deployment(name))

    async def _get_deployment(self, name: str) -> Json:
        with translated(f"deployment {name}"):
            return await answered(self._deployments.deployments.get_at_subscription_scope(name, cls=whole))

    async def wait_for_deployment(self, name: str, progress: Progress) -> None:
        """Returns when the deployment, whoever started it, has ended in any way, or is not there."""
        while True:
            found = await self.get_deployment(name)
            if found is None or found["properties"]["provisioningState"] in _DEPLOYMENT_ENDED:
                return
            progress.waiting(f"deployment {name}, which is under way already")
            await asyncio.sleep(self._pace)

    # What no SDK above knows.

    async def _send(self, method: str, path: str, api_version: str, body: Json | None = None) -> Json:
        # The address of a next page has its version already.
        request = HttpRequest(method, path, params={} if "?" in path else {"api-version": api_version}, json=body)
        with translated(path):
            response = await self._resources.send_request(request)
            response.raise_for_status()
            answer: Json = response.json()
        return answer


def _deployment(
    location: str,
    template: Mapping[str, Any],
    parameters: Mapping[str, Any],
    settings: Mapping[str, str] = MappingProxyType({}),
    *,
    tags: Mapping[str, str] | None = None,
) -> IO[bytes]:
    properties = {"mode": "Incremental", "template": dict(template), "parameters": dict(parameters), **settings}
    return as_body({"location": location, "properties": properties} | ({"tags": dict(tags)} if tags else {}))


async def _or_none(reading: Awaitable[Json]) -> Json | None:
    try:
        return await reading
    except NotFound as error:
        # A subscription or a type that is not there is a mistake, not an answer.
        if error.code in ("SubscriptionNotFound", "InvalidResourceType", "InvalidResourceNamespace"):
            raise
        return None
