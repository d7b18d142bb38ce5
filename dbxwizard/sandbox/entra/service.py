"""Entra sign-in: its form bodies and its errors.

Sources: learn.microsoft.com/entra/identity-platform (v2-oauth2-client-creds-grant-flow, v2-oauth2-auth-code-flow,
v2-oauth2-device-code, reference-error-codes), and what azure-identity and MSAL send.
"""

from __future__ import annotations

import time
import uuid
from typing import Any
from urllib.parse import parse_qsl

from dbxwizard.sandbox.entra import directory, errors, grants, interactive, metadata
from dbxwizard.sandbox.http import ApiError, Call, Request, Response, Service
from dbxwizard.sandbox.store import Store


class EntraService(Service):
    """The sign-in host of one tenant. Its state is in the directory's documents and in sessions (kinds with `_`)."""

    name = "login"

    def __init__(self) -> None:
        super().__init__()
        metadata.register(self)
        grants.register(self)
        interactive.register(self)

    def parse_body(self, call: Call) -> Any:
        """A body that is no form has no parameters."""
        if call.request.media_type != "application/x-www-form-urlencoded":
            return {}
        return dict(parse_qsl(call.request.body.decode("utf-8", "replace"), keep_blank_values=True))

    def unknown_field(self, call: Call, problem: str, path: str) -> ApiError:
        if problem == "missing":
            return errors.missing_parameter(path)
        return errors.aadsts(9002313, "Invalid request. Request is malformed or invalid.")

    def no_route(self, request: Request) -> ApiError:
        return ApiError(404, "not_found", "AADSTS90023: Invalid STS request.", number=90023)

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        if request.method == "GET" and request.path.endswith(("/authorize", "/deviceauth")):
            return interactive.error_page(error)
        stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now))
        trace, correlation = str(uuid.uuid4()), request.headers.get("client-request-id", str(uuid.uuid4()))
        number = error.extra.get("number")
        body = {
            "error": error.code,
            "error_description": f"{error.message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [number] if number else [],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        if number:
            body["error_uri"] = f"https://login.microsoftonline.com/error?code={number}"
        return Response(error.status, body)

    def decorate(self, call: Call | None, request: Request, response: Response) -> None:
        response.headers["Cache-Control"] = "no-store, no-cache"
        response.headers["x-ms-request-id"] = str(uuid.uuid4())
        if "client-request-id" in request.headers:
            response.headers["client-request-id"] = request.headers["client-request-id"]

    def seed(self, store: Store, now: float) -> None:
        directory.seed(store)
