"""Variables and secrets of a repository and of its environments.

docs.github.com/rest/actions/variables and /secrets; limits: docs.github.com/actions/reference/limits.
A secret is kept as the sealed box that was sent. The key that opens it never leaves the state file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from dbxwizard.sandbox.github import environments, errors
from dbxwizard.sandbox.github.objects import utc
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import repository
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document, Store

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST = 48 * 1024  # bytes of a value
_MOST_IN_ENVIRONMENT = 100
_MOST_IN_REPOSITORY = {"variable": 500, "secret": 100}
_BAD_NAME = (
    "{} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). "
    "Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_)."
)
_NOT_SEALED = "Bad request - validation failed due to an improperly encrypted secret"


def register(service: Service) -> None:
    levels = (
        ("/repos/{owner}/{repo}/actions", "variables", "secrets"),
        ("/repos/{owner}/{repo}/environments/{environment}", "environments", "environments"),
    )
    for root, variables, secrets in levels:
        _register_variables(service, root + "/variables", variables)
        _register_secrets(service, root + "/secrets", secrets)


def _register_variables(service: Service, every: str, right: str) -> None:
    one = every + "/{name}"
    service.route("GET", every, action=f"{right}:read")(_list_variables)
    service.route("POST", every, action=f"{right}:write", body={"name": str, "value": str})(_create_variable)
    service.route("GET", one, action=f"{right}:read")(_get_variable)
    service.route("PATCH", one, action=f"{right}:write", body={"name?": str, "value?": str})(_update_variable)
    service.route("DELETE", one, action=f"{right}:write")(_delete_variable)


def _register_secrets(service: Service, every: str, right: str) -> None:
    one, body = every + "/{name}", {"encrypted_value": str, "key_id": str}
    service.route("GET", every, action=f"{right}:read")(_list_secrets)
    service.route("GET", every + "/public-key", action=f"{right}:read")(_get_key)
    service.route("GET", one, action=f"{right}:read")(_get_secret)
    service.route("PUT", one, action=f"{right}:write", body=body)(_put_secret)
    service.route("DELETE", one, action=f"{right}:write")(_delete_secret)


def holder(repository_id: int, environment: str = "") -> str:
    """The key below which the values of an environment are kept; of the repository itself where there is none."""
    return f"{repository_id}/{environment.lower()}/"


def _holder(call: Call) -> str:
    body = repository(call)
    return holder(body["id"], environments.environment(call)["name"] if "environment" in call.params else "")


def _check_name(call: Call, kind: str, name: str) -> str:
    """The name in upper case, as GitHub keeps it. Raises ApiError 422 for one that it doesn't allow."""
    if not _NAME.fullmatch(name):
        raise errors.unprocessable(_BAD_NAME.format(kind.capitalize()))
    if name.upper().startswith("GITHUB_"):
        raise errors.unprocessable(f"{kind.capitalize()} names must not start with GITHUB_.")
    most = _MOST_IN_ENVIRONMENT if "environment" in call.params else _MOST_IN_REPOSITORY[kind]
    known = {body["name"] for body in call.store.all(f"github.{kind}", _holder(call))}
    if len(known - {name.upper()}) >= most:
        raise errors.unprocessable(f"{kind.capitalize()} count exceeds the maximum of {most}.")
    return name.upper()


def _check_size(kind: str, size: int) -> None:
    if size > _LARGEST:
        raise errors.unprocessable(f"{kind} value exceeds the maximum size of {_LARGEST} bytes.")


def _found(call: Call, kind: str) -> Document:
    found = call.store.get(f"github.{kind}", _holder(call) + call.params["name"].upper())
    if found is None:
        raise errors.not_found()
    return found


def _dates(found: Document) -> dict[str, str]:
    return {"created_at": utc(found["createdAt"]), "updated_at": utc(found["updatedAt"])}


# Variables.


def _shown_variable(found: Document) -> dict[str, Any]:
    return {"name": found["name"], "value": found["value"], **_dates(found)}


def _list_variables(call: Call) -> Response:
    found = call.store.all("github.variable", _holder(call))
    return page(call, [_shown_variable(each) for each in found], wrap="variables", default=10, most=30)


def _get_variable(call: Call) -> Response:
    return Response(200, _shown_variable(_found(call, "variable")))


def _create_variable(call: Call) -> Response:
    name = _check_name(call, "variable", call.body["name"])
    if call.store.get("github.variable", _holder(call) + name):
        raise ApiError(409, "Conflict", "Already exists - Variable already exists")
    _save_variable(call, name, call.body["value"], call.now)
    return Response(201, {})


def _update_variable(call: Call) -> Response:
    found = _found(call, "variable")
    name = _check_name(call, "variable", call.body.get("name") or found["name"])
    if name != found["name"]:
        call.store.delete("github.variable", _holder(call) + found["name"])
    value = call.body.get("value")
    _save_variable(call, name, found["value"] if value is None else value, found["createdAt"])
    return Response(204)


def _save_variable(call: Call, name: str, value: str, created_at: float) -> None:
    _check_size("Variable", len(value.encode()))
    body = {"name": name, "value": value, "createdAt": created_at, "updatedAt": call.now}
    call.store.put("github.variable", _holder(call) + name, body)


def _delete_variable(call: Call) -> Response:
    call.store.delete("github.variable", _holder(call) + _found(call, "variable")["name"])
    return Response(204)


# Secrets.


def private_key(store: Store, owner: str) -> PrivateKey:
    """The key that opens what was sealed for a holder; made on first use. Called inside a transaction."""
    body = store.get("_github.key", owner)
    if body is None:
        body = {"key": base64.b64encode(bytes(PrivateKey.generate())).decode()}
        store.put("_github.key", owner, body)
    return PrivateKey(base64.b64decode(body["key"]))


def _key_id(key: PrivateKey) -> str:
    return str(int(hashlib.sha256(bytes(key.public_key)).hexdigest()[:15], 16))


def open_secrets(store: Store, repository_id: int, environment: str = "") -> dict[str, str]:
    """The values of an environment's secrets (of the repository's without one), as only the runner sees them."""
    owner = holder(repository_id, environment)
    box = SealedBox(private_key(store, owner))
    found = store.all("github.secret", owner)
    return {each["name"]: box.decrypt(base64.b64decode(each["sealed"])).decode() for each in found}


def _get_key(call: Call) -> Response:
    key = private_key(call.store, _holder(call))
    return Response(200, {"key_id": _key_id(key), "key": base64.b64encode(bytes(key.public_key)).decode()})


def _list_secrets(call: Call) -> Response:
    found = call.store.all("github.secret", _holder(call))
    return page(call, [{"name": each["name"], **_dates(each)} for each in found], wrap="secrets")


def _get_secret(call: Call) -> Response:
    found = _found(call, "secret")
    return Response(200, {"name": found["name"], **_dates(found)})


def _put_secret(call: Call) -> Response:
    name, owner = _check_name(call, "secret", call.params["name"]), _holder(call)
    key = private_key(call.store, owner)
    if call.body["key_id"] != _key_id(key):
        raise errors.unprocessable(_NOT_SEALED)
    _check_size("Secret", len(_opened(key, call.body["encrypted_value"])))
    old = call.store.get("github.secret", owner + name)
    body = {"name": name, "sealed": call.body["encrypted_value"], "keyId": call.body["key_id"]}
    body |= {"createdAt": old["createdAt"] if old else call.now, "updatedAt": call.now}
    call.store.put("github.secret", owner + name, body)
    return Response(204) if old else Response(201, {})


def _opened(key: PrivateKey, sealed: str) -> bytes:
    try:
        return bytes(SealedBox(key).decrypt(base64.b64decode(sealed, validate=True)))
    except (CryptoError, binascii.Error, ValueError) as error:
        raise errors.unprocessable(_NOT_SEALED) from error


def _delete_secret(call: Call) -> Response:
    call.store.delete("github.secret", _holder(call) + _found(call, "secret")["name"])
    return Response(204)
