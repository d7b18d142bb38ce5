"""The tenant that a new sandbox holds: its name, its people, the applications of the provider's own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.http import WORLD, Hosts
from dbxwizard.sandbox.store import Document, Store

TENANT_NAME = "contoso.example"
TENANT_DISPLAY_NAME = "Contoso"
ADA = "ada@contoso.example"  # owns the subscription; an ordinary member of the directory
GRACE = "grace@contoso.example"
DATA_SCIENTISTS = "data-scientists"
# Tenant parameters under which a person of any organisation signs in.
ANY_TENANT = frozenset({"organizations", "common"})


def _id(kind: str, name: str) -> str:
    return str(uuid.uuid5(WORLD, f"{kind}/{name}"))


ADA_ID = _id("user", ADA)
GRACE_ID = _id("user", GRACE)
DATA_SCIENTISTS_ID = _id("group", DATA_SCIENTISTS)

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"  # azure-identity's default for people too
AZURE_POWERSHELL = "1950a258-227b-4e31-a9cf-717495945fc2"
# Public clients that every tenant knows and that have consent for the resources below.
FIRST_PARTY_CLIENTS = {AZURE_CLI: "Microsoft Azure CLI", AZURE_POWERSHELL: "Microsoft Azure PowerShell"}

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
# What the Azure CLI may do on Graph in a person's name.
_GRAPH_SCOPES = (
    "Application.ReadWrite.All AppRoleAssignment.ReadWrite.All AuditLog.Read.All "
    "DelegatedPermissionGrant.ReadWrite.All Directory.AccessAsUser.All email Group.ReadWrite.All openid profile "
    "User.Read.All User.ReadWrite.All"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """An application that tokens are asked for. `names` are the forms of its identifier, without a final slash."""

    names: frozenset[str]
    scopes: str = "user_impersonation"


def resources(hosts: Hosts) -> tuple[Resource, ...]:
    """learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in has the ids."""
    graph = frozenset({hosts.url("graph"), "https://graph.microsoft.com", GRAPH_APP_ID})
    return (
        Resource(graph, _GRAPH_SCOPES),
        Resource(
            frozenset(
                {
                    "https://management.core.windows.net",
                    "https://management.azure.com",
                    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
                }
            )
        ),
        Resource(frozenset({"https://vault.azure.net", "cfa8b339-82a2-471a-a3c9-0fa0be7a4093"})),
        Resource(
            frozenset(
                {hosts.url("insights"), "https://api.applicationinsights.io", "f5c26e74-f226-4ae8-85f0-b4af0080ac9e"}
            )
        ),
        Resource(frozenset({tokens.DATABRICKS_APP_ID})),
        Resource(frozenset({"https://storage.azure.com", "e406a681-f3d4-42a8-90b6-c2b029497af1"})),
    )


def find_resource(hosts: Hosts, name: str) -> Resource | None:
    wanted = name.rstrip("/")
    return next((resource for resource in resources(hosts) if wanted in resource.names), None)


def is_tenant(name: str) -> bool:
    return name.lower() in (tokens.TENANT_ID, TENANT_NAME)


def find_user(store: Store, name: str) -> Document | None:
    """The user of that object id or user principal name (which ignores case)."""
    users = store.all("directory.user")
    wanted = name.lower()
    return next((user for user in users if wanted in (user["id"], user["userPrincipalName"].lower())), None)


def find_application(store: Store, app_id: str) -> Document | None:
    return _by_app_id(store, "directory.application", app_id)


def find_principal(store: Store, app_id: str) -> Document | None:
    """The service principal of an application."""
    return _by_app_id(store, "directory.servicePrincipal", app_id)


def _by_app_id(store: Store, kind: str, app_id: str) -> Document | None:
    wanted = app_id.lower()
    return next((body for body in store.all(kind) if body["appId"] == wanted), None)


def seed(store: Store) -> None:
    for object_id, upn, name in ((ADA_ID, ADA, "Ada Sandbox"), (GRACE_ID, GRACE, "Grace Sandbox")):
        user = {"id": object_id, "userPrincipalName": upn, "displayName": name, "mail": upn}
        store.put("directory.user", object_id, user)
    group = {"id": DATA_SCIENTISTS_ID, "displayName": DATA_SCIENTISTS, "members": [GRACE_ID]}
    store.put("directory.group", DATA_SCIENTISTS_ID, group)
