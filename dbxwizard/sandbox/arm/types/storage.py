"""Microsoft.Storage: accounts, their blob service and its containers, as the control plane sees them.

Fields: Azure's API description, version 2025-06-01. Wording: learn.microsoft.com/rest/api/storagerp/srp-error-codes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from copy import deepcopy
from typing import ClassVar

from dbxwizard.sandbox.arm.ids import ResourceId
from dbxwizard.sandbox.arm.locations import ALL
from dbxwizard.sandbox.arm.model import Action, Write
from dbxwizard.sandbox.arm.stored import KIND, TAGS, StoredType, holder_of
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.arm.types.identities import IDENTITY, forget_identity, make_identity
from dbxwizard.sandbox.fields import FieldProblem, Spec
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document, Store

# Addresses of data planes that the sandbox does not play end in a name that no resolver knows (RFC 6761).
SUFFIX = "core.sandbox.invalid"
_ENDPOINTS = ("dfs", "web", "blob", "queue", "table", "file")
_SKUS = frozenset(
    {
        "Standard_LRS",
        "Standard_GRS",
        "Standard_RAGRS",
        "Standard_ZRS",
        "Standard_GZRS",
        "Standard_RAGZRS",
        "Premium_LRS",
        "Premium_ZRS",
    }
)
_KINDS = frozenset({"Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage"})
_VERSIONS = (
    "2018-07-01",
    "2018-11-01",
    "2019-04-01",
    "2019-06-01",
    "2020-08-01-preview",
    "2021-01-01",
    "2021-02-01",
    "2021-04-01",
    "2021-06-01",
    "2021-08-01",
    "2021-09-01",
    "2022-05-01",
    "2022-09-01",
    "2023-01-01",
    "2023-04-01",
    "2023-05-01",
    "2024-01-01",
    "2025-01-01",
    "2025-06-01",
    "2025-08-01",
)
_SERVICE = {"enabled?": bool, "keyType?": str}
_RETENTION = {"allowPermanentDelete?": bool, "days?": int, "enabled?": bool}
_PROPERTIES = {
    "accessTier?": frozenset({"Hot", "Cool", "Cold", "Premium"}),
    "allowBlobPublicAccess?": bool,
    "allowCrossTenantReplication?": bool,
    "allowedCopyScope?": str,
    "allowSharedKeyAccess?": bool,
    "azureFilesIdentityBasedAuthentication?": dict,
    "customDomain?": {"name": str, "useSubDomainName?": bool},
    "defaultToOAuthAuthentication?": bool,
    "dnsEndpointType?": str,
    "dualStackEndpointPreference?": {"publishIpv6Endpoint?": bool},
    "enableExtendedGroups?": bool,
    "encryption?": {
        "identity?": {"federatedIdentityClientId?": str, "userAssignedIdentity?": str},
        "keySource?": str,
        "keyvaultproperties?": {"keyname?": str, "keyvaulturi?": str, "keyversion?": str},
        "requireInfrastructureEncryption?": bool,
        "services?": {"blob?": _SERVICE, "file?": _SERVICE, "queue?": _SERVICE, "table?": _SERVICE},
    },
    "immutableStorageWithVersioning?": dict,
    "isHnsEnabled?": bool,
    "isLocalUserEnabled?": bool,
    "isNfsV3Enabled?": bool,
    "isSftpEnabled?": bool,
    "keyPolicy?": {"keyExpirationPeriodInDays": int},
    "largeFileSharesState?": str,
    "minimumTlsVersion?": frozenset({"TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"}),
    "networkAcls?": {
        "bypass?": str,
        "defaultAction": frozenset({"Allow", "Deny"}),
        "ipRules?": [{"action?": frozenset({"Allow"}), "value": str}],
        "ipv6Rules?": [{"action?": frozenset({"Allow"}), "value": str}],
        "resourceAccessRules?": [{"resourceId?": str, "tenantId?": str}],
        "virtualNetworkRules?": [{"action?": str, "id": str, "state?": str}],
    },
    "publicNetworkAccess?": frozenset({"Enabled", "Disabled", "SecuredByPerimeter"}),
    "routingPreference?": dict,
    "sasPolicy?": {"expirationAction": str, "sasExpirationPeriod": str},
    "supportsHttpsTrafficOnly?": bool,
}


class AccountType(StoredType):
    name = "Microsoft.Storage/storageAccounts"
    api_versions = (
        "2015-06-15",
        "2016-01-01",
        "2016-05-01",
        "2016-12-01",
        "2017-06-01",
        "2017-10-01",
        "2018-02-01",
        "2018-03-01-preview",
        *_VERSIONS,
    )
    locations = ALL
    body: ClassVar[Spec] = {
        "extendedLocation?": dict,
        "identity?": IDENTITY,
        "kind": _KINDS,
        "location": str,
        "properties?": _PROPERTIES,
        "sku": {"name": _SKUS},
        "tags?": TAGS,
        "zones?": [str],
    }
    patch_body: ClassVar[Spec] = {
        "identity?": IDENTITY,
        "kind?": _KINDS,
        "properties?": _PROPERTIES,
        "sku?": {"name": _SKUS},
        "tags?": TAGS,
    }
    name_pattern = r"[a-z0-9]{3,24}"
    read_only = (
        "identity.principalId",
        "identity.tenantId",
        "properties.creationTime",
        "properties.keyCreationTime",
        "properties.primaryEndpoints",
        "properties.primaryLocation",
        "properties.privateEndpointConnections",
        "properties.secondaryEndpoints",
        "properties.secondaryLocation",
        "properties.statusOfPrimary",
        "properties.statusOfSecondary",
        "sku.tier",
    )
    immutable = ("kind", "properties.isHnsEnabled", "properties.encryption.requireInfrastructureEncryption")
    keeps_unnamed = True
    created_status = 200
    name_is_global = True
    defaults: ClassVar[Document] = {
        "properties": {
            "accessTier": "Hot",
            "allowBlobPublicAccess": False,
            "allowCrossTenantReplication": False,
            "encryption": {
                "keySource": "Microsoft.Storage",
                "services": {
                    "blob": {"enabled": True, "keyType": "Account"},
                    "file": {"enabled": True, "keyType": "Account"},
                },
            },
            "minimumTlsVersion": "TLS1_0",
            "networkAcls": {
                "bypass": "AzureServices",
                "defaultAction": "Allow",
                "ipRules": [],
                "ipv6Rules": [],
                "virtualNetworkRules": [],
            },
            "supportsHttpsTrafficOnly": True,
        }
    }
    actions: ClassVar[Mapping[str, Action]] = {
        "listKeys": Action(
            "listKeys",
            "Microsoft.Storage/storageAccounts/listKeys/action",
            lambda _context, document, _body: _keys(document),
        )
    }

    def name_error(self, name: str) -> ApiError:
        return ApiError(
            400,
            "AccountNameInvalid",
            f"{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in "
            "length and use numbers and lower-case letters only.",
        )

    def field_error(self, problem: FieldProblem) -> ApiError:
        if problem.message == "missing":
            return super().field_error(problem)
        return ApiError(
            400, "InvalidValuesForRequestParameters", f"Values for request parameters are invalid: {problem.path}."
        )

    def immutable_error(self, path: str, old: object, new: object) -> ApiError:
        name = path.rsplit(".", 1)[-1]
        return ApiError(
            409,
            "AccountPropertyCannotBeUpdated",
            f"The property '{name}' was specified in the input, but it cannot be updated. It is '{old}', not '{new}'.",
        )

    def refuse(self, write: Write, document: Document) -> None:
        if write.existing is None and holder_of(write.store, self.name, write.id.name):
            raise ApiError(
                409, "StorageAccountAlreadyTaken", f"The storage account named {write.id.name} is already taken."
            )

    def adapt(self, write: Write, document: Document) -> Document:
        document["sku"]["tier"] = document["sku"]["name"].split("_", 1)[0]
        for rule in document["properties"]["networkAcls"].get("ipRules", []):
            rule.setdefault("action", "Allow")
        return document

    def make(self, write: Write, document: Document) -> Document:
        name = document["name"]
        endpoints = {service: f"https://{name}.{service}.{SUFFIX}/" for service in _ENDPOINTS}
        seed = write.context.new_id("storage.key", write.id.key)
        properties = {
            "primaryEndpoints": endpoints,
            "primaryLocation": document["location"],
            "statusOfPrimary": "available",
        }
        return {"properties": properties, "keySeed": seed, **make_identity(write, document)}

    def removed(self, context: Context, document: Document) -> None:
        forget_identity(context, document)

    def live(self, context: Context, document: Document) -> Document:
        if "createdAt" not in document:
            return {}
        made = iso(document["createdAt"])
        return {"properties": {"creationTime": made, "keyCreationTime": {"key1": made, "key2": made}}}


class BlobServiceType(StoredType):
    """An account has one blob service, `default`, which is there without being made."""

    name = "Microsoft.Storage/storageAccounts/blobServices"
    api_versions = _VERSIONS
    body: ClassVar[Spec] = {
        "properties?": {
            "automaticSnapshotPolicyEnabled?": bool,
            "changeFeed?": {"enabled?": bool, "retentionInDays?": int},
            "containerDeleteRetentionPolicy?": _RETENTION,
            "cors?": {"corsRules?": [dict]},
            "defaultServiceVersion?": str,
            "deleteRetentionPolicy?": _RETENTION,
            "isVersioningEnabled?": bool,
            "lastAccessTimeTrackingPolicy?": {
                "blobType?": [str],
                "enable": bool,
                "name?": str,
                "trackingGranularityInDays?": int,
            },
            "restorePolicy?": {"days?": int, "enabled": bool},
        }
    }
    name_pattern = "default"
    keeps_unnamed = True
    has_state = False
    created_status = 200
    defaults: ClassVar[Document] = {
        "properties": {
            "cors": {"corsRules": []},
            "deleteRetentionPolicy": {"allowPermanentDelete": False, "enabled": False},
        }
    }

    def stored(self, store: Store, resource_id: ResourceId) -> Document | None:
        found, account = super().stored(store, resource_id), resource_id.parent
        if found is not None or resource_id.name.lower() != "default" or account is None:
            return found
        holder = store.get(KIND, account.key)
        if holder is None:
            return None
        identity = {"id": f"{holder['id']}/blobServices/default", "name": "default", "type": self.name}
        return {**identity, **deepcopy(self.defaults)}


class ContainerType(StoredType):
    name = "Microsoft.Storage/storageAccounts/blobServices/containers"
    api_versions = ("2018-02-01", "2018-03-01-preview", *_VERSIONS)
    body: ClassVar[Spec] = {
        "properties?": {
            "defaultEncryptionScope?": str,
            "denyEncryptionScopeOverride?": bool,
            "enableNfsV3AllSquash?": bool,
            "enableNfsV3RootSquash?": bool,
            "immutableStorageWithVersioning?": {"enabled?": bool},
            "metadata?": {"*": str},
            "publicAccess?": frozenset({"None", "Blob", "Container"}),
        }
    }
    patch_body: ClassVar[Spec] = body
    name_pattern = r"(?!.*--)[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])|\$root|\$logs|\$web"
    keeps_unnamed = True
    has_state = False
    read_only = (
        "properties.hasImmutabilityPolicy",
        "properties.hasLegalHold",
        "properties.lastModifiedTime",
        "properties.leaseState",
        "properties.leaseStatus",
    )
    defaults: ClassVar[Document] = {
        "properties": {
            "defaultEncryptionScope": "$account-encryption-key",
            "denyEncryptionScopeOverride": False,
            "hasImmutabilityPolicy": False,
            "hasLegalHold": False,
            "leaseState": "Available",
            "leaseStatus": "Unlocked",
            "publicAccess": "None",
        }
    }

    def name_error(self, name: str) -> ApiError:
        return ApiError(
            400,
            "ContainerNameInvalid",
            f"The specified container name '{name}' is invalid: 3 to 63 lower-case characters.",
        )

    def refuse(self, write: Write, document: Document) -> None:
        account = write.store.get("arm.resource", write.id.key.split("/blobservices/", 1)[0])
        public = document["properties"]["publicAccess"].lower() != "none"
        if public and account and not account["properties"]["allowBlobPublicAccess"]:
            raise ApiError(409, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")


def _keys(document: Document) -> Document:
    made = iso(document["createdAt"])
    return {
        "keys": [
            {"creationTime": made, "keyName": name, "permissions": "FULL", "value": _key(document, name)}
            for name in ("key1", "key2")
        ]
    }


def _key(document: Document, name: str) -> str:
    digest = hashlib.sha512(f"{document['made']['keySeed']}/{name}".encode()).digest()
    return base64.b64encode(digest).decode()
