"""Who may use Spark of a cluster: calls of Databricks Connect, which speaks Spark Connect to the workspace's address.

What is published of it: the client's own words and what it waits for (in 17.3 `databricks-connect
test` starts a cluster that does not run; DatabricksClusterWaitPolicy waits while a call fails with "is in unexpected
state Pending"), the refusals that people met (mosaicml/llm-foundry#1703, databricks/databricks-vscode#801), and the
levels of clusters (learn.microsoft.com/azure/databricks/security/auth/access-control): attaching needs Can Attach To,
starting Can Restart. That an unknown cluster is refused as the Clusters API refuses it is assumed.
"""

from __future__ import annotations

from dbxwizard.sandbox.databricks import acls, cluster_life, errors
from dbxwizard.sandbox.databricks.clusters import found, unexpected
from dbxwizard.sandbox.databricks.state import Caller, WorkspaceState
from dbxwizard.sandbox.http import ApiError, Call
from dbxwizard.sandbox.store import Document

_SERVICE = "/spark.connect.SparkConnectService/"
_CLUSTER = "x-databricks-cluster-id"
_SHARED = frozenset({"USER_ISOLATION", "DATA_SECURITY_MODE_AUTO", "DATA_SECURITY_MODE_STANDARD"})
_DEDICATED = frozenset({"SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED"})


def admit(call: Call) -> Document | ApiError:
    """The cluster whose Spark the call goes to. Raises ApiError; returns one for a cluster that starts by it."""
    if not call.request.path.startswith(_SERVICE):
        raise ApiError(404, "UNIMPLEMENTED", f"Method not found: {call.request.path.lstrip('/')}")
    cluster_id = call.request.headers.get(_CLUSTER, "")
    if not cluster_id:
        raise errors.invalid("Missing required header: x-databricks-cluster-id")
    state, cluster = found(call, cluster_id)
    if not _holds(call, state, cluster_id, "CAN_ATTACH_TO"):
        raise errors.denied(f"You do not have permission to attach to cluster {cluster_id}")
    _check_mode(call, cluster)
    if cluster["state"] == "RUNNING":
        cluster_life.used(call, state, cluster_id)
        return cluster
    if cluster["state"] == "TERMINATED":
        if not _holds(call, state, cluster_id, "CAN_RESTART"):
            raise errors.denied(f"You do not have permission to start cluster {cluster_id}")
        cluster_life.start(call, state, cluster_life.told(call, cluster, "STARTING"))
    return unexpected(state.get("cluster", cluster_id) or cluster)


def _holds(call: Call, state: WorkspaceState, cluster_id: str, level: str) -> bool:
    caller = Caller.of(call)
    return caller.admin or acls.allowed(state, caller.principal, "clusters", cluster_id, level)


def _check_mode(call: Call, cluster: Document) -> None:
    """A dedicated cluster is for one person, service principal or group."""
    spec, caller = cluster["spec"], Caller.of(call)
    mode, single = spec.get("data_security_mode", ""), spec.get("single_user_name", "")
    if mode not in _SHARED | _DEDICATED:
        message = "Spark Connect is enabled only on Unity Catalog enabled Shared and Single User Clusters."
        raise ApiError(400, "BAD_REQUEST", message)
    groups = {group["displayName"] for group in WorkspaceState.of(call).groups_of(caller.principal)}
    if mode in _DEDICATED and single.lower() != caller.name.lower() and single not in groups:
        raise errors.denied(
            f"Single-user check failed: user '{caller.name}' attempted to run a command on single-user cluster "
            f"{cluster['cluster_id']}, but the single user of this cluster is '{single}'"
        )
