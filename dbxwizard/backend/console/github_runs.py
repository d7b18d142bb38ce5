"""The operations of the mode Runs: workflow runs on GitHub, listed, watched, started, approved, run again, cancelled.

What is asked again and again goes out conditionally, so an unchanged answer costs nothing of the hour's requests; how
long the screens wait is what `runs.pacing` computes from what is left of them.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dbxwizard.backend.console import job_log
from dbxwizard.backend.views import is_production
from dbxwizard.clients.run_types import Budget, Run, RunJob, RunStep, WaitingEnvironment
from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import Forbidden, NotFound, OperationError
from dbxwizard.runs.deployed import Places, runs_that_deploy
from dbxwizard.runs.digest import Failure
from dbxwizard.runs.following import Snapshot
from dbxwizard.runs.graph import Graph, Node, graph_of
from dbxwizard.runs.inputs import Input
from dbxwizard.runs.launching import Launchable
from dbxwizard.runs.pacing import LOCAL, REMOTE, Pace

if TYPE_CHECKING:
    from pathlib import Path

    from dbxwizard.backend.host import Notify
    from dbxwizard.backend.launch import Launch
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.github_runs import GitHubRuns
    from dbxwizard.steps.connection import Connection

__all__ = ["Budget", "Failure", "Input", "Launchable", "Node", "Run", "RunJob", "RunStep", "WaitingEnvironment"]

_LOG = logging.getLogger(__name__)
WATCHED, LOOKED, LOADED = "github-run", "github-run-look", "github-log"  # notices
_SHOWN = 50  # runs of a list, and deployments that say where they went
_LISTING = Pace(fastest=5.0, slowest=30.0)
_LATE = 10.0  # seconds that an answer may take until what is shown counts as old


@dataclass(frozen=True, slots=True)
class RunList:
    """`places`: the environments that each run deployed to or waits for, by its id. `again`: seconds until the next
    look; without its answer this is old from `stale_at` on."""

    runs: tuple[Run, ...]
    places: Mapping[int, tuple[str, ...]]
    budget: Budget | None
    at: float
    again: float
    stale_at: float


@dataclass(frozen=True, slots=True)
class WatchedRun:
    """A run at `at` (epoch seconds). `nodes`: its jobs, with those of the workflow's file that are still to come.

    `production`: the production environments that it deploys to, as far as that is known.
    """

    run: Run
    nodes: tuple[Node, ...]
    waiting: tuple[WaitingEnvironment, ...]
    production: tuple[str, ...]
    budget: Budget | None
    at: float


@dataclass(frozen=True, slots=True)
class RunLook:
    """How the looks at a run go, in epoch seconds: what was `seen` last (0: nothing yet) is old from `stale_at` on.

    `error`: why looks have failed since `failed_at`; the next one is at `due`. None where the last one did not.
    """

    run: int
    seen: float
    due: float
    stale_at: float
    error: OperationError | None = None
    failed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class LaunchForm:
    """What can be started by hand on `ref`."""

    ref: str
    workflows: tuple[Launchable, ...]


@dataclass
class RunDesk:
    """What is remembered between two questions."""

    places: Places = field(default_factory=Places)
    last: tuple[Run, ...] = ()
    quiet: int = 0  # looks at the list without news


class GitHubRunOperations(ABC):
    """What `Service` offers to the mode Runs."""

    _launch: Launch
    _notify: Notify
    _clock: Clock
    _desk: RunDesk

    @abstractmethod
    async def connection(self) -> Connection: ...

    @abstractmethod
    def _chosen_repository(self) -> str: ...

    @abstractmethod
    def _require_writable(self) -> None: ...

    async def _github(self) -> GitHubClient:
        return await (await self.connection()).github_loaded(self._chosen_repository())

    @property
    def _pace(self) -> Pace:
        return LOCAL if self._launch.sandbox else REMOTE

    # the list

    async def github_runs(
        self, *, environment: str = "", branch: str = "", state: str = "", places: bool = True
    ) -> RunList:
        """The newest runs, "" for any. `state`: a status or a conclusion. Without `places` what is known of them."""
        runs = (await self._github()).runs
        if environment:
            found = await self._deployed_to(runs, environment, branch, state)
        else:
            found = await runs.runs(filters={"branch": branch, "status": state}, limit=_SHOWN)
        if places:
            await self._learn_places(runs)
        desk, shown = self._desk, tuple(found)
        desk.quiet = desk.quiet + 1 if shown == desk.last else 0
        desk.last = shown
        known = {run.id: desk.places.of[run.id] for run in shown if run.id in desk.places.of}
        pace, now = LOCAL if self._launch.sandbox else _LISTING, self._clock.now()
        wait = pace.wait(desk.quiet, runs.budget, now)
        return RunList(shown, known, runs.budget, now, wait, now + wait + _LATE)

    async def _deployed_to(self, runs: GitHubRuns, environment: str, branch: str, state: str) -> list[Run]:
        """What went to `environment`, or only planned it."""
        found = await runs_that_deploy(runs, (environment, f"{environment}-plan"), _SHOWN)
        return [run for run in found if branch in ("", run.branch) and state in ("", run.status, run.conclusion)]

    async def _learn_places(self, runs: GitHubRuns) -> None:
        try:
            await self._desk.places.learn(runs)
        except (NotFound, Forbidden) as error:  # a token that may not see deployments still sees runs
            _LOG.info("the deployments can't be read: %s", error)

    # one run

    async def follow_github_run(self, *, run: int) -> WatchedRun:
        """Waits for the end of a run; the notice `github-run` tells each state, the first one at once.

        The notice `github-run-look` tells of each look, also of one that failed and is made again.
        """
        from dbxwizard.runs.following import follow

        runs = (await self._github()).runs
        graph, seen = None, None
        looks = _Looks(run, self._notify, self._clock)
        async for snapshot in follow(runs, run, self._clock, self._pace, looks=looks):
            graph = graph or await _graph(runs, snapshot.run)
            seen = self._watched(snapshot, graph.of(snapshot.jobs))
            self._notify(WATCHED, seen)
        assert seen is not None  # noqa: S101  a run has a state
        return seen

    def _watched(self, snapshot: Snapshot, nodes: tuple[Node, ...]) -> WatchedRun:
        run, waiting = snapshot.run, snapshot.waiting
        places = [*(one.name for one in waiting), *self._desk.places.of.get(run.id, ())]
        # The workflows name the job that deploys after its environment: workflows/deploy.yml.
        named = [part for job in snapshot.jobs for part in job.name.split(" / ")]
        production = dict.fromkeys(name for name in (*places, *named) if is_production(name))
        return WatchedRun(run, nodes, waiting, tuple(production), snapshot.budget, snapshot.at)

    async def explain_github_run(self, *, run: int) -> tuple[Failure, ...]:
        """Why its jobs failed: the step, its error lines, what to do."""
        from dbxwizard.runs.digest import explaining, failures

        client = await self._github()
        return tuple(await failures(client.runs, await client.runs.jobs(run), explaining(client)))

    async def github_job_log(self, *, job: int) -> Path | None:
        """Where the log of a job that has ended lies; None while GitHub has none.

        The notice `github-log` names the file as soon as its first bytes are there, so that it can be read meanwhile.
        """
        runs = (await self._github()).runs
        return await job_log.fetch(runs, job, self._launch.state_folder, lambda path: self._notify(LOADED, (job, path)))

    # what a person may do

    async def github_launch_form(self, *, ref: str = "") -> LaunchForm:
        """What can be started by hand on a branch or tag, "" for the default branch."""
        from dbxwizard.runs.launching import launchable

        client = await self._github()
        ref = ref or (await client.repository()).default_branch
        return LaunchForm(ref, await launchable(client, ref))

    async def launch_github_run(self, *, workflow: str, ref: str, inputs: dict[str, str]) -> int:
        """Starts a workflow (its file's name) on a branch or tag; the run's id."""
        from dbxwizard.runs.launching import launch

        self._require_writable()
        _LOG.info("%s is started on %s", workflow, ref)
        return (await launch(await self._github(), workflow, ref, inputs, self._clock)).id

    async def review_github_run(
        self, *, run: int, environments: tuple[str, ...], approve: bool, comment: str = ""
    ) -> None:
        """Approves or rejects what the run waits for."""
        self._require_writable()
        runs = (await self._github()).runs
        ids = [one.id for one in await runs.waiting(run) if one.name in environments]
        if len(ids) < len(environments):
            raise OperationError(
                "run-not-waiting",
                f"the run does not wait for {', '.join(environments)} any more",
                resource=f"run {run}",
                fix="Somebody else has decided, or the run has ended: look at it again.",
            )
        _LOG.info("run %s: %s %s", run, "approves" if approve else "rejects", ", ".join(environments))
        await runs.review(run, ids, approve=approve, comment=comment)

    async def rerun_github_run(self, *, run: int, failed: bool = False) -> None:
        """Starts all jobs again, or those that `failed`; returns once GitHub shows the new attempt."""
        from dbxwizard.runs.launching import rerun

        self._require_writable()
        client = await self._github()
        _LOG.info("run %s: %s again", run, "what failed" if failed else "all jobs")
        await rerun(client, await client.runs.run(run), self._clock, failed=failed)

    async def cancel_github_run(self, *, run: int) -> None:
        self._require_writable()
        _LOG.info("run %s is cancelled", run)
        await (await self._github()).runs.cancel(run)


class _Looks:
    """Tells how they go."""

    def __init__(self, run: int, notify: Notify, clock: Clock) -> None:
        self._run, self._notify, self._clock = run, notify, clock
        self._seen = self._failed_at = 0.0

    def answered(self, snapshot: Snapshot, wait: float) -> None:
        self._seen, self._failed_at = snapshot.at, 0.0
        self._tell(wait, None)

    def failed(self, error: OperationError, wait: float) -> None:
        self._failed_at = self._failed_at or self._clock.now()
        self._tell(wait, error)

    def _tell(self, wait: float, error: OperationError | None) -> None:
        due = self._clock.now() + wait
        self._notify(LOOKED, RunLook(self._run, self._seen, due, due + _LATE, error, self._failed_at))


async def _graph(runs: GitHubRuns, run: Run) -> Graph:
    """Empty where the token may not read the workflow's file: then the jobs stand for themselves."""
    try:
        return await graph_of(runs, run)
    except (NotFound, Forbidden) as error:
        _LOG.info("the workflow of run %s can't be read: %s", run.id, error)
        return Graph()
