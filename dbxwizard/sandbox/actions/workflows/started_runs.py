"""What an event starts: a run and its jobs, as they are known before or while they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dbxwizard.sandbox.actions.expressions.values import Value
from dbxwizard.sandbox.actions.workflows import permissions
from dbxwizard.sandbox.actions.workflows.matrix import Combination
from dbxwizard.sandbox.actions.workflows.model import Concurrency, Job, Workflow

_RESULTS = ("skipped", "success", "cancelled", "failure")


def overall(results: Iterable[str]) -> str:
    """The result of several jobs: that of the worst one."""
    return max(results, key=_RESULTS.index, default="skipped")


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is not in the files.

    `results` and `outputs` of jobs by id (`deploy / plan`), a result being success, failure, cancelled or skipped;
    `variables` are `vars`; `github` are properties of that context beyond those of the event; `token` are the
    permissions of a repository's token by default. `decided`: of jobs that have begun, by id, whether they were let
    run; `is_cancelled`: somebody has asked the run to end, which conditions that are still to be decided can see.
    """

    results: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    github: Mapping[str, Value] = field(default_factory=dict)
    token: Mapping[str, str] = field(default_factory=lambda: permissions.DEFAULT)
    decided: Mapping[str, bool] = field(default_factory=dict)
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job of a run: one for each combination of its matrix. What is not known before it runs is empty.

    `handed`: what the jobs that call its workflow say under `secrets`, the outermost first; none for a job of the run's
    own workflow, which has all secrets. `needs` and `strategy` are the contexts of these names, `labels` those of its
    runner. `is_ready`: results are assumed for all that has to end before it; `waits` are the ids of those jobs,
    `within` of those that call its workflow, `combinations` its places in their matrices and in its own. `outlives`:
    its condition lets it run although the run is cancelled.
    """

    id: str
    name: str
    job: Job
    workflow: Workflow
    will_run: bool
    matrix: Mapping[str, Value] = field(default_factory=dict)
    inputs: Mapping[str, Value] = field(default_factory=dict)
    environment: str = ""
    permissions: Mapping[str, str] = field(default_factory=dict)
    concurrency: Concurrency | None = None
    handed: tuple[Mapping[str, str] | str, ...] = ()
    needs: Mapping[str, Value] = field(default_factory=dict)
    strategy: Mapping[str, Value] = field(default_factory=dict)
    is_ready: bool = True
    waits: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    combinations: tuple[Combination, ...] = ()
    labels: tuple[str, ...] = ()
    outlives: bool = False


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run of a workflow; `title` is its run-name. `error`: why it can't start; then it has no jobs."""

    path: str
    name: str
    ref: str
    jobs: tuple[StartedJob, ...] = ()
    concurrency: Concurrency | None = None
    error: str = ""
    title: str = ""

    def running(self) -> list[str]:
        """The ids of the jobs that will run."""
        return [job.id for job in self.jobs if job.will_run]
