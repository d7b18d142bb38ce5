"""The Permissions API."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.databricks import acls, errors
from dbxwizard.sandbox.databricks.state import Caller, WorkspaceState
from dbxwizard.sandbox.http import Call, Response, Service
from dbxwizard.sandbox.store import Document

VERSIONS = ("2.0",)
_KINDS = ("user_name", "group_name", "service_principal_name")
_ENTRY = {**{f"{kind}?": str for kind in _KINDS}, "permission_level?": str}
_BODY = {"access_control_list?": [_ENTRY]}
_DOCUMENT_KINDS = {"clusters": "cluster", "jobs": "job", "repos": "repo"}


def register(service: Service) -> None:
    path = "/api/{version}/permissions/{object_type}/{object_id}"
    service.route("GET", path, api_versions=VERSIONS)(_get)
    service.route("GET", f"{path}/permissionLevels", api_versions=VERSIONS)(_levels)
    service.route("PUT", path, api_versions=VERSIONS, body=_BODY)(_set)
    service.route("PATCH", path, api_versions=VERSIONS, body=_BODY)(_update)


def _target(call: Call, *, manage: bool) -> tuple[WorkspaceState, str, str]:
    """The object of the call, once it is known to exist and the caller may see or manage its rights."""
    state, kind, object_id = WorkspaceState.of(call), call.params["object_type"], call.params["object_id"]
    if kind not in acls.LEVELS:
        raise errors.invalid(f"{kind} is not a valid object type.")
    if not _exists(state, kind, object_id):
        raise errors.not_found(f"{acls.SINGULAR[kind].title()} {object_id} does not exist.")
    acls.require_on(call, kind, object_id, "CAN_MANAGE" if manage else acls.LEVELS[kind][0])
    return state, kind, object_id


def _exists(state: WorkspaceState, kind: str, object_id: str) -> bool:
    if kind == "authorization":
        return object_id == "tokens"
    if kind in _DOCUMENT_KINDS:
        return state.get(_DOCUMENT_KINDS[kind], object_id) is not None
    return any(body["object_id"] == object_id for body in state.all("object"))


def _get(call: Call) -> Response:
    return _answer(*_target(call, manage=False))


def _levels(call: Call) -> Response:
    _, kind, _ = _target(call, manage=False)
    levels = [{"permission_level": level, "description": ""} for level in acls.LEVELS[kind]]
    return Response(200, {"permission_levels": levels})


def _answer(state: WorkspaceState, kind: str, object_id: str) -> Response:
    listed: dict[tuple[str, str], Document] = {}
    for entry in acls.entries(state, kind, object_id):
        _shown(listed, state, entry)["all_permissions"].append({"permission_level": entry["level"], "inherited": False})
    for entry, origin in acls.inherited(state, kind, object_id):
        _shown(listed, state, entry)["all_permissions"].append(
            {"permission_level": entry["level"], "inherited": True, "inherited_from_object": [origin]}
        )
    body = {
        "object_id": f"/{kind}/{object_id}",
        "object_type": acls.SINGULAR[kind],
        "access_control_list": list(listed.values()),
    }
    return Response(200, body)


def _shown(listed: dict[tuple[str, str], Document], state: WorkspaceState, entry: Document) -> Document:
    key = entry["kind"], entry["name"]
    if key not in listed:
        listed[key] = {entry["kind"]: entry["name"], "all_permissions": []}
        principal = state.principal(entry["name"]) if entry["kind"] != "group_name" else None
        if principal:
            listed[key]["display_name"] = principal["displayName"]
    return listed[key]


def _set(call: Call) -> Response:
    state, kind, object_id = _target(call, manage=True)
    acls.write(state, kind, object_id, _merged([], _wanted(call, state, kind)))
    return _checked(call, state, kind, object_id)


def _update(call: Call) -> Response:
    state, kind, object_id = _target(call, manage=True)
    wanted = _wanted(call, state, kind)
    kept = acls.entries(state, kind, object_id)
    if any(entry["level"] == "IS_OWNER" for entry in wanted):
        kept = [entry for entry in kept if entry["level"] != "IS_OWNER"]
    acls.write(state, kind, object_id, _merged(kept, wanted))
    return _checked(call, state, kind, object_id)


def _checked(call: Call, state: WorkspaceState, kind: str, object_id: str) -> Response:
    owners = [entry for entry in acls.entries(state, kind, object_id) if entry["level"] == "IS_OWNER"]
    if kind == "jobs" and len(owners) != 1:
        raise errors.invalid("The job must have exactly one owner.")
    return _answer(state, kind, object_id)


def _merged(kept: list[Document], wanted: list[Document]) -> list[Document]:
    by_name = {(entry["kind"], entry["name"]): entry for entry in [*kept, *wanted]}
    return list(by_name.values())


def _wanted(call: Call, state: WorkspaceState, kind: str) -> list[Document]:
    return [read_entry(state, kind, one) for one in call.body.get("access_control_list", [])]


def read_entry(state: WorkspaceState, kind: str, given: dict[str, Any]) -> Document:
    """One item of an access_control_list, checked."""
    named = [(name, given[name]) for name in _KINDS if name in given]
    level = given.get("permission_level", "")
    if len(named) != 1:
        raise errors.invalid("Exactly one principal is needed in an access control entry.")
    if level not in acls.LEVELS[kind]:
        supported = ", ".join(acls.LEVELS[kind])
        raise errors.invalid(f"Invalid permission level {level}. Supported: {supported}.")
    if not state.exists(*named[0]):
        raise errors.not_found(f"Principal: {named[0][1]} does not exist")
    return {"kind": named[0][0], "name": named[0][1], "level": level}


def owned_by(call: Call) -> list[Document]:
    """The entries of a job made by this call: `access_control_list`, else the caller as owner."""
    caller = Caller.of(call)
    state = WorkspaceState.of(call)
    given = [read_entry(state, "jobs", one) for one in call.body.get("access_control_list", [])]
    if not any(entry["level"] == "IS_OWNER" for entry in given):
        given.append(acls.entry_of(caller.principal, "IS_OWNER"))
    return given
