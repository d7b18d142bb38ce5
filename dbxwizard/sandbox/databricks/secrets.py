"""The Secrets API. Limits: learn.microsoft.com/azure/databricks/security/secrets (1,000 scopes and secrets, 128 KB)."""

from __future__ import annotations

import base64
import re

from dbxwizard.sandbox.databricks import errors
from dbxwizard.sandbox.databricks.state import USERS, Caller, WorkspaceState, milliseconds, required
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

VERSIONS = ("2.0",)
MAX_SCOPES = 1000
MAX_SECRETS = 1000
MAX_BYTES = 128 * 1024
_LEVELS = ("READ", "WRITE", "MANAGE")
_NAME = re.compile(r"[\w@.\-]{1,128}")
_VAULT = {"resource_id": str, "dns_name": str}
_SCOPE = {
    "scope": str,
    "initial_manage_principal?": str,
    "scope_backend_type?": frozenset({"DATABRICKS", "AZURE_KEYVAULT"}),
    "backend_azure_keyvault?": _VAULT,
}
_PUT = {"scope": str, "key": str, "string_value?": str, "bytes_value?": str}


def register(service: Service) -> None:
    prefix = "/api/{version}/secrets"
    for name, handler, body in (
        ("scopes/create", _create_scope, _SCOPE),
        ("scopes/delete", _delete_scope, {"scope": str}),
        ("put", _put, _PUT),
        ("delete", _delete, {"scope": str, "key": str}),
        ("acls/put", _put_acl, {"scope": str, "principal": str, "permission": str}),
        ("acls/delete", _delete_acl, {"scope": str, "principal": str}),
    ):
        service.route("POST", f"{prefix}/{name}", api_versions=VERSIONS, body=body)(handler)
    for name, reader, query in (
        ("scopes/list", _list_scopes, ()),
        ("list", _list, ("scope",)),
        ("get", _get, ("scope", "key")),
        ("acls/list", _list_acls, ("scope",)),
        ("acls/get", _get_acl, ("scope", "principal")),
    ):
        service.route("GET", f"{prefix}/{name}", api_versions=VERSIONS, query=query)(reader)


def _scope(call: Call, name: str, level: str) -> tuple[WorkspaceState, Document]:
    """The scope, once the caller is known to hold `level` on it; admins hold all."""
    state, caller = WorkspaceState.of(call), Caller.of(call)
    body = state.get("scope", name)
    if body is None:
        raise errors.not_found(f"Scope {name} does not exist!")
    names = {caller.name, *(group["displayName"] for group in state.groups_of(caller.principal))}
    held = [_LEVELS.index(one) for who, one in body["acls"].items() if who in names]
    if not caller.admin and max(held, default=-1) < _LEVELS.index(level):
        raise errors.denied(f"{caller.name} does not have {level} permission on scope {name}.")
    return state, body


def _create_scope(call: Call) -> Response:
    state, caller, name = WorkspaceState.of(call), Caller.of(call), call.body["scope"]
    first = call.body.get("initial_manage_principal")
    if not _NAME.fullmatch(name):
        raise errors.invalid(f"Scope name {name} is invalid.")
    if first not in (None, USERS):
        raise errors.invalid("initial_manage_principal must be 'users' or left out.")
    if state.get("scope", name):
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Scope {name} already exists!")
    if len(state.all("scope")) >= MAX_SCOPES:
        raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", f"Maximum number of scopes exceeded: {MAX_SCOPES}.")
    backend = call.body.get("scope_backend_type", "DATABRICKS").upper()
    vault = call.body.get("backend_azure_keyvault")
    if backend == "AZURE_KEYVAULT":
        _check_vault(call, vault)
    elif vault is not None:
        raise errors.invalid("backend_azure_keyvault is for scopes of the type AZURE_KEYVAULT.")
    body: Document = {"name": name, "backend_type": backend, "acls": {first or caller.name: "MANAGE"}}
    state.put("scope", name, {**body, "keyvault_metadata": vault} if vault else body)
    return Response(200, {})


def _check_vault(call: Call, vault: Document | None) -> None:
    """Raises ApiError unless it names a vault that is there, by its id and its address."""
    if vault is None:
        fields = "backend_azure_keyvault.resource_id, backend_azure_keyvault.dns_name"
        raise errors.invalid(f"Missing required fields: {fields}")
    resource_id = vault["resource_id"].lower()
    name = resource_id.rsplit("/", 1)[-1]
    found = call.store.get("arm.resource", resource_id)
    if found is None or found["type"].lower() != "microsoft.keyvault/vaults":
        raise errors.invalid(f"The Key Vault {vault['resource_id']} does not exist.")
    if vault["dns_name"].rstrip("/") != call.url(f"vault:{name}"):
        raise errors.invalid(f"{vault['dns_name']} is not the address of {vault['resource_id']}.")


def _delete_scope(call: Call) -> Response:
    state, body = _scope(call, call.body["scope"], "MANAGE")
    for key, _ in state.find("secret", f"{body['name']}/"):
        state.delete("secret", key)
    state.delete("scope", body["name"])
    return Response(200, {})


def _list_scopes(call: Call) -> Response:
    scopes = WorkspaceState.of(call).all("scope")
    shown = [{key: value for key, value in scope.items() if key != "acls"} for scope in scopes]
    return Response(200, {"scopes": shown} if shown else {})


def _put(call: Call) -> Response:
    state, scope = _scope(call, call.body["scope"], "WRITE")
    key = call.body["key"]
    if not _NAME.fullmatch(key):
        raise errors.invalid(f"Secret key {key} is invalid.")
    if scope["backend_type"] != "DATABRICKS":
        raise ApiError(400, "BAD_REQUEST", f"Cannot write secrets to Azure KeyVault-backed scope {scope['name']}")
    value = _value(call.body)
    path = f"{scope['name']}/{key}"
    if state.get("secret", path) is None and len(state.find("secret", f"{scope['name']}/")) >= MAX_SECRETS:
        raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", f"Maximum number of secrets exceeded: {MAX_SECRETS}.")
    state.put("secret", path, {"value": value, "updated": milliseconds(call.now)})
    return Response(200, {})


def _value(body: Document) -> str:
    """The value of a put in base64."""
    if ("string_value" in body) == ("bytes_value" in body):
        raise ApiError(400, "MALFORMED_REQUEST", "Exactly one of string_value and bytes_value is needed.")
    raw = body["string_value"].encode() if "string_value" in body else _decoded(body["bytes_value"])
    if not 0 < len(raw) <= MAX_BYTES:
        raise errors.invalid(f"The value must have 1 to {MAX_BYTES} bytes.")
    return base64.b64encode(raw).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise errors.invalid("bytes_value is not base64.") from error


def _existing(state: WorkspaceState, scope: Document, key: str) -> Document:
    found = state.get("secret", f"{scope['name']}/{key}")
    if found is None:
        raise errors.not_found(f"Failed to get secret {key} for scope {scope['name']}.")
    return found


def _delete(call: Call) -> Response:
    state, scope = _scope(call, call.body["scope"], "WRITE")
    _existing(state, scope, call.body["key"])
    state.delete("secret", f"{scope['name']}/{call.body['key']}")
    return Response(200, {})


def _list(call: Call) -> Response:
    state, scope = _scope(call, required(call, "scope"), "READ")
    skipped = len(scope["name"]) + 1
    found = state.find("secret", f"{scope['name']}/")
    shown = [{"key": key[skipped:], "last_updated_timestamp": body["updated"]} for key, body in found]
    return Response(200, {"secrets": shown} if shown else {})


def _get(call: Call) -> Response:
    state, scope = _scope(call, required(call, "scope"), "READ")
    key = required(call, "key")
    return Response(200, {"key": key, "value": _existing(state, scope, key)["value"]})


def _put_acl(call: Call) -> Response:
    state, scope = _scope(call, call.body["scope"], "MANAGE")
    principal, level = call.body["principal"], call.body["permission"]
    if level not in _LEVELS:
        raise errors.invalid(f"Invalid permission {level}: one of {', '.join(_LEVELS)}.")
    if not state.knows(principal):
        raise errors.not_found(f"Principal {principal} does not exist.")
    state.put("scope", scope["name"], {**scope, "acls": {**scope["acls"], principal: level}})
    return Response(200, {})


def _delete_acl(call: Call) -> Response:
    state, scope = _scope(call, call.body["scope"], "MANAGE")
    kept = {who: level for who, level in scope["acls"].items() if who != call.body["principal"]}
    if len(kept) == len(scope["acls"]):
        raise _no_acl(call.body["principal"])
    state.put("scope", scope["name"], {**scope, "acls": kept})
    return Response(200, {})


def _no_acl(principal: str) -> ApiError:
    return errors.not_found(f"Failed to get secret acl for principal {principal}.")


def _list_acls(call: Call) -> Response:
    _, scope = _scope(call, required(call, "scope"), "MANAGE")
    items = [{"principal": who, "permission": level} for who, level in scope["acls"].items()]
    return Response(200, {"items": items} if items else {})


def _get_acl(call: Call) -> Response:
    _, scope = _scope(call, required(call, "scope"), "MANAGE")
    principal = required(call, "principal")
    if principal not in scope["acls"]:
        raise _no_acl(principal)
    return Response(200, {"principal": principal, "permission": scope["acls"][principal]})
