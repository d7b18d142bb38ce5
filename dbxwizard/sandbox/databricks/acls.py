"""Rights on single objects: who may do what with a cluster, a job, a folder.

The levels of an object type are ordered, each includes those before it (learn.microsoft.com/azure/databricks/security/
auth/access-control). An entry is {kind: user_name | group_name | service_principal_name, name, level}.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbxwizard.sandbox.databricks import errors
from dbxwizard.sandbox.databricks.state import ADMINS, USERS, Caller, WorkspaceState
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document

_FOLDER_LEVELS = ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")
LEVELS = {
    "clusters": ("CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"),
    "jobs": ("CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"),
    "directories": _FOLDER_LEVELS,
    "repos": _FOLDER_LEVELS,
    "notebooks": _FOLDER_LEVELS,
    "files": _FOLDER_LEVELS,
    "authorization": ("CAN_USE", "CAN_MANAGE"),
}
SINGULAR = {
    "clusters": "cluster",
    "jobs": "job",
    "directories": "directory",
    "repos": "repo",
    "notebooks": "notebook",
    "files": "file",
    "authorization": "tokens",
}
_ID_FIELDS = {"clusters": "cluster_id", "jobs": "job_id", "repos": "repo_id"}
_WORKSPACE_OBJECTS = ("directories", "repos", "notebooks", "files")


def entries(state: WorkspaceState, kind: str, object_id: str) -> list[Document]:
    """The entries given on the object itself."""
    found = state.get("acl", f"{kind}/{object_id}")
    return list(found["entries"]) if found else []


def write(state: WorkspaceState, kind: str, object_id: str, listed: list[Document]) -> None:
    ordered = sorted(listed, key=lambda entry: (entry["kind"], entry["name"]))
    state.put("acl", f"{kind}/{object_id}", {"entries": ordered})


def give(state: WorkspaceState, kind: str, object_id: str, principal: Document, level: str) -> None:
    """Adds the entry of a principal that has just made the object."""
    write(state, kind, object_id, [*entries(state, kind, object_id), entry_of(principal, level)])


def entry_of(principal: Document, level: str) -> Document:
    kind = "user_name" if principal["kind"] == "user" else "service_principal_name"
    return {"kind": kind, "name": principal["name"], "level": level}


def remove(state: WorkspaceState, kind: str, object_id: str) -> None:
    state.delete("acl", f"{kind}/{object_id}")


def inherited(state: WorkspaceState, kind: str, object_id: str) -> Iterator[tuple[Document, str]]:
    """Entries that come from elsewhere, each with the object that they come from."""
    yield {"kind": "group_name", "name": ADMINS, "level": "CAN_MANAGE"}, f"/{kind}/"
    if kind not in _WORKSPACE_OBJECTS:
        return
    for path, folder in _parents(state, kind, object_id):
        if path == "/Shared":
            yield {"kind": "group_name", "name": USERS, "level": "CAN_MANAGE"}, f"/directories/{folder['object_id']}"
        for entry in entries(state, "directories", folder["object_id"]):
            yield entry, f"/directories/{folder['object_id']}"


def _parents(state: WorkspaceState, kind: str, object_id: str) -> Iterator[tuple[str, Document]]:
    path = next((key for key, body in state.find("object") if body["object_id"] == object_id), "")
    while path.count("/") > 1:
        path = path.rsplit("/", 1)[0]
        folder = state.get("object", path)
        if folder is not None:
            yield path, folder


def allowed(state: WorkspaceState, principal: Document, kind: str, object_id: str, level: str) -> bool:
    groups = {group["displayName"] for group in state.groups_of(principal)}
    every = [*entries(state, kind, object_id), *(entry for entry, _ in inherited(state, kind, object_id))]
    held = [entry["level"] for entry in every if entry["name"] == principal["name"] or entry["name"] in groups]
    order = LEVELS[kind]
    return any(order.index(one) >= order.index(level) for one in held)


def require(call: Call, kind: str, level: str) -> None:
    """Raises ApiError unless the caller holds `level` on the object that the call names."""
    field = _ID_FIELDS[kind]
    body = call.body if isinstance(call.body, dict) else {}
    object_id = str(call.params.get(field) or body.get(field) or call.query.get(field) or "")
    require_on(call, kind, object_id, level)


def require_on(call: Call, kind: str, object_id: str, level: str) -> None:
    caller = Caller.of(call)
    if caller.admin or allowed(WorkspaceState.of(call), caller.principal, kind, object_id, level):
        return
    word = level.removeprefix("CAN_").replace("_", " ").title()
    message = f"{caller.name} does not have {word} permissions on {object_id}. Please contact your administrator."
    raise errors.denied(message)
