"""Lists of role definitions and role assignments, and what the caller may do at a scope.

Filters: learn.microsoft.com/azure/role-based-access-control/role-definitions-list and role-assignments-list-rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from dbxwizard.sandbox import rbac
from dbxwizard.sandbox.arm import assignments, errors, roles
from dbxwizard.sandbox.arm.assignments import RoleAssignmentType
from dbxwizard.sandbox.arm.ids import scope_of, within
from dbxwizard.sandbox.arm.queries import filters, page
from dbxwizard.sandbox.arm.registry import types
from dbxwizard.sandbox.arm.roles import RoleDefinitionType
from dbxwizard.sandbox.http import ApiError, Call, Response
from dbxwizard.sandbox.rbac import ASSIGNMENTS, Decision
from dbxwizard.sandbox.store import Document

if TYPE_CHECKING:
    from dbxwizard.sandbox.arm.service import ArmService

_DEFINITIONS, _ASSIGNMENTS = RoleDefinitionType.name, RoleAssignmentType.name
_PERMISSIONS = "Microsoft.Authorization/permissions"


def register(service: ArmService) -> None:
    for base in ("", "/{scope...}"):
        _add(service, "GET", f"{base}/providers/{_DEFINITIONS}", _DEFINITIONS, _definitions)
        _add(service, "GET", f"{base}/providers/{_ASSIGNMENTS}", _ASSIGNMENTS, _assignments)
        versions = ("2015-07-01", "2018-01-01-preview", "2022-04-01", "2022-05-01-preview")
        service.route("GET", f"{base}/providers/{_PERMISSIONS}", api_versions=versions)(_permissions)
    _add(service, "GET", f"/providers/{_DEFINITIONS}/{{name}}", _DEFINITIONS, _definition)
    # Who may read the roles of one scope only sees those; at the tenant nobody needs a right of the tenant.
    service.own_authorization |= {f"GET /providers/{_DEFINITIONS}", f"GET /providers/{_DEFINITIONS}/{{name}}"}


def _add(service: ArmService, method: str, path: str, kind: str, handler: Callable[[Call], Response]) -> None:
    known = types()[kind.lower()]
    service.route(method, path, api_versions=known.api_versions, query=("$filter",), action=f"{kind}/read")(handler)
    service.kinds[f"{method} {path}"] = known


def _scope(call: Call) -> str:
    """The scope of the request, lower-case, "" for the tenant. ApiError 404 when its resource group is not there."""
    scope = unquote(call.request.path).lower().rsplit("/providers/", 1)[0].rstrip("/")
    inside = scope_of(scope)
    if inside.group and call.store.get("arm.resourceGroup", inside.group_id) is None:
        raise errors.group_not_found(inside.group)
    return scope


def _definitions(call: Call) -> Response:
    """Roles that can be assigned at the scope; with atScopeAndBelow() those below it too; at the tenant all."""
    terms = filters(call, ("roleName", "type", "atScopeAndBelow()", "atScope()"))
    scope = _scope(call)
    found = [body for body in call.store.all(roles.KIND) if _is_wanted(body, terms) and _is_at(body, scope, terms)]
    if not scope:
        found = [body for body in found if _may_read(call, body)]
    return Response(200, page(call, [roles.rendered(body, scope) for body in found]))


def _is_wanted(body: Document, terms: dict[str, str]) -> bool:
    name, kind = terms.get("roleName"), terms.get("type")
    return (name is None or body["roleName"].lower() == name.lower()) and (
        kind is None or body["roleType"].lower() == kind.lower()
    )


def _is_at(body: Document, scope: str, terms: dict[str, str]) -> bool:
    below = "atScopeAndBelow()" in terms and any(within(at.lower(), scope) for at in body["assignableScopes"])
    return below or roles.is_visible(body, scope)


def _may_read(call: Call, body: Document) -> bool:
    """Custom roles are shown to who may read them at one of their scopes; built-in ones to everybody."""
    if body["roleType"] == roles.BUILT_IN:
        return True
    principal, right = call.principal.object_id, f"{_DEFINITIONS}/read"
    return any(
        rbac.decide(call.store, principal, right, scope, call.now) is Decision.ALLOWED
        for scope in body["assignableScopes"]
    )


def _definition(call: Call) -> Response:
    found = rbac.find_definition(call.store, call.params["name"])
    if found is None or not _may_read(call, found):
        name = call.params["name"]
        raise ApiError(
            404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{name}' does not exist."
        )
    return Response(200, roles.rendered(found))


def _assignments(call: Call) -> Response:
    """At the scope, above and below it; atScope() leaves out those below; principalId and assignedTo choose."""
    terms = filters(call, ("atScope()", "principalId", "assignedTo()"))
    scope = _scope(call)
    found = [
        body for outer in rbac.scopes_above(scope) for body in call.store.all(assignments.KIND, outer + ASSIGNMENTS)
    ]
    if "atScope()" not in terms:
        found += [body for key, body in call.store.find(assignments.KIND, f"{scope}/") if _is_below(key, scope)]
    chosen = [body for body in found if _is_for(call, body, terms)]
    return Response(200, page(call, [assignments.rendered(body) for body in chosen]))


def _is_below(key: str, scope: str) -> bool:
    return not key.startswith(scope + ASSIGNMENTS)


def _is_for(call: Call, body: Document, terms: dict[str, str]) -> bool:
    if "principalId" in terms and body["principalId"] != terms["principalId"].lower():
        return False
    return "assignedTo()" not in terms or body["principalId"] in rbac.identities(call.store, terms["assignedTo()"])


def _permissions(call: Call) -> Response:
    """What the caller's roles give at the scope; anybody may ask it of themselves."""
    granted = rbac.granted(call.store, call.principal.object_id, _scope(call), call.now)
    found = [permission for _, definition in granted for permission in definition["permissions"]]
    names = ("actions", "notActions", "dataActions", "notDataActions")
    return Response(200, {"value": [{name: permission[name] for name in names} for permission in found]})
