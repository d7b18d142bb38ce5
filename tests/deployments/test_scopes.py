"""Deployments above subscriptions: at the tenant and at its root management group."""

from __future__ import annotations

from typing import Any

import pytest

from dbxwizard.sandbox.arm.management_groups import ROOT
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.entra.directory import ADA_ID, GRACE_ID
from dbxwizard.sandbox.rbac import ASSIGNMENTS
from dbxwizard.sandbox.tokens import TENANT_ID
from tests.arm.conftest import SUBSCRIPTION, Arm
from tests.deployments.conftest import API, BASE, group, identity, nested, template

DEPLOYMENTS = "/providers/Microsoft.Resources/deployments"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SCHEMAS = {
    "": f"{BASE}/2019-08-01/tenantDeploymentTemplate.json#",
    ROOT: f"{BASE}/2019-08-01/managementGroupDeploymentTemplate.json#",
}
SCOPES = pytest.mark.parametrize("scope", ["", ROOT], ids=["tenant", "management group"])


def own(arm: Arm, scope: str) -> None:
    """Makes ada the owner of a scope, which a new tenant makes nobody."""
    with arm.store.transaction():
        name = "11111111-0000-4000-8000-000000000000"
        (known,) = arm.store.all("arm.roleAssignment", SUBSCRIPTION + ASSIGNMENTS)[:1]
        given = {**known, "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", "name": name}
        arm.store.put("arm.roleAssignment", f"{scope.lower()}{ASSIGNMENTS}{name}", {**given, "scope": scope or "/"})


def at(scope: str, *resources: Any, **sections: Any) -> dict[str, Any]:
    return {**template(*resources, **sections), "$schema": SCHEMAS[scope]}


def body(what: Any, **more: Any) -> dict[str, Any]:
    return {"location": "westeurope", "properties": {"mode": "Incremental", "template": what}, **more}


def reader(principal: str) -> dict[str, Any]:
    return {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": "22222222-0000-4000-8000-000000000000",
        "properties": {
            "principalId": principal,
            "principalType": "User",
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{READER}",
        },
    }


def down(what: Any) -> dict[str, Any]:
    """A nested deployment to the subscription."""
    return nested("down", what, subscriptionId=SUBSCRIPTION_ID, location="westeurope")


@SCOPES
def test_the_owner_of_a_subscription_may_not_deploy_above_it(arm: Arm, scope: str) -> None:
    refused = arm.put(f"{scope}{DEPLOYMENTS}/top", API, body(at(scope)))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")


@SCOPES
def test_a_deployment_reaches_down_to_a_resource_group(arm: Arm, scope: str) -> None:
    own(arm, scope)
    arm.send("POST", f"{SUBSCRIPTION}/providers/Microsoft.ManagedIdentity/register", "2022-09-01")
    inside = nested("inside", template(identity()), resourceGroup="rg-one", dependsOn=["rg-one"])
    subscription = template(group(), inside, at="subscription")
    what = at(scope, reader(GRACE_ID), down(subscription))
    made = arm.put(f"{scope}{DEPLOYMENTS}/top", API, body(what))
    assert made.status_code == 201, made.text
    found = arm.get(f"{scope}{DEPLOYMENTS}/top", API).json()
    assert (found["id"], found["location"]) == (f"{scope}{DEPLOYMENTS}/top", "westeurope")
    assert found["properties"]["provisioningState"] == "Succeeded", found
    made_ids = [one["id"] for one in found["properties"]["outputResources"]]
    assert f"{scope}/providers/Microsoft.Authorization/roleAssignments/22222222-0000-4000-8000-000000000000" in made_ids
    assert f"{SUBSCRIPTION}/resourceGroups/rg-one" in made_ids
    operations = arm.get(f"{scope}{DEPLOYMENTS}/top/operations", API).json()["value"]
    assert {one["properties"]["targetResource"]["resourceName"] for one in operations} >= {"down"}
    names = [one["name"] for one in arm.get(f"{scope}{DEPLOYMENTS}", API).json()["value"]]
    assert names == ["top"]


@SCOPES
def test_what_a_role_gives_above_it_gives_in_the_subscription(arm: Arm, scope: str) -> None:
    grace = arm.acting_as(GRACE_ID)
    grace.user = True
    groups = f"{SUBSCRIPTION}/resourcegroups"
    assert grace.get(groups, "2022-09-01").status_code == 403
    own(arm, scope)
    arm.put(f"{scope}{DEPLOYMENTS}/top", API, body(at(scope, reader(GRACE_ID))))
    assert grace.get(groups, "2022-09-01").status_code == 200


def test_a_tenant_deployment_reaches_the_management_group(arm: Arm) -> None:
    own(arm, "")
    inner = at(ROOT, outputs={"where": {"type": "string", "value": "[managementGroup().id]"}})
    outer = at("", nested("inner", inner, location="westeurope") | {"scope": ROOT.removeprefix("/providers/")})
    assert arm.put(f"{DEPLOYMENTS}/top", API, body(outer)).status_code == 201
    found = arm.get(f"{ROOT}{DEPLOYMENTS}/inner", API).json()["properties"]
    assert found["outputs"]["where"]["value"] == f"/providers/Microsoft.Management/managementGroups/{TENANT_ID}"


def refusal(arm: Arm, path: str, asked: dict[str, Any]) -> tuple[int, str]:
    answer = arm.put(path, API, asked)
    return answer.status_code, answer.json()["error"]["code"]


@SCOPES
def test_what_is_wrong_is_refused(arm: Arm, scope: str) -> None:
    own(arm, scope)
    path = f"{scope}{DEPLOYMENTS}/top"
    nowhere = {name: value for name, value in body(at(scope)).items() if name != "location"}
    assert refusal(arm, path, nowhere) == (400, "InvalidDeployment")
    whole = {"mode": "Complete", "template": at(scope)}
    assert refusal(arm, path, body(at(scope), properties=whole)) == (400, "InvalidDeploymentMode")
    linked = {"mode": "Incremental", "templateLink": {"uri": "https://example.com/main.json"}}
    assert refusal(arm, path, body(at(scope), properties=linked)) == (400, "InvalidContentLink")
    for resource in (identity(), group()):
        answer = arm.put(path, API, body(at(scope, resource)))
        assert answer.status_code == 404, answer.text
        assert "MissingSubscription" in answer.text


def test_what_lives_in_a_group_is_not_made_in_a_subscription(arm: Arm) -> None:
    asked = body(template(identity(), at="subscription"))
    status, code = refusal(arm, f"{SUBSCRIPTION}{DEPLOYMENTS}/top", asked)
    assert (status, code) == (404, "InvalidResourceType")


def test_no_other_management_group_is_there(arm: Arm) -> None:
    own(arm, "")
    path = f"/providers/Microsoft.Management/managementGroups/other{DEPLOYMENTS}/top"
    assert refusal(arm, path, body(at(ROOT))) == (404, "ManagementGroupNotFound")


@SCOPES
def test_a_preview_says_what_would_be_made(arm: Arm, scope: str) -> None:
    own(arm, scope)
    asked = arm.send("POST", f"{scope}{DEPLOYMENTS}/top/whatIf", API, body(at(scope, reader(ADA_ID))))
    assert asked.status_code == 202, asked.text
    result = arm.get(asked.headers["Location"]).json()
    assert result["status"] == "Succeeded", result
    changes = [(one["changeType"], one["resourceId"]) for one in result["properties"]["changes"]]
    assert any(kind in ("Create", "Deploy") and scope in where for kind, where in changes), changes
