"""A sandbox with one workspace, and who may knock at its door."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from azure.core.credentials import AccessToken

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.databricks import WorkspaceClient
from dbxwizard.clients.identity import SignedIn
from dbxwizard.sandbox import rbac, tokens
from dbxwizard.sandbox.entra.directory import AZURE_CLI
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from tests.reaching import access_token, cloud_of, requests_to

WORKSPACE_ID = "1234567890123456"
RESOURCE_ID = (
    "/subscriptions/6f9619ff-8b86-d011-b42d-00c04fc964ff/resourceGroups/rg-development"
    "/providers/Microsoft.Databricks/workspaces/dbx-development"
)
CONTRIBUTOR, READER = "b24988ac-6180-42a0-ab88-20f7382dd24c", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SPN = "11111111-2222-3333-4444-555555555555"  # the application id of the Databricks service principal
ADA = "ada@contoso.example"
MANAGEMENT = "https://management.core.windows.net/"


def object_id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


class SignedTokens:
    """A credential that the sandbox's Entra would have given; `audiences` puts another audience in the place of one."""

    def __init__(self, world: World, name: str, audiences: dict[str, str] | None = None) -> None:
        self._world, self._name, self._audiences = world, name, audiences or {}
        self.asked: list[str] = []

    def get_token(self, *scopes: str, **_more: Any) -> AccessToken:
        self.asked += scopes
        audience = scopes[0].removesuffix("/.default")
        audience = self._audiences.get(audience, audience)
        expires = int(time.time()) + 3600
        return AccessToken(self._world.token(self._name, audience, expires), expires)


@dataclass
class World:
    sandbox: Sandbox
    store: Store
    cloud: Cloud

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.store.get('_port', f'workspace:{WORKSPACE_ID}')['port']}"  # type: ignore[index]

    def token(self, name: str, audience: str, expires: int) -> str:
        person = "@" in name
        app_id = AZURE_CLI if person else name
        return access_token(self.store, audience, object_id(name), app_id=app_id, user=person, exp=expires)

    def know(self, name: str, display_name: str) -> None:
        """Puts a person (by sign-in name) or a service principal (by application id) into the directory."""
        body: dict[str, Any] = {"id": object_id(name), "displayName": display_name}
        kind = "user" if "@" in name else "servicePrincipal"
        body |= {"userPrincipalName": name, "mail": name} if kind == "user" else {"appId": name}
        with self.store.transaction():
            self.store.put(f"directory.{kind}", object_id(name), body)

    def assign(self, name: str, role: str, *, effective_at: float = 0.0) -> None:
        key = f"{RESOURCE_ID}{rbac.ASSIGNMENTS}{object_id(name + role)}".lower()
        body = {
            "principalId": object_id(name),
            "roleDefinitionId": f"{rbac.DEFINITIONS}{role}",
            "scope": RESOURCE_ID,
            "effectiveAt": effective_at,
        }
        with self.store.transaction():
            self.store.put("arm.roleAssignment", key, body)

    def signed_in(self, name: str, audiences: dict[str, str] | None = None) -> SignedIn:
        kind = "user" if "@" in name else "servicePrincipal"
        return SignedIn(
            credential=SignedTokens(self, name, audiences),
            tenant_id=tokens.TENANT_ID,
            object_id=object_id(name),
            name=name,
            kind=kind,  # type: ignore[arg-type]
            client_id=name,
        )

    def client(self, name: str = ADA, *, resource_id: str = RESOURCE_ID, **more: Any) -> WorkspaceClient:
        return WorkspaceClient(self.cloud, self.signed_in(name), self.url, resource_id, **more)

    def requests(self) -> list[str]:
        """`METHOD path` of each request that the workspace has had."""
        return requests_to(self.store, "workspace")

    def writes(self) -> list[str]:
        return requests_to(self.store, "workspace", writes=True)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sandbox that was served once: its keys and certificates take half a second to make."""
    state = tmp_path_factory.mktemp("template") / "sandbox" / "state.sqlite"
    store = Store(state)
    record = {"workspaceId": WORKSPACE_ID, "resourceId": RESOURCE_ID, "subscriptionId": RESOURCE_ID.split("/")[2]}
    with store.transaction():
        store.put("_setting", "latency", {"profile": "zero"})
        store.put("databricks.workspace", WORKSPACE_ID, record)
        store.put("_port", f"workspace:{WORKSPACE_ID}", {"port": 0})
        tokens.signing_key(store, "entra")
    store.close()
    with Sandbox(state):
        return state.parent


@pytest.fixture
def world(tmp_path: Path, template: Path) -> Iterator[World]:
    """A workspace in which nothing takes time. Ada (Contributor) and the service principal (Contributor) may enter."""
    state = Path(shutil.copytree(template, tmp_path / "sandbox")) / "state.sqlite"
    store = Store(state)
    with Sandbox(state) as sandbox:
        made = World(sandbox, store, cloud_of(sandbox))
        made.know(SPN, "databricks-spn")
        made.know(ADA, "Ada Sandbox")
        made.know("grace@contoso.example", "Grace Sandbox")
        for name in (SPN, ADA):
            made.assign(name, CONTRIBUTOR)
        yield made
    store.close()


@pytest.fixture
async def client(world: World) -> AsyncIterator[WorkspaceClient]:
    """Ada's."""
    async with world.client() as made:
        yield made
