"""A run while it goes on: snapshots of it, and what happened from one to the next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dbxwizard.clients.run_types import Budget, Run, RunJob, WaitingEnvironment
from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import OperationError
from dbxwizard.core.events import Event
from dbxwizard.core.retry import LONG_AGO, RetryPolicy, patiently
from dbxwizard.runs.pacing import REMOTE, Pace

if TYPE_CHECKING:
    from dbxwizard.clients.github_runs import GitHubRuns

# The limits of GitHub are renewed each hour; a look that is refused until then waits for it.
RETRY = RetryPolicy(retry_after_cap=3600.0)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What GitHub showed at `at` (epoch seconds). `waiting`: the environments whose rules the run waits for."""

    run: Run
    jobs: tuple[RunJob, ...]
    waiting: tuple[WaitingEnvironment, ...]
    budget: Budget | None
    at: float

    def elapsed(self, started_at: float, ended_at: float) -> float:
        """Seconds that something took, or has taken so far; 0 for what has not begun."""
        return max(0.0, (ended_at or self.at) - started_at) if started_at else 0.0

    def same(self, other: Snapshot | None) -> bool:
        """Whether nothing has happened in between."""
        return other is not None and (self.run, self.jobs, self.waiting) == (other.run, other.jobs, other.waiting)


async def look(runs: GitHubRuns, run_id: int, clock: Clock) -> Snapshot:
    """The run as it stands. Its jobs are asked after it, so those of a run that has ended have ended too."""
    run = await runs.run(run_id)
    jobs = await runs.jobs(run_id)
    waits = not run.ended and (run.status == "waiting" or any(job.status == "waiting" for job in jobs))
    waiting = await runs.waiting(run_id) if waits else []
    return Snapshot(run, tuple(jobs), tuple(waiting), runs.budget, clock.now())


class Looks(Protocol):
    """Hears of every look at a run, also of one that shows nothing new; the next one is `wait` seconds later."""

    def answered(self, snapshot: Snapshot, wait: float) -> None: ...

    def failed(self, error: OperationError, wait: float) -> None:
        """It is tried again."""


class Unheard:
    def answered(self, snapshot: Snapshot, wait: float) -> None: ...

    def failed(self, error: OperationError, wait: float) -> None:
        """Who watches sees that nothing has happened."""


async def follow(
    runs: GitHubRuns,
    run_id: int,
    clock: Clock,
    pace: Pace = REMOTE,
    retry: RetryPolicy = RETRY,
    looks: Looks | None = None,
) -> AsyncIterator[Snapshot]:
    """A snapshot each time that something has happened; the last one is of the run's end.

    Raises the core's errors for what no patience mends.
    """
    heard = looks or Unheard()

    async def once() -> Snapshot:
        return await look(runs, run_id, clock)

    def retried(error: OperationError, delay: float, _attempt: int) -> None:
        heard.failed(error, delay)

    before, quiet = None, 0
    while before is None or not before.run.ended:
        found = await patiently(once, policy=retry, clock=clock, fresh=lambda: LONG_AGO, retried=retried)
        quiet = quiet + 1 if found.same(before) else 0
        wait = pace.wait(quiet, found.budget, clock.now())
        heard.answered(found, wait)
        if not quiet:
            yield found
        if not found.run.ended:
            await clock.sleep(wait)
        before = found


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowEvent(Event):
    """`run`: GitHub's id of the run. `state`: queued, in_progress, waiting …, then how it ended."""

    run: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRunChanged(WorkflowEvent):
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowJobChanged(WorkflowEvent):
    """`seconds` that it has taken. `has_log`: its log can be had now."""

    job: str
    seconds: float
    has_log: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStepChanged(WorkflowEvent):
    job: str
    step: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewNeeded(WorkflowEvent):
    """An environment waits for somebody: `reviewers` are logins and teams, empty for a wait timer of `minutes`."""

    environment: str
    reviewers: tuple[str, ...]
    minutes: int
    may_approve: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowNotSeen(WorkflowEvent):
    """A look failed for `reason`; the next is `delay` seconds later. `state`: as it was seen last, "" for never."""

    reason: str
    delay: float


def changes(before: Snapshot | None, after: Snapshot) -> Iterator[WorkflowEvent]:
    """What happened between two snapshots, in the order of jobs and steps; the run itself last."""
    at, run = after.at, after.run
    if before is None and not run.ended:
        yield WorkflowRunChanged(at=at, run=run.id, state=run.state, title=run.title, url=run.html_url)
    jobs = {job.id: job for job in before.jobs} if before else {}
    for job in after.jobs:
        yield from _of_job(jobs.get(job.id), job, after)
    known = {one.id for one in before.waiting} if before else set()
    for one in after.waiting:
        if one.id not in known:
            yield ReviewNeeded(
                at=at,
                run=run.id,
                state="waiting",
                environment=one.name,
                reviewers=one.reviewers,
                minutes=one.timer,
                may_approve=one.may_approve,
            )
    if run.ended or (before is not None and before.run.state != run.state):
        yield WorkflowRunChanged(at=at, run=run.id, state=run.state, title=run.title, url=run.html_url)


def _of_job(before: RunJob | None, job: RunJob, after: Snapshot) -> Iterator[WorkflowEvent]:
    changed = before is None or before.state != job.state
    if changed and not job.ended:
        yield _job(job, after)
    steps = {step.number: step.state for step in before.steps} if before else {}
    for step in job.steps:
        if steps.get(step.number, "queued") != step.state and step.state not in ("pending", "skipped"):
            yield WorkflowStepChanged(
                at=after.at,
                run=after.run.id,
                state=step.state,
                job=job.name,
                step=step.name,
                seconds=after.elapsed(step.started_at, step.ended_at),
            )
    if changed and job.ended:
        yield _job(job, after)


def _job(job: RunJob, after: Snapshot) -> WorkflowJobChanged:
    seconds = after.elapsed(job.started_at, job.ended_at)
    return WorkflowJobChanged(
        at=after.at, run=after.run.id, state=job.state, job=job.name, seconds=seconds, has_log=job.has_log
    )
