"""What is there now, as data, for `status` and the operations console. Reads only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import Forbidden, NotFound, NotSignedIn, NotYet, ServiceError
from dbxwizard.deployed import Deployed

if TYPE_CHECKING:
    from dbxwizard.arm_template import Expansion, Expected
    from dbxwizard.parameters.model import Environment
    from dbxwizard.steps.connection import Connection


@dataclass(frozen=True, slots=True)
class Cluster:
    """`state` as Databricks says it: RUNNING, TERMINATED, PENDING …; `ours`: made by dbxwizard.

    `workers` are those of now; `cores` of all its nodes, 0 where the node types do not tell; `idle_minutes` until it
    ends by itself, 0 for never.
    """

    name: str
    cluster_id: str
    state: str
    ours: bool
    node_type: str = ""
    workers: int = 0
    cores: int = 0
    idle_minutes: int = 0

    @property
    def costs(self) -> bool:
        """Whether machines are up for it, or about to be."""
        return self.state in ("RUNNING", "PENDING", "RESTARTING", "RESIZING")


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    job_id: int
    ours: bool


@dataclass(frozen=True, slots=True)
class EnvironmentInventory:
    """`state`: absent, incomplete (Azure resources of the template are missing), deployed, or not checked where it may
    not be seen. `not_checked` says why, or why the inside of the workspace could not be seen."""

    name: str
    state: str
    resource_group: str
    location: str
    workspace_url: str = ""
    resources: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    jobs: tuple[Job, ...] = ()
    not_checked: str = ""

    def to_json(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if name != "name"}


async def read_environment(environment: Environment, connection: Connection) -> EnvironmentInventory:
    """Raises the core's errors for what keeps anything from being read."""
    group, deployed = environment.resources.resource_group, Deployed(environment, connection)
    arm = connection.arm(environment.subscription_id)
    try:
        found = await arm.resources_in(group)
    except NotFound:
        return EnvironmentInventory(environment.name, "absent", group, environment.location)
    present = {str(one["id"]).lower() for one in found}
    missing = tuple(
        _label(item.type, item.name) for item in _top_level(deployed.expected, group) if item.id.lower() not in present
    )
    return EnvironmentInventory(
        environment.name,
        "incomplete" if missing else "deployed",
        group,
        environment.location,
        resources=tuple(sorted(_label(str(one["type"]), str(one["name"])) for one in found)),
        missing=missing,
        **await _inside(deployed),
    )


def unread(environment: Environment, refused: ServiceError) -> EnvironmentInventory:
    """What is known of an environment that `refused` to be read."""
    group = environment.resources.resource_group
    return EnvironmentInventory(
        environment.name, "not checked", group, environment.location, not_checked=refused.message
    )


def _top_level(wanted: Expansion, group: str) -> list[Expected]:
    """Those that a list of the group's resources shows: neither children nor extensions of others."""
    inside = f"/resourcegroups/{group}/providers/".lower()
    return [
        item
        for item in wanted.resources
        if inside in item.id.lower() and item.id.count("/providers/") == 1 and item.type.count("/") == 1
    ]


def _label(kind: str, name: str) -> str:
    return f"{kind}/{name}"


async def _inside(deployed: Deployed) -> dict[str, Any]:
    """Address, clusters and jobs of the workspace, as far as the caller may see them."""
    client = await deployed.workspace()
    if client is None:
        return {}
    url = client.url
    try:
        clusters, jobs = await client.clusters(), await client.jobs()
    except (Forbidden, NotYet, NotSignedIn) as error:
        return {"workspace_url": url, "not_checked": error.message}
    return {
        "workspace_url": url,
        "clusters": tuple(sorted((_cluster(one) for one in clusters), key=lambda one: one.name)),
        "jobs": tuple(sorted((_job(one) for one in jobs), key=lambda one: one.name)),
    }


def is_ours(tags: Mapping[str, Any] | None) -> bool:
    """Whether what has these tags was made by dbxwizard."""
    from dbxwizard.steps.databricks.shared_workspace import TAG

    return TAG in (tags or {})


def _cluster(found: Mapping[str, Any]) -> Cluster:
    node_type, workers = str(found.get("node_type_id", "")), int(found.get("num_workers") or 0)
    return Cluster(
        str(found.get("cluster_name", "")),
        str(found["cluster_id"]),
        str(found.get("state", "")),
        ours=is_ours(found.get("custom_tags")),
        node_type=node_type,
        workers=workers,
        cores=cores_of(found, workers),
        idle_minutes=int(found.get("autotermination_minutes") or 0),
    )


def cores_of(settings: Mapping[str, Any], workers: int) -> int:
    """Of a driver and as many workers; a type's cores stand in its name (Standard_D4ds_v5: 4), else they count 0."""
    kinds = settings.get("node_type_id", ""), settings.get("driver_node_type_id") or settings.get("node_type_id", "")
    worker, driver = (_cores(str(kind)) for kind in kinds)
    return workers * worker + driver


def _cores(node_type: str) -> int:
    found = re.match(r"Standard_[A-Z]+(\d+)", node_type)
    return int(found.group(1)) if found else 0


def _job(found: Mapping[str, Any]) -> Job:
    settings = found.get("settings") or {}
    return Job(str(settings.get("name", "")), int(found["job_id"]), is_ours(settings.get("tags")))
