"""The newest deployment of an environment that anybody made: by this machine's journal, Azure's history, or GitHub's.

Azure keeps the deployment of each environment under one name, with when it ended and, in its tags, who began it and
where (steps.azure.infrastructure). A run that changed nothing there is known to the journal, or to GitHub if a job
made it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dbxwizard.core.journal import JournalRun

if TYPE_CHECKING:
    from dbxwizard.clients.run_types import Deployment, DeploymentStatus

_STATUSES = {"Succeeded": "success", "Failed": "error", "Canceled": "cancelled"}
_OF_JOBS = {"success": "success", "inactive": "success", "failure": "error", "error": "error"}
_RUN = re.compile(r"https?://\S+/actions/runs/\d+")
_CLOCKS = 60.0  # seconds by which Azure's clock and ours may differ


@dataclass(frozen=True, slots=True)
class LastDeployment:
    """`status` as in the journal; `at` (epoch seconds) is when it ended, or began where it has not.

    `where` is "" for this machine's journal. `actor` is "" and `changes` None where nobody knows.
    """

    status: str
    at: float
    actor: str
    where: str = ""
    changes: int | None = None

    @classmethod
    def of_run(cls, run: JournalRun) -> LastDeployment:
        return cls(run.status, run.ended or run.started, run.actor, changes=run.changes)

    @classmethod
    def of_azure(cls, deployment: Mapping[str, Any]) -> LastDeployment:
        """learn.microsoft.com/rest/api/resources/deployments/list-at-subscription-scope"""
        from dbxwizard.steps.azure.infrastructure import BY, FROM

        properties, tags = deployment["properties"], deployment.get("tags") or {}
        status = _STATUSES.get(str(properties.get("provisioningState")), "running")
        at = datetime.fromisoformat(str(properties["timestamp"])).timestamp()
        return cls(status, at, str(tags.get(BY, "")), str(tags.get(FROM, "")) or "Azure")

    @classmethod
    def of_github(cls, deployment: Deployment, statuses: Sequence[DeploymentStatus]) -> LastDeployment:
        """`statuses`: the newest first. A job that was overtaken is `inactive`, and had succeeded."""
        last = statuses[0] if statuses else None
        status = _OF_JOBS.get(last.state, "running") if last else "running"
        run = next((found[0] for one in statuses if (found := _RUN.search(one.log_url))), "GitHub")
        return cls(status, last.created_at if last else deployment.created_at, deployment.creator, run)


def newest(found: Iterable[LastDeployment | None]) -> LastDeployment | None:
    """The last one; this machine's own (which come first) where Azure's is of the same run."""
    last = None
    for one in found:
        if one is not None and (last is None or (last.status != "running" and one.at > last.at + _CLOCKS)):
            last = one
    return last
