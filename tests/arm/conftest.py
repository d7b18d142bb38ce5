"""A person's and other principals' way to the sandbox's Resource Manager."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import requests

from dbxwizard.clients.arm import ArmClient
from dbxwizard.clients.authorization import AuthorizationClient
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.identity import SignedIn
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.entra.directory import ADA_ID
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock
from tests.reaching import access_token, requests_to

SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
AUDIENCE = "https://management.azure.com/"


class Arm:
    """Speaks HTTP to Resource Manager; every answer is the response itself."""

    def __init__(self, sandbox: Sandbox, store: Store) -> None:
        self.sandbox, self.store, self.clock = sandbox, store, Clock(store)
        self.url = sandbox.endpoints().resource_manager
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(sandbox.endpoints().authority)
        self.object_id, self.user = ADA_ID, True

    def acting_as(self, object_id: str) -> Arm:
        """The same, as an application's principal."""
        other = Arm(self.sandbox, self.store)
        other.object_id, other.user = object_id, False
        return other

    def token(self, **claims: Any) -> str:
        app_id = str(uuid.UUID(int=7))
        return access_token(self.store, AUDIENCE, self.object_id, app_id=app_id, user=self.user, **claims)

    def send(
        self, method: str, path: str, version: str = "", body: Any = None, *, token: str | None = None, **query: str
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token() if token is None else token}"}
        given = {"api-version": version, **query} if version else query
        address = path if path.startswith("https://") else self.url + path
        return self.session.request(method, address, params=given, json=body, headers=headers if token != "" else {})

    def get(self, path: str, version: str = "", **query: str) -> requests.Response:
        return self.send("GET", path, version, **query)

    def put(self, path: str, version: str, body: Any) -> requests.Response:
        return self.send("PUT", path, version, body)

    def made(self, path: str, version: str, body: Any) -> dict[str, Any]:
        answer = self.put(path, version, body)
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, Any] = answer.json()
        return found

    def error(self, answer: requests.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["error"]["code"]

    def group(self, name: str = "rg-one") -> str:
        path = f"{SUBSCRIPTION}/resourceGroups/{name}"
        self.made(path, "2025-04-01", {"location": "westeurope"})
        return path

    def register(self, *namespaces: str) -> None:
        for namespace in namespaces:
            answer = self.send("POST", f"{SUBSCRIPTION}/providers/Microsoft.{namespace}/register", "2025-04-01")
            assert answer.status_code == 200, answer.text

    def principal(self, kind: str = "servicePrincipal", name: str = "robot", **extra: Any) -> str:
        """A principal that is in the directory since long ago."""
        made = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        with self.store.transaction():
            record = {"id": made, "appId": made, "displayName": name, "createdAt": 0.0, "members": [], **extra}
            self.store.put(f"directory.{kind}", made, record)
        return made

    def assign(self, principal: str, role: str, scope: str = SUBSCRIPTION, **extra: Any) -> requests.Response:
        name = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{principal}/{role}/{scope}"))
        return self.put(
            f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
            "2022-04-01",
            {"properties": {"principalId": principal, "roleDefinitionId": role_id(role), **extra}},
        )


def writes(arm: Arm) -> list[str]:
    """What the requests so far have written, as method and path."""
    return requests_to(arm.store, writes=True)


def role_id(guid: str) -> str:
    return f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}"


@pytest.fixture
async def client(cloud: Cloud, ada: SignedIn) -> AsyncIterator[ArmClient]:
    async with ArmClient(cloud, ada, SUBSCRIPTION_ID) as made:
        yield made


@pytest.fixture
async def roles(cloud: Cloud, ada: SignedIn) -> AsyncIterator[AuthorizationClient]:
    async with AuthorizationClient(cloud, ada, SUBSCRIPTION_ID) as made:
        yield made


@pytest.fixture
def arm(sandbox: Sandbox) -> Iterator[Arm]:
    store = Store(sandbox.state)
    yield Arm(sandbox, store)
    store.close()
