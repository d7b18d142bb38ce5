"""Managed identities: service principals that a resource brings and takes with it."""

from __future__ import annotations

from dbxwizard.sandbox.arm.model import Write
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.tokens import TENANT_ID

IDENTITY = {
    "type": frozenset({"None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned"}),
    "userAssignedIdentities?": {"*": dict},
}


def make_identity(write: Write, document: Document) -> Document:
    """The `identity` of a new resource with a system-assigned one, whose principal is put into the directory."""
    if not str(document.get("identity", {}).get("type", "")).startswith("SystemAssigned"):
        return {}
    context = write.context
    principal = context.new_id("servicePrincipal", write.id.key)
    context.store.put(
        "directory.servicePrincipal",
        principal,
        {
            "id": principal,
            "appId": context.new_id("managedIdentity", write.id.key),
            "displayName": document["name"],
            "servicePrincipalType": "ManagedIdentity",
            "alternativeNames": ["isExplicit=False", document["id"]],
            "createdAt": context.now,
        },
    )
    return {"identity": {"principalId": principal, "tenantId": TENANT_ID}}


def forget_identity(context: Context, document: Document) -> None:
    """Removes the principal of a resource that is gone."""
    principal = document.get("identity", {}).get("principalId")
    if principal:
        context.store.delete("directory.servicePrincipal", principal)
