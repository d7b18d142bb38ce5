"""Deployments that this machine's journal need not know: those of Azure's history, and those of jobs on GitHub."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from dbxwizard.backend.console.last_deployment import LastDeployment
from dbxwizard.core.errors import OperationError, Transient

if TYPE_CHECKING:
    from dbxwizard.clients.github_runs import GitHubRuns
    from dbxwizard.clients.run_types import Deployment
    from dbxwizard.parameters.model import Environment
    from dbxwizard.steps.connection import Connection

_LOG = logging.getLogger(__name__)
_LISTED = 100  # deployments of all environments that GitHub is asked for: one page


class Elsewhere:
    """Looks again and again: what has ended is asked for once. What can't be seen is left out, and logged."""

    def __init__(self) -> None:
        self._ended: dict[int, LastDeployment] = {}  # by GitHub's id
        self._left_alone = 0.0  # until when GitHub is

    async def in_azure(self, connection: Connection, environments: Sequence[Environment]) -> dict[str, LastDeployment]:
        """One list for each subscription."""
        from dbxwizard.steps.azure.infrastructure import deployment_name

        found: dict[tuple[str, str], LastDeployment] = {}
        for subscription in {one.subscription_id for one in environments if one.subscription_id}:
            try:
                listed = await connection.arm(subscription).deployments()
            except OperationError as error:
                _LOG.info("the deployments of subscription %s can't be seen: %s", subscription, error.message)
                continue
            found |= {(subscription, str(one["name"])): LastDeployment.of_azure(one) for one in listed}
        keys = {one.name: (one.subscription_id, deployment_name(one.name, one.location)) for one in environments}
        return {name: found[key] for name, key in keys.items() if key in found}

    async def on_github(
        self, connection: Connection, repository: str, names: Collection[str], now: float
    ) -> dict[str, LastDeployment]:
        """One list for all environments, which costs nothing while it stays the same, and each deployment's end."""
        if not (repository and connection.has_github) or now < self._left_alone:
            return {}
        try:
            runs = (await connection.github_loaded(repository)).runs
            listed = await runs.deployments(limit=_LISTED)
            newest = {one.environment.lower(): one for one in reversed(listed)}
            wanted = {name: newest[name.lower()] for name in names if name.lower() in newest}
            return {name: await self._deployed(runs, one) for name, one in wanted.items()}
        except OperationError as error:
            _LOG.info("the deployments of %s can't be seen: %s", repository, error.message)
            self._left_alone = now + (error.retry_after or 0.0 if isinstance(error, Transient) else 0.0)
            return {}

    async def _deployed(self, runs: GitHubRuns, deployment: Deployment) -> LastDeployment:
        if deployment.id not in self._ended:
            found = LastDeployment.of_github(deployment, await runs.deployment_statuses(deployment.id))
            if found.status == "running":
                return found
            self._ended[deployment.id] = found
        return self._ended[deployment.id]
