"""Microsoft Graph v1.0: how it knows its callers and words its errors; the routes are in the modules beside this.

Source: learn.microsoft.com/graph/errors and the pages of the single operations.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.entra.directory import GRAPH_APP_ID
from dbxwizard.sandbox.graph import applications, credentials, people, principals, rights
from dbxwizard.sandbox.http import ApiError, Call, Request, Response, Route, Service
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.tokens import Identity

_ALTERNATE_KEY = re.compile(r"\((\w+)='([^/]*?)'\)")
_REFUSED_TOKENS = {
    "invalid": "Access token validation failure. Invalid signature.",
    "expired": "Lifetime validation failed, the token is expired.",
    "audience": "Access token validation failure. Invalid audience.",
}


class GraphService(Service):
    """The directory's API."""

    name = "graph"

    def __init__(self) -> None:
        super().__init__()
        people.register(self)
        applications.register(self)
        credentials.register(self)
        principals.register(self)

    def match(self, request: Request) -> tuple[Route, dict[str, str]] | None:
        """An alternate key, `applications(appId='…')`, becomes a segment of its own: `applications/appId=…`."""
        path = request.path
        for code, letter in (("%27", "'"), ("%28", "("), ("%29", ")")):
            path = path.replace(code, letter)
        path = _ALTERNATE_KEY.sub(lambda key: f"/{key[1]}={quote(unquote(key[2]), safe='')}", path)
        return super().match(replace(request, path=path))

    def authenticate(self, call: Call) -> Identity:
        token = tokens.bearer(call.request.headers.get("authorization", ""))
        if not token:
            raise ApiError(401, "InvalidAuthenticationToken", "Access token is empty.")
        audiences = frozenset({call.url("graph"), "https://graph.microsoft.com", GRAPH_APP_ID})
        try:
            return tokens.verify(call.store, call.now, token, audiences)
        except ApiError as error:
            raise ApiError(401, "InvalidAuthenticationToken", _REFUSED_TOKENS[error.code]) from error

    def authorize(self, call: Call) -> None:
        if call.request.path.startswith("/v1.0/me") and not call.principal.user:
            message = "/me request is only valid with delegated authentication flow."
            raise ApiError(400, "BadRequest", message)
        rights.check_permission(call.principal, call.route.action)

    def unknown_field(self, call: Call, problem: str, path: str) -> ApiError:
        name = path.rpartition(".")[2]
        if problem == "unknown":
            return ApiError(400, "Request_BadRequest", f"Invalid property '{name}'.")
        if problem == "missing":
            kind = call.route.path.removeprefix("/v1.0/").split("/")[0]
            resource = {"applications": "Application", "servicePrincipals": "ServicePrincipal"}.get(kind, kind)
            message = f"A value is required for property '{name}' of resource '{resource}'."
            return ApiError(400, "Request_BadRequest", message)
        message = f"A value of the property '{name}' has an incompatible type: {problem}."
        return ApiError(400, "Request_BadRequest", message)

    def check_media_type(self, call: Call) -> None:
        if call.request.media_type != "application/json":
            raise self.malformed(call)

    def malformed(self, call: Call) -> ApiError:
        return ApiError(
            400,
            "BadRequest",
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid "
            "JSON format.",
        )

    def no_route(self, request: Request) -> ApiError:
        version, _, rest = request.path.lstrip("/").partition("/")
        if version != "v1.0":
            return ApiError(400, "BadRequest", f"Invalid version: {version}")
        segment = rest.split("/")[0].split("(")[0]
        return ApiError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        request_id = str(uuid.uuid4())
        inner = {
            "date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)),
            "request-id": request_id,
            "client-request-id": request.headers.get("client-request-id", request_id),
        }
        body: dict[str, Any] = {"code": error.code, "message": error.message, "innerError": inner}
        if "details" in error.extra:
            body["details"] = error.extra["details"]
        return Response(error.status, {"error": body}, {"request-id": request_id})

    def decorate(self, call: Call | None, request: Request, response: Response) -> None:
        request_id = response.headers.setdefault("request-id", str(uuid.uuid4()))
        response.headers["client-request-id"] = request.headers.get("client-request-id", request_id)
        response.headers["OData-Version"] = "4.0"
        response.headers["Cache-Control"] = "no-cache"

    def show(self, store: Store) -> dict[str, list[Any]]:
        return {
            "users": [body["userPrincipalName"] for body in _by(store, "directory.user", "userPrincipalName")],
            "groups": [
                {"displayName": body["displayName"], "members": sorted(body["members"])}
                for body in _by(store, "directory.group", "displayName")
            ],
            "applications": [_shown(body) for body in _by(store, "directory.application", "appId")],
            "deletedApplications": [body["appId"] for body in _by(store, "directory.deletedApplication", "appId")],
            "servicePrincipals": [
                {name: body[name] for name in ("id", "appId", "displayName", "servicePrincipalType")}
                for body in _by(store, "directory.servicePrincipal", "appId")
            ],
        }


def _by(store: Store, kind: str, name: str) -> list[dict[str, Any]]:
    return sorted(store.all(kind), key=lambda body: str(body[name]))


def _shown(body: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "appId", "displayName", "signInAudience", "tags")
    trusts = sorted(body["federatedIdentityCredentials"], key=lambda one: str(one["name"]))
    return {name: body[name] for name in names} | {
        "uniqueName": body.get("uniqueName"),
        "owners": sorted(body["owners"]),
        "passwordCredentials": sorted(str(one["displayName"]) for one in body["passwordCredentials"]),
        "federatedIdentityCredentials": [
            {name: one[name] for name in ("name", "issuer", "subject", "audiences", "description")} for one in trusts
        ],
    }
