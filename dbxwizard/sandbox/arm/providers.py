"""Resource providers: which there are, and which of them a subscription has registered."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.arm import errors
from dbxwizard.sandbox.arm.ids import ResourceId
from dbxwizard.sandbox.arm.locations import REGIONS
from dbxwizard.sandbox.arm.registry import types
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document, Store

REGISTERED, REGISTERING = "Registered", "Registering"
NOT_REGISTERED, UNREGISTERING = "NotRegistered", "Unregistering"
# learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types: registered by default.
FREE = ("Microsoft.Authorization", "Microsoft.Resources")
NAMESPACES = (
    *FREE,
    "Microsoft.Compute",
    "Microsoft.Databricks",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
)


def canonical(namespace: str) -> str:
    """The namespace as its provider writes it. ApiError 404 InvalidResourceNamespace."""
    known = {name.lower(): name for name in NAMESPACES}
    if namespace.lower() not in known:
        raise errors.invalid_namespace(namespace)
    return known[namespace.lower()]


def state(store: Store, subscription: str, namespace: str) -> str:
    """`NotRegistered`, `Registering`, `Registered` or `Unregistering`."""
    if namespace in FREE:
        return REGISTERED
    found = store.get("arm.provider", _key(subscription, namespace))
    return str(found["registrationState"]) if found else NOT_REGISTERED


def require(store: Store, resource_id: ResourceId, *others: str) -> None:
    """Raises 409 MissingSubscriptionRegistration unless the type's provider, and `others`, are registered."""
    for namespace in (canonical(resource_id.namespace), *others):
        subscription = resource_id.subscription
        if subscription and state(store, subscription, namespace) not in (REGISTERED, REGISTERING):
            raise errors.not_registered(namespace)


def register(context: Context, subscription: str, namespace: str) -> float:
    """Begins to register; returns when it is done (epoch seconds; now where it is registered or under way)."""
    name = canonical(namespace)
    if state(context.store, subscription, name) == REGISTERED:
        return context.now
    return _move(context, subscription, name, REGISTERING, REGISTERED)


def unregister(context: Context, subscription: str, namespace: str) -> float:
    name = canonical(namespace)
    if name in FREE or state(context.store, subscription, name) == NOT_REGISTERED:
        return context.now
    return _move(context, subscription, name, UNREGISTERING, NOT_REGISTERED)


def settle(store: Store, subscription: str, namespace: str, moving: str, reached: str) -> None:
    """The end of a registration; nothing where it was turned round meanwhile."""
    if state(store, subscription, namespace) == moving:
        _put(store, subscription, namespace, reached)


def document(store: Store, subscription: str, namespace: str) -> Document:
    """The provider as GET answers it."""
    name = canonical(namespace)
    return {
        "id": f"/subscriptions/{subscription}/providers/{name}",
        "namespace": name,
        "resourceTypes": [_type_entry(kind) for kind in types().values() if kind.name.split("/")[0] == name],
        "registrationState": state(store, subscription, name),
        "registrationPolicy": "RegistrationFree" if name in FREE else "RegistrationRequired",
    }


def _type_entry(kind: Any) -> Document:
    return {
        "resourceType": kind.name.split("/", 1)[1],
        "locations": [REGIONS[name] for name in kind.locations],
        "apiVersions": list(reversed(kind.api_versions)),
        "defaultApiVersion": kind.api_versions[-1],
        "capabilities": "SupportsTags, SupportsLocation" if kind.locations else "None",
    }


def _move(context: Context, subscription: str, name: str, moving: str, reached: str) -> float:
    seconds = context.seconds("provider.register")
    if seconds <= 0:
        _put(context.store, subscription, name, reached)
        return context.now
    if state(context.store, subscription, name) != moving:
        _put(context.store, subscription, name, moving)
        context.later(
            seconds, "arm.provider.settle", subscription=subscription, namespace=name, moving=moving, reached=reached
        )
    return context.now + seconds


def _put(store: Store, subscription: str, namespace: str, reached: str) -> None:
    key = _key(subscription, namespace)
    if reached == NOT_REGISTERED:
        store.delete("arm.provider", key)
        return
    store.put("arm.provider", key, {"namespace": namespace, "registrationState": reached})


def _key(subscription: str, namespace: str) -> str:
    return f"{subscription}/{namespace}".lower()
