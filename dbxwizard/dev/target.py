"""Where a developer's code runs: a cluster of an environment's workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import UsageError, not_deployed
from dbxwizard.parameters.catalog import runtime_version

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient
    from dbxwizard.deployed import Deployed
    from dbxwizard.parameters.model import Environment

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """`cluster` as the Clusters API has it: cluster_id, cluster_name, state, spark_version …"""

    environment: Environment
    workspace: WorkspaceClient
    cluster: Json

    @property
    def cluster_id(self) -> str:
        return str(self.cluster["cluster_id"])

    @property
    def runtime(self) -> str:
        """Version of the cluster's Databricks Runtime, such as `17.3`; from 18 on `18`, whose minor versions come by
        themselves."""
        return runtime_version(str(self.cluster["spark_version"]))


async def find_target(deployed: Deployed, cluster: str = "") -> Target:
    """`cluster`: the name or id of a cluster; "" is the one that gets the wheels, else the first of the file.

    Raises the core's errors: OperationError `not-deployed`, UsageError `cluster-unknown`.
    """
    environment, workspace = deployed.environment, await deployed.require_workspace()
    wanted = cluster or _default_cluster(environment)
    found = await workspace.clusters()
    chosen = next((one for one in found if wanted in (one["cluster_id"], one.get("cluster_name"))), None)
    if chosen is None and not cluster:
        missing = f"cluster {wanted}".rstrip()
        raise not_deployed(environment.name, missing, missing)
    if chosen is None:
        names = ", ".join(sorted(str(one.get("cluster_name")) for one in found)) or "none"
        raise UsageError(
            "cluster-unknown",
            f"{environment.name} has no cluster {wanted}",
            resource="--cluster",
            fix=f"There are: {names}",
        )
    return Target(environment, workspace, chosen)


def _default_cluster(environment: Environment) -> str:
    named = [cluster for wheel in environment.wheels for cluster in wheel.clusters]
    return next(iter([*named, *(one.name for one in environment.clusters)]), "")
