"""What a token request asks for, and the tokens that answer it."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.entra.directory import Resource, find_resource
from dbxwizard.sandbox.entra.errors import aadsts, missing_parameter, unknown_resource
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document

_OIDC_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
REFRESH_LIFETIME = 90 * 86400.0  # seconds; learn.microsoft.com/entra/identity-platform/refresh-tokens


@dataclass(frozen=True, slots=True)
class Asked:
    """One resource under the name that the request uses (it becomes the audience), and the permissions on it."""

    name: str
    resource: Resource
    permissions: tuple[str, ...]
    oidc: frozenset[str] = frozenset()
    version: int = 2


def asked_by_resource(call: Call) -> Asked:
    """The `resource` of a request to the v1 endpoint."""
    name = call.body.get("resource", "")
    if not name:
        raise missing_parameter("resource")
    return Asked(name, _known(call, name), (".default",), version=1)


def asked_by_scope(call: Call, scope: str) -> Asked:
    """The `scope` of a request to the v2 endpoint: `RESOURCE/PERMISSION` words, and those of OpenID Connect."""
    words = scope.split()
    wanted = [_split(call, word) for word in words if word not in _OIDC_SCOPES]
    names = {name for name, _ in wanted} or {call.url("graph")}
    if len(names) > 1:
        raise aadsts(
            28000,
            "Provided value for the input parameter scope is not valid because it contains more than one resource. "
            f"Scope {scope} is not valid.",
            error="invalid_grant",
        )
    name = names.pop()
    permissions = tuple(permission for _, permission in wanted) or (".default",)
    return Asked(name, _known(call, name), permissions, frozenset(words) & _OIDC_SCOPES)


def _split(call: Call, word: str) -> tuple[str, str]:
    name, slash, permission = word.rpartition("/")
    return (name, permission) if slash else (call.url("graph"), word)


def _known(call: Call, name: str) -> Resource:
    resource = find_resource(call.hosts, name)
    if resource is None:
        raise unknown_resource(name)
    return resource


def application_answer(call: Call, asked: Asked, principal: Document) -> Document:
    claims = _claims(call, asked, principal["appId"], principal["id"]) | {"idtyp": "app"}
    return _answer(call, asked, claims)


def person_answer(call: Call, asked: Asked, user: Document, client_id: str, nonce: str = "") -> Document:
    """An access token in the user's name, with refresh and id token where the scope asks for them."""
    claims = _claims(call, asked, client_id, user["id"]) | {
        "idtyp": "user",
        "scp": _granted(asked, client_id),
        "upn": user["userPrincipalName"],
        "unique_name": user["userPrincipalName"],
        "name": user["displayName"],
    }
    granted = " ".join(f"{asked.name}/{word}" for word in [*claims["scp"].split(), ".default"])
    answer = _answer(call, asked, claims) | {"scope": " ".join([*sorted(asked.oidc), granted])}
    if "offline_access" in asked.oidc:
        answer["refresh_token"] = _refresh_token(call, user, client_id)
    if "openid" in asked.oidc:
        answer["id_token"] = _id_token(call, user, client_id, nonce)
    if call.body.get("client_info") == "1":
        info = json.dumps({"uid": user["id"], "utid": tokens.TENANT_ID})
        answer["client_info"] = base64.urlsafe_b64encode(info.encode()).decode().rstrip("=")
    return answer


def digest(secret: str) -> str:
    """The key under which a code or a refresh token is remembered: the state never holds one that works."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _granted(asked: Asked, client_id: str) -> str:
    allowed = asked.resource.scopes.split()
    missing = [word for word in asked.permissions if word not in (".default", *allowed)]
    if missing:
        raise aadsts(
            65002,
            f"Consent between first party application '{client_id}' and first party resource '{asked.name}' must be "
            "configured via preauthorization - applications owned and operated by Microsoft must get approval from the "
            "API owner before requesting tokens for that API.",
            error="invalid_grant",
        )
    return asked.resource.scopes


def _claims(call: Call, asked: Asked, client_id: str, object_id: str) -> dict[str, Any]:
    now = int(call.now)
    return {
        "aud": asked.name,
        "iss": f"https://sts.windows.net/{tokens.TENANT_ID}/",
        "iat": now,
        "nbf": now,
        "exp": now + int(tokens.LIFETIME),
        "appid": client_id,
        "oid": object_id,
        "sub": object_id,
        "tid": tokens.TENANT_ID,
        "uti": uuid.uuid4().hex[:22],
        "ver": "1.0",
    }


def _answer(call: Call, asked: Asked, claims: dict[str, Any]) -> Document:
    lifetime = int(tokens.LIFETIME) - 1
    answer: Document = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime}
    if asked.version == 1:  # the v1 endpoint writes its numbers as text
        answer = {name: str(value) for name, value in answer.items()}
        answer |= {"expires_on": str(claims["exp"]), "not_before": str(claims["nbf"]), "resource": asked.name}
    return answer | {"access_token": tokens.sign(call.store, "entra", claims)}


def _refresh_token(call: Call, user: Document, client_id: str) -> str:
    token = secrets.token_urlsafe(48)
    session = {"user": user["id"], "client": client_id, "expires": call.now + REFRESH_LIFETIME}
    call.store.put("_refresh", digest(token), session)
    return token


def _id_token(call: Call, user: Document, client_id: str, nonce: str) -> str:
    now = int(call.now)
    claims = {
        "aud": client_id,
        "iss": f"{call.url('login')}/{tokens.TENANT_ID}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + int(tokens.LIFETIME),
        "oid": user["id"],
        "sub": user["id"],
        "tid": tokens.TENANT_ID,
        "name": user["displayName"],
        "preferred_username": user["userPrincipalName"],
        "ver": "2.0",
    }
    return tokens.sign(call.store, "entra", claims | ({"nonce": nonce} if nonce else {}))
