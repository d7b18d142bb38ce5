"""The first page: what will be made and roughly what it costs, how one can sign in, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbxwizard import doctor
from dbxwizard.backend.tables import table
from dbxwizard.backend.wizard.sign_ins import SignInWay, sign_in_ways
from dbxwizard.doctor import Check, Verdict
from dbxwizard.parameters.model import Cluster, Environment

if TYPE_CHECKING:
    from dbxwizard.clients.cloud import Cloud
    from dbxwizard.steps.connection import Connection


@dataclass(frozen=True, slots=True)
class CostLine:
    """`count`: of environments that have it, 0 for what all share. `monthly_usd`: of all of them together, while
    nothing runs; None where no price is stated."""

    resource: str
    what: str
    cost: str
    count: int
    monthly_usd: float | None


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """A cluster of a file: `nodes` at most, its driver among them; `idle_minutes` without work until it stops, 0 never.

    It is started once, when it is made.
    """

    environment: str
    name: str
    node_type: str
    nodes: int
    idle_minutes: int


@dataclass(frozen=True, slots=True)
class Costs:
    """`monthly_usd`: of what stands, the lines without a price left out. `read`: the day on which `source` said so."""

    lines: tuple[CostLine, ...]
    clusters: tuple[ClusterLine, ...]
    monthly_usd: float
    note: str
    source: str
    read: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """Something without which the wizard can't go on, and how to mend it."""

    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """`environments`: those of the files, else those that are written. `checks`: the doctor's, once somebody has signed
    in and chosen a subscription."""

    environments: tuple[str, ...]
    costs: Costs
    sign_ins: tuple[SignInWay, ...]
    lacking: tuple[Lacking, ...]
    checks: tuple[Check, ...] = ()


async def welcome(
    cloud: Cloud,
    environ: Mapping[str, str],
    environments: Sequence[Environment],
    *,
    connection: Connection | None = None,
    subscription_id: str = "",
    repository: str = "",
    shipped: Sequence[Environment] = (),
) -> Welcome:
    """Sends nothing without a `connection` and a subscription. `environ`: the variables that may be used here;
    `shipped`: the environments that are written where there are none."""
    ways = sign_in_ways(cloud, environ)
    checks: list[Check] = []
    if connection is not None and subscription_id:
        ready = [one for one in environments if one.subscription_id]
        checks = await doctor.examine(connection, subscription_id, repository, ready)
    planned = environments or shipped
    names = tuple(environment.name for environment in planned)
    return Welcome(names, costs(planned), ways, lacking(checks, environments), tuple(checks))


def costs(environments: Sequence[Environment]) -> Costs:
    data = table("costs")
    lines = [
        *(_line(row, _having(row, environments)) for row in data["per_environment"]),
        *(_line(row, 0) for row in data["once"]),
    ]
    clusters = [_cluster(environment.name, one) for environment in environments for one in environment.clusters]
    kept = tuple(line for line in lines if line.count or line.resource in {row["resource"] for row in data["once"]})
    total = sum(line.monthly_usd or 0.0 for line in kept)
    return Costs(kept, tuple(clusters), total, data["note"], data["source"], data["read"])


def _having(row: Mapping[str, Any], environments: Sequence[Environment]) -> int:
    """How many environments have it: all, or those without public addresses for their clusters."""
    if row.get("when") == "no_public_ip":
        return sum(environment.resources.workspace.no_public_ip for environment in environments)
    return len(environments)


def _line(row: Mapping[str, Any], count: int) -> CostLine:
    each = row["monthly_usd"]
    monthly = None if each is None else float(each) * max(count, 1)
    return CostLine(row["resource"], row["what"], row["cost"], count, monthly)


def _cluster(environment: str, cluster: Cluster) -> ClusterLine:
    settings = cluster.settings
    workers = int((settings.get("autoscale") or {}).get("max_workers") or settings.get("num_workers") or 0)
    idle = int(settings.get("autotermination_minutes") or 0)
    return ClusterLine(environment, cluster.name, str(settings.get("node_type_id", "")), workers + 1, idle)


def lacking(checks: Sequence[Check], environments: Sequence[Environment]) -> tuple[Lacking, ...]:
    """Ways to sign in are never lacking here: somebody is there to be asked."""
    files = (
        []
        if environments
        else [Lacking("environment files", "Write the files of a new project, here or with `dbxwizard init`.")]
    )
    missing = [check for check in checks if check.verdict is Verdict.MISSING]
    return (*files, *(Lacking(f"{check.name}: {check.detail}", check.fix) for check in missing))
