"""The vault itself, as Resource Manager keeps it, and what it says of its secrets."""

from __future__ import annotations

from dbxwizard.sandbox.http import ApiError, Call
from dbxwizard.sandbox.store import Document


def vault_of(call: Call) -> Document:
    """The vault's resource; its host is closed when it is deleted."""
    name = call.request.host.split(":", 1)[1]
    tail = f"/providers/microsoft.keyvault/vaults/{name}"
    vault = next((body for key, body in call.store.find("arm.resource") if key.endswith(tail)), None)
    if vault is None:
        raise ApiError(404, "VaultNotFound", f"The vault '{name}' was not found.")
    return vault


def is_protected(call: Call) -> bool:
    """Whether nothing is purged before its time: learn.microsoft.com/azure/key-vault/general/soft-delete-overview."""
    return bool(vault_of(call)["properties"].get("enablePurgeProtection"))


def retention_days(call: Call) -> int:
    return int(vault_of(call)["properties"].get("softDeleteRetentionInDays", 90))
