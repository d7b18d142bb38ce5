"""Deleted secrets: they stay recoverable until they are purged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbxwizard.sandbox.http import ApiError, Call, Response
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.vault import resource, secrets
from dbxwizard.sandbox.vault.secrets import RIGHT, VERSIONS

if TYPE_CHECKING:
    from dbxwizard.sandbox.vault.service import VaultService


def register(service: VaultService) -> None:
    """The routes of deleting, recovering and purging."""
    route, v = service.route, VERSIONS
    route("DELETE", "/secrets/{name}", api_versions=v, action=f"{RIGHT}/delete")(_delete)
    route("GET", "/deletedsecrets", api_versions=v, action=f"{RIGHT}/readMetadata/action")(_list)
    route("GET", "/deletedsecrets/{name}", api_versions=v, action=f"{RIGHT}/readMetadata/action")(_get)
    route("POST", "/deletedsecrets/{name}/recover", api_versions=v, action=f"{RIGHT}/recover/action")(_recover)
    route("DELETE", "/deletedsecrets/{name}", api_versions=v, action=f"{RIGHT}/purge/action")(_purge)


def _delete(call: Call) -> Response:
    stored = {**secrets.require(call), "deletedAt": call.now}
    call.store.put("vault.secret", secrets.key(call), stored)
    return Response(200, _bundle(call, stored))


def _bundle(call: Call, stored: Document) -> Document:
    return {
        **secrets.bundle(call, stored, stored["versions"][-1]),
        "recoveryId": f"{call.url(call.request.host)}/deletedsecrets/{stored['name']}",
        "deletedDate": int(stored["deletedAt"]),
        "scheduledPurgeDate": int(stored["deletedAt"]) + resource.retention_days(call) * 86400,
    }


def _require(call: Call) -> Document:
    stored = call.store.get("vault.secret", secrets.key(call))
    if stored is None or not stored.get("deletedAt"):
        name = call.params["name"]
        raise ApiError(404, "SecretNotFound", f"Deleted secret not found: {name}")
    return stored


def _get(call: Call) -> Response:
    return Response(200, _bundle(call, _require(call)))


def _list(call: Call) -> Response:
    prefix = call.request.host.split(":", 1)[1] + "/"
    gone = [body for body in call.store.all("vault.secret", prefix) if body.get("deletedAt")]
    return secrets.page(call, [_bundle(call, body) for body in gone])


def _recover(call: Call) -> Response:
    stored = {name: value for name, value in _require(call).items() if name != "deletedAt"}
    call.store.put("vault.secret", secrets.key(call), stored)
    return Response(200, secrets.bundle(call, stored, stored["versions"][-1]))


def _purge(call: Call) -> Response:
    _require(call)
    if resource.is_protected(call):
        vault = resource.vault_of(call)
        message = (
            'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service '
            "will automatically purge it after the retention period has passed.\r\n"
            f"Vault: {vault['name']};location={vault['location']}"
        )
        raise ApiError(403, "Forbidden", message, inner="ForbiddenByPurgeProtection")
    call.store.delete("vault.secret", secrets.key(call))
    return Response(204)
