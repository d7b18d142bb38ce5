"""The Clusters API."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.databricks import acls, cluster_life, errors
from dbxwizard.sandbox.databricks.compute import CLUSTER, check_cluster, node_types, spark_versions
from dbxwizard.sandbox.databricks.state import Caller, WorkspaceState, page, query_int, required
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

VERSIONS = ("2.0", "2.1")
_ID = {"cluster_id": str}
_LAYOUT = {key: spec for key, spec in CLUSTER.items() if key not in ("clone_from?", "apply_policy_default_values?")}
_EVENTS: dict[str, Any] = {
    **_ID,
    "limit?": int,
    "offset?": int,
    "page_size?": int,
    "page_token?": str,
    "order?": str,
    "event_types?": [str],
    "start_time?": int,
    "end_time?": int,
}
MANAGE, RESTART, ATTACH = "clusters:CAN_MANAGE", "clusters:CAN_RESTART", "clusters:CAN_ATTACH_TO"


def register(service: Service) -> None:
    prefix = "/api/{version}/clusters"
    for name, handler, body, action in (
        ("create", _create, CLUSTER, "allow-cluster-create"),
        ("edit", _edit, {**_ID, **CLUSTER}, MANAGE),
        ("start", _start, _ID, RESTART),
        ("restart", _restart, {**_ID, "restart_user?": str}, RESTART),
        ("delete", _delete, _ID, RESTART),
        ("permanent-delete", _permanent_delete, _ID, MANAGE),
        ("pin", _pin, _ID, "admin"),
        ("unpin", _unpin, _ID, "admin"),
        ("events", _events, _EVENTS, ATTACH),
    ):
        service.route("POST", f"{prefix}/{name}", api_versions=VERSIONS, body=body, action=action)(handler)
    paging = ("page_size", "page_token", "filter_by.cluster_states", "filter_by.cluster_sources", "sort_by.field")
    service.route("GET", f"{prefix}/list", api_versions=VERSIONS, query=paging)(_list)
    service.route("GET", f"{prefix}/get", api_versions=VERSIONS, query=("cluster_id",), action=ATTACH)(_get)
    service.route("GET", f"{prefix}/list-node-types", api_versions=VERSIONS)(_node_types)
    service.route("GET", f"{prefix}/spark-versions", api_versions=VERSIONS)(_spark_versions)
    cluster_life.register(service)


def found(call: Call, cluster_id: str) -> tuple[WorkspaceState, Document]:
    state = WorkspaceState.of(call)
    body = state.get("cluster", cluster_id)
    if body is None:
        raise errors.invalid(f"Cluster {cluster_id} does not exist")
    return state, body


def _create(call: Call) -> Response:
    state, caller = WorkspaceState.of(call), Caller.of(call)
    check_cluster(state, call.body)
    settings = {key: value for key, value in call.body.items() if key != "apply_policy_default_values"}
    name = settings.get("cluster_name", "")
    # The real id begins with the time; this one with the place among those of that name, so that it can be foretold.
    same = sum(other["spec"].get("cluster_name", "") == name for other in state.all("cluster"))
    cluster_id = f"{same + 1:04}-000000-{call.new_id('databricks.cluster', f'{state.workspace_id}/{name}')[:8]}"
    body: Document = {
        "cluster_id": cluster_id,
        "spec": settings,
        "state": "TERMINATED",
        "state_message": "",
        "creator": caller.name,
        "change": 0,
        "pinned": False,
        "events": [],
    }
    acls.give(state, "clusters", cluster_id, caller.principal, "CAN_MANAGE")
    cluster_life.start(call, state, cluster_life.told(call, body, "CREATING"))
    return Response(200, {"cluster_id": cluster_id})


def _edit(call: Call) -> Response:
    """Runtime and terminated clusters only; a running one restarts with its new settings."""
    state, body = found(call, call.body["cluster_id"])
    check_cluster(state, call.body)
    if body["state"] not in ("RUNNING", "TERMINATED"):
        raise unexpected(body)
    body["spec"] = {key: value for key, value in call.body.items() if key != "cluster_id"}
    body = cluster_life.told(call, body, "EDITED")
    if body["state"] == "RUNNING":
        cluster_life.restart(call, state, body)
    else:
        state.put("cluster", body["cluster_id"], body)
    return Response(200, {})


def unexpected(body: Document) -> ApiError:
    message = f"Cluster {body['cluster_id']} is in unexpected state {body['state'].title()}."
    return ApiError(400, "INVALID_STATE", message)


def _start(call: Call) -> Response:
    state, body = found(call, call.body["cluster_id"])
    if body["state"] != "TERMINATED":
        raise unexpected(body)
    cluster_life.start(call, state, cluster_life.told(call, body, "STARTING"))
    return Response(200, {})


def _restart(call: Call) -> Response:
    state, body = found(call, call.body["cluster_id"])
    if body["state"] != "RUNNING":
        raise unexpected(body)
    cluster_life.restart(call, state, body)
    return Response(200, {})


def _delete(call: Call) -> Response:
    """Terminates; what is terminated already stays so."""
    state, body = found(call, call.body["cluster_id"])
    if body["state"] not in ("TERMINATING", "TERMINATED"):
        reason = {"code": "USER_REQUEST", "type": "SUCCESS", "parameters": {"username": Caller.of(call).name}}
        cluster_life.terminate(call, state, body, reason)
    return Response(200, {})


def _permanent_delete(call: Call) -> Response:
    state, body = found(call, call.body["cluster_id"])
    if body["pinned"]:
        raise ApiError(400, "INVALID_STATE", f"Cluster {body['cluster_id']} is pinned; unpin it first.")
    for kind in ("cluster", "library"):
        state.delete(kind, body["cluster_id"])
    acls.remove(state, "clusters", body["cluster_id"])
    return Response(200, {})


def _pin(call: Call) -> Response:
    return _set_pinned(call, True)


def _unpin(call: Call) -> Response:
    return _set_pinned(call, False)


def _set_pinned(call: Call, pinned: bool) -> Response:
    state, body = found(call, call.body["cluster_id"])
    state.put("cluster", body["cluster_id"], {**body, "pinned": pinned})
    return Response(200, {})


def _events(call: Call) -> Response:
    _, body = found(call, call.body["cluster_id"])
    size = call.body.get("limit") or call.body.get("page_size") or 50
    newest_first = list(reversed(body["events"]))[call.body.get("offset", 0) :]
    answer = {"events": newest_first[:size], "total_count": len(body["events"])}
    return Response(200, answer)


def _list(call: Call) -> Response:
    state, caller = WorkspaceState.of(call), Caller.of(call)
    seen = [
        body
        for body in state.all("cluster")
        if caller.admin or acls.allowed(state, caller.principal, "clusters", body["cluster_id"], "CAN_ATTACH_TO")
    ]
    some, following = page(seen, query_int(call, "page_size", 20, 1, 100), call.query.get("page_token", ""))
    answer: Document = {"clusters": [cluster_life.shown(body) for body in some]} if some else {}
    return Response(200, {**answer, "next_page_token": following} if following else answer)


def _get(call: Call) -> Response:
    _, body = found(call, required(call, "cluster_id"))
    return Response(200, cluster_life.shown(body))


def _node_types(call: Call) -> Response:
    return Response(200, {"node_types": list(node_types())})


def _spark_versions(call: Call) -> Response:
    return Response(200, {"versions": list(spark_versions())})
