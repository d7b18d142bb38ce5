"""The steps on providers, the custom role and role assignments, planned and run against the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dbxwizard.clients.arm import ArmClient
from dbxwizard.clients.authorization import AuthorizationClient
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.identity import SignedIn
from dbxwizard.core.engine import ManualClock, SystemClock, run
from dbxwizard.core.errors import NotFound
from dbxwizard.core.plan import Action, Change, Inputs, Plan, Progress, Step, make_plan
from dbxwizard.core.result import RunResult, Status
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.arm.conditions import Attributes, evaluate
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.steps.azure.custom_role import CustomRoleStep, definition
from dbxwizard.steps.azure.providers import REQUIRED, ProvidersStep
from dbxwizard.steps.azure.role_assignments import (
    BUILT_IN_ROLES,
    Assignment,
    AssignmentReader,
    RoleAssignmentStep,
    deployer_condition,
)

from .conftest import SUBSCRIPTION, Arm, writes

READER, CONTRIBUTOR = BUILT_IN_ROLES["Reader"], BUILT_IN_ROLES["Contributor"]
VERSION = "2022-04-01"


async def planned(*steps: Step[Any]) -> Plan:
    return await make_plan(steps, listener=lambda _event: None, clock=SystemClock(), actor="ada")


async def applied(*steps: Step[Any], clock: ManualClock | None = None) -> RunResult:
    used = clock or SystemClock()
    plan = await make_plan(steps, listener=lambda _event: None, clock=used, actor="ada")
    return await run(plan, listener=lambda _event: None, clock=used)


def reasons(plan: Plan) -> dict[str, list[str]]:
    return {item.step.id: [reason.field for reason in item.change.reasons] for item in plan.changes}


def assignment(
    reader: AssignmentReader, arm: Arm, role: str = "Reader", scope: str = SUBSCRIPTION, **more: Any
) -> RoleAssignmentStep:
    wanted = Assignment(arm.principal(), "ServicePrincipal", role, scope, **more)
    name = f"setup/role/main-spn/{role.replace(' ', '-').lower()}"
    return RoleAssignmentStep(reader, step_id=name, title=role, wanted=wanted)


# Providers


async def test_providers_are_registered(client: ArmClient, arm: Arm) -> None:
    plan = await planned(ProvidersStep(client))
    assert reasons(plan) == {"setup/providers": list(REQUIRED)}
    assert (await applied(ProvidersStep(client))).status is Status.SUCCESS
    before = len(arm.store.requests())
    assert (await applied(ProvidersStep(client))).status is Status.UNCHANGED
    assert len(arm.store.requests()) == before + 1
    arm.send("POST", f"{SUBSCRIPTION}/providers/Microsoft.Compute/unregister", "2025-04-01")
    assert reasons(await planned(ProvidersStep(client))) == {"setup/providers": ["Microsoft.Compute"]}
    before = len(writes(arm))
    assert (await applied(ProvidersStep(client))).status is Status.SUCCESS
    assert writes(arm)[before:] == [f"POST {SUBSCRIPTION}/providers/Microsoft.Compute/register"]


async def test_a_registration_is_waited_for(client: ArmClient, arm: Arm) -> None:
    with arm.store.transaction():
        arm.store.put("_setting", "latency", {"profile": "demo"})
    result = await applied(ProvidersStep(client, ["Microsoft.KeyVault"]))
    assert result.status is Status.SUCCESS
    assert (await client.providers())["Microsoft.KeyVault"] == "Registered"


# The custom role


def put_role(arm: Arm, name: str, **change: Any) -> None:
    wanted = definition()
    permission = {list_name: wanted[list_name] for list_name in ("actions", "notActions")}
    body = {
        "roleName": wanted["roleName"],
        "description": wanted["description"],
        "permissions": [permission],
        "assignableScopes": [SUBSCRIPTION],
        **change,
    }
    path = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{name}"
    assert arm.put(path, VERSION, {"properties": body}).ok


async def test_the_custom_role(roles: AuthorizationClient, arm: Arm) -> None:
    result = await applied(CustomRoleStep(roles))
    assert result.status is Status.SUCCESS
    made = await roles.find_custom_role("DBX_Custom_Role")
    assert made is not None
    assert list(made.permissions[0].actions) == definition()["actions"]
    (given,) = (await planned(CustomRoleStep(roles))).steps
    outputs = given.step.outputs(given.state, Inputs((), {}))
    assert outputs == {
        "role_definition_id": f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{made.name}"
    }
    before = len(writes(arm))
    assert (await applied(CustomRoleStep(roles))).status is Status.UNCHANGED
    assert len(writes(arm)) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"description": "another"}, "description"),
        ({"permissions": [{"actions": ["Microsoft.Databricks/workspaces/read"]}]}, "actions"),
        (
            {"permissions": [{"actions": definition()["actions"], "notActions": ["Microsoft.Compute/*/read"]}]},
            "notActions",
        ),
        ({"assignableScopes": [f"{SUBSCRIPTION}/resourceGroups/rg-one"]}, "assignableScopes"),
    ],
)
async def test_a_custom_role_that_drifted(
    roles: AuthorizationClient, arm: Arm, change: dict[str, Any], field: str
) -> None:
    assert (await applied(CustomRoleStep(roles))).status is Status.SUCCESS
    made = await roles.find_custom_role("DBX_Custom_Role")
    assert made is not None
    put_role(arm, made.name, **change)
    assert reasons(await planned(CustomRoleStep(roles))) == {"setup/custom-role": [field]}
    assert (await applied(CustomRoleStep(roles))).status is Status.SUCCESS
    mended = await roles.find_custom_role("DBX_Custom_Role")
    assert mended is not None
    assert (mended.description, mended.permissions) == (made.description, made.permissions)
    # Scopes that somebody added stay.
    assert mended.assignable_scopes == (*change.get("assignableScopes", ()), SUBSCRIPTION)
    assert reasons(await planned(CustomRoleStep(roles))) == {}


async def test_a_role_of_that_name_is_extended(roles: AuthorizationClient, arm: Arm) -> None:
    """A role name is unique in the tenant: the one that is there, under an id of its own, becomes ours."""
    other = "11111111-2222-3333-4444-555555555555"
    put_role(arm, other, assignableScopes=[f"{SUBSCRIPTION}/resourceGroups/rg-one"])
    assert (await applied(CustomRoleStep(roles))).status is Status.SUCCESS
    found = await roles.find_custom_role("DBX_Custom_Role")
    assert found is not None
    assert found.name == other


async def test_a_role_of_that_name_that_nobody_sees(cloud: Cloud, roles: AuthorizationClient, arm: Arm) -> None:
    elsewhere = "66666666-2222-3333-4444-555555555555"
    with arm.store.transaction():
        arm.store.put("arm.subscription", elsewhere, {"id": elsewhere, "displayName": "other", "tags": {}})
        key = "/providers/microsoft.authorization/roledefinitions/11111111-2222-3333-4444-555555555555"
        body = {"name": key.rsplit("/", 1)[1], "roleName": "DBX_Custom_Role", "roleType": "CustomRole", "createdAt": 0}
        body |= {"assignableScopes": [f"/subscriptions/{elsewhere}"], "permissions": [], "description": ""}
        arm.store.put("arm.roleDefinition", key, body)
    result = await applied(CustomRoleStep(roles), clock=ManualClock())
    (error,) = result.errors
    assert error.code == "RoleDefinitionWithSameNameExists"
    assert "--role-name" in error.fix


async def test_who_may_not_ask_the_tenant_for_roles(roles: AuthorizationClient, arm: Arm) -> None:
    await applied(CustomRoleStep(roles))
    refusal = faults.Fault(
        "status", service="arm", path="/providers/Microsoft.Authorization/roleDefinitions", status=403
    )
    faults.add(arm.store, refusal)
    plan = await planned(CustomRoleStep(roles))
    assert (plan.changes, plan.not_checked) == ((), ())
    asked = [one["status"] for one in arm.store.requests() if one["path"].startswith(refusal.path)]
    assert asked[-1] == 403


async def test_a_new_custom_role_is_waited_for(roles: AuthorizationClient, arm: Arm) -> None:
    with arm.store.transaction():
        arm.store.put("_setting", "latency", {"profile": "demo"})
    wanted = Assignment(arm.principal(), "ServicePrincipal", _made_role, SUBSCRIPTION)
    step = RoleAssignmentStep(
        AssignmentReader(roles), step_id="a", title="role", wanted=wanted, needs=("setup/custom-role",)
    )
    assert (await applied(CustomRoleStep(roles), step)).status is Status.SUCCESS
    # Another try came after the refusal.
    refused = [one["status"] for one in arm.store.requests() if one["method"] == "PUT" and one["status"] >= 400]
    assert refused
    assert set(refused) == {400}


def _made_role(inputs: Inputs) -> str:
    return str(inputs.get("setup/custom-role", "role_definition_id"))


# Role assignments


async def test_an_assignment(roles: AuthorizationClient, arm: Arm) -> None:
    def step() -> RoleAssignmentStep:
        return assignment(AssignmentReader(roles), arm, description="by dbxwizard")

    assert reasons(await planned(step())) == {"setup/role/main-spn/reader": ["role", "principal", "scope"]}
    assert (await applied(step())).status is Status.SUCCESS
    before = len(writes(arm))
    assert (await applied(step())).status is Status.UNCHANGED
    assert len(writes(arm)) == before
    (made,) = [one for one in await roles.assignments(SUBSCRIPTION) if one.role == READER]
    assert made.description == "by dbxwizard"


async def test_an_assignment_that_has_another_id(roles: AuthorizationClient, arm: Arm) -> None:
    assert arm.assign(arm.principal(), READER).status_code == 201
    assert (await applied(assignment(AssignmentReader(roles), arm))).status is Status.UNCHANGED


@pytest.mark.parametrize("field", ["condition", "description"])
async def test_an_assignment_that_drifted(roles: AuthorizationClient, arm: Arm, field: str) -> None:
    condition = deployer_condition([READER])

    def step() -> RoleAssignmentStep:
        reader, role = AssignmentReader(roles), "Role Based Access Control Administrator"
        return assignment(reader, arm, role, condition=condition, description="by dbxwizard")

    assert (await applied(step())).status is Status.SUCCESS
    guid = BUILT_IN_ROLES["Role Based Access Control Administrator"]
    (made,) = [one for one in await roles.assignments(SUBSCRIPTION) if one.role == guid]
    kept = {"condition": made.condition, "description": made.description, field: ""}
    name = made.id.rsplit("/", 1)[-1]
    await roles.put_assignment(SUBSCRIPTION, name, made.principal_id, made.role, "ServicePrincipal", **kept)
    assert reasons(await planned(step())) == {step().id: [field]}
    assert (await applied(step())).status is Status.SUCCESS
    (mended,) = [one for one in await roles.assignments(SUBSCRIPTION) if one.role == guid]
    assert (mended.id, mended.condition, mended.description) == (made.id, condition, "by dbxwizard")


async def test_layout_is_no_drift(roles: AuthorizationClient, arm: Arm) -> None:
    condition = deployer_condition([READER, CONTRIBUTOR])
    role = "Role Based Access Control Administrator"
    assert (
        await applied(assignment(AssignmentReader(roles), arm, role, condition=condition.replace(" OR ", "\n OR\r\n ")))
    ).status is Status.SUCCESS
    assert reasons(await planned(assignment(AssignmentReader(roles), arm, role, condition=condition))) == {}


async def test_one_request_for_each_scope(roles: AuthorizationClient, arm: Arm) -> None:
    reader = AssignmentReader(roles)
    names = ("Reader", "Contributor", "Key Vault Reader", "Monitoring Reader")
    before = len(arm.store.requests())
    await planned(*(assignment(reader, arm, name) for name in names))
    assert len(arm.store.requests()) == before + 1


async def test_roles_by_name_guid_and_id(roles: AuthorizationClient, arm: Arm) -> None:
    reader = AssignmentReader(roles)
    assert await reader.role_guid("reader") == READER
    assert await reader.role_guid(READER.upper()) == READER
    assert await reader.role_guid(f"/providers/Microsoft.Authorization/roleDefinitions/{READER}") == READER
    assert await reader.role_guid("Network Contributor") == "4d97b98b-1d4f-4787-a291-c67834d212e7"
    with pytest.raises(NotFound, match="no role named"):
        await planned(assignment(reader, arm, "No such role"))
    for name, guid in BUILT_IN_ROLES.items():
        found = await roles.find_role(SUBSCRIPTION, name)
        assert found is not None, name
        assert found.name == guid


class MadeLater(Step[bool]):
    """A resource group that is made while the plan runs."""

    id, title = "development/infrastructure", "resource group"

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    async def read(self, inputs: Inputs) -> bool | None:
        return True if self._arm.get(f"{SUBSCRIPTION}/resourceGroups/rg-one", "2025-04-01").ok else None

    def diff(self, state: bool | None, inputs: Inputs) -> Change:
        return Change.none() if state else Change.create()

    async def apply(
        self, state: bool | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        return {"resource_group_id": self._arm.group()}

    def outputs(self, state: bool, inputs: Inputs) -> Mapping[str, object]:
        return {"resource_group_id": f"{SUBSCRIPTION}/resourceGroups/rg-one"}


def steps_in_a_group(roles: AuthorizationClient, arm: Arm) -> Sequence[Step[Any]]:
    reader = AssignmentReader(roles)
    scope = lambda inputs: str(inputs.get("development/infrastructure", "resource_group_id"))  # noqa: E731
    made = (
        RoleAssignmentStep(
            reader,
            step_id=f"development/role/robot/{role.lower()}",
            title=role,
            wanted=Assignment(arm.principal(), "ServicePrincipal", role, scope),
            environment="Development",
            needs=("development/infrastructure",),
        )
        for role in ("Reader", "Contributor")
    )
    return (MadeLater(arm), *made)


async def test_a_scope_that_another_step_makes(roles: AuthorizationClient, arm: Arm) -> None:
    plan = await planned(*steps_in_a_group(roles, arm))
    assert [item.known for item in plan.steps] == [True, False, False]
    assert {item.change.action for item in plan.changes} == {Action.CREATE}
    assert (await applied(*steps_in_a_group(roles, arm))).status is Status.SUCCESS
    found = {one.role for one in await roles.assignments(f"{SUBSCRIPTION}/resourceGroups/rg-one")}
    assert found == {READER, CONTRIBUTOR}
    assert (await applied(*steps_in_a_group(roles, arm))).status is Status.UNCHANGED


async def test_two_runs_at_once_make_one(cloud: Cloud, ada: SignedIn, arm: Arm) -> None:
    import asyncio

    async def one() -> RunResult:
        async with AuthorizationClient(cloud, ada, SUBSCRIPTION_ID) as roles:
            return await applied(assignment(AssignmentReader(roles), arm), CustomRoleStep(roles))

    first, second = await asyncio.gather(one(), one())
    assert {first.status, second.status} <= {Status.SUCCESS, Status.UNCHANGED}
    assert len(arm.store.all("arm.roleAssignment")) == 2
    custom = [body for body in arm.store.all("arm.roleDefinition") if body["roleType"] == "CustomRole"]
    assert len(custom) == 1


@pytest.mark.parametrize("action", ["write", "delete"])
def test_the_condition_of_a_deployer(action: str) -> None:
    text = deployer_condition([READER.upper(), CONTRIBUTOR, READER])
    kind = "microsoft.authorization/roleassignments:roledefinitionid"

    def passes(role: str, what: str = action) -> bool:
        given = {kind: role}
        attributes = Attributes(request=given) if action == "write" else Attributes(resource=given)
        return evaluate(text, f"Microsoft.Authorization/roleAssignments/{what}", attributes)

    assert passes(READER)
    assert passes(CONTRIBUTOR)
    assert not passes(BUILT_IN_ROLES["Owner"])
    assert passes(BUILT_IN_ROLES["Owner"], "read")
    assert text.count(READER) == 2
