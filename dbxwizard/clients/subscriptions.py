"""What somebody can choose from in Azure: tenants and subscriptions. On azure-mgmt-resource-subscriptions."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from dbxwizard.clients.client import Client
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.errors import translated
from dbxwizard.clients.identity import SignedIn
from dbxwizard.clients.management import Json, sdk_options
from dbxwizard.clients.transport import CloudTransport

if TYPE_CHECKING:
    from azure.mgmt.resource.subscriptions.aio import SubscriptionClient


class SubscriptionsClient(Client):
    """What is found comes as the JSON objects of the service. Every method raises the core's errors."""

    def __init__(self, cloud: Cloud, signed_in: SignedIn) -> None:
        self._transport = CloudTransport(cloud)
        self._options = sdk_options(cloud, signed_in, self._transport)

    async def close(self) -> None:
        await self._transport.close()

    @cached_property
    def _client(self) -> SubscriptionClient:
        from azure.mgmt.resource.subscriptions.aio import SubscriptionClient

        return SubscriptionClient(**self._options)

    async def tenants(self) -> list[Json]:
        """Those that the caller belongs to: tenantId, displayName, defaultDomain …"""
        with translated("tenants"):
            return [entry.as_dict() async for entry in self._client.tenants.list()]

    async def subscriptions(self) -> list[Json]:
        """Those of the tenant that was signed in to, in which the caller has a role: subscriptionId, displayName …"""
        with translated("subscriptions"):
            return [entry.as_dict() async for entry in self._client.subscriptions.list()]
