"""Parameters that refer to a Key Vault secret, read with the rights of whoever deploys.

Source: learn.microsoft.com/azure/azure-resource-manager/templates/key-vault-parameter; messages quoted in public notes.
"""

from __future__ import annotations

from dbxwizard.sandbox.arm import access, resources
from dbxwizard.sandbox.arm.model import Caller
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document

_RIGHT = "Microsoft.KeyVault/vaults/deploy/action"
_ABSENT = (
    "A secret with (name/id) {} was not found in this key vault. If you recently deleted this secret you may be able "
    "to recover it using the correct recovery command. For help resolving this issue, please see "
    "https://go.microsoft.com/fwlink/?linkid=2125182"
)


def resolved(context: Context, caller: Caller, given: Document) -> Document:
    """The parameters of a request, each reference replaced by its value. ApiError: KeyVaultParameterReference…"""
    return {name: _resolved(context, caller, name, entry) for name, entry in given.items()}


def _resolved(context: Context, caller: Caller, parameter: str, entry: object) -> object:
    reference = entry.get("reference") if isinstance(entry, dict) else None
    if not isinstance(reference, dict):
        return entry
    vault, name = reference.get("keyVault"), reference.get("secretName")
    vault_id = vault.get("id") if isinstance(vault, dict) else None
    if not isinstance(vault_id, str) or not isinstance(name, str):
        return entry  # the template's own check words this
    return {"value": value(context, caller, vault_id, name, str(reference.get("secretVersion") or ""), parameter)}


def value(context: Context, caller: Caller, vault_id: str, name: str, version: str, parameter: str = "") -> str:
    """The secret; messages name `parameter`. ApiError: no vault, no right, not open to deployments, no secret."""
    vault = _vault(context, vault_id)
    access.require(context, caller, _RIGHT, vault_id)
    if not vault["properties"].get("enabledForTemplateDeployment"):
        reason = f"Access denied to first party service.\r\nVault: {vault['name']};location={vault['location']}"
        raise _not_retrieved(parameter or name, "Forbidden", reason)
    stored = context.store.get("vault.secret", f"{vault['name'].lower()}/{name.lower()}")
    versions = stored["versions"] if stored and not stored.get("deletedAt") else []
    found = [item["value"] for item in versions if version in ("", item["id"])]
    if not found:
        raise _not_retrieved(parameter or name, "NotFound", _ABSENT.format(name))
    return str(found[-1])


def _vault(context: Context, vault_id: str) -> Document:
    try:
        return resources.read(context, vault_id)
    except ApiError as error:
        message = (
            f"The specified KeyVault '{vault_id}' could not be found. Please see https://aka.ms/arm-keyvault for usage "
            "details."
        )
        raise ApiError(400, "KeyVaultParameterReferenceNotFound", message) from error


def _not_retrieved(parameter: str, status: str, reason: str) -> ApiError:
    return ApiError(
        400,
        "KeyVaultParameterReferenceSecretRetrieveFailed",
        f"The secret of KeyVault parameter '{parameter}' cannot be retrieved. Http status code: '{status}'. "
        f"Error message: '{reason}'. Please see https://aka.ms/arm-keyvault for usage details.",
    )
