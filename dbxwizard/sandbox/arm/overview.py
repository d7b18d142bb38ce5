"""What `sandbox show` says of Azure."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from dbxwizard.sandbox.arm.deployments import routes as deployment_routes
from dbxwizard.sandbox.arm.providers import FREE, NAMESPACES, REGISTERED, state
from dbxwizard.sandbox.arm.roles import CUSTOM
from dbxwizard.sandbox.arm.stored import VISIBLE
from dbxwizard.sandbox.store import Document, Store

_HISTORY = ("createdBy", "updatedBy")  # who made it says nothing of what it is
_CREDENTIALS = ("InstrumentationKey", "ConnectionString")
_ASSIGNMENT = ("id", "principalId", "principalType", "roleDefinitionId", "scope", "condition", "conditionVersion")
_DEFINITION = ("name", "roleName", "description", "permissions", "assignableScopes")
_GROUP = ("id", "name", "location", "tags", "managedBy", "properties")


def overview(store: Store) -> dict[str, list[Any]]:
    """Sorted by id; no times, no keys."""
    return {
        "subscriptions": [_subscription(store, body) for body in store.all("arm.subscription")],
        "resourceGroups": [_only(body, _GROUP) for body in store.all("arm.resourceGroup")],
        "resources": [_resource(body) for body in store.all("arm.resource")],
        "deletedVaults": [_only(body, ("name", "location", "subscription")) for body in store.all("arm.deletedVault")],
        "roleDefinitions": [
            _only(body, _DEFINITION) for body in store.all("arm.roleDefinition") if body["roleType"] == CUSTOM
        ],
        "roleAssignments": [_only(body, _ASSIGNMENT) for body in store.all("arm.roleAssignment")],
        "deployments": deployment_routes.show(store),
    }


def _subscription(store: Store, body: Document) -> Document:
    known = (name for name in NAMESPACES if name not in FREE)
    registered = [name for name in known if state(store, body["id"], name) == REGISTERED]
    return {"id": body["id"], "displayName": body["displayName"], "registeredProviders": registered}


def _resource(body: Document) -> Document:
    shown = deepcopy(_only(body, VISIBLE))
    for name in (*_CREDENTIALS, *_HISTORY):
        shown.get("properties", {}).pop(name, None)
    return shown


def _only(body: Document, names: tuple[str, ...]) -> Document:
    return {name: body[name] for name in names if body.get(name) is not None}
