"""The template of an environment, deployed through the unmodified SDK and by plain requests."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.resource.deployments import DeploymentsMgmtClient

from dbxwizard.arm_template.template_hash import template_hash
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.store import is_internal
from tests.arm.conftest import SUBSCRIPTION, Arm

from .conftest import API, MAIN, NEEDED, Deployments, identity, template

GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-dbx-development"


class Token:
    """A credential that has its token already."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._arm.token(), int(time.time()) + 3600)


@pytest.fixture
def sdk(arm: Arm) -> Iterator[Any]:
    audience = "https://management.core.windows.net//.default"
    client = DeploymentsMgmtClient(
        Token(arm),
        SUBSCRIPTION_ID,
        arm.url,
        credential_scopes=[audience],
        connection_verify=str(arm.sandbox.endpoints().authority),
        polling_interval=0,
        retry_total=0,
    )
    yield client.deployments
    client.close()


def documents(arm: Arm) -> dict[tuple[str, str], Any]:
    """What a user would call the state: everything but deployments, and the internal kinds."""
    rows = arm.store._connection.execute("SELECT kind, key, body FROM documents")
    return {(kind, key): json.loads(body) for kind, key, body in rows if not is_internal(kind)}


def timeless(found: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    """Without what tells when a deployment ran."""
    own = ("startedAt", "endedAt", "correlation", "operations")
    return {
        (kind, key): {name: value for name, value in body.items() if kind != "arm.deployment" or name not in own}
        for (kind, key), body in found.items()
    }


def asked(parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    values = {name: {"value": value} for name, value in parameters.items()}
    properties = {"mode": "Incremental", "template": MAIN, "parameters": values, **more}
    return {"location": "westeurope", "properties": properties}


def test_the_sdk_deploys_it_and_again_without_a_change(arm: Arm, sdk: Any, parameters: dict[str, Any]) -> None:
    arm.register(*NEEDED)
    done = sdk.begin_create_or_update_at_subscription_scope("main", asked(parameters)).result()
    assert done.properties.provisioning_state == "Succeeded"
    assert done.properties.outputs["resourceGroupId"] == {"type": "String", "value": GROUP}
    assert done.properties.template_hash == template_hash(MAIN)
    workspace = arm.get(done.properties.outputs["workspaceId"]["value"], "2026-01-01").json()
    assert done.properties.outputs["workspaceUrl"]["value"] == workspace["properties"]["workspaceUrl"]
    before = documents(arm)
    again = sdk.begin_create_or_update_at_subscription_scope("main", asked(parameters)).result()
    assert again.properties.provisioning_state == "Succeeded"
    assert timeless(documents(arm)) == timeless(before)


def test_providers_register_by_themselves_but_for_those_of_the_managed_group(
    arm: Arm, deployments: Deployments, parameters: dict[str, Any]
) -> None:
    """Platform facts, 15."""
    found = deployments.run("main", MAIN, **parameters)
    (failed,) = found["error"]["details"]
    assert failed["code"] == "ResourceDeploymentFailure"
    assert failed["target"].endswith("/Microsoft.Resources/deployments/workspace")
    (cause,) = failed["details"][0]["details"]
    assert cause["code"] == "MissingSubscriptionRegistration"
    registered = {
        name: arm.get(f"{SUBSCRIPTION}/providers/Microsoft.{name}", "2025-04-01").json()["registrationState"]
        for name in ("KeyVault", "Storage", "Compute")
    }
    assert registered == {"KeyVault": "Registered", "Storage": "Registered", "Compute": "NotRegistered"}


def test_what_if_of_a_new_one(arm: Arm, sdk: Any, parameters: dict[str, Any]) -> None:
    before = documents(arm)
    found = sdk.begin_what_if_at_subscription_scope("main", asked(parameters)).result()
    assert found.status == "Succeeded"
    assert {change.change_type for change in found.properties.changes} == {"Create", "Deploy"}
    assert GROUP in {change.resource_id for change in found.properties.changes}
    assert documents(arm) == before


def test_what_if_of_one_that_is_there(arm: Arm, sdk: Any, parameters: dict[str, Any]) -> None:
    """What the provider filled in by itself shows as Delete, as in the real one (platform facts, 17)."""
    arm.register(*NEEDED)
    sdk.begin_create_or_update_at_subscription_scope("main", asked(parameters)).result()
    parameters["tags"] = {"team": "science"}
    parameters["logRetentionDays"] = 60
    found = sdk.begin_what_if_at_subscription_scope("main", asked(parameters)).result()
    changes = {change.resource_id.rsplit("/", 2)[-2]: change for change in found.properties.changes}
    assert changes["resourceGroups"].change_type == "Modify"
    assert [(one.path, one.before, one.after) for one in changes["resourceGroups"].delta] == [
        ("tags.dbxwizard", "Development", None),
        ("tags.team", "data", "science"),
    ]
    logs = next(change for change in found.properties.changes if "OperationalInsights" in change.resource_id)
    paths = {(one.path, one.property_change_type) for one in logs.delta}
    assert ("properties.retentionInDays", "Modify") in paths
    assert ("properties.publicNetworkAccessForIngestion", "Delete") in paths
    assert changes["diagnosticSettings"].change_type == "NoChange"
    assert changes["roleAssignments"].change_type == "Deploy"  # for a principal that shows while it runs


def test_validate_says_what_it_would_make_and_makes_nothing(arm: Arm, sdk: Any, parameters: dict[str, Any]) -> None:
    before = documents(arm)
    found = sdk.begin_validate_at_subscription_scope("main", asked(parameters)).result()
    validated = {item.id for item in found.properties.validated_resources}
    assert GROUP in validated
    assert f"{GROUP}/providers/Microsoft.Resources/deployments/workspace" in validated
    assert len(validated) == 19
    assert found.properties.parameters["environmentName"] == {"type": "String", "value": "Development"}
    assert {entry.namespace for entry in found.properties.providers} == {"Microsoft.Resources"}
    assert any(item.id.endswith("/deployments/keyVault") for item in found.properties.dependencies)
    assert documents(arm) == before


def test_validate_refuses(sdk: Any, parameters: dict[str, Any]) -> None:
    parameters["keyVaultSku"] = "golden"
    with pytest.raises(HttpResponseError) as caught:
        sdk.begin_validate_at_subscription_scope("main", asked(parameters))
    assert caught.value.error is not None
    assert (caught.value.status_code, caught.value.error.code) == (400, "InvalidTemplate")
    found = sdk.begin_what_if_at_subscription_scope("main", asked(parameters)).result()
    assert (found.status, found.error.code) == ("Failed", "InvalidTemplate")


def test_list_head_operations_export_delete(arm: Arm, sdk: Any, parameters: dict[str, Any]) -> None:
    arm.register(*NEEDED)
    sdk.begin_create_or_update_at_subscription_scope("main", asked(parameters)).result()
    assert [item.name for item in sdk.list_at_subscription_scope()] == ["main"]
    assert list(sdk.list_at_subscription_scope(filter="provisioningState eq 'Failed'")) == []
    assert [item.name for item in sdk.list_by_resource_group("rg-dbx-development")] == [
        "dataLake",
        "keyVault",
        "monitoring",
        "workspace",
    ]
    assert sdk.check_existence_at_subscription_scope("main")
    assert not sdk.check_existence_at_subscription_scope("other")
    assert sdk.export_template_at_subscription_scope("main").template == MAIN
    nested = sdk.export_template("rg-dbx-development", "monitoring").template
    assert set(nested["parameters"]) >= {"logAnalyticsName", "retentionDays"}
    sdk.begin_delete_at_subscription_scope("main").result()
    assert not sdk.check_existence_at_subscription_scope("main")
    assert arm.get(GROUP, "2025-04-01").status_code == 200
    sdk.begin_delete_at_subscription_scope("main").result()
    with pytest.raises(ResourceNotFoundError, match="DeploymentNotFound"):
        sdk.get_at_subscription_scope("main")


def test_operations_of_each_deployment_are_its_own(
    arm: Arm, deployments: Deployments, parameters: dict[str, Any]
) -> None:
    arm.register(*NEEDED)
    deployments.succeed("main", MAIN, **parameters)
    own = deployments.operations("main")
    assert [entry["targetResource"]["resourceName"] for entry in own] == [
        "rg-dbx-development",
        "monitoring",
        "keyVault",
        "dataLake",
        "workspace",
    ]
    inner = deployments.operations("monitoring", "rg-dbx-development")
    assert {entry["targetResource"]["resourceType"] for entry in inner} == {
        "Microsoft.OperationalInsights/workspaces",
        "Microsoft.Insights/components",
    }
    assert {(entry["provisioningState"], entry["statusCode"]) for entry in inner} == {("Succeeded", "Created")}
    listed = arm.get(f"{GROUP}/deployments/monitoring/operations", API).json()["value"]
    one = arm.get(listed[0]["id"], API).json()
    assert one == listed[0]
    assert arm.error(arm.get(listed[0]["id"][:-1], API)) == (404, "DeploymentOperationNotFound")


def test_template_hash(sdk: Any) -> None:
    found = sdk.calculate_template_hash(template(identity()))
    assert found.template_hash == template_hash(template(identity()))
    assert json.loads(found.minified_template) == template(identity())
    with pytest.raises(HttpResponseError, match="functions"):
        sdk.calculate_template_hash(template(functions=[]))


def test_the_body_may_have_comments_and_bare_names(arm: Arm, deployments: Deployments) -> None:
    """As az sends a template."""
    text = json.dumps(template(identity()))
    body = f'{{"properties": {{"mode": "Incremental", template: {text} // theirs\n}}}}'
    arm.group()
    path = f"{arm.url}{deployments.path('mine', 'rg-one')}?api-version={API}"
    headers = {"Authorization": f"Bearer {arm.token()}", "Content-Type": "application/json"}
    assert arm.session.put(path, data=body, headers=headers).status_code == 201
    assert deployments.get("mine", "rg-one")["properties"]["provisioningState"] == "Succeeded"
