"""The operations of the console: the board, the resources, the log."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from dbxwizard import workspace_actions as actions
from dbxwizard.backend import project
from dbxwizard.backend.console import board
from dbxwizard.backend.console.board import Board, BoardRow
from dbxwizard.backend.console.elsewhere import Elsewhere
from dbxwizard.backend.console.last_deployment import LastDeployment, newest
from dbxwizard.backend.console.log import LogBatch, read_log
from dbxwizard.backend.process import LOG
from dbxwizard.core.clock import Clock, SystemClock
from dbxwizard.core.errors import OperationError
from dbxwizard.core.plan import Plan
from dbxwizard.deployed import Deployed

if TYPE_CHECKING:
    from dbxwizard.backend.console.resources import EnvironmentResources, Resources
    from dbxwizard.backend.console.telemetry_watch import Watch
    from dbxwizard.backend.host import Notify
    from dbxwizard.backend.launch import Launch
    from dbxwizard.backend.runs import Runs
    from dbxwizard.clients.databricks import WorkspaceClient
    from dbxwizard.inventory import EnvironmentInventory
    from dbxwizard.parameters.model import Environment
    from dbxwizard.steps.connection import Connection
    from dbxwizard.workspace_actions import ClusterState, JobRun

_LOG = logging.getLogger(__name__)


class ConsoleOperations(ABC):
    """What `Service` offers to the console's modes."""

    def __init__(self, launch: Launch, notify: Notify, clock: Clock | None = None) -> None:
        self._launch, self._notify = launch, notify
        self._clock = clock or SystemClock()
        self._board = Board(_Facts(self), self._tell_row, self._clock)

    @abstractmethod
    async def connection(self) -> Connection: ...

    @abstractmethod
    async def _history(self) -> Runs: ...

    @abstractmethod
    async def _deploy_plan(self, environments: Sequence[str]) -> Plan: ...

    @abstractmethod
    def _repository(self) -> str: ...

    # the board

    async def board(self) -> tuple[BoardRow, ...]:
        """What is known of every environment. From now on the notice `board` tells each row that has changed."""
        return await self._board.rows()

    async def refresh_board(self, *, drift: tuple[str, ...] = ()) -> None:
        """Looks at every state now, and at the drift of those that are named."""
        self._board.refresh(drift)

    def _tell_row(self, row: BoardRow) -> None:
        self._notify(board.TOPIC, row)

    # resources

    async def inventory(self, *, environment: str) -> EnvironmentInventory:
        from dbxwizard import inventory

        return await inventory.read_environment(await self._environment(environment), await self.connection())

    async def resources(self, *, environment: str) -> EnvironmentResources:
        return await (await self._resources(environment)).read(self._clock.now())

    async def resource_details(self, *, environment: str, kind: str, item: str) -> str:
        """One thing as JSON, without secrets."""
        return await (await self._resources(environment)).details(kind, item)

    async def change_cluster(self, *, environment: str, cluster: str, action: str) -> ClusterState:
        """Does `action` (start, stop, restart) and waits for its end; the notice `cluster` tells each state."""
        self._require_writable()
        _LOG.info("%s: cluster %s is told to %s", environment, cluster, action)
        client = await self._workspace(environment)
        tell = partial(self._notify, "cluster")
        return await actions.change_cluster(client, environment, cluster, action, clock=self._clock, tell=tell)

    async def run_job(self, *, environment: str, job: int) -> int:
        """Starts a run; its id, for `follow_run`."""
        self._require_writable()
        _LOG.info("%s: job %s is run", environment, job)
        return await actions.start_run(await self._workspace(environment), job)

    async def follow_run(self, *, environment: str, run: int) -> JobRun:
        """Waits for the end of a job's run; the notice `job-run` tells each state."""
        client = await self._workspace(environment)
        return await actions.follow_run(
            client, environment, run, clock=self._clock, tell=partial(self._notify, "job-run")
        )

    async def _workspace(self, environment: str) -> WorkspaceClient:
        return await (await self._deployed(environment)).require_workspace()

    async def _resources(self, environment: str) -> Resources:
        from dbxwizard.backend.console.resources import Resources

        return Resources(await self._deployed(environment), self._repository())

    async def _deployed(self, environment: str) -> Deployed:
        return Deployed(await self._environment(environment), await self.connection())

    async def _environment(self, name: str) -> Environment:
        (found,) = await asyncio.to_thread(project.environments, self._launch.root, [name], ci=self._launch.ci)
        return found

    # what code that ran told

    async def watch_telemetry(self, *, environment: str, watch: Watch) -> None:
        """Until it is withdrawn; the notice `telemetry` tells what is new each time, first what was told before."""
        from dbxwizard.backend.console import telemetry_watch

        found, connection = await self._environment(environment), await self.connection()
        tell = partial(self._notify, telemetry_watch.TOPIC)
        await telemetry_watch.watch(found, connection, watch, clock=self._clock, tell=tell)

    # the log

    async def log(self, *, after: int = -1) -> LogBatch:
        """What was logged after the place `after`; -1: the newest part of what there is."""
        return await asyncio.to_thread(read_log, self._launch.state_folder / LOG, after)

    def _require_writable(self) -> None:
        if self._launch.read_only:
            raise OperationError("read-only", "the program was opened with --read-only", fix="Open it without.")


class _Facts:
    """Where the board's facts come from."""

    def __init__(self, operations: ConsoleOperations) -> None:
        self._of = operations
        self._elsewhere = Elsewhere()

    async def names(self) -> Sequence[str]:
        found = await asyncio.to_thread(project.readable, self._of._launch.root)
        return [one.name for one in found]

    async def state(self, name: str) -> EnvironmentInventory:
        return await self._of.inventory(environment=name)

    async def drift(self, name: str) -> tuple[Sequence[str], int]:
        plan = await self._of._deploy_plan([name])
        plan.require_rights()
        changes = [f"{one.step.title}: {one.change.action.value}" for one in plan.changes]
        return changes, len(plan.not_checked)

    async def credentials(self) -> dict[str, tuple[str, ...]]:
        from dbxwizard import doctor

        repository = self._of._repository()
        if not repository:
            return {}
        found = await doctor.expiring(await self._of.connection(), repository)
        return {"": tuple(f"{one.name}: {one.detail}" for one in found)}

    async def last_deployments(self) -> dict[str, LastDeployment]:
        """What Azure and GitHub do not tell takes nothing from what the journal does."""
        runs = await self._of._history()
        ours = await asyncio.to_thread(runs.last_of, "deploy")
        made = {name: LastDeployment.of_run(run) for name, run in ours.items()}
        environments = await asyncio.to_thread(project.readable, self._of._launch.root)
        connection, names = await self._of.connection(), [one.name for one in environments]
        azure = await self._elsewhere.in_azure(connection, environments)
        github = await self._elsewhere.on_github(connection, self._of._repository(), names, self._of._clock.now())
        found = {name: newest((made.get(name), azure.get(name), github.get(name))) for name in names}
        return {name: last for name, last in found.items() if last is not None}
