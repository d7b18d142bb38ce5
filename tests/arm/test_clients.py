"""The clients of Resource Manager, on the unmodified SDKs, over HTTPS."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from dbxwizard.clients.arm import ArmClient
from dbxwizard.clients.authorization import AuthorizationClient, Permission, allowed
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.errors import NotAllowedYet
from dbxwizard.clients.identity import SignedIn
from dbxwizard.clients.management import deployment_error
from dbxwizard.core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    NotYet,
    OperationError,
    ServiceError,
    SeveralErrors,
    Transient,
)
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID, SUBSCRIPTION_NAME

from .conftest import SUBSCRIPTION, Arm

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-one"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-one"


class Quiet:
    """Progress that nobody looks at."""

    def waiting(self, what: str) -> None: ...

    def info(self, text: str) -> None: ...


def template(*resources: dict[str, Any]) -> dict[str, Any]:
    schema = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
    return {"$schema": schema, "contentVersion": "1.0.0.0", "resources": list(resources)}


def group_resource(name: str, location: str = "westeurope") -> dict[str, Any]:
    kind = "Microsoft.Resources/resourceGroups"
    return {"type": kind, "apiVersion": "2025-04-01", "name": name, "location": location}


async def test_the_subscription(client: ArmClient) -> None:
    assert (await client.subscription())["displayName"] == SUBSCRIPTION_NAME
    assert (await client.locations())["westeurope"] == "West Europe"


async def test_a_subscription_that_is_not_there(cloud: Cloud, ada: SignedIn) -> None:
    async with ArmClient(cloud, ada, str(uuid.UUID(int=5))) as client:
        with pytest.raises(NotFound, match="could not be found") as caught:
            await client.subscription()
        assert caught.value.code == "SubscriptionNotFound"
        with pytest.raises(NotFound):
            await client.get_resource(GROUP.replace(SUBSCRIPTION_ID, str(uuid.UUID(int=5))), "2025-04-01")


async def test_providers(client: ArmClient) -> None:
    assert (await client.providers())["Microsoft.KeyVault"] == "NotRegistered"
    assert await client.register_provider("Microsoft.KeyVault") == "Registered"
    assert await client.provider_state("Microsoft.KeyVault") == "Registered"


async def test_resources(client: ArmClient, arm: Arm) -> None:
    assert await client.get_resource(GROUP, "2025-04-01") is None
    assert await client.get_resource(VAULT, "2025-05-01") is None
    arm.group()
    arm.register("ManagedIdentity")
    path = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
    made = await client.put_resource(path, "2023-01-31", {"location": "westeurope"})
    assert made["properties"]["principalId"]
    assert await client.get_resource(path, "2023-01-31") == made
    assert [entry["name"] for entry in await client.resources_in("rg-one")] == ["robot"]
    assert [entry["name"] for entry in await client.resource_groups()] == ["rg-one"]
    await client.delete_resource(path, "2023-01-31")
    await client.delete_resource(path, "2023-01-31")
    await client.delete_resource(GROUP, "2025-04-01")
    assert await client.resource_groups() == []


async def test_an_unregistered_provider_is_not_registered_by_the_way(client: ArmClient, arm: Arm) -> None:
    arm.group()
    path = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
    with pytest.raises(Conflict) as caught:
        await client.put_resource(path, "2023-01-31", {"location": "westeurope"})
    assert caught.value.code == "MissingSubscriptionRegistration"
    assert await client.provider_state("Microsoft.ManagedIdentity") == "NotRegistered"


async def test_names_and_deleted_vaults(client: ArmClient, arm: Arm) -> None:
    arm.register("KeyVault", "Storage")
    arm.group()
    assert await client.name_problem("Microsoft.KeyVault/vaults", "kv-one") == ""
    assert await client.get_deleted_vault("westeurope", "kv-one") is None
    sku = {"family": "A", "name": "standard"}
    body = {"tenantId": str(arm.get("/tenants", "2022-12-01").json()["value"][0]["tenantId"]), "sku": sku}
    arm.made(VAULT, "2025-05-01", {"location": "westeurope", "properties": {**body, "enableRbacAuthorization": True}})
    assert "already in use" in await client.name_problem("Microsoft.KeyVault/vaults", "kv-one")
    arm.send("DELETE", VAULT, "2025-05-01")
    deleted = await client.get_deleted_vault("westeurope", "kv-one")
    assert deleted is not None
    assert deleted["properties"]["vaultId"] == VAULT
    assert await client.name_problem("Microsoft.Storage/storageAccounts", "fine") == ""


async def test_a_deployment(client: ArmClient) -> None:
    wanted = template(group_resource("rg-one"))
    (change,) = await client.what_if("main", "westeurope", wanted, {})
    assert (change["changeType"], change["resourceId"]) == ("Create", GROUP)
    done = await client.deploy("main", "westeurope", wanted, {}, Quiet())
    assert done["properties"]["provisioningState"] == "Succeeded"
    assert await client.get_resource(GROUP, "2025-04-01") is not None
    assert (await client.get_deployment("main") or {})["name"] == "main"
    assert await client.get_deployment("other") is None
    await client.wait_for_deployment("main", Quiet())


async def test_a_what_if_that_fails(client: ArmClient) -> None:
    with pytest.raises(ServiceError) as caught:
        await client.what_if("main", "westeurope", {"resources": []}, {})
    assert caught.value.code == "InvalidTemplate"


async def test_why_a_deployment_failed(client: ArmClient) -> None:
    wrong = template(group_resource("rg-one", "atlantis"))
    with pytest.raises(ServiceError) as caught:
        await client.deploy("main", "westeurope", wrong, {}, Quiet())
    assert caught.value.code == "LocationNotAvailableForResourceGroup"
    assert "atlantis" in caught.value.message
    two = template(group_resource("rg-one", "atlantis"), group_resource("rg-two", "lemuria"))
    with pytest.raises(SeveralErrors) as both:
        await client.deploy("main", "westeurope", two, {}, Quiet())
    assert len(both.value.errors) == 2


async def test_who_may_not(cloud: Cloud, arm: Arm, roles: AuthorizationClient) -> None:
    robot = arm.principal()
    acting = arm.acting_as(robot)
    signed_in = SignedIn(
        Fixed(acting.token(aud=cloud.management_audience)), "", robot, "robot", "servicePrincipal", robot
    )
    async with ArmClient(cloud, signed_in, SUBSCRIPTION_ID) as client:
        with pytest.raises(NotYet) as caught:
            await client.subscription()
        assert caught.value.code == "AuthorizationFailed"
    assert await roles.permissions(SUBSCRIPTION) == (Permission(actions=("*",)),)


class Fixed:
    """A credential with one token."""

    def __init__(self, token: str) -> None:
        self.token = token

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken(self.token, 4_000_000_000)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.Fault("status", service="arm", status=429, retry_after=7), Transient),
        (faults.Fault("status", service="arm", status=503), Transient),
        # One reset of a kept connection is made good by aiohttp itself.
        (faults.Fault("reset", service="arm", times=2), Transient),
        (faults.Fault("garbage", service="arm"), Transient),
        (faults.Fault("truncate", service="arm"), Transient),
        (faults.Fault("empty", service="arm"), Transient),
    ],
)
async def test_faults(client: ArmClient, arm: Arm, fault: faults.Fault, kind: type[OperationError]) -> None:
    await client.subscription()
    faults.add(arm.store, fault)
    with pytest.raises(kind) as caught:
        await client.subscription()
    if fault.retry_after:
        assert getattr(caught.value, "retry_after", None) == fault.retry_after
    assert (await client.subscription())["state"] == "Enabled"


async def test_roles(roles: AuthorizationClient, arm: Arm) -> None:
    found = await roles.find_role(SUBSCRIPTION, "Reader")
    assert found is not None
    assert (found.name, found.custom, found.permissions) == (READER, False, (Permission(actions=("*/read",)),))
    assert await roles.find_role(SUBSCRIPTION, "Nobody's") is None
    assert await roles.find_custom_role("Mine") is None
    permission = Permission(("Microsoft.Databricks/workspaces/read",))
    name = str(uuid.UUID(int=1))
    made = await roles.put_role(SUBSCRIPTION, name, "Mine", "what it is", [permission], [SUBSCRIPTION])
    assert made.permissions == (permission,)
    again = await roles.find_custom_role("mine")
    assert again is not None
    assert again.name == name
    with pytest.raises(Conflict) as caught:
        await roles.put_role(SUBSCRIPTION, str(uuid.UUID(int=2)), "Mine", "", [permission], [SUBSCRIPTION])
    assert caught.value.code == "RoleDefinitionWithSameNameExists"


async def test_assignments(roles: AuthorizationClient, arm: Arm) -> None:
    robot, scope = arm.principal(), arm.group()
    assert await roles.assignments(f"{SUBSCRIPTION}/resourceGroups/nothing") == []
    made = await roles.put_assignment(scope, str(uuid.UUID(int=1)), robot, READER, "ServicePrincipal", description="x")
    assert await roles.assignments(scope) == [made]
    assert (made.role, made.principal_id, made.scope, made.description) == (READER, robot, scope, "x")
    with pytest.raises(Conflict) as caught:
        await roles.put_assignment(scope, str(uuid.UUID(int=2)), robot, READER, "ServicePrincipal")
    assert caught.value.code == "RoleAssignmentExists"
    await roles.delete_assignment(made.id)
    await roles.delete_assignment(made.id)
    assert await roles.assignments(scope) == []


async def test_a_condition_that_is_not_fulfilled_is_final(cloud: Cloud, arm: Arm) -> None:
    robot = arm.principal()
    text = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] GuidEquals " + READER
    arm.assign(robot, "f58310d9-a9f6-439a-9e8d-f62e7b41a168", condition=text, conditionVersion="2.0")
    token = arm.acting_as(robot).token(aud=cloud.management_audience)
    signed_in = SignedIn(Fixed(token), "", robot, "robot", "servicePrincipal", robot)
    async with AuthorizationClient(cloud, signed_in, SUBSCRIPTION_ID) as client:
        owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
        with pytest.raises(Forbidden) as caught:
            await client.put_assignment(SUBSCRIPTION, str(uuid.UUID(int=1)), robot, owner, "ServicePrincipal")
    assert caught.value.action == "Microsoft.Authorization/roleAssignments/write"


def test_permissions() -> None:
    contributor = Permission(("*",), ("Microsoft.Authorization/*/Write",), ("a/b",))
    assert allowed([contributor], "Microsoft.KeyVault/vaults/write")
    assert not allowed([contributor], "Microsoft.Authorization/roleAssignments/write")
    assert allowed([contributor], "a/b", data=True)
    assert not allowed([contributor], "a/c", data=True)


class Answer:
    """A response of azure-core, as far as errors look at it."""

    headers: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, status: int, text: str) -> None:
        self.status_code, self._text = status, text

    def text(self) -> str:
        return self._text


def failed(status: int, body: object) -> OperationError:
    error = HttpResponseError("the deployment failed")
    error.response = Answer(status, body if isinstance(body, str) else json.dumps(body))  # type: ignore[assignment]
    error.status_code = status
    return deployment_error(error, "deployment main")


def envelope(*details: object) -> dict[str, object]:
    message = "At least one resource deployment operation failed."
    return {"status": "Failed", "error": {"code": "DeploymentFailed", "message": message, "details": list(details)}}


def test_causes_of_a_failed_deployment() -> None:
    """Azure wraps a provider's answer as text into the details of its own."""
    inner = json.dumps({"error": {"code": "VaultAlreadyExists", "message": "taken"}})
    known = failed(200, envelope({"code": "Conflict", "message": inner}))
    assert (type(known), known.code, known.message) == (Conflict, "VaultAlreadyExists", "taken")
    nested = envelope({"code": "DeploymentFailed", "details": [{"code": "PrincipalNotFound", "message": "who?"}]})
    assert isinstance(failed(200, nested), NotYet)
    twice = {"code": "BadRequest", "message": "no", "target": "/subscriptions/1"}
    assert failed(200, envelope(twice, twice)).resource == "/subscriptions/1"
    several = failed(200, envelope(twice, {"code": "Conflict", "message": "{broken"}))
    assert isinstance(several, SeveralErrors)
    assert {error.code for error in several.errors} == {"BadRequest", "Conflict"}


def test_a_right_that_lacks_for_a_resource_of_the_template() -> None:
    message = (
        "Deployment failed with multiple errors: 'Authorization failed for template resource 'kv' of type "
        "'Microsoft.KeyVault/vaults'. The client 'me' with object id '1' does not have permission to perform action "
        "'Microsoft.KeyVault/vaults/write' at scope '/subscriptions/1/kv'.'."
    )
    known = failed(400, {"error": {"code": "InvalidTemplateDeployment", "message": message}})
    assert isinstance(known, NotAllowedYet)
    assert (known.code, known.status, known.action) == ("AuthorizationFailed", 403, "Microsoft.KeyVault/vaults/write")
    assert known.scope == "/subscriptions/1/kv"


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"error": 7}'])
def test_a_failure_that_says_nothing(body: str) -> None:
    assert failed(502, body).resource == "deployment main"
