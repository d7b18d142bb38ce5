"""The Token API (one's own tokens) and the Token Management API (an admin's view of all).

Limits: learn.microsoft.com/azure/databricks/dev-tools/auth/pat (600 tokens a user, 730 days).
"""

from __future__ import annotations

import hashlib
import secrets

from dbxwizard.sandbox.databricks import errors
from dbxwizard.sandbox.databricks.state import Caller, WorkspaceState, milliseconds
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

VERSIONS = ("2.0",)
MAX_TOKENS = 600
MAX_SECONDS = 730 * 86400
_CREATE = {"comment?": str, "lifetime_seconds?": int, "scopes?": [str], "autoscope_enabled?": bool}


def register(service: Service) -> None:
    own, managed = "/api/{version}/token", "/api/{version}/token-management"
    query = ("created_by_id", "created_by_username")
    service.route("POST", f"{own}/create", api_versions=VERSIONS, body=_CREATE)(_create)
    service.route("GET", f"{own}/list", api_versions=VERSIONS)(_list)
    service.route("POST", f"{own}/delete", api_versions=VERSIONS, body={"token_id": str})(_delete)
    service.route("GET", f"{managed}/tokens", api_versions=VERSIONS, query=query, action="admin")(_list_all)
    service.route("DELETE", f"{managed}/tokens/{{token_id}}", api_versions=VERSIONS, action="admin")(_delete_any)
    service.route(
        "POST",
        f"{managed}/on-behalf-of/tokens",
        api_versions=VERSIONS,
        body={**_CREATE, "application_id": str},
        action="admin",
    )(_create_for)


def _create_for(call: Call) -> Response:
    """On Azure there are none: databricks/terraform-provider-databricks#1312, MicrosoftDocs/azure-docs#105809."""
    message = "On-behalf-of token creation for service principals is not enabled for this workspace"
    raise ApiError(400, "FEATURE_DISABLED", message)


def _create(call: Call) -> Response:
    owner = Caller.of(call).principal
    state, seconds = WorkspaceState.of(call), call.body.get("lifetime_seconds", 0)
    if not 0 <= seconds <= MAX_SECONDS:
        raise errors.invalid(f"lifetime_seconds must be between 1 and {MAX_SECONDS}.")
    if sum(token["owner"] == owner["id"] for token in state.all("token")) >= MAX_TOKENS:
        raise ApiError(400, "QUOTA_EXCEEDED", f"The quota for the number of tokens has been reached: {MAX_TOKENS}.")
    value = f"dapi{secrets.token_hex(16)}"
    comment = call.body.get("comment", "")
    body: Document = {
        "token_id": call.new_id("databricks.token", f"{state.workspace_id}/{owner['name']}/{comment}").replace("-", ""),
        "hash": hashlib.sha256(value.encode()).hexdigest(),
        "owner": owner["id"],
        "created_by": Caller.of(call).id,
        "comment": comment,
        "creation_time": call.now,
        "expiry_time": call.now + (seconds or MAX_SECONDS),
    }
    state.put("token", body["token_id"], body)
    return Response(200, {"token_value": value, "token_info": _shown(body)})


def _shown(body: Document) -> Document:
    return {
        "token_id": body["token_id"],
        "creation_time": milliseconds(body["creation_time"]),
        "expiry_time": milliseconds(body["expiry_time"]),
        "comment": body["comment"],
    }


def _list(call: Call) -> Response:
    own = [body for body in WorkspaceState.of(call).all("token") if body["owner"] == Caller.of(call).id]
    return Response(200, {"token_infos": [_shown(body) for body in own]} if own else {})


def _list_all(call: Call) -> Response:
    state, author = WorkspaceState.of(call), call.query.get("created_by_id", "")
    infos = [
        {**_shown(body), "owner_id": int(body["owner"]), "created_by_id": int(body["created_by"])}
        for body in state.all("token")
        if author in ("", body["created_by"])
    ]
    return Response(200, {"token_infos": infos} if infos else {})


def _delete(call: Call) -> Response:
    return _removed(call, call.body["token_id"], Caller.of(call).id)


def _delete_any(call: Call) -> Response:
    return _removed(call, call.params["token_id"], "")


def _removed(call: Call, token_id: str, owner: str) -> Response:
    state = WorkspaceState.of(call)
    body = state.get("token", token_id)
    if body is None or owner not in ("", body["owner"]):
        raise errors.not_found(f"Token with ID {token_id} does not exist!")
    state.delete("token", token_id)
    return Response(200, {})
