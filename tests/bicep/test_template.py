"""What a deployment of main.json makes, told by the evaluator of templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.arm_template import DeploymentScope, Expansion, Expected, TemplateError, Unknown, expand
from dbxwizard.parameters.model import KeyVault, Monitoring, Storage, Workspace

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
SUBSCRIPTION = "bbbbbbbb-0000-4000-8000-000000000002"
SCOPE = DeploymentScope(TENANT, subscription_id=SUBSCRIPTION, location="northeurope")
FOUR = {"environmentName": "PreProduction", "location": "northeurope", "resourceGroupName": "rg-dbx-preproduction"}
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dbx-preproduction"
TYPES = [
    "Microsoft.Resources/resourceGroups",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.Insights/components",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Databricks/accessConnectors",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Databricks/workspaces",
    "Microsoft.Insights/diagnosticSettings",
]
# The name rules of learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.
NAMES = {
    "Microsoft.Resources/resourceGroups": r"[\w.()-]{0,89}[\w()-]",
    "Microsoft.OperationalInsights/workspaces": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "Microsoft.Insights/components": r"[^%&\\?/]{0,259}[^%&\\?/ .]",
    "Microsoft.KeyVault/vaults": r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
    "Microsoft.Databricks/accessConnectors": r"[A-Za-z0-9_-]{3,64}",
    "Microsoft.Databricks/workspaces": r"[A-Za-z0-9_-]{3,64}",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
}


@pytest.fixture(scope="module")
def template(folder: Path) -> Any:
    return json.loads((folder / "main.json").read_text(encoding="utf-8"))


def expanded(template: Any, **parameters: Any) -> Expansion:
    return expand(template, {name: {"value": value} for name, value in {**FOUR, **parameters}.items()}, SCOPE)


def only(expansion: Expansion, kind: str) -> Expected:
    [resource] = [one for one in expansion.resources if one.type == kind]
    return resource


def properties(expansion: Expansion, kind: str) -> Any:
    return only(expansion, kind).body["properties"]


def unknowns(part: Any, path: str = "") -> Iterator[str]:
    if isinstance(part, Unknown):
        yield path
    for key, child in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield from unknowns(child, f"{path}/{key}")


def test_one_deployment_makes_the_whole_environment(template: Any) -> None:
    assert sorted(one.type for one in expanded(template).resources) == sorted(TYPES)


def test_each_resource_comes_after_what_it_depends_on(template: Any) -> None:
    seen: set[str] = set()
    for resource in expanded(template).resources:
        assert set(resource.depends_on) <= seen, resource.id
        seen.add(resource.id)


def test_nothing_but_the_connectors_principal_waits_for_a_reference(template: Any) -> None:
    expansion = expanded(template)
    found = [f"{one.type}{path}" for one in expansion.resources for path in unknowns(one.body)]
    assert found == ["Microsoft.Authorization/roleAssignments/properties/principalId"]
    assert {name for name, one in expansion.outputs.items() if isinstance(one.value, Unknown)} == {
        "workspaceUrl",
        "keyVaultUri",
    }


def test_outputs_are_the_names_and_ids_of_what_was_made(template: Any) -> None:
    expansion = expanded(template)
    kinds = {
        "workspace": "Microsoft.Databricks/workspaces",
        "keyVault": "Microsoft.KeyVault/vaults",
        "storageAccount": "Microsoft.Storage/storageAccounts",
        "accessConnector": "Microsoft.Databricks/accessConnectors",
        "logAnalytics": "Microsoft.OperationalInsights/workspaces",
        "applicationInsights": "Microsoft.Insights/components",
        "resourceGroup": "Microsoft.Resources/resourceGroups",
    }
    for name, kind in kinds.items():
        assert expansion.outputs[f"{name}Name"].value == only(expansion, kind).name
        assert expansion.outputs[f"{name}Id"].value == only(expansion, kind).id


def test_no_output_holds_a_credential(template: Any) -> None:
    text = json.dumps(template["outputs"]).lower()
    assert not re.search(r"connectionstring|instrumentationkey|listkeys|secret", text)


@pytest.mark.parametrize(
    "environment", ["Development", "UAT", "PreProduction", "Production", "a", "My very_own. long-environment"]
)
def test_computed_names_keep_the_rules_of_each_service(template: Any, environment: str) -> None:
    expansion = expanded(template, environmentName=environment)
    for kind, rule in NAMES.items():
        name = only(expansion, kind).name
        assert re.fullmatch(rule, name), name
    assert len(str(expansion.outputs["managedResourceGroupName"].value)) <= 90


def test_the_managed_group_is_another_one_even_for_the_longest_name(template: Any) -> None:
    group = "g" * 90
    managed = str(expanded(template, resourceGroupName=group).outputs["managedResourceGroupName"].value)
    assert managed != group
    assert len(managed) <= 90


def test_names_differ_between_groups_and_stay_the_same_in_one(template: Any) -> None:
    here, again, there = (
        expanded(template),
        expanded(template),
        expanded(template, resourceGroupName="rg-dbx-preproduction-2"),
    )
    for name in ("workspaceName", "keyVaultName", "storageAccountName", "managedResourceGroupName"):
        assert here.outputs[name].value == again.outputs[name].value
        assert here.outputs[name].value != there.outputs[name].value


def test_given_names_are_taken_as_they_are(template: Any) -> None:
    given = {
        "workspaceName": "my-workspace",
        "managedResourceGroupName": "my-managed",
        "keyVaultName": "my-vault",
        "storageAccountName": "mystorage",
        "accessConnectorName": "my-connector",
        "logAnalyticsName": "my-logs",
        "applicationInsightsName": "my-insights",
    }
    outputs = expanded(template, **given).outputs
    assert {name: outputs[name].value for name in given} == given


def test_the_key_vault_decides_by_role_and_is_never_told_purge_protection_false(template: Any) -> None:
    kind = "Microsoft.KeyVault/vaults"
    vault = properties(expanded(template), kind)
    assert vault["enableRbacAuthorization"] is True
    assert vault["tenantId"] == TENANT
    assert vault["enablePurgeProtection"] is None
    assert properties(expanded(template, keyVaultPurgeProtection=True), kind)["enablePurgeProtection"] is True
    assert properties(expanded(template, keyVaultCreateMode="recover"), kind)["createMode"] == "recover"


@pytest.mark.parametrize(
    ("kind", "prefix", "rule"),
    [
        ("Microsoft.KeyVault/vaults", "keyVault", {"value": "192.0.2.0/24"}),
        ("Microsoft.Storage/storageAccounts", "storage", {"value": "192.0.2.0/24", "action": "Allow"}),
    ],
)
def test_address_ranges_and_the_switch_close_the_network(template: Any, kind: str, prefix: str, rule: Any) -> None:
    opened = properties(expanded(template), kind)
    assert (opened["publicNetworkAccess"], opened["networkAcls"]["defaultAction"]) == ("Enabled", "Allow")
    limited = properties(expanded(template, **{f"{prefix}AllowedIpRanges": ["192.0.2.0/24"]}), kind)
    assert (limited["publicNetworkAccess"], limited["networkAcls"]["defaultAction"]) == ("Enabled", "Deny")
    assert limited["networkAcls"]["ipRules"] == [rule]
    closed = properties(expanded(template, **{f"{prefix}PublicNetworkAccess": False}), kind)
    assert (closed["publicNetworkAccess"], closed["networkAcls"]["defaultAction"]) == ("Disabled", "Deny")


def test_the_lake_is_hierarchical_private_and_keyless(template: Any) -> None:
    expansion = expanded(template, storageContainers=["raw", "clean"])
    account = properties(expansion, "Microsoft.Storage/storageAccounts")
    expected = {
        "isHnsEnabled": True,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": False,
    }
    assert {key: account[key] for key in expected} == expected
    connector = only(expansion, "Microsoft.Databricks/accessConnectors").id
    assert account["networkAcls"]["resourceAccessRules"] == [{"tenantId": TENANT, "resourceId": connector}]
    names = [one.name.split("/")[-1] for one in expansion.resources if one.type.endswith("/containers")]
    assert names == ["raw", "clean"]


def test_the_access_connector_may_write_the_lake(template: Any) -> None:
    expansion = expanded(template)
    assignment = only(expansion, "Microsoft.Authorization/roleAssignments")
    assert assignment.scope == only(expansion, "Microsoft.Storage/storageAccounts").id
    body = assignment.body["properties"]
    assert isinstance(body, dict)
    # Storage Blob Data Contributor, learn.microsoft.com/azure/role-based-access-control/built-in-roles.
    assert str(body["roleDefinitionId"]).endswith("/ba92f5b4-2d11-453d-a403-e96b0029c9fe")
    assert body["principalType"] == "ServicePrincipal"


def test_logs_of_workspace_vault_and_lake_go_to_log_analytics(template: Any) -> None:
    expansion = expanded(template)
    settings = [one for one in expansion.resources if one.type == "Microsoft.Insights/diagnosticSettings"]
    watched = [only(expansion, kind).id for kind in ("Microsoft.KeyVault/vaults", "Microsoft.Databricks/workspaces")]
    watched.append(only(expansion, "Microsoft.Storage/storageAccounts").id + "/blobServices/default")
    assert sorted(one.scope for one in settings) == sorted(watched)
    logs = only(expansion, "Microsoft.OperationalInsights/workspaces").id
    assert all(one.body["properties"]["workspaceId"] == logs for one in settings)


def test_the_workspace_has_its_own_managed_group_and_no_public_addresses(template: Any) -> None:
    workspace = properties(expanded(template), "Microsoft.Databricks/workspaces")
    managed = f"{GROUP}-databricks-"
    assert workspace["managedResourceGroupId"].startswith(managed)
    assert workspace["parameters"] == {"enableNoPublicIp": {"value": True}}
    assert workspace["publicNetworkAccess"] == "Enabled"


def test_tags_and_region_reach_all_that_take_them(template: Any) -> None:
    expansion = expanded(template, tags={"owner": "data"}, location="uksouth")
    tagged = [one for one in expansion.resources if one.type in NAMES]
    assert [one.body["tags"] for one in tagged] == [{"owner": "data"}] * len(NAMES)
    assert {one.location for one in tagged} == {"uksouth"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"workspaceSku": "standard"},
        {"keyVaultSku": "gold"},
        {"keyVaultSoftDeleteRetentionDays": 6},
        {"keyVaultName": "k" * 25},
        {"keyVaultName": "kv"},
        {"storageSku": "Premium_LRS"},
        {"storageContainers": []},
        {"logRetentionDays": 731},
        {"location": ""},
        {"keyVaultCreateMode": "purge"},
    ],
)
def test_what_a_service_would_refuse_is_refused_before_anything_is_made(template: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(TemplateError):
        expanded(template, **wrong)


def test_defaults_are_those_of_the_environment_files(template: Any) -> None:
    prefixes = {Workspace: "workspace", KeyVault: "keyVault", Storage: "storage"}
    other = {
        (Workspace, "managed_resource_group"): "managedResourceGroupName",
        (Workspace, "no_public_ip"): "noPublicIp",
        (Storage, "name"): "storageAccountName",
        (Monitoring, "log_analytics_name"): "logAnalyticsName",
        (Monitoring, "application_insights_name"): "applicationInsightsName",
        (Monitoring, "retention_days"): "logRetentionDays",
    }
    for kind in (Workspace, KeyVault, Storage, Monitoring):
        for one in fields(kind):
            camel = "".join(part.capitalize() for part in one.name.split("_"))
            name = other.get((kind, one.name)) or prefixes[kind] + camel
            expected = list(one.default) if isinstance(one.default, tuple) else one.default
            assert template["parameters"][name]["defaultValue"] == expected, name


def test_only_three_parameters_have_to_be_given_and_all_are_described(template: Any) -> None:
    parameters = template["parameters"]
    assert {name for name, one in parameters.items() if "defaultValue" not in one} == set(FOUR)
    assert all(one["metadata"]["description"].endswith(".") for one in parameters.values())
    assert all(one["metadata"]["description"] for one in template["outputs"].values())


def test_a_second_deployment_is_the_same_as_the_first(folder: Path) -> None:
    for path in folder.rglob("*.bicep"):
        assert not re.search(r"\b(utcNow|newGuid|dateTimeAdd)\(", path.read_text(encoding="utf-8"))


def test_nothing_is_tied_to_one_region_tenant_or_cloud(folder: Path) -> None:
    allowed = {"ba92f5b4-2d11-453d-a403-e96b0029c9fe"}
    for path in folder.rglob("*.bicep"):
        text = path.read_text(encoding="utf-8")
        guids = set(re.findall(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", text))
        assert guids <= allowed
        assert not re.search(r"(?i)'[^']*(uksouth|europe|eastus|westus|windows\.net|azure\.net|azure\.com)[^']*'", text)
