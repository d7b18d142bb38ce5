"""The step that keeps an environment's Azure resources as its template wants them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from copy import deepcopy
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from dbxwizard.arm_template import DeploymentScope, Expected, Unknown, expand
from dbxwizard.clients.arm import ArmClient
from dbxwizard.clients.cloud import Cloud, discover
from dbxwizard.clients.identity import SignedIn, sign_in
from dbxwizard.core.engine import RetryPolicy, SystemClock, run
from dbxwizard.core.errors import Conflict, OperationError
from dbxwizard.core.events import Event, StepInfo
from dbxwizard.core.plan import Action, Plan, make_plan
from dbxwizard.core.result import RunResult, Status
from dbxwizard.parameters.model import Environment, KeyVault, Storage
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.tokens import TENANT_ID
from dbxwizard.steps.azure.infrastructure import InfrastructureStep
from dbxwizard.steps.azure.template_parameters import template_parameters
from tests.arm.conftest import SUBSCRIPTION, Arm, writes

from .conftest import MAIN, NEEDED, Deployments

GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-dbx-development"
QUICK = RetryPolicy(base=0.0, not_yet_base=0.01, jitter=lambda: 0.0)


@pytest.fixture
def cloud(sandbox: Sandbox) -> Cloud:
    endpoints = sandbox.endpoints()
    return discover(endpoints.resource_manager, ca_bundle=endpoints.authority, is_sandbox=True)


@pytest.fixture
async def ada(cloud: Cloud) -> SignedIn:
    return await sign_in(cloud, environ={})


@pytest.fixture
async def client(cloud: Cloud, ada: SignedIn, arm: Arm, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ArmClient]:
    arm.register(*NEEDED)
    async with ArmClient(cloud, ada, SUBSCRIPTION_ID) as made:
        monkeypatch.setattr(made, "_pace", 0.0)  # nothing takes time here
        yield made


@pytest.fixture
def step(environment: Environment, client: ArmClient) -> InfrastructureStep:
    return InfrastructureStep(environment, MAIN, client, TENANT_ID)


async def planned(step: InfrastructureStep) -> Plan:
    return await make_plan((step,), listener=lambda _event: None, clock=SystemClock(), actor="ada", retry=QUICK)


async def applied(step: InfrastructureStep, plan: Plan | None = None) -> RunResult:
    plan = plan or await planned(step)
    return await run(plan, listener=lambda _event: None, clock=SystemClock(), retry=QUICK)


def reasons(plan: Plan) -> list[str]:
    return [reason.field for reason in plan.steps[0].change.reasons]


def wanted(environment: Environment) -> dict[str, Expected]:
    scope = DeploymentScope(TENANT_ID, subscription_id=SUBSCRIPTION_ID, location=environment.location)
    return {item.id: item for item in expand(MAIN, template_parameters(environment), scope).resources}


def forget(arm: Arm) -> None:
    arm.store._connection.execute("DELETE FROM requests")


async def test_a_new_environment(step: InfrastructureStep, arm: Arm) -> None:
    plan = await planned(step)
    (made,) = plan.steps
    assert made.change.action is Action.CREATE
    assert len(made.change.reasons) == 15
    assert made.change.note.startswith("what-if: Create resourceGroups/rg-dbx-development")
    assert writes(arm) == [one for one in writes(arm) if "/register" in one]
    result = await applied(step, plan)
    assert result.status is Status.SUCCESS
    outputs: Any = result.environments[0].outputs["infrastructure"]
    assert outputs["resource_group_id"] == GROUP
    assert outputs["workspace_url"].startswith("https://127.0.0.1:")
    assert outputs["workspace_org_id"].isdigit()
    assert outputs["vault_uri"].startswith("https://127.0.0.1:")
    assert not [name for name in outputs if name.startswith("_")]


async def test_a_second_run_writes_nothing(step: InfrastructureStep, arm: Arm) -> None:
    await applied(step)
    forget(arm)
    result = await applied(step)
    assert result.status is Status.UNCHANGED
    assert writes(arm) == []
    requests = [one["path"] for one in arm.store.requests() if "/metadata/" not in one["path"]]
    assert len(requests) == 13  # the group, eleven resources, and one list of containers
    assert {one["method"] for one in arm.store.requests()} == {"GET"}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in a body that is a value of its own."""
    if isinstance(value, dict):
        return [leaf for name, inner in value.items() for leaf in leaves(inner, (*path, name))]
    if isinstance(value, list) and value:
        return [leaf for index, inner in enumerate(value) for leaf in leaves(inner, (*path, index))]
    return [] if value is None or isinstance(value, Unknown) else [path]


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return [{"value": "203.0.113.9"}] if isinstance(value, list) else f"{value}x"


def set_at(body: Any, path: tuple[Any, ...], value: Any) -> None:
    for name in path[:-1]:
        body = body.setdefault(name, {}) if isinstance(body, dict) else body[name]
    body[path[-1]] = value


def at(body: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        body = body[name]
    return body


def written(path: tuple[Any, ...]) -> str:
    return "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in path).lstrip(".")


# What no write changes: the service refuses, so nobody can have changed it but by making the resource anew.
FIXED = {
    "location",
    "kind",
    "properties.tenantId",
    "properties.isHnsEnabled",
    "properties.softDeleteRetentionInDays",
    "properties.managedResourceGroupId",
    "properties.computeMode",
    "properties.roleDefinitionId",
    "properties.principalType",
    "properties.createMode",
    "sku.family",
}


KINDS = {
    "Microsoft.Resources/resourceGroups": "arm.resourceGroup",
    "Microsoft.Authorization/roleAssignments": "arm.roleAssignment",
}


class Drift:
    """Changes fields behind the program's back: in the state itself, as a service does it for somebody else."""

    def __init__(self, arm: Arm) -> None:
        self._store = arm.store
        self._kept: list[tuple[str, str, dict[str, Any]]] = []

    def change(self, item: Expected, path: tuple[Any, ...], value: Any = None) -> None:
        kind, key = KINDS.get(item.type, "arm.resource"), item.id.lower()
        with self._store.transaction():
            stored = self._store.get(kind, key)
            assert stored is not None
            self._kept.append((kind, key, deepcopy(stored)))
            place = path[1:] if kind == "arm.roleAssignment" else path
            set_at(stored, place, changed(at(item.body, path)) if value is None else value)
            self._store.put(kind, key, stored)

    def undo(self) -> None:
        with self._store.transaction():
            while self._kept:
                self._store.put(*self._kept.pop())


def label(item: Expected, path: tuple[Any, ...]) -> str:
    holder = item.scope.split("/providers/")[1:]
    on = f" on {' '.join(holder[-1].split('/')[-2:])}" if holder else ""
    return f"{item.type.rsplit('/', 1)[-1]} {item.name}{on}: {written(path)}"


def cases(environment: Environment, *, fixed: bool) -> list[tuple[Expected, tuple[Any, ...]]]:
    found = [(item, path) for item in wanted(environment).values() for path in leaves(item.body)]
    found = [(item, path) for item, path in found if written(path) != "properties.createMode"]  # never answered
    return [(item, path) for item, path in found if (written(path) in FIXED) is fixed]


async def test_every_field_that_changed_is_named(step: InfrastructureStep, arm: Arm, environment: Environment) -> None:
    """One field of each resource at a time: these are named, and no other."""
    await applied(step)
    by_resource: dict[str, list[tuple[Expected, tuple[Any, ...]]]] = {}
    for item, path in cases(environment, fixed=False):
        by_resource.setdefault(item.id, []).append((item, path))
    assert sum(map(len, by_resource.values())) > 60
    drift = Drift(arm)
    for together in zip_longest(*by_resource.values()):
        chosen = [one for one in together if one is not None]
        for item, path in chosen:
            drift.change(item, path)
        plan = await planned(step)
        assert sorted(reasons(plan)) == sorted(label(item, path) for item, path in chosen)
        assert plan.steps[0].change.action is Action.UPDATE
        drift.undo()
    assert not (await planned(step)).changes


async def test_every_field_that_changed_is_mended(step: InfrastructureStep, arm: Arm, environment: Environment) -> None:
    await applied(step)
    before = (await planned(step)).steps[0].state.live
    drift, every = Drift(arm), cases(environment, fixed=False)
    for item, path in every:
        drift.change(item, path)
    plan = await planned(step)
    assert sorted(reasons(plan)) == sorted(label(item, path) for item, path in every)
    forget(arm)
    assert (await applied(step, plan)).status is Status.SUCCESS
    assert [one.split("/")[-1] for one in writes(arm)] == ["dbxwizard-development-westeurope"]
    assert not (await planned(step)).changes
    assert timeless((await planned(step)).steps[0].state.live) == timeless(before)


def timeless(live: Mapping[str, Any]) -> dict[str, Any]:
    """Without what tells when a resource was changed."""
    kept = deepcopy(dict(live))
    for body in kept.values():
        body.pop("systemData", None)
        for name in ("modifiedDate", "updatedOn"):
            body["properties"].pop(name, None)
    return kept


async def test_what_nobody_can_change_is_named_with_the_refusal(
    step: InfrastructureStep, arm: Arm, environment: Environment
) -> None:
    """Whoever did it made the resource anew; the service does not let it be changed back."""
    await applied(step)
    forget(arm)
    drift, every = Drift(arm), cases(environment, fixed=True)
    assert len(every) > 10
    for item, path in every:
        drift.change(item, path)
        assert label(item, path) in await said(step)
        drift.undo()
    assert writes(arm) == []


async def said(step: InfrastructureStep) -> str:
    """What a plan says of the step, by its reasons or by the error that it ends with."""
    try:
        return "; ".join(reasons(await planned(step)))
    except OperationError as error:
        return error.message


def vault_of(environment: Environment) -> Expected:
    return next(item for item in wanted(environment).values() if item.type == "Microsoft.KeyVault/vaults")


async def test_resources_that_were_deleted_come_back(
    step: InfrastructureStep, arm: Arm, environment: Environment
) -> None:
    """First what lies in others or is attached to them, then those, with all that goes with them."""
    await applied(step)
    own = [item for item in wanted(environment).values() if item.type != "Microsoft.Resources/resourceGroups"]
    own = [item for item in own if not item.id.endswith("/blobServices/default")]  # is there as long as its account
    inner = [item for item in own if item.type.count("/") > 1 or "/providers/" in item.scope]
    for deleted in (inner, [item for item in own if item not in inner]):
        for item in deleted:
            arm.send("DELETE", item.id, item.api_version)
        plan = await planned(step)
        assert {label(item, ()).removesuffix(": ") for item in deleted} <= set(reasons(plan))
        result = await applied(step, plan)
        assert result.status is Status.SUCCESS, result.errors
        assert [item.id for item in own if arm.get(item.id, item.api_version).status_code != 200] == []
    assert not (await planned(step)).changes


async def test_the_outputs_of_what_is_there_are_known(
    step: InfrastructureStep, arm: Arm, environment: Environment
) -> None:
    """A plan for what is partly there: what needs the rest has to wait for it."""
    await applied(step)
    arm.send("DELETE", vault_of(environment).id, "2025-05-01")
    (made,) = (await planned(step)).steps
    known = step.outputs(made.state, None)  # type: ignore[arg-type]
    assert "workspace_url" in known
    assert "vault_id" in known
    assert "vault_uri" not in known


async def test_a_deleted_group_comes_back_with_its_vault_recovered(
    step: InfrastructureStep, arm: Arm, environment: Environment
) -> None:
    """Platform facts, 16: the vault's name is held by its deleted self, secrets wait in it, role assignments do not."""
    await applied(step)
    vault, robot = vault_of(environment), arm.principal()
    arm.assign(robot, "4633458b-17de-408a-b874-0445c86b69e6", vault.id)
    with arm.store.transaction():
        secret = {"name": "word", "versions": [{"id": "v1", "value": "kept"}]}
        arm.store.put("vault.secret", f"{vault.name}/word", secret)
    assert arm.send("DELETE", GROUP, "2025-04-01").status_code == 202
    assert arm.get(GROUP, "2025-04-01").status_code == 404
    plan = await planned(step)
    assert plan.steps[0].state.recover
    result = await applied(step, plan)
    assert result.status is Status.SUCCESS, result.errors
    assert not (await planned(step)).changes
    assert arm.store.get("vault.secret", f"{vault.name}/word") is not None
    roles = arm.get(f"{vault.id}/providers/Microsoft.Authorization/roleAssignments", "2022-04-01").json()["value"]
    assert robot not in [one["properties"]["principalId"] for one in roles]


async def test_a_recovered_vault_gets_the_settings_of_the_file(
    environment: Environment, client: ArmClient, arm: Arm
) -> None:
    """Recovery itself ignores them (Azure/azure-rest-api-specs#21306)."""
    await applied(InfrastructureStep(environment, MAIN, client, TENANT_ID))
    vault = vault_of(environment)
    arm.send("DELETE", vault.id, "2025-05-01")
    locked = replace(environment.resources, key_vault=KeyVault(purge_protection=True, public_network_access=False))
    step = InfrastructureStep(replace(environment, resources=locked), MAIN, client, TENANT_ID)
    result = await applied(step)
    assert result.status is Status.SUCCESS, result.errors
    found = arm.get(vault.id, "2025-05-01").json()["properties"]
    assert (found["enablePurgeProtection"], found["publicNetworkAccess"]) == (True, "Disabled")
    arm.send("DELETE", vault.id, "2025-05-01")
    assert (await applied(step)).status is Status.SUCCESS


async def test_an_identity_that_went_with_its_resource(
    step: InfrastructureStep, arm: Arm, environment: Environment
) -> None:
    """The role assignment of the deleted identity stays, and can't be changed to the new one."""
    await applied(step)
    connector = next(item for item in wanted(environment).values() if item.type.endswith("/accessConnectors"))
    arm.send("DELETE", connector.id, connector.api_version)
    forget(arm)
    assert (await applied(step)).status is Status.SUCCESS
    principal = arm.get(connector.id, connector.api_version).json()["identity"]["principalId"]
    role = next(item for item in wanted(environment).values() if item.type.endswith("/roleAssignments"))
    assert arm.get(role.id, "2022-04-01").json()["properties"]["principalId"] == principal
    assert [one.split(" ")[0] for one in writes(arm)] == ["DELETE", "PUT"]


async def test_a_connector_that_was_made_anew_by_somebody(
    step: InfrastructureStep, arm: Arm, environment: Environment
) -> None:
    await applied(step)
    connector = next(item for item in wanted(environment).values() if item.type.endswith("/accessConnectors"))
    arm.send("DELETE", connector.id, connector.api_version)
    arm.made(connector.id, connector.api_version, connector.body)
    plan = await planned(step)
    assert [one.rsplit(": ", 1)[-1] for one in reasons(plan)] == ["properties.principalId"]
    assert (await applied(step, plan)).status is Status.SUCCESS
    assert not (await planned(step)).changes


async def test_killed_in_the_middle(
    environment: Environment, client: ArmClient, arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deployment goes on by itself; the next run waits for its end, reads anew, and has nothing left to do."""
    step = InfrastructureStep(environment, MAIN, client, TENANT_ID)
    plan = await planned(step)
    with arm.store.transaction():
        arm.store.put("_setting", "latency", {"profile": "real"})
    arm.clock.freeze(arm.clock.now())
    parameters = {name: entry["value"] for name, entry in template_parameters(environment).items()}
    Deployments(arm).put("dbxwizard-development-westeurope", MAIN, **parameters)
    arm.clock.advance(2.0)
    again = await planned(step)
    assert "workspaces dbw-development-w7nxjv5" in reasons(plan)
    waited: list[str] = []

    class Told:
        def waiting(self, what: str) -> None:
            waited.append(what)
            arm.clock.advance(5.0)

        def info(self, text: str) -> None:
            raise AssertionError(text)

    await client.wait_for_deployment("nothing", Told())
    monkeypatch.setattr("dbxwizard.core.engine.StepProgress", lambda *_arguments: Told())
    forget(arm)
    result = await applied(step, again)
    assert result.status is Status.UNCHANGED, result.errors
    assert "deployment dbxwizard-development-westeurope, which is under way already" in waited
    assert [one for one in writes(arm) if one.startswith("PUT")] == []
    assert not (await planned(step)).changes


async def test_a_preview_that_another_run_is_in_the_way_of(
    step: InfrastructureStep, client: ArmClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_arguments: Any) -> Any:
        raise Conflict("DeploymentActive", "previous deployment is still active", status=409)

    monkeypatch.setattr(client, "what_if", refused)
    plan = await planned(step)
    assert plan.steps[0].change.note == "what-if: a deployment is under way already, and is waited for"


async def test_a_workspace_that_is_still_made_is_no_finished_one(
    step: InfrastructureStep, arm: Arm, environment: Environment
) -> None:
    await applied(step)
    workspace = next(item for item in wanted(environment).values() if item.type.endswith("Databricks/workspaces"))
    Drift(arm).change(workspace, ("properties", "provisioningState"), "Failed")
    assert reasons(await planned(step)) == [f"workspaces {workspace.name}: provisioningState"]


async def test_what_somebody_changes_back_is_said_and_stops_nobody(
    step: InfrastructureStep, arm: Arm, environment: Environment, client: ArmClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a policy that modifies resources does."""
    await applied(step)
    account = next(item for item in wanted(environment).values() if item.type.endswith("/storageAccounts"))
    path, deploy, times = ("properties", "minimumTlsVersion"), client.deploy, []
    Drift(arm).change(account, path, "TLS1_0")

    async def interfered(*arguments: Any) -> Any:
        times.append(arguments)
        done = await deploy(*arguments)
        Drift(arm).change(account, path, "TLS1_0")
        return done

    monkeypatch.setattr(client, "deploy", interfered)
    events: list[Event] = []
    result = await run(await planned(step), listener=events.append, clock=SystemClock(), retry=QUICK)
    assert (result.status, len(times)) == (Status.SUCCESS, 1)
    assert any(label(account, path) in str(event) for event in events if isinstance(event, StepInfo))
    assert reasons(await planned(step)) == [label(account, path)]


async def test_what_services_answer_in_their_own_form(
    step: InfrastructureStep, arm: Arm, environment: Environment
) -> None:
    """A workspace without its defaults, as in its published answer; lists in another order, with what is off."""
    await applied(step)
    named = {item.type: item for item in wanted(environment).values()}
    workspace, logs = named["Microsoft.Databricks/workspaces"], named["Microsoft.Insights/diagnosticSettings"]
    with arm.store.transaction():
        body = arm.store.get("arm.resource", workspace.id.lower()) or {}
        for name in ("publicNetworkAccess", "requiredNsgRules", "computeMode"):
            del body["properties"][name]
        arm.store.put("arm.resource", workspace.id.lower(), {**body, "location": "West Europe"})
        body = arm.store.get("arm.resource", logs.id.lower()) or {}
        body["properties"]["logs"].insert(0, {"category": "AuditEvent", "enabled": False})
        arm.store.put("arm.resource", logs.id.lower(), body)
    assert reasons(await planned(step)) == []


async def test_the_addresses_of_a_vault(environment: Environment, client: ArmClient) -> None:
    """It answers each as a range."""
    resources = replace(environment.resources, key_vault=KeyVault(allowed_ip_ranges=("198.51.100.7", "192.0.2.0/24")))
    limited = InfrastructureStep(replace(environment, resources=resources), MAIN, client, TENANT_ID)
    await applied(limited)
    assert (await applied(limited)).status is Status.UNCHANGED


async def test_a_right_that_lacks(environment: Environment, arm: Arm, cloud: Cloud, client: ArmClient) -> None:
    """A Contributor may not give the access connector its role: said before anything is written."""
    robot = arm.principal()
    arm.assign(robot, "b24988ac-6180-42a0-ab88-20f7382dd24c")
    token = arm.acting_as(robot).token(aud=cloud.management_audience)
    signed_in = SignedIn(Fixed(token), TENANT_ID, robot, "robot", "servicePrincipal", robot)
    async with ArmClient(cloud, signed_in, SUBSCRIPTION_ID) as limited:
        step = InfrastructureStep(environment, MAIN, limited, TENANT_ID)
        forget(arm)
        with pytest.raises(OperationError) as caught:
            await planned(step)
    error = caught.value
    assert (error.code, error.exit_code) == ("AuthorizationFailed", 3)
    assert "Microsoft.Authorization/roleAssignments/write" in error.message
    assert error.to_json()["fix"]
    assert writes(arm) == []


class Fixed:
    """A credential that has its token already."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, 2**32)


async def test_a_name_that_somebody_else_has(environment: Environment, client: ArmClient, arm: Arm) -> None:
    other = arm.group("rg-other")
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    arm.made(f"{other}/providers/Microsoft.Storage/storageAccounts/takenalready", "2025-06-01", body)
    named = replace(environment, resources=replace(environment.resources, storage=Storage(name="takenalready")))
    with pytest.raises(OperationError) as caught:
        await planned(InfrastructureStep(named, MAIN, client, TENANT_ID))
    assert caught.value.code == "StorageAccountAlreadyTaken"
    assert caught.value.to_json()["fix"]


async def test_an_invalid_template_is_the_users_own(environment: Environment, client: ArmClient) -> None:
    broken = {**MAIN, "variables": {"names": "[nothing()]"}}
    with pytest.raises(OperationError, match="nothing") as caught:
        InfrastructureStep(environment, broken, client, TENANT_ID)
    assert (caught.value.code, caught.value.resource) == ("InvalidTemplate", "bicep/main.json")


@pytest.mark.parametrize(("name", "length"), [("Development", 40), ("E" * 40, 64)])
async def test_the_name_of_the_deployment_fits(
    environment: Environment, client: ArmClient, arm: Arm, name: str, length: int
) -> None:
    far = replace(environment, name=name, location="australiasoutheast")
    await applied(InfrastructureStep(far, MAIN, client, TENANT_ID))
    (made,) = [one for one in writes(arm) if "/deployments/" in one]
    used = made.rsplit("/", 1)[-1]
    assert used.startswith(f"dbxwizard-{name.lower()}-")
    assert len(used) == length
