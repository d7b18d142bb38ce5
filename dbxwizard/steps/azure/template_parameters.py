"""What an environment file says, as the parameters of bicep/main.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbxwizard.parameters.model import Environment

TAG = "dbxwizard"  # on every resource group that we make: which environment it is


def template_parameters(environment: Environment) -> dict[str, dict[str, Any]]:
    """name → {"value": …}, as a deployment takes it; names in bicep/main.bicep, each with its description."""
    resources = environment.resources
    values: dict[str, Any] = {
        "environmentName": environment.name,
        "location": environment.location,
        "resourceGroupName": resources.resource_group,
        "tags": {**resources.tags, TAG: environment.name},
        "accessConnectorName": resources.access_connector_name,
        **_workspace(environment),
        **_key_vault(environment),
        **_storage(environment),
        "logAnalyticsName": resources.monitoring.log_analytics_name,
        "applicationInsightsName": resources.monitoring.application_insights_name,
        "logRetentionDays": resources.monitoring.retention_days,
    }
    return {name: {"value": value} for name, value in values.items()}


def _workspace(environment: Environment) -> Mapping[str, Any]:
    workspace = environment.resources.workspace
    return {
        "workspaceName": workspace.name,
        "workspaceSku": workspace.sku,
        "managedResourceGroupName": workspace.managed_resource_group,
        "workspacePublicNetworkAccess": workspace.public_network_access,
        "noPublicIp": workspace.no_public_ip,
    }


def _key_vault(environment: Environment) -> Mapping[str, Any]:
    vault = environment.resources.key_vault
    return {
        "keyVaultName": vault.name,
        "keyVaultSku": vault.sku,
        "keyVaultPurgeProtection": vault.purge_protection,
        "keyVaultSoftDeleteRetentionDays": vault.soft_delete_retention_days,
        "keyVaultPublicNetworkAccess": vault.public_network_access,
        "keyVaultAllowedIpRanges": list(vault.allowed_ip_ranges),
    }


def _storage(environment: Environment) -> Mapping[str, Any]:
    storage = environment.resources.storage
    return {
        "storageAccountName": storage.name,
        "storageSku": storage.sku,
        "storagePublicNetworkAccess": storage.public_network_access,
        "storageAllowedIpRanges": list(storage.allowed_ip_ranges),
        "storageContainers": list(storage.containers),
    }
