"""A Databricks workspace: how it knows its callers and words its errors.

Fields that an operation does not know are dropped, as the real service drops them (apache/airflow#72148 measured it for
jobs/create); a field of the wrong type is MALFORMED_REQUEST, one that is missing INVALID_PARAMETER_VALUE. The version
of an operation is part of its path, `/api/{version}/…`: one that it does not have is ENDPOINT_NOT_FOUND.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.databricks import (
    access_tokens,
    acls,
    clusters,
    errors,
    files,
    git_credentials,
    jobs,
    libraries,
    permissions,
    repos,
    rule_sets,
    runs,
    scim,
    secrets,
    show,
    spark_connect,
)
from dbxwizard.sandbox.databricks.bodies import multipart_fields, pruned
from dbxwizard.sandbox.databricks.execution.driver import Driver
from dbxwizard.sandbox.databricks.execution.runtime import RuntimeMissingError
from dbxwizard.sandbox.databricks.execution.spark import SparkServers
from dbxwizard.sandbox.databricks.execution.tasks import TASK_TOKEN
from dbxwizard.sandbox.databricks.state import ADMINS, Caller, WorkspaceState
from dbxwizard.sandbox.fields import check
from dbxwizard.sandbox.http import ApiError, Call, Context, Request, Response, Service, read_json
from dbxwizard.sandbox.limits import Windows
from dbxwizard.sandbox.store import Document, Store

MANAGEMENT_AUDIENCES = frozenset({"https://management.core.windows.net/", "https://management.azure.com/"})
# Contributor and Owner hold it, Reader does not (learn.microsoft.com/azure/databricks/dev-tools/auth).
ENTRY_ACTION = "Microsoft.Databricks/workspaces/write"
# What a status means where the error was not one of an operation.
_CODES = {
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_SCIM = "/scim/v2/"
# Requests a second that a workspace takes of an operation: learn.microsoft.com/azure/databricks/resources/limits.
_MOST_A_SECOND = {"POST /api/{version}/jobs/create": 20, "GET /api/{version}/jobs/runs/get": 100}


class WorkspaceService(Service):
    """The workspaces of the sandbox; the host of one is `workspace:<workspace id>`."""

    name = "workspace"
    always_open = False
    speaks_grpc = True

    def __init__(self) -> None:
        super().__init__()
        self._requests = Windows()
        self._spark = SparkServers()
        self.driver = Driver()
        runs.register(self, self.driver)
        for module in (
            scim,
            permissions,
            clusters,
            libraries,
            secrets,
            git_credentials,
            repos,
            files,
            jobs,
            access_tokens,
            rule_sets,
        ):
            module.register(self)
        self.route("GET", "/.well-known/databricks-config", public=True)(_discovery)

    # Who calls

    def authenticate(self, call: Call) -> Caller:
        token = tokens.bearer(call.request.headers.get("authorization", ""))
        if not token:
            raise _at_the_door(401, "401", "Credential was not sent or was of an unsupported type for this API.")
        state = WorkspaceState.of(call)
        state.record()
        principal = self._by_own_token(call, state, token) if token.startswith("dapi") else None
        principal = principal or self._by_entra_token(call, state, token)
        if not principal["active"]:
            raise _at_the_door(403, "PERMISSION_DENIED", "User is deactivated.")
        self._throttle(call)
        return Caller(principal, state.is_admin(principal))

    def _by_own_token(self, call: Call, state: WorkspaceState, token: str) -> Document:
        digest = hashlib.sha256(token.encode()).hexdigest()
        if of_task := call.store.get(TASK_TOKEN, f"{state.workspace_id}/{digest}"):
            return self._owner_of_task(state, of_task)
        found = next((body for body in state.all("token") if body["hash"] == digest), None)
        owner = found and state.get("principal", found["owner"])
        if not found or not owner or (found["expiry_time"] or call.now + 1) <= call.now:
            raise _at_the_door(403, "403", "Invalid access token.")
        return owner

    @staticmethod
    def _owner_of_task(state: WorkspaceState, token: Document) -> Document:
        owner = state.get("principal", token["owner"])
        if owner is None:
            raise _at_the_door(403, "403", "Invalid access token.")
        return owner

    def _by_entra_token(self, call: Call, state: WorkspaceState, token: str) -> Document:
        try:
            identity = tokens.verify(call.store, call.now, token, frozenset({tokens.DATABRICKS_APP_ID}))
        except ApiError as error:
            raise _token_refused(error) from error
        name, display_name = _names(call.store, identity)
        principal = state.principal(name)
        if principal is not None and state.is_admin(principal):
            return principal
        if not _proves_contributor(call, state, identity):
            if principal is None:
                message = f"Unauthorized access to workspace: {state.workspace_id}"
                raise _at_the_door(403, "PERMISSION_DENIED", message)
            return principal
        if principal is None:
            kind = "user" if identity.user else "servicePrincipal"
            principal = state.enter(call, kind, name, display_name, identity.object_id)
            if kind == "servicePrincipal":
                rule_sets.made(call.store, name)
        state.join(ADMINS, principal["id"])
        return principal

    def _throttle(self, call: Call) -> None:
        """ApiError 429 for more than the operation takes; no Retry-After is published for it."""
        most = _MOST_A_SECOND.get(call.route.name)
        if most and self._requests.take(call.clock, (call.request.host, call.route.name), most, 1.0).wait:
            message = f"Current request rate exceeds the limit of {most} requests per second of this API."
            raise _at_the_door(429, "REQUEST_LIMIT_EXCEEDED", message)

    def authorize(self, call: Call) -> None:
        """`call.route.action`: `admin`, an entitlement, or `<object type>:<permission level>`."""
        caller = Caller.of(call)
        action = call.route.action
        if caller.admin or not action:
            return
        if ":" in action:
            acls.require(call, *action.split(":", 1))
        elif action == "admin" or action not in WorkspaceState.of(call).entitlements_of(caller.principal):
            raise errors.denied(_lacks(caller, action))

    def relay(self, call: Call) -> Callable[[], int] | ApiError:
        """A call of Databricks Connect: to Spark of the cluster that it names."""
        call.principal = self.authenticate(call)
        admitted = spark_connect.admit(call)
        if isinstance(admitted, ApiError):
            return admitted
        about = call.store.path, WorkspaceState.of(call).workspace_id, admitted["cluster_id"]
        return lambda: self._port(*about)

    def _port(self, path: Path, workspace_id: str, cluster_id: str) -> int:
        try:
            return self._spark.port(path, workspace_id, cluster_id)
        except RuntimeMissingError as error:
            raise ApiError(501, "UNIMPLEMENTED", str(error)) from error

    # The form of requests and answers

    def check_version(self, call: Call) -> None:
        version = call.params.get("version")
        if version is not None and version not in call.route.api_versions:
            raise self.no_route(call.request)

    def read_body(self, call: Call) -> None:
        spec = call.route.body
        if spec is None:
            return
        call.body = pruned(self.parsed_body(call), spec)
        problem = check(call.body, spec)
        if problem and problem.message == "missing":
            raise errors.invalid(f"Missing required field: {problem.path}")
        if problem:
            raise self.unknown_field(call, problem.message, problem.path)

    def parse_body(self, call: Call) -> Any:
        kind = call.request.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            return multipart_fields(kind, call.request.body)
        try:
            return read_json(call.request.body or b"{}")
        except ValueError as error:
            raise self.malformed(call) from error

    def unknown_field(self, call: Call, problem: str, path: str) -> ApiError:
        return ApiError(400, "MALFORMED_REQUEST", f"Could not parse request object: {problem} for field '{path}'")

    def malformed(self, call: Call) -> ApiError:
        return ApiError(400, "MALFORMED_REQUEST", "Invalid JSON given in the body of the request.")

    def no_route(self, request: Request) -> ApiError:
        path = re.sub(r"^/api/[^/]+", "", request.path)
        return ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{request.method} {path}'")

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        at_the_door = error.extra.get("at_the_door") or error.status == 429 or error.status >= 500
        if _SCIM in request.path and not at_the_door:
            return Response(error.status, scim.error_body(error))
        code = error.code if error.code.isupper() or error.code.isdigit() else _CODES.get(error.status, "UNKNOWN")
        body: dict[str, Any] = {"error_code": int(code) if code.isdigit() else code, "message": error.message}
        if "details" in error.extra:
            body["details"] = error.extra["details"]
        return Response(error.status, body)

    def decorate(self, call: Call | None, request: Request, response: Response) -> None:
        if call is not None:
            self._spark.forget_ended(call.store)
        response.headers["x-databricks-org-id"] = request.host.partition(":")[2]
        response.headers["x-request-id"] = str(uuid.uuid4())
        response.headers["server"] = "databricks"

    def resume(self, context: Context) -> None:
        runs.resume(context)

    def close(self) -> None:
        self.driver.close()
        self._spark.close()

    def show(self, store: Store) -> dict[str, list[Any]]:
        return {"workspaces": show.workspaces(store)}


def _discovery(call: Call) -> Response:
    state = WorkspaceState.of(call)
    host = call.url(call.request.host)
    body = {"oidc_endpoint": f"{host}/oidc", "workspace_id": state.record()["workspaceId"], "cloud": "Azure"}
    return Response(200, {**body, "account_id": rule_sets.ACCOUNT_ID})


def _names(store: Store, identity: tokens.Identity) -> tuple[str, str]:
    """How a workspace calls the bearer of an Entra token: its name there, and a name for people."""
    kind = "directory.user" if identity.user else "directory.servicePrincipal"
    known = store.get(kind, identity.object_id.lower()) or {}
    if identity.user:
        name = str(known.get("userPrincipalName", identity.object_id))
        return name, str(known.get("displayName", name))
    return identity.app_id, str(known.get("displayName", identity.app_id))


def _proves_contributor(call: Call, state: WorkspaceState, identity: tokens.Identity) -> bool:
    """Whether the caller may write the workspace in Azure, and proves it with both headers: that makes an admin.

    Of somebody who is in the workspace already too: Azure's contributors become admins whenever they come that way
    (kb.databricks.com, users with Reader role appearing in workspace admin group).
    """
    from dbxwizard.sandbox import rbac

    headers, resource_id = call.request.headers, str(state.record()["resourceId"])
    if headers.get("x-databricks-azure-workspace-resource-id", "").lower() != resource_id.lower():
        return False
    management = headers.get("x-databricks-azure-sp-management-token", "")
    try:
        prover = tokens.verify(call.store, call.now, management, MANAGEMENT_AUDIENCES)
    except ApiError:
        return False
    same = prover.object_id == identity.object_id
    return same and rbac.allowed(call.store, identity.object_id, ENTRY_ACTION, resource_id, call.now)


def _at_the_door(status: int, code: str, message: str) -> ApiError:
    """A refusal that comes before the operation is looked at, so never in SCIM's form."""
    return ApiError(status, code, message, at_the_door=True)


def _token_refused(error: ApiError) -> ApiError:
    if error.code == "audience":
        return _at_the_door(401, "401", f"Expected aud claim to be: {tokens.DATABRICKS_APP_ID}. {error.message}")
    return _at_the_door(403, "403", "Invalid access token.")


def _lacks(caller: Caller, action: str) -> str:
    if action == "admin":
        return f"{caller.name} is not an admin of this workspace. Only admins can perform this operation."
    if action == "allow-cluster-create":
        return f"{caller.name} is not authorized to create clusters. Please contact your administrator for access."
    return f"{caller.name} lacks the entitlement {action}."
