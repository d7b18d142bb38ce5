"""The Jobs API: the jobs themselves. Names are not unique, so creating one twice makes two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dbxwizard.sandbox.databricks import acls, errors
from dbxwizard.sandbox.databricks.job_settings import JOB, check_settings, completed
from dbxwizard.sandbox.databricks.permissions import owned_by
from dbxwizard.sandbox.databricks.state import (
    Caller,
    WorkspaceState,
    milliseconds,
    numeric_id,
    page,
    query_int,
    required,
)
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

VERSIONS = ("2.0", "2.1", "2.2")
MAX_JOBS = 10_000  # saved in one workspace (learn.microsoft.com/azure/databricks/resources/limits)
ACL = [{"user_name?": str, "group_name?": str, "service_principal_name?": str, "permission_level?": str}]
_CREATE = {**JOB, "access_control_list?": ACL}
_RESET = {"job_id": int, "new_settings": JOB}
_UPDATE = {"job_id": int, "new_settings?": JOB, "fields_to_remove?": [str]}
_HIDDEN_IN_LISTS = ("tasks", "job_clusters", "parameters", "environments")
MANAGE = "jobs:CAN_MANAGE"


def register(service: Service) -> None:
    prefix = "/api/{version}/jobs"
    for name, handler, body, action in (
        ("create", _create, _CREATE, ""),
        ("reset", _reset, _RESET, MANAGE),
        ("update", _update, _UPDATE, MANAGE),
        ("delete", _delete, {"job_id": int}, MANAGE),
    ):
        service.route("POST", f"{prefix}/{name}", api_versions=VERSIONS, body=body, action=action)(handler)
    query = ("limit", "offset", "name", "expand_tasks", "page_token")
    service.route("GET", f"{prefix}/list", api_versions=VERSIONS, query=query)(_list)
    service.route("GET", f"{prefix}/get", api_versions=VERSIONS, query=("job_id",), action="jobs:CAN_VIEW")(_get)


def found(call: Call, job_id: object) -> tuple[WorkspaceState, Document]:
    state = WorkspaceState.of(call)
    body = state.get("job", job_id)
    if body is None:
        raise errors.invalid(f"Job {job_id} does not exist.")
    return state, body


def _create(call: Call) -> Response:
    state, caller = WorkspaceState.of(call), Caller.of(call)
    settings = {key: value for key, value in call.body.items() if key != "access_control_list"}
    check_settings(state, caller, settings)
    if len(state.all("job")) >= MAX_JOBS:
        message = f"The quota for the number of jobs has been reached. The current quota is {MAX_JOBS}."
        raise ApiError(400, "QUOTA_EXCEEDED", message)
    entries = owned_by(call)
    number = numeric_id(call, "job", f"{state.workspace_id}/{settings.get('name', '')}")
    body: Document = {
        "job_id": int(number),
        "settings": completed(settings),
        "creator": caller.name,
        "created_time": milliseconds(call.now),
        "order": len(state.all("job")),
    }
    state.put("job", number, body)
    acls.write(state, "jobs", number, entries)
    return Response(200, {"job_id": int(number)})


def _reset(call: Call) -> Response:
    return _changed(call, lambda _: call.body["new_settings"])


def _update(call: Call) -> Response:
    """Replaces the named settings; tasks and job clusters one by one, by their key."""
    new, removed = call.body.get("new_settings", {}), call.body.get("fields_to_remove", [])

    def merged(old: Document) -> Document:
        settings = {**old, **new}
        for field, key in (("tasks", "task_key"), ("job_clusters", "job_cluster_key")):
            if field in new:
                by_key = {one[key]: one for one in [*old.get(field, []), *new[field]]}
                settings[field] = list(by_key.values())
        for path in removed:
            _remove(settings, path)
        return settings

    return _changed(call, merged)


def _remove(settings: Document, path: str) -> None:
    field, _, key = path.partition("/")
    if not key:
        settings.pop(field, None)
    elif field in ("tasks", "job_clusters"):
        name = "task_key" if field == "tasks" else "job_cluster_key"
        settings[field] = [one for one in settings.get(field, []) if one[name] != key]


def _changed(call: Call, change: Callable[[Document], Document]) -> Response:
    state, body = found(call, call.body["job_id"])
    settings = change(body["settings"])
    check_settings(state, Caller.of(call), settings)
    state.put("job", call.body["job_id"], {**body, "settings": completed(settings)})
    return Response(200, {})


def _delete(call: Call) -> Response:
    state, body = found(call, call.body["job_id"])
    state.delete("job", body["job_id"])
    acls.remove(state, "jobs", str(body["job_id"]))
    return Response(200, {})


def run_as(body: Document) -> str:
    """The name of the principal that the job's runs act as."""
    given = body["settings"].get("run_as", {})
    return str(given.get("service_principal_name") or given.get("user_name") or body["creator"])


def _shown(body: Document) -> Document:
    return {
        "job_id": body["job_id"],
        "creator_user_name": body["creator"],
        "run_as_user_name": run_as(body),
        "created_time": body["created_time"],
        "settings": body["settings"],
    }


def _get(call: Call) -> Response:
    _, body = found(call, required(call, "job_id"))
    return Response(200, _shown(body))


def _list(call: Call) -> Response:
    state, caller, name = WorkspaceState.of(call), Caller.of(call), call.query.get("name", "").lower()
    seen = [
        body
        for body in sorted(state.all("job"), key=lambda body: -int(body["order"]))
        if name in ("", body["settings"]["name"].lower())
        and (caller.admin or acls.allowed(state, caller.principal, "jobs", str(body["job_id"]), "CAN_VIEW"))
    ]
    start = query_int(call, "offset", 0, 0, 10_000)
    token = call.query.get("page_token", "") or (str(start) if start else "")
    some, following = page(seen, query_int(call, "limit", 20, 1, 100), token)
    expand = call.query.get("expand_tasks", "false") == "true"
    answer: dict[str, Any] = {"jobs": [_listed(body, expand) for body in some]} if some else {}
    answer["has_more"] = bool(following)
    return Response(200, {**answer, "next_page_token": following} if following else answer)


def _listed(body: Document, expand: bool) -> Document:
    shown = {key: value for key, value in _shown(body).items() if key != "run_as_user_name"}
    if expand:
        return shown
    settings = {key: value for key, value in shown["settings"].items() if key not in _HIDDEN_IN_LISTS}
    return {**shown, "settings": settings}
