"""Microsoft.KeyVault: vaults with soft deletion. Their secrets are the vault service's.

Fields: Azure's API description, version 2025-05-01. Rules and wording: learn.microsoft.com/azure/key-vault/general/
under soft-delete-overview, and answers quoted in public issues; a recovered vault keeps its old settings
(Azure/azure-rest-api-specs#21306).
"""

from __future__ import annotations

from typing import ClassVar

from dbxwizard.sandbox.arm.ids import parse
from dbxwizard.sandbox.arm.locations import ALL
from dbxwizard.sandbox.arm.model import Operation, Write
from dbxwizard.sandbox.arm.stored import TAGS, StoredType, holder_of, merged
from dbxwizard.sandbox.fields import FieldProblem, Spec
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.tokens import TENANT_ID

DELETED = "arm.deletedVault"
_DAY = 86400.0
_ACCESS_POLICY = {
    "applicationId?": str,
    "objectId": str,
    "permissions": {"certificates?": [str], "keys?": [str], "secrets?": [str], "storage?": [str]},
    "tenantId": str,
}
_NETWORK = {
    "bypass?": frozenset({"None", "AzureServices"}),
    "defaultAction?": frozenset({"Allow", "Deny"}),
    "ipRules?": [{"value": str}],
    "virtualNetworkRules?": [{"id": str, "ignoreMissingVnetServiceEndpoint?": bool}],
}
_SKU = {"family": frozenset({"A"}), "name": frozenset({"standard", "premium"})}
_SETTINGS = {
    "accessPolicies?": [_ACCESS_POLICY],
    "createMode?": frozenset({"default", "recover"}),
    "enabledForDeployment?": bool,
    "enabledForDiskEncryption?": bool,
    "enabledForTemplateDeployment?": bool,
    "enablePurgeProtection?": bool,
    "enableRbacAuthorization?": bool,
    "enableSoftDelete?": bool,
    "networkAcls?": _NETWORK,
    "publicNetworkAccess?": str,
    "softDeleteRetentionInDays?": int,
}


class VaultType(StoredType):
    name = "Microsoft.KeyVault/vaults"
    api_versions = (
        "2015-06-01",
        "2016-10-01",
        "2018-02-14-preview",
        "2018-02-14",
        "2019-09-01",
        "2020-04-01-preview",
        "2021-04-01-preview",
        "2021-06-01-preview",
        "2021-10-01",
        "2021-11-01-preview",
        "2022-02-01-preview",
        "2022-07-01",
        "2022-11-01",
        "2023-02-01",
        "2023-07-01",
        "2024-04-01-preview",
        "2024-11-01",
        "2024-12-01-preview",
        "2025-05-01",
        "2026-02-01",
    )
    locations = ALL
    body: ClassVar[Spec] = {"location": str, "properties": {**_SETTINGS, "sku": _SKU, "tenantId": str}, "tags?": TAGS}
    patch_body: ClassVar[Spec] = {"properties?": {**_SETTINGS, "sku?": _SKU, "tenantId?": str}, "tags?": TAGS}
    name_pattern = r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]"
    read_only = ("properties.hsmPoolResourceId", "properties.privateEndpointConnections", "properties.vaultUri")
    has_system_data = True
    name_is_global = True
    defaults: ClassVar[Document] = {
        "properties": {
            "accessPolicies": [],
            "enabledForDeployment": False,
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 90,
            "enableRbacAuthorization": False,
            "publicNetworkAccess": "Enabled",
        }
    }

    def name_error(self, name: str) -> ApiError:
        return ApiError(
            400,
            "VaultNameNotValid",
            f"The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The "
            "name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow "
            "this link for more information: https://go.microsoft.com/fwlink/?linkid=2147742",
        )

    def field_error(self, problem: FieldProblem) -> ApiError:
        return ApiError(400, "BadRequest", f"The property '{problem.path}' is not valid: {problem.message}.")

    def refuse(self, write: Write, document: Document) -> None:
        if write.existing is None:
            _check_name_is_free(write)
        elif _mode(write) == "recover":
            raise _nothing_to_recover(write.id.name)
        _check_settings(write, document["properties"])

    def adapt(self, write: Write, document: Document) -> Document:
        document["properties"].pop("createMode", None)
        for rule in document["properties"].get("networkAcls", {}).get("ipRules", []):
            # As the service answers it (github.com/hashicorp/terraform-provider-azurerm/pull/10266).
            rule["value"] = rule["value"] if "/" in rule["value"] else f"{rule['value']}/32"
        # A write can't take these back, and one that says nothing leaves them as they are.
        old = (write.existing or {}).get("properties", {})
        kept = {name: old[name] for name in ("enablePurgeProtection", "softDeleteRetentionInDays") if name in old}
        return merged(document, {"properties": kept})

    def document(self, write: Write) -> Document:
        deleted = find_deleted(write.store, write.id.name)
        if write.existing is None and _mode(write) == "recover" and deleted is not None:
            return dict(deleted["vault"])
        return super().document(write)

    def put(self, write: Write) -> Operation:
        done = super().put(write)
        if done.created and _mode(write) == "recover":
            write.store.delete(DELETED, write.id.name.lower())
        return done

    def ready(self, context: Context, document: Document) -> None:
        context.hosts.open(f"vault:{document['name'].lower()}")

    def removed(self, context: Context, document: Document) -> None:
        """The vault goes to the deleted ones: its secrets wait there, its role assignments are gone."""
        context.hosts.close(f"vault:{document['name'].lower()}")
        ends = context.now + document["properties"]["softDeleteRetentionInDays"] * _DAY
        record = {
            "name": document["name"],
            "location": document["location"],
            "subscription": parse(document["id"]).subscription,
            "vault": document,
            "deletedAt": context.now,
            "purgeAt": ends,
        }
        context.store.put(DELETED, document["name"].lower(), record)
        context.later(ends - context.now, "arm.vault.purge", name=document["name"], ends=ends)

    def live(self, context: Context, document: Document) -> Document:
        try:
            return {"properties": {"vaultUri": context.url(f"vault:{document['name'].lower()}") + "/"}}
        except KeyError:
            return {}


def find_deleted(store: Store, name: str) -> Document | None:
    return store.get(DELETED, name.lower())


def purge(context: Context, name: str) -> None:
    """Forgets a deleted vault and its secrets for good."""
    context.store.delete(DELETED, name.lower())
    for kind in ("vault.secret", "vault.deletedSecret"):
        for key, _ in context.store.find(kind, f"{name.lower()}/"):
            context.store.delete(kind, key)


def name_taken(store: Store, name: str) -> bool:
    """Whether a vault of that name exists anywhere in the cloud, deleted ones included."""
    return find_deleted(store, name) is not None or holder_of(store, VaultType.name, name) is not None


def already_exists(name: str) -> ApiError:
    return ApiError(
        409,
        "VaultAlreadyExists",
        f"The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name "
        "is already taken. If you are sure that the vault name was not taken then it is possible that a vault with "
        "the same name was recently deleted but not purged after being placed in a recoverable state. If the vault is "
        "in a recoverable state then the vault will need to be purged before reusing the name. For more information "
        "about VaultAlreadyExists, soft delete and purging a vault follow this link "
        "https://go.microsoft.com/fwlink/?linkid=2147740.",
    )


def _mode(write: Write) -> str:
    return str(write.body.get("properties", {}).get("createMode") or "default").lower()


def _check_name_is_free(write: Write) -> None:
    name, deleted = write.id.name, find_deleted(write.store, write.id.name)
    if _mode(write) == "recover" and deleted is None:
        raise _nothing_to_recover(name)
    if deleted is not None:
        same_place = deleted["vault"]["id"].lower() == write.id.key
        if not same_place:
            raise already_exists(name)
        if _mode(write) != "recover":
            raise ApiError(
                409,
                "ConflictError",
                "A vault with the same name already exists in deleted state. You need to either recover or purge "
                "existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more "
                "information on soft delete.",
            )
    elif name_taken(write.store, name):
        raise already_exists(name)


def _nothing_to_recover(name: str) -> ApiError:
    message = f"A soft deleted vault with the given name '{name}' does not exist."
    return ApiError(400, "SoftDeletedVaultDoesNotExist", message)


def _check_settings(write: Write, properties: Document) -> None:
    wanted = write.body.get("properties", {})
    old = (write.existing or {}).get("properties", {})
    if wanted.get("enablePurgeProtection") is False:
        raise _bad(
            'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault '
            "is an irreversible action."
        )
    if wanted.get("enableSoftDelete") is False:
        raise _bad(
            'The property "enableSoftDelete" can be set to false only for creating new vault. Enabling the \'soft '
            "delete' functionality is an irreversible action."
        )
    days = wanted.get("softDeleteRetentionInDays")
    if days is not None and not 7 <= days <= 90:
        raise _bad('The property "softDeleteRetentionInDays" must be between 7 and 90.')
    if days is not None and old and days != old["softDeleteRetentionInDays"]:
        raise _bad('The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.')
    if properties.get("tenantId", TENANT_ID) != TENANT_ID:
        raise _bad(f"The tenant '{properties['tenantId']}' is not the tenant of the subscription.")
    needs_policies = not write.patch and _mode(write) != "recover" and not wanted.get("enableRbacAuthorization")
    if needs_policies and "accessPolicies" not in wanted:
        raise _bad("The parameter accessPolicies is not specified.")


def _bad(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)
