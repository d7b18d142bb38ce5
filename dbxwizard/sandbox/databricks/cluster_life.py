"""How clusters come and go: the states of one, its libraries, its end when nobody uses it."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.databricks.state import WorkspaceState, milliseconds
from dbxwizard.sandbox.http import Context, Service, TaskContext
from dbxwizard.sandbox.store import Document

_EVENTS_KEPT = 100
_SETTLE, _IDLE, _INSTALLED = "databricks.cluster.settle", "databricks.cluster.idle", "databricks.library.installed"
# What a cluster in passing becomes.
_BECOMES = {"PENDING": "RUNNING", "RESTARTING": "RUNNING", "TERMINATING": "TERMINATED"}


def register(service: Service) -> None:
    service.task(_SETTLE)(_settle)
    service.task(_IDLE)(_end_idle)
    service.task(_INSTALLED)(_installed)


def shown(body: Document) -> Document:
    """The cluster as clusters/get tells it, with what the service fills in."""
    spec = body["spec"]
    kept = {key: value for key, value in body.items() if key not in ("spec", "change", "events", "creator", "pinned")}
    return {
        "autotermination_minutes": 0,
        "enable_elastic_disk": True,
        "enable_local_disk_encryption": False,
        "runtime_engine": "STANDARD",
        "driver_node_type_id": spec.get("node_type_id", ""),
        "azure_attributes": {"first_on_demand": 1, "availability": "ON_DEMAND_AZURE", "spot_bid_max_price": -1.0},
        **spec,
        **kept,
        **(_single_node(spec) if spec.get("is_single_node") else {}),
        **({"num_workers": spec["autoscale"]["min_workers"]} if "autoscale" in spec else {}),
        "creator_user_name": body["creator"],
        "cluster_source": "API",
        "default_tags": {"Vendor": "Databricks", "ClusterName": spec.get("cluster_name", "")},
        "spec": spec,
    }


def _single_node(spec: Document) -> Document:
    """What `is_single_node` sets (github.com/databricks/terraform-provider-databricks/issues/4360)."""
    conf = {"spark.databricks.cluster.profile": "singleNode", "spark.master": "local[*, 4]"}
    return {
        "num_workers": 0,
        "spark_conf": {**spec.get("spark_conf", {}), **conf},
        "custom_tags": {**spec.get("custom_tags", {}), "ResourceClass": "SingleNode"},
    }


def told(context: Context, body: Document, kind: str) -> Document:
    """`body` with one more event."""
    event = {"cluster_id": body["cluster_id"], "timestamp": milliseconds(context.now), "type": kind}
    return {**body, "events": [*body["events"], event][-_EVENTS_KEPT:]}


def start(context: Context, state: WorkspaceState, body: Document) -> None:
    body = {**body, "start_time": milliseconds(context.now), "state_message": "Starting Spark"}
    body.pop("termination_reason", None)
    body.pop("terminated_time", None)
    _pass_through(context, state, {**body, "state": "PENDING"}, context.seconds("cluster.start"))


def restart(context: Context, state: WorkspaceState, body: Document) -> None:
    libraries_wait(state, body["cluster_id"])
    body = {**told(context, body, "RESTARTING"), "last_restarted_time": milliseconds(context.now)}
    _pass_through(context, state, {**body, "state": "RESTARTING"}, context.seconds("cluster.restart"))


def terminate(context: Context, state: WorkspaceState, body: Document, reason: dict[str, Any]) -> None:
    body = {**told(context, body, "TERMINATING"), "termination_reason": reason, "state": "TERMINATING"}
    _pass_through(context, state, body, context.seconds("cluster.terminate"))


def _pass_through(context: Context, state: WorkspaceState, body: Document, seconds: float) -> None:
    body["change"] += 1
    state.put("cluster", body["cluster_id"], body)
    _later(context, state, body, seconds, _SETTLE)


def _later(context: Context, state: WorkspaceState, body: Document, seconds: float, task: str) -> None:
    context.later(seconds, task, workspace=state.workspace_id, cluster_id=body["cluster_id"], change=body["change"])


def _current(context: TaskContext, body: dict[str, Any]) -> tuple[WorkspaceState, Document | None]:
    """The cluster that a task is for; None when it is gone or has changed since."""
    state = WorkspaceState(context.store, body["workspace"])
    cluster = state.get("cluster", body["cluster_id"])
    return state, cluster if cluster and cluster["change"] == body["change"] else None


def _settle(context: TaskContext, body: dict[str, Any]) -> None:
    from dbxwizard.sandbox.databricks import runs

    state, cluster = _current(context, body)
    if cluster is None:
        return
    cluster["state"] = _BECOMES[cluster["state"]]
    cluster["state_message"] = ""
    if cluster["state"] == "TERMINATED":
        cluster["terminated_time"] = milliseconds(context.now)
        state.put("cluster", cluster["cluster_id"], cluster)
        libraries_wait(state, cluster["cluster_id"])
        runs.cluster_settled(context, state, cluster["cluster_id"])
        return
    cluster["last_activity_time"] = milliseconds(context.now)
    state.put("cluster", cluster["cluster_id"], told(context, cluster, "RUNNING"))
    libraries_install(context, state, cluster)
    _watch_idle(context, state, cluster)
    runs.cluster_settled(context, state, cluster["cluster_id"])


def used(context: Context, state: WorkspaceState, cluster_id: str) -> None:
    """Something runs on the cluster: its idle time starts anew."""
    body = state.get("cluster", cluster_id)
    if body:
        state.put("cluster", cluster_id, {**body, "last_activity_time": milliseconds(context.now)})


def _watch_idle(context: Context, state: WorkspaceState, body: Document) -> None:
    minutes = body["spec"].get("autotermination_minutes", 0)
    if minutes:
        idle_since = body["last_activity_time"] / 1000
        _later(context, state, body, max(idle_since + minutes * 60 - context.now, 1.0), _IDLE)


def _end_idle(context: TaskContext, body: dict[str, Any]) -> None:
    state, cluster = _current(context, body)
    if cluster is None or cluster["state"] != "RUNNING":
        return
    minutes = cluster["spec"].get("autotermination_minutes", 0)
    if context.now < cluster["last_activity_time"] / 1000 + minutes * 60:
        _watch_idle(context, state, cluster)
        return
    reason = {"code": "INACTIVITY", "type": "SUCCESS", "parameters": {"inactivity_duration_min": str(minutes)}}
    terminate(context, state, cluster, reason)


# Libraries live with their cluster: asked for at any time, installed while it runs, removed when it restarts.


def libraries_of(state: WorkspaceState, cluster_id: str) -> list[Document]:
    found = state.get("library", cluster_id)
    return list(found["libraries"]) if found else []


def write_libraries(state: WorkspaceState, cluster_id: str, libraries: list[Document]) -> None:
    if libraries:
        state.put("library", cluster_id, {"libraries": libraries})
    else:
        state.delete("library", cluster_id)


def libraries_install(context: Context, state: WorkspaceState, cluster: Document) -> None:
    """Begins with those that wait."""
    waiting = [
        {**one, "status": "INSTALLING"} if one["status"] == "PENDING" else one
        for one in libraries_of(state, cluster["cluster_id"])
    ]
    write_libraries(state, cluster["cluster_id"], waiting)
    if any(one["status"] == "INSTALLING" for one in waiting):
        _later(context, state, cluster, context.seconds("library.install"), _INSTALLED)


def libraries_wait(state: WorkspaceState, cluster_id: str) -> None:
    """A cluster that has ended installs everything anew when it starts."""
    _forget_removed(state, cluster_id)
    write_libraries(
        state, cluster_id, [{**one, "status": "PENDING", "messages": []} for one in libraries_of(state, cluster_id)]
    )


def _forget_removed(state: WorkspaceState, cluster_id: str) -> None:
    kept = [one for one in libraries_of(state, cluster_id) if one["status"] != "UNINSTALL_ON_RESTART"]
    write_libraries(state, cluster_id, kept)


def _installed(context: TaskContext, body: dict[str, Any]) -> None:
    state, cluster = _current(context, body)
    if cluster is None:
        return
    finished = [
        {**one, **_outcome(state, one["library"])} if one["status"] == "INSTALLING" else one
        for one in libraries_of(state, cluster["cluster_id"])
    ]
    write_libraries(state, cluster["cluster_id"], finished)


def _outcome(state: WorkspaceState, library: Document) -> Document:
    """A file that is not there can't be installed, and there is no DBFS root in new accounts."""
    path = str(library.get("whl") or library.get("jar") or library.get("requirements") or "")
    if path.startswith("dbfs:"):
        return {"status": "FAILED", "messages": ["Public DBFS root is disabled. Access is denied on path."]}
    workspace_path = path.removeprefix("/Workspace")
    if workspace_path and not path.startswith(("/Volumes", "abfss:")) and state.get("object", workspace_path) is None:
        return {"status": "FAILED", "messages": [f"Library installation failed: {path} does not exist."]}
    return {"status": "INSTALLED", "messages": []}
