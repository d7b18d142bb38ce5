"""Microsoft.Databricks: workspaces with their managed resource group, and access connectors.

Fields: Azure's API description, version 2026-01-01. What GET adds: its published examples.
"""

from __future__ import annotations

from typing import ClassVar

from dbxwizard.sandbox.arm import providers
from dbxwizard.sandbox.arm.ids import ResourceId, parse
from dbxwizard.sandbox.arm.locations import DATABRICKS
from dbxwizard.sandbox.arm.model import Write
from dbxwizard.sandbox.arm.stored import TAGS, StoredType, remove_below
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.arm.types.identities import IDENTITY, forget_identity, make_identity
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document

# The workspace's managed group holds a network, machines' disks, storage and an identity (platform facts, 15).
NEEDED = ("Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage", "Microsoft.ManagedIdentity")
_SWITCH = frozenset({"Enabled", "Disabled"})
_TEXT = {"type?": str, "value": str}
_FLAG = {"type?": str, "value": bool}
_KEY = {"keyName": str, "keyVaultUri": str, "keyVersion": str}
_NAME = r"[A-Za-z0-9_-]{3,64}"

_PROPERTIES = {
    "accessConnector?": {"id": str, "identityType": str, "userAssignedIdentityId?": str},
    "authorizations?": [{"principalId": str, "roleDefinitionId": str}],
    "computeMode?": frozenset({"Hybrid", "Serverless"}),
    "defaultCatalog?": {"initialName?": str, "initialType?": frozenset({"HiveMetastore", "UnityCatalog"})},
    "defaultStorageFirewall?": _SWITCH,
    "encryption?": {
        "entities": {
            "managedDisk?": {"keySource": str, "keyVaultProperties": _KEY, "rotationToLatestKeyVersionEnabled?": bool},
            "managedServices?": {"keySource": str, "keyVaultProperties?": _KEY},
        },
    },
    "enhancedSecurityCompliance?": {
        "automaticClusterUpdate?": {"value?": _SWITCH},
        "complianceSecurityProfile?": {"complianceStandards?": [str], "value?": _SWITCH},
        "enhancedSecurityMonitoring?": {"value?": _SWITCH},
    },
    "managedResourceGroupId?": str,
    "parameters?": {
        "amlWorkspaceId?": _TEXT,
        "customPrivateSubnetName?": _TEXT,
        "customPublicSubnetName?": _TEXT,
        "customVirtualNetworkId?": _TEXT,
        "enableNoPublicIp?": _FLAG,
        "encryption?": {"type?": str, "value?": dict},
        "loadBalancerBackendPoolName?": _TEXT,
        "loadBalancerId?": _TEXT,
        "natGatewayName?": _TEXT,
        "prepareEncryption?": _FLAG,
        "publicIpName?": _TEXT,
        "requireInfrastructureEncryption?": _FLAG,
        "storageAccountName?": _TEXT,
        "storageAccountSkuName?": _TEXT,
        "vnetAddressPrefix?": _TEXT,
    },
    "publicNetworkAccess?": _SWITCH,
    "requiredNsgRules?": frozenset({"AllRules", "NoAzureDatabricksRules", "NoAzureServiceRules"}),
    "uiDefinitionUri?": str,
}


class WorkspaceType(StoredType):
    name = "Microsoft.Databricks/workspaces"
    api_versions = (
        "2018-04-01",
        "2021-04-01-preview",
        "2022-04-01-preview",
        "2023-02-01",
        "2023-09-15-preview",
        "2024-05-01",
        "2024-09-01-preview",
        "2025-03-01-preview",
        "2025-08-01-preview",
        "2025-10-01-preview",
        "2026-01-01",
    )
    locations = DATABRICKS
    body: ClassVar[Spec] = {
        "location": str,
        "properties": _PROPERTIES,
        "sku?": {"name": frozenset({"standard", "premium", "trial"}), "tier?": str},
        "tags?": TAGS,
    }
    patch_body: ClassVar[Spec] = {"tags?": TAGS}
    name_pattern = _NAME
    read_only = (
        "properties.createdBy",
        "properties.createdDateTime",
        "properties.diskEncryptionSetId",
        "properties.isUcEnabled",
        "properties.managedDiskIdentity",
        "properties.parameters.resourceTags",
        "properties.privateEndpointConnections",
        "properties.storageAccountIdentity",
        "properties.updatedBy",
        "properties.workspaceId",
        "properties.workspaceUrl",
    )
    immutable = ("properties.computeMode",)
    has_system_data = True
    create_operation = "workspace.create"
    delete_operation = "workspace.delete"
    answers_with_operation = True
    defaults: ClassVar[Document] = {
        "sku": {"name": "premium"},
        "properties": {
            "publicNetworkAccess": "Enabled",
            "requiredNsgRules": "AllRules",
            "parameters": {
                "enableNoPublicIp": {"value": True},
                "natGatewayName": {"value": "nat-gateway"},
                "prepareEncryption": {"value": False},
                "publicIpName": {"value": "nat-gw-public-ip"},
                "requireInfrastructureEncryption": {"value": False},
                "storageAccountSkuName": {"value": "Standard_ZRS"},
                "vnetAddressPrefix": {"value": "10.139"},
            },
        },
    }

    def refuse(self, write: Write, document: Document) -> None:
        providers.require(write.store, write.id, *NEEDED)
        properties = document["properties"]
        if write.api_version >= "2025-08" and "computeMode" not in write.body.get("properties", {}) and not write.patch:
            raise _invalid("The property 'computeMode' is required.")
        if properties.get("computeMode") == "Serverless":
            return
        managed = _managed_group(write.id, properties.get("managedResourceGroupId", ""))
        if write.existing is not None:
            _require_same_group(write.existing["properties"]["managedResourceGroupId"], managed)
        elif write.store.get("arm.resourceGroup", managed.key):
            raise ApiError(
                400,
                "ApplianceProvisioningFailed",
                f"The managed resource group '{managed.text}' already exists. Please specify a new non-existent "
                "managed resource group",
            )

    def adapt(self, write: Write, document: Document) -> Document:
        for entry in document["properties"].get("parameters", {}).values():
            value = entry.get("value")
            entry["type"] = "Bool" if isinstance(value, bool) else "String" if isinstance(value, str) else "Object"
        return document

    def make(self, write: Write, document: Document) -> Document:
        by, new_id = document["createdBy"], write.context.new_id
        number = int(new_id("databricks.workspace", write.id.key).replace("-", ""), 16) % (9 * 10**15) + 10**15
        storage = f"dbstorage{new_id('databricks.storage', write.id.key).replace('-', '')[:13]}"
        return {
            "properties": {
                "workspaceId": str(number),
                "isUcEnabled": True,
                "createdBy": {"oid": by["objectId"], "puid": ""},
                "parameters": {
                    "storageAccountName": {"type": "String", "value": storage},
                    "resourceTags": {
                        "type": "Object",
                        "value": {"application": "databricks", "databricks-environment": "true"},
                    },
                },
            }
        }

    def written(self, context: Context, document: Document, *, created: bool) -> None:
        managed = document["properties"].get("managedResourceGroupId")
        if created and managed:
            _make_managed_group(context, document, managed)

    def ready(self, context: Context, document: Document) -> None:
        number = document["properties"]["workspaceId"]
        record = {
            "workspaceId": number,
            "resourceId": document["id"],
            "subscriptionId": parse(document["id"]).subscription,
            "name": document["name"],
            "location": document["location"],
            "sku": document["sku"]["name"],
        }
        context.store.put("databricks.workspace", number, record)
        context.hosts.open(f"workspace:{number}")

    def removed(self, context: Context, document: Document) -> None:
        number, managed = document["properties"]["workspaceId"], document["properties"].get("managedResourceGroupId")
        context.store.delete("databricks.workspace", number)
        context.hosts.close(f"workspace:{number}")
        if managed:
            remove_below(context, managed)
            context.store.delete("arm.denyAssignment", managed.lower())
            context.store.delete("arm.resourceGroup", managed.lower())

    def live(self, context: Context, document: Document) -> Document:
        properties = {"createdDateTime": iso(document["createdAt"])} if "createdAt" in document else {}
        number = document["properties"].get("workspaceId", "")
        if context.store.get("databricks.workspace", number):
            properties["workspaceUrl"] = context.url(f"workspace:{number}").removeprefix("https://")
        return {"properties": properties}


class AccessConnectorType(StoredType):
    name = "Microsoft.Databricks/accessConnectors"
    api_versions = (
        "2022-04-01-preview",
        "2022-10-01-preview",
        "2023-05-01",
        "2024-05-01",
        "2024-09-01-preview",
        "2025-03-01-preview",
        "2025-08-01-preview",
        "2025-10-01-preview",
        "2026-01-01",
    )
    locations = DATABRICKS
    body: ClassVar[Spec] = {"location": str, "identity?": IDENTITY, "properties?": {}, "tags?": TAGS}
    patch_body: ClassVar[Spec] = {"identity?": IDENTITY, "tags?": TAGS}
    name_pattern = _NAME
    read_only = ("properties.referedBy", "identity.principalId", "identity.tenantId")
    has_system_data = True

    def make(self, write: Write, document: Document) -> Document:
        return make_identity(write, document)

    def removed(self, context: Context, document: Document) -> None:
        forget_identity(context, document)


def _managed_group(workspace: ResourceId, text: str) -> ResourceId:
    try:
        managed = parse(text)
    except ValueError as error:
        raise _invalid(f"The property 'managedResourceGroupId' with value '{text}' is no resource group id.") from error
    if not managed.group or managed.names != (managed.group,):
        raise _invalid("The property 'managedResourceGroupId' is required and has to be the id of a resource group.")
    if managed.key == workspace.group_id.lower():
        raise _invalid("The managed resource group can't be the resource group of the workspace.")
    return managed


def _require_same_group(old: str, managed: ResourceId) -> None:
    if old.lower() != managed.key:
        raise ApiError(
            400,
            "ApplianceManagedResourceGroupMismatch",
            f"The given managed resource group '{managed.text}' did not match that in the existing appliance "
            f"definition '{old}'.",
        )


def _make_managed_group(context: Context, workspace: Document, managed: str) -> None:
    """The group, and the deny assignment that keeps everybody but Databricks from writing there."""
    context.store.put(
        "arm.resourceGroup",
        managed.lower(),
        {
            "id": managed,
            "name": managed.rsplit("/", 1)[-1],
            "type": "Microsoft.Resources/resourceGroups",
            "location": workspace["location"],
            "managedBy": workspace["id"],
            "properties": {"provisioningState": "Succeeded"},
            "createdAt": context.now,
        },
    )
    context.store.put(
        "arm.denyAssignment",
        managed.lower(),
        {
            "id": context.new_id("denyAssignment", managed.lower()).replace("-", ""),
            "name": f"System deny assignment created by Azure Databricks {workspace['id']}",
            "scope": managed,
            "excluded": [],
            "permissions": [{"actions": ["*"], "notActions": ["*/read"]}],
        },
    )


def _invalid(message: str) -> ApiError:
    return ApiError(400, "InvalidRequestContent", message)
