"""Fixtures of the tests about who acts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.clients.cloud import Cloud
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Document, Store
from tests.identity.world import MakeApplication, World
from tests.reaching import cloud_of


@pytest.fixture
def world(sandbox: Sandbox) -> Iterator[World]:
    store = Store(sandbox.state)
    yield World(store)
    store.close()


@pytest.fixture
def cloud(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    # Whatever the machine trusts or proxies must not matter to a cloud with a bundle of its own.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Path(__file__).resolve()))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    return cloud_of(sandbox)


@pytest.fixture
def make_application(world: World) -> MakeApplication:
    """An application with its service principal, made behind Graph's back."""

    def make(name: str = "robot", **fields: Any) -> Document:
        body: Document = {
            "id": f"10000000-0000-0000-0000-{len(world.store.all('directory.application')):012}",
            "appId": f"20000000-0000-0000-0000-{len(world.store.all('directory.application')):012}",
            "displayName": name,
            "signInAudience": "AzureADMyOrg",
            "tags": [],
            "owners": [],
            "createdAt": 0.0,
            "passwordCredentials": [],
            "federatedIdentityCredentials": [],
            "more": {},
        } | fields
        principal = {
            "id": body["id"].replace("1", "3", 1),
            "appId": body["appId"],
            "displayName": name,
            "servicePrincipalType": "Application",
            "createdAt": 0.0,
            "tags": [],
            "owners": [],
        }
        with world.changing() as store:
            store.put("directory.application", body["id"], body)
            store.put("directory.servicePrincipal", principal["id"], principal)
        return body

    return make
