"""Role definitions, role assignments, conditions, and what they allow."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests

from dbxwizard.sandbox import rbac
from dbxwizard.sandbox.arm.conditions import Attributes, ConditionError, evaluate
from dbxwizard.sandbox.entra.directory import ADA_ID

from .conftest import SUBSCRIPTION, Arm, role_id

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ACCESS_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
VERSION = "2022-04-01"
DEFINITIONS = "providers/Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"


def definition(name: str = "DBX_Custom_Role", scopes: tuple[str, ...] = (SUBSCRIPTION,)) -> dict[str, Any]:
    permissions = [{"actions": ["Microsoft.Databricks/workspaces/read"]}]
    return {"properties": {"roleName": name, "permissions": permissions, "assignableScopes": list(scopes)}}


def put_definition(arm: Arm, number: int, body: dict[str, Any]) -> requests.Response:
    return arm.put(f"{SUBSCRIPTION}/{DEFINITIONS}/{uuid.UUID(int=number)}", VERSION, body)


def names(answer: requests.Response) -> list[str]:
    return [entry["properties"]["roleName"] for entry in answer.json()["value"]]


def test_built_in_roles_by_name(arm: Arm) -> None:
    path = f"{SUBSCRIPTION}/{DEFINITIONS}"
    (found,) = arm.get(path, VERSION, **{"$filter": "roleName eq 'Key Vault Secrets User'"}).json()["value"]
    assert found["id"] == role_id(SECRETS_USER)
    assert "Microsoft.KeyVault/vaults/secrets/getSecret/action" in found["properties"]["permissions"][0]["dataActions"]
    assert names(arm.get(path, VERSION, **{"$filter": "type eq 'CustomRole'"})) == []
    assert arm.error(arm.get(path, VERSION, **{"$filter": "colour eq 'red'"})) == (400, "InvalidFilterInQueryString")


def test_a_custom_role_has_a_name_of_its_own(arm: Arm) -> None:
    assert put_definition(arm, 1, definition()).status_code == 201
    assert arm.error(put_definition(arm, 2, definition("dbx_custom_role"))) == (409, "RoleDefinitionWithSameNameExists")
    assert put_definition(arm, 1, definition("Renamed")).status_code == 201
    for scope in ("", f"{SUBSCRIPTION}/"):
        found = arm.get(f"{scope or '/'}{DEFINITIONS}", VERSION, **{"$filter": "type eq 'CustomRole'"})
        assert names(found) == ["Renamed"]
    stranger = arm.acting_as(arm.principal())
    assert names(stranger.get(f"/{DEFINITIONS}", VERSION, **{"$filter": "type eq 'CustomRole'"})) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"assignableScopes": []}, "MissingAssignableScopes"),
        ({"assignableScopes": ["/"]}, "AuthorizationFailed"),
        ({"permissions": [{"actions": ["Microsoft.Nothing/x/read"]}]}, "InvalidActionOrNotAction"),
        ({"permissions": [{"action": []}]}, "InvalidRequestContent"),
    ],
)
def test_a_custom_role_that_cannot_be(arm: Arm, change: dict[str, Any], code: str) -> None:
    body = definition()
    body["properties"] |= change
    assert arm.error(put_definition(arm, 1, body)) == (403 if code == "AuthorizationFailed" else 400, code)


def test_a_role_in_use_stays(arm: Arm) -> None:
    guid = str(uuid.UUID(int=1))
    put_definition(arm, 1, definition())
    assert arm.assign(arm.principal(), guid).status_code == 201
    path = f"{SUBSCRIPTION}/{DEFINITIONS}/{guid}"
    assert arm.error(arm.send("DELETE", path, VERSION)) == (400, "RoleDefinitionHasAssignments")


def test_one_assignment_for_each_principal_role_and_scope(arm: Arm) -> None:
    robot = arm.principal()
    made = arm.assign(robot, READER)
    assert made.status_code == 201
    assert made.json()["properties"]["principalType"] == "ServicePrincipal"
    body = {"properties": {"principalId": robot, "roleDefinitionId": role_id(READER)}}
    other = f"{SUBSCRIPTION}/{ASSIGNMENTS}/{uuid.UUID(int=9)}"
    answer = arm.put(other, VERSION, body)
    assert arm.error(answer) == (409, "RoleAssignmentExists")
    assert made.json()["name"].replace("-", "") in answer.text
    body["properties"]["roleDefinitionId"] = role_id(CONTRIBUTOR)
    moved = arm.put(made.json()["id"], VERSION, body)
    assert arm.error(moved) == (403, "RoleAssignmentUpdateNotPermitted")
    gone = arm.send("DELETE", made.json()["id"], VERSION)
    assert (gone.status_code, gone.json()["id"]) == (200, made.json()["id"])
    assert arm.send("DELETE", made.json()["id"], VERSION).status_code == 204


def test_principals(arm: Arm) -> None:
    robot, stranger = arm.principal(), str(uuid.UUID(int=3))
    assert arm.error(arm.assign(stranger, READER)) == (400, "PrincipalNotFound")
    assert arm.assign(stranger, READER, principalType="ServicePrincipal").status_code == 201
    assert arm.error(arm.assign(robot, READER, principalType="User")) == (400, "UnmatchedPrincipalType")
    assert arm.error(arm.assign(robot, str(uuid.UUID(int=4)))) == (400, "RoleDefinitionDoesNotExist")


def test_a_new_principal_has_to_arrive(arm: Arm) -> None:
    with arm.store.transaction():
        arm.store.put("_setting", "latency", {"profile": "demo"})
    arm.clock.freeze(1_800_000_000)
    robot = arm.principal(createdAt=1_800_000_000)
    assert arm.error(arm.assign(robot, READER)) == (400, "PrincipalNotFound")
    arm.clock.advance(1)
    assert arm.assign(robot, READER).status_code == 201
    acting = arm.acting_as(robot)
    assert arm.error(acting.get(f"{SUBSCRIPTION}/providers", "2025-04-01")) == (403, "AuthorizationFailed")
    arm.clock.advance(1)
    assert acting.get(f"{SUBSCRIPTION}/providers", "2025-04-01").status_code == 200


def test_lists_of_assignments(arm: Arm) -> None:
    robot, group = arm.principal(), arm.principal("group", "people", members=[ADA_ID])
    place = arm.group()
    arm.assign(robot, READER, place)
    arm.assign(group, READER)

    def listed(scope: str, wanted: str = "") -> set[str]:
        query = {"$filter": wanted} if wanted else {}
        entries = arm.get(f"{scope}/{ASSIGNMENTS}", VERSION, **query).json()["value"]
        return {entry["properties"]["principalId"] for entry in entries}

    assert listed(SUBSCRIPTION) == {ADA_ID, group, robot}
    assert listed(SUBSCRIPTION, "atScope()") == {ADA_ID, group}
    assert listed(place, "atScope()") == {ADA_ID, group, robot}
    assert listed(SUBSCRIPTION, f"principalId eq '{robot}'") == {robot}
    assert listed(SUBSCRIPTION, f"assignedTo('{ADA_ID}')") == {ADA_ID, group}


def test_rights_come_from_groups_and_scopes_above(arm: Arm) -> None:
    robot = arm.principal()
    place = arm.group()
    arm.assign(arm.principal("group", "inner", members=[robot]), CONTRIBUTOR, place)
    acting = arm.acting_as(robot)
    assert acting.get(place, "2025-04-01").status_code == 200
    refused = acting.put(f"{SUBSCRIPTION}/resourceGroups/other", "2025-04-01", {"location": "westeurope"})
    assert arm.error(refused) == (403, "AuthorizationFailed")
    assert (
        f"The client '{uuid.UUID(int=7)}' with object id '{robot}' does not have authorization to perform"
        in refused.text
    )
    # Contributor takes the right on role assignments back.
    assert arm.error(acting.assign(robot, READER, place)) == (403, "AuthorizationFailed")
    (found,) = acting.get("/subscriptions", "2022-12-01").json()["value"]
    assert found["subscriptionId"] in SUBSCRIPTION
    (granted,) = acting.get(f"{place}/providers/Microsoft.Authorization/permissions", VERSION).json()["value"]
    assert granted["actions"] == ["*"]
    assert [entry["name"] for entry in acting.get(f"{SUBSCRIPTION}/resourcegroups", "2025-04-01").json()["value"]] == [
        "rg-one"
    ]


def test_data_actions_are_not_actions(arm: Arm) -> None:
    robot = arm.principal()
    arm.assign(robot, OWNER)
    right = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
    assert rbac.allowed(arm.store, robot, right, SUBSCRIPTION, arm.clock.now())
    assert not rbac.allowed(arm.store, robot, right, SUBSCRIPTION, arm.clock.now(), data=True)
    arm.assign(robot, SECRETS_USER)
    assert rbac.allowed(arm.store, robot, right, f"{SUBSCRIPTION}/resourceGroups/x", arm.clock.now(), data=True)


def test_a_condition_limits_which_roles_can_be_given(arm: Arm) -> None:
    robot, other = arm.principal(), arm.principal(name="other")
    condition = (
        "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
        "(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals "
        f"{{{READER}}})) AND ((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/delete'}})) OR "
        "(@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals "
        f"{{{READER}}}))"
    )
    given = arm.assign(robot, ACCESS_ADMINISTRATOR, condition=condition, conditionVersion="2.0")
    assert given.status_code == 201
    acting = arm.acting_as(robot)
    assert acting.assign(other, READER).status_code == 201
    refused = acting.assign(other, CONTRIBUTOR)
    assert arm.error(refused) == (403, "AuthorizationFailed")
    assert "does not have authorization or an ABAC condition not fulfilled to perform action" in refused.text
    kept = arm.assign(other, CONTRIBUTOR).json()["id"]
    assert arm.error(acting.send("DELETE", kept, VERSION)) == (403, "AuthorizationFailed")
    mine = acting.assign(other, READER).json()["id"]
    assert acting.send("DELETE", mine, VERSION).status_code == 200


def test_a_condition_has_to_be_one(arm: Arm) -> None:
    robot = arm.principal()
    for condition, version in (("@Request[x:y] Likes 'z'", "2.0"), ("@Request[x:y] StringEquals 'z'", "1.0")):
        answer = arm.assign(robot, ACCESS_ADMINISTRATOR, condition=condition, conditionVersion=version)
        assert arm.error(answer) == (400, "InvalidRoleAssignmentCondition")


KIND = "microsoft.authorization/roleassignments:principaltype"


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("@Request[{}] StringEqualsIgnoreCase 'user'", "User", True),
        ("@Request[{}] StringEquals 'user'", "User", False),
        ("@Request[{}] StringNotEquals 'user'", "User", True),
        ("@Request[{}] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'User', 'Group'}}", "group", True),
        ("NOT (@Request[{}] StringEquals 'User') && Exists @Request[{}]", "Group", True),
        ("@Request[{}] StringEquals 'A' OR @Request[{}] StringEquals 'B' AND @Request[{}] StringEquals 'C'", "A", True),
        ("@Request[{}] StringLike 'Us*'", "User", True),
        ("@Resource[{}] StringEquals 'User'", "User", False),
        ("ActionMatches{{'*/write'}}", "", True),
    ],
)
def test_the_language_of_conditions(text: str, kind: str, expected: bool) -> None:
    name = "Microsoft.Authorization/roleAssignments:PrincipalType"
    given = Attributes(request={KIND: kind})
    assert evaluate(text.format(name, name, name), "Microsoft.Authorization/roleAssignments/write", given) is expected


@pytest.mark.parametrize(
    "text", ["", "(", "@Request[a:b]", "@Request[a:b] StringEquals", "true true", "ActionMatches{}", "#"]
)
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(ConditionError):
        evaluate(text, "a/b", Attributes())
