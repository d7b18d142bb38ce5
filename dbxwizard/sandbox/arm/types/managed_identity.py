"""Microsoft.ManagedIdentity: user-assigned identities."""

from __future__ import annotations

from typing import ClassVar

from dbxwizard.sandbox.arm.locations import ALL
from dbxwizard.sandbox.arm.model import Write
from dbxwizard.sandbox.arm.stored import TAGS, StoredType
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.tokens import TENANT_ID


class UserAssignedIdentityType(StoredType):
    name = "Microsoft.ManagedIdentity/userAssignedIdentities"
    api_versions = ("2018-11-30", "2022-01-31-preview", "2023-01-31", "2023-07-31-preview", "2024-11-30")
    locations = ALL
    body: ClassVar[Spec] = {"location": str, "properties?": {"isolationScope?": str}, "tags?": TAGS}
    patch_body: ClassVar[Spec] = {"location?": str, "properties?": {"isolationScope?": str}, "tags?": TAGS}
    name_pattern = r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}"
    read_only = ("properties.clientId", "properties.principalId", "properties.tenantId")
    has_state = False
    has_system_data = True

    def make(self, write: Write, document: Document) -> Document:
        context = write.context
        principal = context.new_id("servicePrincipal", write.id.key)
        client = context.new_id("managedIdentity", write.id.key)
        record = {
            "id": principal,
            "appId": client,
            "displayName": document["name"],
            "servicePrincipalType": "ManagedIdentity",
            "alternativeNames": ["isExplicit=True", document["id"]],
            "createdAt": context.now,
        }
        context.store.put("directory.servicePrincipal", principal, record)
        return {"properties": {"clientId": client, "principalId": principal, "tenantId": TENANT_ID}}

    def removed(self, context: Context, document: Document) -> None:
        context.store.delete("directory.servicePrincipal", document["properties"]["principalId"])
