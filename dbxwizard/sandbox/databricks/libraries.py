"""The Libraries API. A terminated cluster takes libraries too: they are installed when it starts
(databricks/terraform-provider-databricks#4384)."""

from __future__ import annotations

from dbxwizard.sandbox.databricks import acls, errors
from dbxwizard.sandbox.databricks.cluster_life import libraries_install, libraries_of, write_libraries
from dbxwizard.sandbox.databricks.clusters import ATTACH, MANAGE, found
from dbxwizard.sandbox.databricks.state import Caller, WorkspaceState, required
from dbxwizard.sandbox.http import Call, Response, Service
from dbxwizard.sandbox.store import Document

VERSIONS = ("2.0",)
LIBRARY = {
    "whl?": str,
    "jar?": str,
    "egg?": str,
    "requirements?": str,
    "pypi?": {"package": str, "repo?": str},
    "maven?": {"coordinates": str, "repo?": str, "exclusions?": [str]},
    "cran?": {"package": str, "repo?": str},
}
_BODY = {"cluster_id": str, "libraries": [LIBRARY]}


def register(service: Service) -> None:
    prefix = "/api/{version}/libraries"
    service.route("POST", f"{prefix}/install", api_versions=VERSIONS, body=_BODY, action=MANAGE)(_install)
    service.route("POST", f"{prefix}/uninstall", api_versions=VERSIONS, body=_BODY, action=MANAGE)(_uninstall)
    service.route("GET", f"{prefix}/cluster-status", api_versions=VERSIONS, query=("cluster_id",), action=ATTACH)(
        _status
    )
    service.route("GET", f"{prefix}/all-cluster-statuses", api_versions=VERSIONS)(_all)


def check(library: Document) -> None:
    if len(library) != 1:
        raise errors.invalid("Exactly one library type is needed in a library.")
    if "egg" in library:
        raise errors.invalid("Installing eggs is no longer supported.")


def _install(call: Call) -> Response:
    state, cluster = found(call, call.body["cluster_id"])
    listed = libraries_of(state, cluster["cluster_id"])
    for library in call.body["libraries"]:
        check(library)
        there = next((one for one in listed if one["library"] == library), None)
        if there is None:
            listed.append({"library": library, "status": "PENDING", "messages": []})
        elif there["status"] == "UNINSTALL_ON_RESTART":
            there["status"] = "INSTALLED"
    write_libraries(state, cluster["cluster_id"], listed)
    if cluster["state"] == "RUNNING":
        libraries_install(call, state, cluster)
    return Response(200, {})


def _uninstall(call: Call) -> Response:
    """Takes effect when the cluster restarts; what never got onto the cluster is dropped at once."""
    state, cluster = found(call, call.body["cluster_id"])
    for library in call.body["libraries"]:
        check(library)
    kept = []
    for one in libraries_of(state, cluster["cluster_id"]):
        if one["library"] not in call.body["libraries"]:
            kept.append(one)
        elif one["status"] != "PENDING":
            kept.append({**one, "status": "UNINSTALL_ON_RESTART"})
    write_libraries(state, cluster["cluster_id"], kept)
    return Response(200, {})


def _shown(state: WorkspaceState, cluster_id: str) -> Document:
    statuses = [
        {**{key: value for key, value in one.items() if value}, "is_library_for_all_clusters": False}
        for one in libraries_of(state, cluster_id)
    ]
    return {"cluster_id": cluster_id, **({"library_statuses": statuses} if statuses else {})}


def _status(call: Call) -> Response:
    state, cluster = found(call, required(call, "cluster_id"))
    return Response(200, _shown(state, cluster["cluster_id"]))


def _all(call: Call) -> Response:
    state, caller = WorkspaceState.of(call), Caller.of(call)
    seen = [
        cluster["cluster_id"]
        for cluster in state.all("cluster")
        if caller.admin or acls.allowed(state, caller.principal, "clusters", cluster["cluster_id"], "CAN_ATTACH_TO")
    ]
    return Response(200, {"statuses": [_shown(state, cluster_id) for cluster_id in seen]} if seen else {})
