"""Subscriptions and resource groups as scopes: whether they are there."""

from __future__ import annotations

from collections.abc import Collection

from dbxwizard.sandbox.arm import errors
from dbxwizard.sandbox.arm.ids import GROUPS, ResourceId
from dbxwizard.sandbox.store import Document, Store


def find(store: Store, subscription: str) -> Document | None:
    return store.get("arm.subscription", subscription.lower())


def require(store: Store, resource_id: ResourceId) -> None:
    """Raises 404 SubscriptionNotFound where the id lies in a subscription that is not there."""
    if resource_id.subscription and find(store, resource_id.subscription) is None:
        raise errors.subscription_not_found(resource_id.subscription)


def require_group(store: Store, resource_id: ResourceId, planned: Collection[str] = ()) -> None:
    """Raises 404 ResourceGroupNotFound, or 409 ResourceGroupBeingDeleted, for a resource in such a group."""
    if not resource_id.group or (resource_id.type == GROUPS and not resource_id.scope.count("/") > 2):
        return
    group = store.get("arm.resourceGroup", resource_id.group_id.lower())
    if group is None and resource_id.group_id.lower() not in planned:
        raise errors.group_not_found(resource_id.group)
    if group is not None and group["properties"]["provisioningState"] == "Deleting":
        raise errors.group_being_deleted(resource_id.group)
