"""Live state for the template functions that ask for it, while a deployment runs."""

from __future__ import annotations

from dbxwizard.sandbox.arm import resources
from dbxwizard.sandbox.arm.model import Caller, Context
from dbxwizard.sandbox.http import ApiError
from dbxwizard.sandbox.store import Document


class LiveRuntime:
    """What reference(), list*() and secret parameters find, with the rights of the deployment's caller."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._context = context
        self._caller = caller

    def reference(self, resource_id: str, api_version: str, full: bool) -> object:
        found = self._deployment(resource_id) or resources.read(self._context, resource_id, api_version)
        if not full:
            return found.get("properties", {})
        kept = {name: value for name, value in found.items() if name not in ("id", "name", "type")}
        return {"apiVersion": api_version, "resourceId": found["id"], **kept}

    def _deployment(self, resource_id: str) -> Document | None:
        from dbxwizard.sandbox.arm.deployments import records

        stored = self._context.store.get(records.KIND, resource_id.lower())
        return records.answer(stored) if stored else None

    def list(self, resource_id: str, function: str, api_version: str, value: object) -> object:
        body = value if isinstance(value, dict) else {}
        return resources.invoke(self._context, resource_id, function, body, self._caller)

    def secret(self, vault_id: str, name: str, version: str) -> object:
        vault = resources.read(self._context, vault_id)
        if not vault["properties"].get("enabledForTemplateDeployment"):
            raise ApiError(
                403,
                "KeyVaultParameterReferenceAuthorizationFailed",
                f"The specified KeyVault '{vault_id}' is not enabled for template deployment.",
            )
        stored = self._context.store.get("vault.secret", f"{vault['name'].lower()}/{name.lower()}")
        versions = stored["versions"] if stored and not stored.get("deletedAt") else []
        found = [item["value"] for item in versions if version in ("", item["id"])]
        if not found:
            raise ApiError(
                400,
                "KeyVaultParameterReferenceSecretRetrieveFailed",
                f"The secret '{name}' was not found in '{vault_id}'.",
            )
        return found[-1]
