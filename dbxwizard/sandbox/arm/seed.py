"""What a new sandbox holds of Azure: one subscription, owned by one person, with nothing in it."""

from __future__ import annotations

import uuid

from dbxwizard.sandbox.arm.roles import KIND as ROLE_DEFINITION
from dbxwizard.sandbox.arm.roles import built_in
from dbxwizard.sandbox.entra.directory import ADA_ID
from dbxwizard.sandbox.http import WORLD
from dbxwizard.sandbox.rbac import ASSIGNMENTS, DEFINITIONS
from dbxwizard.sandbox.store import Store

SUBSCRIPTION_ID = str(uuid.uuid5(WORLD, "subscription"))
SUBSCRIPTION_NAME = "dbxwizard sandbox"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


def seed(store: Store, now: float) -> None:
    """Writes the built-in roles, the subscription and its owner's role assignment."""
    for role in built_in():
        store.put(
            ROLE_DEFINITION, DEFINITIONS + role["name"], {**role, "id": DEFINITIONS + role["name"], "createdAt": now}
        )
    store.put(
        "arm.subscription", SUBSCRIPTION_ID, {"id": SUBSCRIPTION_ID, "displayName": SUBSCRIPTION_NAME, "tags": {}}
    )
    scope = f"/subscriptions/{SUBSCRIPTION_ID}"
    name = str(uuid.uuid5(WORLD, "roleAssignment/owner"))
    assignment = {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "name": name,
        "principalId": ADA_ID,
        "principalType": "User",
        "roleDefinitionId": f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{OWNER}",
        "scope": scope,
        "description": None,
        "condition": None,
        "conditionVersion": None,
        "createdBy": ADA_ID,
        "createdAt": now,
        "effectiveAt": now,
    }
    store.put("arm.roleAssignment", scope + ASSIGNMENTS + name, assignment)
