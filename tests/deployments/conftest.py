"""Deploys templates to the sandbox, over HTTPS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from dbxwizard.parameters.model import Environment, Resources
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from dbxwizard.steps.azure.template_parameters import template_parameters
from tests.arm.conftest import SUBSCRIPTION, Arm

ROOT = Path(__file__).resolve().parents[2]
API = "2026-06-01"
BASE = "https://schema.management.azure.com/schemas"
SCHEMAS = {
    "group": f"{BASE}/2019-04-01/deploymentTemplate.json#",
    "subscription": f"{BASE}/2018-05-01/subscriptionDeploymentTemplate.json#",
}
MAIN: dict[str, Any] = json.loads((ROOT / "bicep" / "main.json").read_text("utf-8"))
NEEDED = ("Compute", "Network", "Storage", "ManagedIdentity")  # what a workspace's managed group takes


def template(*resources: Any, at: str = "group", **sections: Any) -> dict[str, Any]:
    return {"$schema": SCHEMAS[at], "contentVersion": "1.0.0.0", "resources": list(resources), **sections}


def identity(name: str = "robot", **more: Any) -> dict[str, Any]:
    """A resource that takes nothing and needs nobody."""
    return {
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
        "apiVersion": "2023-01-31",
        "name": name,
        "location": "westeurope",
        **more,
    }


def vault(name: str = "kv-one", **more: Any) -> dict[str, Any]:
    properties = {"tenantId": "[subscription().tenantId]", "sku": {"family": "A", "name": "standard"}}
    properties |= {"enableRbacAuthorization": True} | more.pop("properties", {})
    kind, version = "Microsoft.KeyVault/vaults", "2025-05-01"
    return {
        "type": kind,
        "apiVersion": version,
        "name": name,
        "location": "westeurope",
        "properties": properties,
        **more,
    }


def storage(name: str = "stone", **more: Any) -> dict[str, Any]:
    return {
        "type": "Microsoft.Storage/storageAccounts",
        "apiVersion": "2025-06-01",
        "name": name,
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        **more,
    }


def group(name: str = "rg-one", **more: Any) -> dict[str, Any]:
    kind, version = "Microsoft.Resources/resourceGroups", "2025-04-01"
    return {"type": kind, "apiVersion": version, "name": name, "location": "westeurope", **more}


def nested(name: str, inner: dict[str, Any], *, scope: str = "inner", **more: Any) -> dict[str, Any]:
    properties = {"mode": "Incremental", "expressionEvaluationOptions": {"scope": scope}, "template": inner}
    properties |= more.pop("properties", {})
    kind, version = "Microsoft.Resources/deployments", "2025-04-01"
    return {"type": kind, "apiVersion": version, "name": name, "properties": properties, **more}


class Deployments:
    """Deployments of one principal. `group` "" means the subscription."""

    def __init__(self, arm: Arm) -> None:
        self.arm = arm

    def path(self, name: str = "", group: str = "") -> str:
        scope = f"{SUBSCRIPTION}/resourceGroups/{group}" if group else SUBSCRIPTION
        return f"{scope}/providers/Microsoft.Resources/deployments/{name}".rstrip("/")

    def body(self, template: Any, *, group: str = "", mode: str = "Incremental", **parameters: Any) -> dict[str, Any]:
        values = {name: value if _is_reference(value) else {"value": value} for name, value in parameters.items()}
        body = {"properties": {"mode": mode, "template": template, "parameters": values}}
        return body if group else body | {"location": "westeurope"}

    def put(self, name: str, template: Any, *, group: str = "", **more: Any) -> requests.Response:
        return self.arm.put(self.path(name, group), API, self.body(template, group=group, **more))

    def post(self, name: str, operation: str, template: Any, *, group: str = "", **more: Any) -> requests.Response:
        path = f"{self.path(name, group)}/{operation}"
        return self.arm.send("POST", path, API, self.body(template, group=group, **more))

    def get(self, name: str, group: str = "") -> dict[str, Any]:
        answer = self.arm.get(self.path(name, group), API)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def run(self, name: str, template: Any, *, group: str = "", **more: Any) -> dict[str, Any]:
        """The properties of a deployment that took no time."""
        answer = self.put(name, template, group=group, **more)
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, Any] = self.get(name, group)["properties"]
        return found

    def succeed(self, name: str, template: Any, *, group: str = "", **more: Any) -> dict[str, Any]:
        found = self.run(name, template, group=group, **more)
        assert found["provisioningState"] == "Succeeded", json.dumps(found.get("error"), indent=1)
        return found

    def what_if(self, name: str, template: Any, *, group: str = "", **more: Any) -> dict[str, Any]:
        """The result, asked for as the answer says."""
        answer = self.post(name, "whatIf", template, group=group, **more)
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = self.arm.get(answer.headers["Location"]).json()
        return found

    def operations(self, name: str, group: str = "") -> list[dict[str, Any]]:
        answer = self.arm.get(f"{self.path(name, group)}/operations", API)
        found: list[dict[str, Any]] = answer.json()["value"]
        return [entry["properties"] for entry in found]


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"reference"}


@pytest.fixture
def arm(sandbox: Sandbox) -> Iterator[Arm]:
    store = Store(sandbox.state)
    yield Arm(sandbox, store)
    store.close()


@pytest.fixture
def deployments(arm: Arm) -> Deployments:
    return Deployments(arm)


@pytest.fixture
def environment() -> Environment:
    """An environment of which the file says little: names are computed."""
    resources = Resources(resource_group="rg-dbx-development", tags={"team": "data"})
    return Environment("Development", ROOT / "x.json", ROOT, SUBSCRIPTION_ID, "westeurope", resources)


@pytest.fixture
def parameters(environment: Environment) -> dict[str, Any]:
    return {name: entry["value"] for name, entry in template_parameters(environment).items()}
