"""Azure Resource Manager: how it knows its callers and words its errors."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

from dbxwizard.arm_template import lenient_json
from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.arm import (
    access,
    compute_routes,
    errors,
    metadata,
    resource_routes,
    role_routes,
    scope_routes,
    subscriptions,
    tag_routes,
    tasks,
    vault_routes,
)
from dbxwizard.sandbox.arm.deployments import routes as deployment_routes
from dbxwizard.sandbox.arm.ids import ResourceId, scope_of
from dbxwizard.sandbox.arm.model import Caller, ResourceType
from dbxwizard.sandbox.arm.overview import overview
from dbxwizard.sandbox.arm.providers import canonical
from dbxwizard.sandbox.arm.registry import find_type
from dbxwizard.sandbox.arm.roles import is_guid
from dbxwizard.sandbox.arm.seed import seed
from dbxwizard.sandbox.arm.timestamps import http_date
from dbxwizard.sandbox.fields import FieldProblem
from dbxwizard.sandbox.http import ApiError, Call, Request, Response, Route, Service
from dbxwizard.sandbox.limits import Buckets
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.tokens import TENANT_ID, Identity

AUDIENCES = ("https://management.core.windows.net/", "https://management.azure.com/")
# Each principal has a bucket of requests for a subscription and one for the tenant: its size, its refill a second.
# learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
_READS, _WRITES, _DELETES = ("reads", 250, 25.0), ("writes", 200, 10.0), ("deletes", 200, 10.0)
_LIMITS = {"GET": _READS, "HEAD": _READS, "DELETE": _DELETES}


class ArmService(Service):
    """Azure Resource Manager."""

    name = "arm"
    ignore_case = True

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[str, ResourceType] = {}  # by the name of the route
        self.own_authorization: set[str] = set()  # routes whose handlers ask for the right themselves
        self._buckets = Buckets()
        self._left: int | None = None  # in the bucket of the call that is being answered
        for module in (
            metadata,
            scope_routes,
            deployment_routes,
            role_routes,
            compute_routes,
            vault_routes,
            tag_routes,
            resource_routes,
            tasks,
        ):
            module.register(self)

    # The hooks of a service.

    def match(self, request: Request) -> tuple[Route, dict[str, str]] | None:
        """A final slash says nothing; az's SDK ends the list of a subscription's deployments in one."""
        return super().match(replace(request, path=request.path.rstrip("/")))

    def authenticate(self, call: Call) -> Identity:
        token = tokens.bearer(call.request.headers.get("authorization", ""))
        if not token:
            raise _unauthenticated(call)
        try:
            identity = tokens.verify(call.store, call.now, token, frozenset(AUDIENCES))
        except ApiError as error:
            raise _token_refused(error) from error
        self._throttle(call, identity)
        return identity

    def _throttle(self, call: Call, identity: Identity) -> None:
        """Takes one from the caller's bucket; ApiError 429 where it is empty."""
        subscription = scope_of(call.request.path).subscription
        name, size, refill = _LIMITS.get(call.request.method, _WRITES)
        taken = self._buckets.take(call.clock, (identity.object_id, subscription, name), size, refill)
        self._left = taken.left
        if taken.wait:
            raise errors.throttled(subscription, identity.object_id, name, taken.wait)

    def authorize(self, call: Call) -> None:
        resource_id = scope_of(call.request.path)
        subscription = resource_id.subscription
        if subscription and not is_guid(subscription):
            raise ApiError(
                400,
                "InvalidSubscriptionId",
                f"The provided subscription identifier '{subscription}' is malformed or invalid.",
            )
        subscriptions.require(call.store, resource_id)
        if call.route.action and call.route.name not in self.own_authorization:
            access.require(call, caller(call), call.route.action, resource_id.text)

    def check_version(self, call: Call) -> None:
        version = call.query.get("api-version", "")
        if not version:
            raise errors.missing_version()
        if not call.route.api_versions or version in call.route.api_versions:
            return
        kind = self.kinds.get(call.route.name)
        if kind is None or kind.name.startswith("Microsoft.Resources/"):
            raise errors.invalid_version(version, sorted(call.route.api_versions, reverse=True))
        raise errors.unknown_version(kind, version, _location(call, kind))

    def unknown_field(self, call: Call, problem: str, path: str) -> ApiError:
        kind = self.kinds.get(call.route.name)
        found = FieldProblem(path, problem)
        return kind.field_error(found) if kind is not None else errors.invalid_content(found)

    def check_media_type(self, call: Call) -> None:
        if call.request.media_type != "application/json":
            raise errors.unsupported_media_type(call.request.media_type)

    def malformed(self, call: Call) -> ApiError:
        return errors.malformed()

    def parse_body(self, call: Call) -> Any:
        """The service takes comments and bare names, which az sends with a template."""
        try:
            return lenient_json.loads((call.request.body or b"{}").decode("utf-8-sig"))
        except ValueError as error:
            raise self.malformed(call) from error

    def no_route(self, request: Request) -> ApiError:
        if not tokens.bearer(request.headers.get("authorization", "")):
            return ApiError(401, "AuthenticationFailed", _NO_HEADER)
        wanted = scope_of(request.path)
        parts = request.path.split("/providers/")
        if len(parts) < 2:
            return ApiError(404, "NotFound", f"The requested path '{request.path}' does not exist.")
        namespace, *kinds = parts[-1].strip("/").split("/")
        try:
            canonical(namespace)
        except ApiError as error:
            return error
        named = ResourceId(wanted.text, "", "/".join((namespace, *kinds[0::2])), ())
        if find_type(named.type) is not None:
            return ApiError(405, "MethodNotAllowed", f"The method {request.method} is not supported here.")
        return errors.unknown_type(named, request.query.get("api-version", ""))

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        body: dict[str, Any] = {"code": error.code, "message": error.message}
        for name in ("target", "details", "additionalInfo"):
            if name in error.extra:
                body[name] = error.extra[name]
        return Response(error.status, {"error": body}, {"x-ms-failure-cause": "gateway"})

    def decorate(self, call: Call | None, request: Request, response: Response) -> None:
        made = str(uuid.uuid4())
        headers = {
            "x-ms-request-id": made,
            "x-ms-correlation-request-id": request.headers.get("x-ms-correlation-request-id", made),
            "x-ms-routing-request-id": f"SANDBOX:{made}",
            "Cache-Control": "no-cache",
            "Pragma": "no-cache",
            "Expires": "-1",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
        }
        if call is not None:
            headers["Date"] = http_date(call.now)
        if request.headers.get("x-ms-return-client-request-id", "").lower() == "true":
            headers["x-ms-client-request-id"] = request.headers.get("x-ms-client-request-id", made)
        level = "subscription" if request.path.lower().startswith("/subscriptions/") else "tenant"
        kind, size, _ = _LIMITS.get(request.method, _WRITES)
        headers[f"x-ms-ratelimit-remaining-{level}-{kind}"] = str(size if self._left is None else self._left)
        self._left = None
        for name, value in headers.items():
            response.headers.setdefault(name, value)

    def seed(self, store: Store, now: float) -> None:
        seed(store, now)

    def show(self, store: Store) -> dict[str, list[Any]]:
        return overview(store)


def caller(call: Call) -> Caller:
    """Who makes this call."""
    return access.caller_of(call.store, call.principal)


def _location(call: Call, kind: ResourceType) -> str:
    """Where the resource of the request is, or is to be."""
    found = kind.stored(call.store, scope_of(call.request.path))
    if found is not None:
        return str(found.get("location", ""))
    try:
        body = json.loads(call.request.body or b"{}")
    except (ValueError, RecursionError):
        return ""
    return str(body.get("location", "")) if isinstance(body, dict) else ""


_NO_HEADER = "Authentication failed. The 'Authorization' header is missing."


def _unauthenticated(call: Call) -> ApiError:
    login = f"{call.url('login')}/{TENANT_ID}"
    challenge = (
        f'Bearer authorization_uri="{login}", error="invalid_token", '
        "error_description=\"The authentication failed because of missing 'Authorization' header.\""
    )
    return ApiError(401, "AuthenticationFailed", _NO_HEADER, headers={"WWW-Authenticate": challenge})


def _token_refused(error: ApiError) -> ApiError:
    if error.code == "expired":
        return ApiError(401, "ExpiredAuthenticationToken", error.message)
    if error.code == "audience":
        wrong = error.message.rsplit("'", 2)[1]
        allowed = ",".join(f"'{audience}','{audience.rstrip('/')}'" for audience in AUDIENCES)
        return ApiError(
            401,
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained for wrong audience or resource '{wrong}'. It should exactly match "
            f"with one of the allowed audiences {allowed}.",
        )
    return ApiError(401, "InvalidAuthenticationToken", "The access token is invalid.")
