"""SCIM: service principals, users, groups, and who the caller is.

Errors have SCIM's own form (RFC 7644, 3.12) with the wording seen in databricks/terraform-provider-databricks#556.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from dbxwizard.sandbox.databricks import errors, rule_sets
from dbxwizard.sandbox.databricks.state import Caller, WorkspaceState, query_int
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

VERSIONS = ("2.0",)
_PREFIX = "/api/{version}/preview/scim/v2"
ENTITLEMENTS = frozenset(
    {
        "workspace-access",
        "databricks-sql-access",
        "allow-cluster-create",
        "allow-instance-pool-create",
        "workspace-consume",
    }
)
_VALUES = [{"value?": str, "display?": str, "type?": str, "$ref?": str, "primary?": bool}]
_COMMON = {"schemas?": [str], "displayName?": str, "externalId?": str, "entitlements?": _VALUES, "roles?": _VALUES}
_PRINCIPAL = {**_COMMON, "active?": bool, "groups?": _VALUES}
_BODIES = {
    "ServicePrincipals": {**_PRINCIPAL, "applicationId": str},
    "Users": {**_PRINCIPAL, "userName": str, "emails?": _VALUES, "name?": dict},
    "Groups": {**_COMMON, "displayName": str, "members?": _VALUES, "groups?": _VALUES},
}
_PATCH = {"schemas?": [str], "Operations": [{"op": str, "path?": str, "value?": object}]}
_SCHEMAS = {
    "ServicePrincipals": ["urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal"],
    "Users": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "Groups": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
}
_KINDS = {"ServicePrincipals": "servicePrincipal", "Users": "user"}
_NAMES = {"ServicePrincipals": "applicationId", "Users": "userName"}
_TERM = re.compile(r'\s*([\w.]+)\s+(eq|ne|co|sw)\s+("(?:[^"\\]|\\.)*")\s*(and\b|or\b|$)', re.IGNORECASE)
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda actual, wanted: actual == wanted,
    "ne": lambda actual, wanted: actual != wanted,
    "co": lambda actual, wanted: wanted in actual,
    "sw": lambda actual, wanted: actual.startswith(wanted),
}


def register(service: Service) -> None:
    service.route("GET", f"{_PREFIX}/Me", api_versions=VERSIONS)(_me)
    query = ("filter", "startIndex", "count", "attributes", "excludedAttributes", "sortBy", "sortOrder")
    for resource, body in _BODIES.items():
        one = f"{_PREFIX}/{resource}/{{id}}"
        service.route("GET", f"{_PREFIX}/{resource}", api_versions=VERSIONS, query=query)(_lister(resource))
        service.route("POST", f"{_PREFIX}/{resource}", api_versions=VERSIONS, body=body, action="admin")(
            _creator(resource)
        )
        service.route("GET", one, api_versions=VERSIONS)(_getter(resource))
        service.route("PATCH", one, api_versions=VERSIONS, body=_PATCH, action="admin")(_patcher(resource))
        service.route("DELETE", one, api_versions=VERSIONS, action="admin")(_deleter(resource))


def error_body(error: ApiError) -> dict[str, Any]:
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "detail": error.message,
        "status": str(error.status),
    }
    if error.code not in ("PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST"):
        body["scimType"] = error.code
    return body


def _me(call: Call) -> Response:
    caller = Caller.of(call)
    shown = _principal(WorkspaceState.of(call), caller.principal)
    return Response(200, {**shown, "userName": caller.name, "schemas": [*_SCHEMAS["Users"]]})


def _values(names: list[str]) -> list[Document]:
    return [{"value": name} for name in names]


def _principal(state: WorkspaceState, body: Document) -> Document:
    resource = "Users" if body["kind"] == "user" else "ServicePrincipals"
    groups = [
        {"display": group["displayName"], "type": "direct", "value": group["id"], "$ref": f"Groups/{group['id']}"}
        for group in state.groups_of(body)
        if body["id"] in group["members"] or group["displayName"] != "users"
    ]
    shown = {
        "id": body["id"],
        _NAMES[resource]: body["name"],
        "displayName": body["displayName"],
        "active": body["active"],
        "groups": groups,
        "entitlements": _values(body["entitlements"]),
        "schemas": _SCHEMAS[resource],
    }
    if body["kind"] == "user":
        shown["emails"] = [{"type": "work", "value": body["name"], "primary": True}]
    return {**shown, "externalId": body["externalId"]} if body["externalId"] else shown


def _group(state: WorkspaceState, body: Document) -> Document:
    members = [
        {"value": member, "display": found["displayName"], "$ref": f"{_folder(found)}/{member}"}
        for member in body["members"]
        if (found := state.get("principal", member) or state.get("group", member))
    ]
    shown = {
        "id": body["id"],
        "displayName": body["displayName"],
        "members": members,
        "entitlements": _values(body["entitlements"]),
        "meta": {"resourceType": "WorkspaceGroup"},
        "schemas": _SCHEMAS["Groups"],
    }
    return {**shown, "externalId": body["externalId"]} if body["externalId"] else shown


def _folder(body: Document) -> str:
    return {"user": "Users", "servicePrincipal": "ServicePrincipals"}.get(body.get("kind", ""), "Groups")


def _all(state: WorkspaceState, resource: str) -> list[Document]:
    if resource == "Groups":
        return [_group(state, body) for body in state.all("group")]
    return [_principal(state, body) for body in state.all("principal") if body["kind"] == _KINDS[resource]]


def _lister(resource: str) -> Callable[[Call], Response]:
    def listed(call: Call) -> Response:
        found = [
            shown for shown in _all(WorkspaceState.of(call), resource) if _selected(shown, call.query.get("filter", ""))
        ]
        start = query_int(call, "startIndex", 1, 1, 10**9)
        count = query_int(call, "count", 100, 0, 10**9)
        some = found[start - 1 : start - 1 + count]
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": len(found),
            "startIndex": start,
            "itemsPerPage": len(some),
        }
        return Response(200, {**body, "Resources": some} if some else body)

    return listed


def _selected(shown: Document, text: str) -> bool:
    """Whether a filter of terms that are joined by `and` and `or` fits; `and` binds first."""
    if not text:
        return True
    groups: list[list[bool]] = [[]]
    place, word = 0, "and"
    while word:
        found = _TERM.match(text, place)
        if not found:
            raise ApiError(400, "invalidFilter", "The filter could not be parsed.")
        attribute, operator, quoted, following = found.groups()
        fits = _MATCHES[operator.lower()](str(shown.get(attribute, "")).lower(), str(json.loads(quoted)).lower())
        if word.lower() == "or":
            groups.append([])
        groups[-1].append(fits)
        place, word = found.end(), following
    return any(all(group) for group in groups)


def _find(call: Call, resource: str) -> tuple[WorkspaceState, Document]:
    state, number = WorkspaceState.of(call), call.params["id"]
    kind = "group" if resource == "Groups" else "principal"
    found = state.get(kind, number)
    if found is None or (kind == "principal" and found["kind"] != _KINDS[resource]):
        raise errors.not_found(f"{resource.removesuffix('s')} with id {number} not found.")
    return state, found


def _show(state: WorkspaceState, resource: str, body: Document) -> Document:
    return _group(state, body) if resource == "Groups" else _principal(state, body)


def _getter(resource: str) -> Callable[[Call], Response]:
    def got(call: Call) -> Response:
        state, body = _find(call, resource)
        return Response(200, _show(state, resource, body))

    return got


def _creator(resource: str) -> Callable[[Call], Response]:
    def created(call: Call) -> Response:
        state = WorkspaceState.of(call)
        body = _new_group(call, state) if resource == "Groups" else _new_principal(call, state, resource)
        return Response(201, _show(state, resource, body))

    return created


def _new_principal(call: Call, state: WorkspaceState, resource: str) -> Document:
    name, given = call.body[_NAMES[resource]], call.body
    if state.principal(name):
        raise ApiError(409, "uniqueness", f"{resource.removesuffix('s')} already exists with name {name}.")
    kind = _KINDS[resource]
    found = _in_directory(state, kind, name)
    display_name = given.get("displayName") or (found or {}).get("displayName") or name
    body = state.enter(call, kind, name, display_name, found["id"] if found else None)
    body["externalId"] = given.get("externalId")
    body["active"] = given.get("active", True)
    body["entitlements"] = _entitlements(given.get("entitlements", []))
    state.put("principal", body["id"], body)
    if kind == "servicePrincipal":
        rule_sets.made(call.store, name, Caller.of(call).name)
    for group in given.get("groups", []):
        _add_members(state, _group_by_id(state, group.get("value", "")), [body["id"]])
    return body


def _in_directory(state: WorkspaceState, kind: str, name: str) -> Document | None:
    """The user or service principal of that name in Entra."""
    document, field = ("user", "userPrincipalName") if kind == "user" else ("servicePrincipal", "appId")
    everyone = state.store.all(f"directory.{document}")
    return next((body for body in everyone if str(body[field]).lower() == name.lower()), None)


def _new_group(call: Call, state: WorkspaceState) -> Document:
    name = call.body["displayName"]
    if state.group(name):
        raise ApiError(409, "uniqueness", f"Group with name {name} already exists.")
    entitlements = _entitlements(call.body.get("entitlements", []))
    group = state.add_group(call, name, entitlements=entitlements, external_id=call.body.get("externalId"))
    return _add_members(state, group, [member.get("value", "") for member in call.body.get("members", [])])


def _group_by_id(state: WorkspaceState, number: str) -> Document:
    found = state.get("group", number)
    if found is None:
        raise errors.not_found(f"Group with id {number} not found.")
    return found


def _add_members(state: WorkspaceState, group: Document, members: list[str]) -> Document:
    for member in members:
        if state.get("principal", member) is None and state.get("group", member) is None:
            raise errors.not_found(f"No principal with id {member}.")
    body = {**group, "members": sorted({*group["members"], *members})}
    state.put("group", body["id"], body)
    return body


def _entitlements(values: Any) -> list[str]:
    names = {str(value.get("value", "")) if isinstance(value, dict) else str(value) for value in values}
    unknown = sorted(names - ENTITLEMENTS)
    if unknown:
        raise ApiError(400, "invalidValue", f"{unknown[0]} is not a valid entitlement.")
    return sorted(names)


def _patcher(resource: str) -> Callable[[Call], Response]:
    def patched(call: Call) -> Response:
        state, body = _find(call, resource)
        for operation in call.body["Operations"]:
            body = _applied(state, body, operation)
        state.put("group" if resource == "Groups" else "principal", body["id"], body)
        return Response(200, _show(state, resource, body))

    return patched


def _applied(state: WorkspaceState, body: Document, operation: Document) -> Document:
    kind, path, value = operation["op"].lower(), operation.get("path", ""), operation.get("value")
    if kind not in ("add", "remove", "replace"):
        raise ApiError(400, "invalidSyntax", f"{operation['op']} is not a valid operation.")
    if not path and isinstance(value, dict):
        for name, item in value.items():
            body = _applied(state, body, {"op": kind, "path": name, "value": item})
        return body
    field, _, rest = path.partition("[")
    if field in ("entitlements", "members"):
        return _applied_to_list(state, body, kind, field, _selected_values(rest, value))
    if field in ("displayName", "active", "externalId") and kind != "remove":
        return {**body, field: value}
    raise ApiError(400, "invalidPath", "Request is unparsable, syntactically incorrect, or violates schema.")


def _selected_values(rest: str, value: Any) -> list[str]:
    """The values that an operation names: `members[value eq "1"]`, [{"value": "1"}] or "1"."""
    named = re.findall(r'"([^"]*)"', rest)
    given = value if isinstance(value, list) else [value] if value is not None else []
    return named + [str(item.get("value", "")) if isinstance(item, dict) else str(item) for item in given]


def _applied_to_list(state: WorkspaceState, body: Document, kind: str, field: str, values: list[str]) -> Document:
    if field == "entitlements":
        _entitlements(values)
    elif kind != "remove":
        _add_members(state, body, values)
    before = set(body.get(field, []))
    after = {"add": before | set(values), "remove": before - set(values), "replace": set(values)}[kind]
    return {**body, field: sorted(after)}


def _deleter(resource: str) -> Callable[[Call], Response]:
    def deleted(call: Call) -> Response:
        state, body = _find(call, resource)
        state.delete("group" if resource == "Groups" else "principal", body["id"])
        for group in state.all("group"):
            members = [member for member in group["members"] if member != body["id"]]
            state.put("group", group["id"], {**group, "members": members})
        return Response(204)

    return deleted
