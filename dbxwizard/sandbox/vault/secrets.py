"""The secrets of a vault: set, get, list, update, delete.

Values lie in the state file as everything does; `show` and `log` never print them.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from dbxwizard.sandbox.http import ApiError, Call, Response
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.vault import resource

if TYPE_CHECKING:
    from dbxwizard.sandbox.vault.service import VaultService

VERSIONS = frozenset({"7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"})
RIGHT = "Microsoft.KeyVault/vaults/secrets"
_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
_MAX_VALUE = 25 * 1024  # bytes; learn.microsoft.com/azure/key-vault/secrets/about-secrets
_MAX_TEXT, _MAX_TAGS, _MAX_TAG = 255, 15, 256
_ATTRIBUTES = {"enabled?": bool, "nbf?": int, "exp?": int}
_PROPERTIES = {"contentType?": str, "attributes?": _ATTRIBUTES, "tags?": {"*": str}}


def register(service: VaultService) -> None:
    """The routes of a vault's secrets."""
    route, v = service.route, VERSIONS
    writing = {"value": str, **_PROPERTIES}
    route("PUT", "/secrets/{name}", api_versions=v, body=writing, action=f"{RIGHT}/setSecret/action")(_set)
    route("GET", "/secrets", api_versions=v, action=f"{RIGHT}/readMetadata/action")(_list)
    route("GET", "/secrets/{name}/versions", api_versions=v, action=f"{RIGHT}/readMetadata/action")(_versions)
    for path in ("/secrets/{name}", "/secrets/{name}/", "/secrets/{name}/{version}"):
        route("GET", path, api_versions=v, action=f"{RIGHT}/getSecret/action")(_get)
        route("PATCH", path, api_versions=v, body=_PROPERTIES, action=f"{RIGHT}/update/action")(_update)


def key(call: Call) -> str:
    """The key of the secret's document: names are the same whatever their case."""
    return f"{call.request.host.split(':', 1)[1]}/{call.params['name'].lower()}"


def require(call: Call) -> Document:
    """The secret, not deleted. ApiError: 404 SecretNotFound."""
    stored = call.store.get("vault.secret", key(call))
    if stored is None or stored.get("deletedAt"):
        raise not_found(call)
    return stored


def not_found(call: Call) -> ApiError:
    return ApiError(
        404,
        "SecretNotFound",
        f"A secret with (name/id) {call.params['name']} was not found in this key vault. If you recently deleted this "
        "secret you may be able to recover it using the correct recovery command. For help resolving this issue, "
        "please see https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def _set(call: Call) -> Response:
    name, body = call.params["name"], call.body
    if not _NAME.fullmatch(name):
        raise ApiError(400, "BadParameter", f"The request URI contains an invalid name: {name}")
    if len(body["value"].encode()) > _MAX_VALUE:
        raise ApiError(400, "BadParameter", f"Secret value exceeds the maximum length of {_MAX_VALUE} bytes.")
    _check_properties(body)
    stored = call.store.get("vault.secret", key(call)) or {"name": name, "versions": []}
    if stored.get("deletedAt"):
        raise ApiError(
            409,
            "Conflict",
            f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this "
            "state, the secret can only be recovered or purged.",
            inner="ObjectIsDeletedButRecoverable",
        )
    versions = [*stored["versions"], _version(call, len(stored["versions"]))]
    stored = {**stored, "versions": versions, "contentType": body.get("contentType") or ""}
    call.store.put("vault.secret", key(call), stored)
    return Response(200, {"value": body["value"], **bundle(call, stored, versions[-1])})


def _check_properties(body: Document) -> None:
    """Limits: learn.microsoft.com/azure/key-vault/secrets/about-secrets."""
    if len(body.get("contentType") or "") > _MAX_TEXT:
        raise ApiError(400, "BadParameter", f"The content type has more than {_MAX_TEXT} characters.")
    tags = body.get("tags") or {}
    if len(tags) > _MAX_TAGS or any(len(text) > _MAX_TAG for pair in tags.items() for text in pair):
        message = f"A secret has at most {_MAX_TAGS} tags, their names and values at most {_MAX_TAG} characters."
        raise ApiError(400, "BadParameter", message)


def _attributes(body: Document) -> Document:
    return {name: value for name, value in (body.get("attributes") or {}).items() if value is not None}


def _version(call: Call, number: int) -> Document:
    body, attributes = call.body, _attributes(call.body)
    return {
        "id": hashlib.sha256(f"{key(call)}/{number}".encode()).hexdigest()[:32],
        "value": body["value"],
        "contentType": body.get("contentType"),
        "tags": body.get("tags") or {},
        "attributes": {"enabled": True, **attributes, "created": int(call.now), "updated": int(call.now)},
    }


def bundle(call: Call, stored: Document, version: Document) -> Document:
    """A secret without its value, as the service answers it."""
    recovery = {
        "recoveryLevel": "Recoverable" if resource.is_protected(call) else "Recoverable+Purgeable",
        "recoverableDays": resource.retention_days(call),
    }
    made: Document = {
        "id": f"{call.url(call.request.host)}/secrets/{stored['name']}/{version['id']}",
        "attributes": {**version["attributes"], **recovery},
        "tags": version["tags"],
    }
    if version["contentType"]:
        made["contentType"] = version["contentType"]
    return made


def _find(call: Call, stored: Document) -> Document:
    wanted = call.params.get("version")
    found: Document | None = next((v for v in stored["versions"] if v["id"] == wanted), None)
    if wanted is None:
        found = stored["versions"][-1]
    if found is None:
        raise not_found(call)
    return found


def _get(call: Call) -> Response:
    stored = require(call)
    version = _find(call, stored)
    if not version["attributes"]["enabled"]:
        message = "Operation get is not allowed on a disabled secret."
        raise ApiError(403, "Forbidden", message, inner="SecretDisabled")
    return Response(200, {"value": version["value"], **bundle(call, stored, version)})


def _update(call: Call) -> Response:
    _check_properties(call.body)
    stored = require(call)
    version = _find(call, stored)
    attributes = {**version["attributes"], **_attributes(call.body), "updated": int(call.now)}
    changes = {name: call.body[name] for name in ("contentType", "tags") if name in call.body}
    changed = {**version, **changes, "attributes": attributes}
    versions = [changed if v["id"] == version["id"] else v for v in stored["versions"]]
    call.store.put("vault.secret", key(call), {**stored, "versions": versions})
    return Response(200, bundle(call, stored, changed))


def _list(call: Call) -> Response:
    prefix = call.request.host.split(":", 1)[1] + "/"
    live = [body for body in call.store.all("vault.secret", prefix) if not body.get("deletedAt")]
    return page(call, [_bare(bundle(call, body, body["versions"][-1])) for body in live])


def _versions(call: Call) -> Response:
    stored = require(call)
    return page(call, [bundle(call, stored, version) for version in stored["versions"]])


def _bare(item: Document) -> Document:
    """List items carry the id without the version."""
    return {**item, "id": item["id"].rsplit("/", 1)[0]}


def _number(call: Call, name: str, default: int, most: int) -> int:
    text = call.query.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or not min(default, 1) <= int(text) <= most:
        raise ApiError(400, "BadParameter", f"The parameter '{name}' has an invalid value: {text}")
    return int(text)


def page(call: Call, items: list[Document]) -> Response:
    """25 items at most, and where to go on."""
    start, size = _number(call, "$skiptoken", 0, 10**9), _number(call, "maxresults", 25, 25)
    rest = f"{call.url(call.request.host)}{call.request.path}?api-version={call.query['api-version']}"
    more = f"{rest}&$skiptoken={start + size}" if start + size < len(items) else None
    return Response(200, {"value": items[start : start + size], "nextLink": more})
