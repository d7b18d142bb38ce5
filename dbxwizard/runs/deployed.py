"""What deployments on GitHub say: what was deployed last, and which runs deployed to an environment."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbxwizard.clients.run_types import DeploymentStatus, Run
from dbxwizard.core.errors import NotFound

if TYPE_CHECKING:
    from dbxwizard.clients.github_runs import GitHubRuns

_LOOKED_AT = 50  # deployments; a workflow that fails more often in a row has other problems
# The address that deploy.yml gives a deployment ends in ?ref=, and then what was deployed.
_ADDRESS = re.compile(r"\?ref=(?P<ref>refs/[^\s@?&#]+@(?P<commit>[0-9a-f]{40}))$")
_RUN = re.compile(r"/actions/runs/(\d+)")


@dataclass(frozen=True, slots=True)
class Deployed:
    """`ref`: as `--ref` takes it, a branch or tag and the commit that was deployed."""

    ref: str
    commit: str
    at: float  # epoch seconds


async def last_deployed(runs: GitHubRuns, environment: str) -> Deployed | None:
    """The newest deployment to an environment that succeeded, of those that deploy.yml made; None where none did."""
    for deployment in await runs.deployments(environment, limit=_LOOKED_AT):
        done = [one for one in await runs.deployment_statuses(deployment.id) if one.state == "success"]
        found = _ADDRESS.search(done[0].environment_url) if done else None
        if found:
            return Deployed(found["ref"], found["commit"], done[0].created_at)
    return None


async def runs_that_deploy(runs: GitHubRuns, environments: Sequence[str], limit: int) -> list[Run]:
    """The runs that deployed to, or wait for, any of the environments: the newest first.

    GitHub has no filter for it: a deployment's status leads to the job that made it.
    """
    lists = await asyncio.gather(*(runs.deployments(name, limit=limit) for name in environments))
    found = sorted((one for some in lists for one in some), key=lambda one: one.created_at, reverse=True)
    statuses = await asyncio.gather(*(runs.deployment_statuses(one.id) for one in found))
    ids = dict.fromkeys(filter(None, map(_run_of, statuses)))
    return [run for run in await asyncio.gather(*(_run(runs, one) for one in list(ids)[:limit])) if run]


class Places:
    """The environments that runs deployed to or wait for, by their ids; each deployment is looked at once."""

    def __init__(self) -> None:
        self.of: dict[int, tuple[str, ...]] = {}
        self._known: set[int] = set()

    async def learn(self, runs: GitHubRuns) -> None:
        """Of the newest deployments."""
        new = [one for one in await runs.deployments(limit=_LOOKED_AT) if one.id not in self._known]
        statuses = await asyncio.gather(*(runs.deployment_statuses(one.id) for one in new))
        for deployment, run in zip(new, map(_run_of, statuses), strict=True):
            if run:  # no status tells of it before the job begins or waits
                self._known.add(deployment.id)
                self.of[run] = tuple(dict.fromkeys((*self.of.get(run, ()), deployment.environment)))


def _run_of(statuses: Sequence[DeploymentStatus]) -> int:
    """The id of the run that made a deployment, 0 where another program did."""
    found = (match for status in statuses if (match := _RUN.search(status.log_url)))
    return next((int(match[1]) for match in found), 0)


async def _run(runs: GitHubRuns, run_id: int) -> Run | None:
    try:
        return await runs.run(run_id)
    except NotFound:  # runs are deleted after a while, deployments stay
        return None
