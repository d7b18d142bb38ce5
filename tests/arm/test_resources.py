"""The resource types: what they take, add, refuse and do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dbxwizard.sandbox.arm.service import ArmService
from dbxwizard.sandbox.tokens import TENANT_ID

from .conftest import SUBSCRIPTION, Arm

WEST = {"location": "westeurope"}
VAULT_VERSION, STORAGE_VERSION, DATABRICKS_VERSION = "2025-05-01", "2025-06-01", "2026-01-01"
LOGS_VERSION, INSIGHTS_VERSION, DIAGNOSTICS_VERSION = "2025-07-01", "2020-02-02", "2021-05-01-preview"
ALL = ("Databricks", "KeyVault", "Storage", "OperationalInsights", "Insights", "ManagedIdentity", "Compute", "Network")


@pytest.fixture
def group(arm: Arm) -> str:
    arm.register(*ALL)
    return arm.group()


def vault_body(**properties: Any) -> dict[str, Any]:
    base = {"tenantId": TENANT_ID, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True}
    return {**WEST, "properties": base | properties}


def storage_body(**properties: Any) -> dict[str, Any]:
    return {
        **WEST,
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "properties": {"isHnsEnabled": True, **properties},
    }


def workspace_body(managed: str = "rg-one-managed", **properties: Any) -> dict[str, Any]:
    group_id = f"{SUBSCRIPTION}/resourceGroups/{managed}"
    known = {"computeMode": "Hybrid", "managedResourceGroupId": group_id}
    return {**WEST, "sku": {"name": "premium"}, "properties": known | properties}


def vault_id(group: str, name: str = "kv-one") -> str:
    return f"{group}/providers/Microsoft.KeyVault/vaults/{name}"


def account_id(group: str, name: str = "stone") -> str:
    return f"{group}/providers/Microsoft.Storage/storageAccounts/{name}"


def workspace_id(group: str) -> str:
    return f"{group}/providers/Microsoft.Databricks/workspaces/dbw-one"


def test_a_provider_has_to_be_registered(arm: Arm) -> None:
    answer = arm.put(vault_id(arm.group()), VAULT_VERSION, vault_body())
    assert arm.error(answer) == (409, "MissingSubscriptionRegistration")
    assert "namespace 'Microsoft.KeyVault'" in answer.text


def test_a_vault(arm: Arm, group: str) -> None:
    made = arm.made(vault_id(group), VAULT_VERSION, vault_body())
    assert made["properties"]["softDeleteRetentionInDays"] == 90
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert re.fullmatch(r"https://127\.0\.0\.1:\d+/", made["properties"]["vaultUri"])
    assert made["systemData"]["createdBy"] == "ada@contoso.example"
    assert arm.get(vault_id(group).upper(), VAULT_VERSION).json()["id"] == vault_id(group)
    (listed,) = arm.get(f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/vaults", VAULT_VERSION).json()["value"]
    assert listed == made
    (found,) = arm.get(f"{SUBSCRIPTION}/resources", "2025-04-01", **{"$filter": "name eq 'kv-one'"}).json()["value"]
    assert found["id"] == made["id"]
    assert "properties" not in found
    # What GET answered can be sent back.
    assert arm.put(vault_id(group), VAULT_VERSION, made).json() == made


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"enablePurgeProtection": False}, "BadRequest"),
        ({"enableSoftDelete": False}, "BadRequest"),
        ({"softDeleteRetentionInDays": 5}, "BadRequest"),
        ({"softDeleteRetention": 90}, "BadRequest"),
        ({"sku": {"family": "A", "name": "gold"}}, "BadRequest"),
        ({"enableRbacAuthorization": False}, "BadRequest"),
    ],
)
def test_a_vault_that_cannot_be(arm: Arm, group: str, change: dict[str, Any], code: str) -> None:
    assert arm.error(arm.put(vault_id(group), VAULT_VERSION, vault_body(**change))) == (400, code)


def test_names_of_vaults(arm: Arm, group: str) -> None:
    assert arm.error(arm.put(vault_id(group, "1vault"), VAULT_VERSION, vault_body())) == (400, "VaultNameNotValid")
    arm.made(vault_id(group), VAULT_VERSION, vault_body())
    other = arm.put(vault_id(arm.group("rg-two")), VAULT_VERSION, vault_body())
    assert arm.error(other) == (409, "VaultAlreadyExists")
    path = f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/checkNameAvailability"
    asked = arm.send("POST", path, VAULT_VERSION, {"name": "KV-ONE", "type": "Microsoft.KeyVault/vaults"}).json()
    assert (asked["nameAvailable"], asked["reason"]) == (False, "AlreadyExists")


def test_a_deleted_vault_waits(arm: Arm, group: str) -> None:
    body = vault_body(enablePurgeProtection=True, softDeleteRetentionInDays=7)
    arm.made(vault_id(group), VAULT_VERSION, body)
    robot = arm.principal()
    assert arm.assign(robot, "4633458b-17de-408a-b874-0445c86b69e6", vault_id(group)).status_code == 201
    assert arm.send("DELETE", vault_id(group), VAULT_VERSION).status_code == 200
    assert arm.error(arm.get(vault_id(group), VAULT_VERSION)) == (404, "ResourceNotFound")
    deleted = f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-one"
    assert arm.get(deleted, VAULT_VERSION).json()["properties"]["vaultId"] == vault_id(group)
    assert arm.error(arm.send("POST", f"{deleted}/purge", VAULT_VERSION)) == (405, "MethodNotAllowed")
    assert arm.error(arm.put(vault_id(group), VAULT_VERSION, body)) == (409, "ConflictError")
    body["properties"] |= {"createMode": "recover", "publicNetworkAccess": "Disabled"}
    recovered = arm.made(vault_id(group), VAULT_VERSION, body)
    assert recovered["properties"]["publicNetworkAccess"] == "Enabled"
    assignments = f"{vault_id(group)}/providers/Microsoft.Authorization/roleAssignments"
    found = arm.get(assignments, "2022-04-01", **{"$filter": f"principalId eq '{robot}'"}).json()["value"]
    assert found == []
    assert arm.error(arm.put(vault_id(group), VAULT_VERSION, body)) == (400, "SoftDeletedVaultDoesNotExist")
    assert arm.error(arm.get(deleted, VAULT_VERSION)) == (404, "DeletedVaultNotFound")


def test_a_deleted_vault_ends(arm: Arm, group: str) -> None:
    arm.clock.freeze(1_800_000_000)
    arm.made(vault_id(group), VAULT_VERSION, vault_body(softDeleteRetentionInDays=7))
    arm.send("DELETE", vault_id(group), VAULT_VERSION)
    arm.clock.advance(7 * 86400 + 1)
    arm.made(vault_id(group), VAULT_VERSION, vault_body())
    arm.send("DELETE", vault_id(group), VAULT_VERSION)
    deleted = f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-one"
    assert arm.send("POST", f"{deleted}/purge", VAULT_VERSION).status_code == 200
    assert arm.get(f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults", VAULT_VERSION).json()["value"] == []


def test_no_hsm_was_ever_deleted(arm: Arm) -> None:
    deleted = f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedManagedHSMs"
    assert arm.get(deleted, VAULT_VERSION).json() == {"value": []}
    assert arm.error(arm.get(deleted, "2016-10-01")) == (400, "InvalidApiVersionParameter")


def test_a_final_slash_says_nothing(arm: Arm, group: str) -> None:
    assert arm.get(f"{group}/", "2021-04-01").json()["id"] == group
    assert arm.get(f"{SUBSCRIPTION}/providers/Microsoft.Resources/deployments/", "2025-04-01").json() == {"value": []}


def test_purge_protection_stays(arm: Arm, group: str) -> None:
    arm.made(vault_id(group), VAULT_VERSION, vault_body(enablePurgeProtection=True))
    assert arm.made(vault_id(group), VAULT_VERSION, vault_body())["properties"]["enablePurgeProtection"] is True
    changed = arm.send("PATCH", vault_id(group), VAULT_VERSION, {"properties": {"softDeleteRetentionInDays": 8}})
    assert arm.error(changed) == (400, "BadRequest")


def test_a_storage_account(arm: Arm, group: str) -> None:
    made = arm.made(account_id(group), STORAGE_VERSION, storage_body())
    assert made["sku"] == {"name": "Standard_LRS", "tier": "Standard"}
    again = arm.made(account_id(group), STORAGE_VERSION, storage_body(allowBlobPublicAccess=True))
    # A PUT leaves alone what it does not name.
    assert again["properties"]["networkAcls"]["defaultAction"] == "Allow"
    flat = storage_body(isHnsEnabled=False)
    assert arm.error(arm.put(account_id(group), STORAGE_VERSION, flat)) == (409, "AccountPropertyCannotBeUpdated")
    other = arm.put(account_id(arm.group("rg-two")), STORAGE_VERSION, storage_body())
    assert arm.error(other) == (409, "StorageAccountAlreadyTaken")
    assert arm.error(arm.put(account_id(group, "ST"), STORAGE_VERSION, storage_body())) == (400, "AccountNameInvalid")
    keys = arm.send("POST", f"{account_id(group)}/listKeys", STORAGE_VERSION).json()["keys"]
    assert [key["keyName"] for key in keys] == ["key1", "key2"]
    assert keys[0]["value"] != keys[1]["value"]


def test_containers_lie_in_the_blob_service(arm: Arm, group: str) -> None:
    service = f"{account_id(group)}/blobServices/default"
    container = f"{service}/containers/bronze"
    assert arm.error(arm.put(container, STORAGE_VERSION, {})) == (404, "ParentResourceNotFound")
    arm.made(account_id(group), STORAGE_VERSION, storage_body())
    assert arm.get(service, STORAGE_VERSION).json()["name"] == "default"
    arm.made(container, STORAGE_VERSION, {"properties": {"publicAccess": "None"}})
    public = arm.put(container, STORAGE_VERSION, {"properties": {"publicAccess": "Blob"}})
    assert arm.error(public) == (409, "PublicAccessNotPermitted")
    days = {"deleteRetentionPolicy": {"enabled": True, "days": 7}}
    made = arm.made(service, STORAGE_VERSION, {"properties": days})
    assert made["properties"]["deleteRetentionPolicy"] == {"allowPermanentDelete": False, "days": 7, "enabled": True}
    (found,) = arm.get(f"{service}/containers", STORAGE_VERSION).json()["value"]
    assert found["name"] == "bronze"
    arm.send("DELETE", account_id(group), STORAGE_VERSION)
    assert arm.error(arm.get(container, STORAGE_VERSION)) == (404, "ResourceNotFound")


def test_a_workspace_takes_its_time_and_brings_a_group(arm: Arm, group: str) -> None:
    with arm.store.transaction():
        arm.store.put("_setting", "latency", {"profile": "demo"})
    arm.clock.freeze(1_800_000_000)
    answer = arm.put(workspace_id(group), DATABRICKS_VERSION, workspace_body())
    assert (answer.status_code, answer.json()["properties"]["provisioningState"]) == (201, "Creating")
    assert "workspaceUrl" not in answer.json()["properties"]
    status = answer.headers["Azure-AsyncOperation"]
    assert arm.get(status).json()["status"] == "InProgress"
    arm.clock.advance(2)
    assert arm.get(status).json()["status"] == "Succeeded"
    properties = arm.get(workspace_id(group), DATABRICKS_VERSION).json()["properties"]
    assert re.fullmatch(r"\d{16}", properties["workspaceId"])
    assert re.fullmatch(r"127\.0\.0\.1:\d+", properties["workspaceUrl"])
    assert properties["parameters"]["enableNoPublicIp"] == {"type": "Bool", "value": True}
    assert arm.store.get("databricks.workspace", properties["workspaceId"]) is not None
    managed = f"{SUBSCRIPTION}/resourceGroups/rg-one-managed"
    assert arm.get(managed, "2025-04-01").json()["managedBy"] == workspace_id(group)
    refused = arm.send("DELETE", managed, "2025-04-01")
    assert arm.error(refused) == (403, "DenyAssignmentAuthorizationFailed")
    arm.send("DELETE", workspace_id(group), DATABRICKS_VERSION)
    arm.clock.advance(2)
    assert arm.send("HEAD", managed, "2025-04-01").status_code == 404
    assert arm.store.all("databricks.workspace") == []


def test_a_workspace_that_cannot_be(arm: Arm, group: str) -> None:
    arm.send("POST", f"{SUBSCRIPTION}/providers/Microsoft.Compute/unregister", "2025-04-01")
    unregistered = arm.put(workspace_id(group), DATABRICKS_VERSION, workspace_body())
    assert arm.error(unregistered) == (409, "MissingSubscriptionRegistration")
    arm.register("Compute")
    same = arm.put(workspace_id(group), DATABRICKS_VERSION, workspace_body("rg-one"))
    assert arm.error(same) == (400, "InvalidRequestContent")
    arm.group("rg-there")
    taken = arm.put(workspace_id(group), DATABRICKS_VERSION, workspace_body("rg-there"))
    assert arm.error(taken) == (400, "ApplianceProvisioningFailed")
    arm.made(workspace_id(group), DATABRICKS_VERSION, workspace_body())
    other = arm.put(workspace_id(group), DATABRICKS_VERSION, workspace_body("rg-other"))
    assert arm.error(other) == (400, "ApplianceManagedResourceGroupMismatch")


def test_an_access_connector_is_somebody(arm: Arm, group: str) -> None:
    path = f"{group}/providers/Microsoft.Databricks/accessConnectors/dbac-one"
    made = arm.made(path, DATABRICKS_VERSION, {**WEST, "identity": {"type": "SystemAssigned"}, "properties": {}})
    principal = made["identity"]["principalId"]
    record = arm.store.get("directory.servicePrincipal", principal)
    assert record is not None
    assert (record["servicePrincipalType"], record["displayName"]) == ("ManagedIdentity", "dbac-one")
    again = arm.made(path, DATABRICKS_VERSION, {**WEST, "identity": {"type": "SystemAssigned"}})
    assert again["identity"]["principalId"] == principal
    arm.send("DELETE", path, DATABRICKS_VERSION)
    assert arm.store.get("directory.servicePrincipal", principal) is None


def test_logs(arm: Arm, group: str) -> None:
    logs = f"{group}/providers/Microsoft.OperationalInsights/workspaces/log-one"
    component = f"{group}/providers/Microsoft.Insights/components/appi-one"
    linked = {**WEST, "kind": "web", "properties": {"Application_Type": "web", "WorkspaceResourceId": logs}}
    assert arm.error(arm.put(component, INSIGHTS_VERSION, linked)) == (404, "ResourceNotFound")
    short = arm.put(logs, LOGS_VERSION, {**WEST, "properties": {"retentionInDays": 1}})
    assert arm.error(short) == (400, "InvalidParameter")
    made = arm.made(logs, LOGS_VERSION, {**WEST, "properties": {"sku": {"name": "PerGB2018"}}})
    assert made["properties"]["retentionInDays"] == 30
    assert "primarySharedKey" in arm.send("POST", f"{logs}/sharedKeys", LOGS_VERSION).json()
    properties = arm.made(component, INSIGHTS_VERSION, linked)["properties"]
    key = properties["InstrumentationKey"]
    assert properties["ConnectionString"].startswith(f"InstrumentationKey={key};IngestionEndpoint=https://127.0.0.1:")
    shown = ArmService().show(arm.store)["resources"]
    assert key not in str(shown)


def test_diagnostic_settings(arm: Arm, group: str) -> None:
    logs = f"{group}/providers/Microsoft.OperationalInsights/workspaces/log-one"
    arm.made(logs, LOGS_VERSION, WEST)
    arm.made(vault_id(group), VAULT_VERSION, vault_body())
    setting = f"{vault_id(group)}/providers/Microsoft.Insights/diagnosticSettings/logs"

    def put(path: str = setting, **properties: Any) -> tuple[int, str]:
        answer = arm.put(path, DIAGNOSTICS_VERSION, {"properties": {"workspaceId": logs, **properties}})
        return (answer.status_code, "") if answer.ok else arm.error(answer)

    assert put(logs=[{"category": "Nothing", "enabled": True}]) == (400, "BadRequest")
    assert put(metrics=[{"category": "Transaction", "enabled": True}]) == (400, "BadRequest")
    assert put(workspaceId=None) == (400, "BadRequest")
    assert put(logs=[{"categoryGroup": "allLogs", "enabled": True}]) == (200, "")
    assert put(f"{setting}2", logs=[{"categoryGroup": "allLogs", "enabled": True}]) == (409, "Conflict")
    (found,) = arm.get(setting.rsplit("/", 1)[0], DIAGNOSTICS_VERSION).json()["value"]
    assert found["properties"]["logs"][0]["retentionPolicy"] == {"days": 0, "enabled": False}
    robot = arm.principal()
    arm.assign(robot, "749f88d5-cbae-40b8-bcfc-e573ddc772fa", vault_id(group))  # Monitoring Contributor
    answer = arm.acting_as(robot).put(setting, DIAGNOSTICS_VERSION, {"properties": {"workspaceId": logs}})
    assert arm.error(answer) == (403, "LinkedAuthorizationFailed")


def test_locks(arm: Arm, group: str) -> None:
    lock = f"{group}/providers/Microsoft.Authorization/locks/keep"
    arm.made(vault_id(group), VAULT_VERSION, vault_body())
    arm.made(lock, "2020-05-01", {"properties": {"level": "CanNotDelete"}})
    assert arm.error(arm.send("DELETE", vault_id(group), VAULT_VERSION)) == (409, "ScopeLocked")
    assert arm.error(arm.send("DELETE", group, "2025-04-01")) == (409, "ScopeLocked")
    arm.made(vault_id(group), VAULT_VERSION, vault_body(enabledForDeployment=True))
    arm.made(lock, "2020-05-01", {"properties": {"level": "ReadOnly"}})
    assert arm.error(arm.put(vault_id(group), VAULT_VERSION, vault_body())) == (409, "ScopeLocked")
    arm.send("DELETE", lock, "2020-05-01")
    assert arm.send("DELETE", vault_id(group), VAULT_VERSION).status_code == 200


def test_tags(arm: Arm, group: str) -> None:
    path = f"{group}/providers/Microsoft.Resources/tags/default"
    arm.made(path, "2025-04-01", {"properties": {"tags": {"a": "1"}}})
    change = {"operation": "Merge", "properties": {"tags": {"b": "2"}}}
    arm.send("PATCH", path, "2025-04-01", change)
    assert arm.get(group, "2025-04-01").json()["tags"] == {"a": "1", "b": "2"}
    arm.send("DELETE", path, "2025-04-01")
    assert arm.get(path, "2025-04-01").json()["properties"]["tags"] == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (vault_body() | {"location": "atlantis"}, "LocationNotAvailableForResourceType"),
        ({"properties": vault_body()["properties"]}, "LocationRequired"),
        (vault_body() | {"colour": "red"}, "BadRequest"),
    ],
)
def test_bodies_that_cannot_be(arm: Arm, group: str, body: dict[str, Any], code: str) -> None:
    answer = arm.put(vault_id(group), VAULT_VERSION, body)
    if code == "LocationRequired":
        assert answer.status_code == 400
    else:
        assert arm.error(answer) == (400, code)


def test_a_resource_stays_where_it_is(arm: Arm, group: str) -> None:
    arm.made(vault_id(group), VAULT_VERSION, vault_body())
    moved = arm.put(vault_id(group), VAULT_VERSION, vault_body() | {"location": "East US"})
    assert arm.error(moved) == (409, "InvalidResourceLocation")


def test_show_is_the_same_each_time(arm: Arm, group: str) -> None:
    arm.made(vault_id(group), VAULT_VERSION, vault_body())
    first = ArmService().show(arm.store)
    assert first == ArmService().show(arm.store)
    assert [entry["name"] for entry in first["resourceGroups"]] == ["rg-one"]
    assert first["subscriptions"][0]["registeredProviders"][0] == "Microsoft.Compute"
