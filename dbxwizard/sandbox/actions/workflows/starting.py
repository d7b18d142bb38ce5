"""Which workflows and jobs an event starts: `started(files, event)`, a pure function of the files and the event.

    runs = started({".github/workflows/deploy.yml": text}, push("refs/heads/main"))
    [(job.id, job.environment) for run in runs for job in run.jobs if job.will_run]

A job's `if` is decided as if each job that runs succeeds, unless `Assumed` says otherwise. Jobs of called workflows
stand with the job that calls them: `deploy / plan`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from dbxwizard.sandbox.actions.expressions.errors import ExpressionError
from dbxwizard.sandbox.actions.expressions.evaluate import Scope, condition, expand
from dbxwizard.sandbox.actions.expressions.status import for_job
from dbxwizard.sandbox.actions.expressions.values import Value, to_text
from dbxwizard.sandbox.actions.workflows import permissions
from dbxwizard.sandbox.actions.workflows.events import Event, listens
from dbxwizard.sandbox.actions.workflows.inputs import InputError, called_inputs, check_secrets, dispatch_inputs
from dbxwizard.sandbox.actions.workflows.matrix import combinations
from dbxwizard.sandbox.actions.workflows.model import Concurrency, Job, Trigger, Workflow
from dbxwizard.sandbox.actions.workflows.problems import WorkflowError
from dbxwizard.sandbox.actions.workflows.reading import read_workflow

FOLDER = ".github/workflows/"
MAX_LEVELS = 10  # docs.github.com/actions/how-tos/reuse-automations/reuse-workflows#nesting-reusable-workflows
_RESULTS = ("skipped", "success", "cancelled", "failure")  # the last one of several jobs is their result


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is not in the files.

    `results` and `outputs` of jobs by id (`deploy / plan`), a result being success, failure, cancelled or skipped;
    `variables` are `vars`; `github` are properties of that context beyond those of the event; `token` are the
    permissions of a repository's token by default.
    """

    results: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    github: Mapping[str, Value] = field(default_factory=dict)
    token: Mapping[str, str] = field(default_factory=lambda: permissions.DEFAULT)


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job of a run: one for each combination of its matrix. What is not known before it runs is empty.

    `handed`: what the jobs that call its workflow say under `secrets`, the outermost first; none for a job of the run's
    own workflow, which has all secrets.
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


def started(files: Mapping[str, str], event: Event, assumed: Assumed | None = None) -> list[StartedRun]:
    """The runs that start, by path.

    `files`: texts by path from the repository's root, as they are at the commit of the event. For a push a file that
    can't be read starts a run that has failed (for which other events GitHub shows one is not published). Raises
    InputError for a start by hand with inputs that the workflow doesn't take.
    """
    paths = sorted(path for path in files if _is_workflow(path) and event.workflow in {"", path})
    return [run for path in paths for run in _run(path, files, event, assumed or Assumed())]


def _is_workflow(path: str) -> bool:
    name = path.removeprefix(FOLDER)
    return path.startswith(FOLDER) and "/" not in name and name.endswith((".yml", ".yaml"))


@lru_cache(maxsize=64)
def _read(path: str, text: str) -> Workflow:
    return read_workflow(path, text)


def _run(path: str, files: Mapping[str, str], event: Event, assumed: Assumed) -> Iterator[StartedRun]:
    try:
        workflow = _read(path, files[path])
    except WorkflowError as error:
        if event.name == "push":
            yield StartedRun(path, path, event.ref, error=f"The workflow is not valid. {error}")
        return
    trigger = workflow.triggers.get(event.name)
    if trigger is None or not listens(trigger, event):
        return
    inputs = dispatch_inputs(trigger, event.inputs) if event.name == "workflow_dispatch" else {}
    walk = _Walk(files, event, assumed, workflow)
    try:
        jobs = tuple(walk.jobs(workflow, inputs, assumed.token))
        group = _concurrency(workflow.concurrency, walk.scope(inputs))
        title = to_text(expand(workflow.run_name, walk.scope(inputs)))
    except (WorkflowError, ExpressionError, InputError, ValueError) as error:
        yield StartedRun(path, workflow.name, event.ref, error=f"The workflow is not valid. {error}")
        return
    yield StartedRun(path, workflow.name, event.ref, jobs, group, title=title)


def _concurrency(concurrency: Concurrency | None, scope: Scope) -> Concurrency | None:
    """With its group and whether it cancels known; an empty group is none."""
    if concurrency is None:
        return None
    cancels = concurrency.cancel_in_progress
    cancels = expand(cancels, scope) if isinstance(cancels, str) else cancels
    group = to_text(expand(concurrency.group, scope))
    return Concurrency(group, cancels, concurrency.queue) if group else None


@dataclass(frozen=True, slots=True)
class _Walk:
    """Goes over the jobs of a workflow and of those that it calls."""

    files: Mapping[str, str]
    event: Event
    assumed: Assumed
    caller: Workflow

    def scope(self, inputs: Mapping[str, Value], **contexts: Value) -> Scope:
        """What expressions may name: the `github` context is always that of the workflow that was started."""
        github = {"workflow": self.caller.name, **self.event.github(), **self.assumed.github}
        return Scope({"github": github, "vars": dict(self.assumed.variables), "inputs": dict(inputs), **contexts})

    def jobs(
        self,
        workflow: Workflow,
        inputs: Mapping[str, Value],
        allowed: Mapping[str, str],
        before: str = "",
        handed: tuple[Mapping[str, str] | str, ...] = (),
    ) -> Iterator[StartedJob]:
        """All jobs, those first that others need. `before`: what stands before their ids."""
        results: dict[str, str] = {}
        for job in _in_order(workflow):
            found = list(self._job(_Place(workflow, job, inputs, allowed, before, handed), results))
            own = [_result(each, self.assumed) for each in found]
            results[job.id] = self.assumed.results.get(before + job.id, max(own, key=_RESULTS.index, default="skipped"))
            yield from found

    def _job(self, place: _Place, results: Mapping[str, str]) -> Iterator[StartedJob]:
        job, needs = place.job, self._needs(place, results)
        scope = self.scope(place.inputs, needs=needs)
        earlier = {name: results[name] for name in _ancestors(place.workflow, job.id)}
        decided = Scope(scope.contexts, for_job(earlier, cancelled=False))
        granted = self._granted(place)
        if not condition(job.condition, decided):
            yield StartedJob(place.id, job.name or place.id, job, place.workflow, will_run=False, permissions=granted)
            return
        try:
            yield from list(self._expanded(place, scope, granted))
        except (ExpressionError, ValueError):
            # Values of jobs that have not ended are not known yet: GitHub evaluates when they have.
            if all(place.before + name in self.assumed.results for name in job.needs):
                raise
            yield StartedJob(place.id, job.name or place.id, job, place.workflow, will_run=True, permissions=granted)

    def _expanded(self, place: _Place, scope: Scope, granted: Mapping[str, str]) -> Iterator[StartedJob]:
        for number, matrix in enumerate(_combinations(place.job, scope)):
            own = {**scope.contexts, "matrix": matrix, "strategy": {"job-index": number}}
            full = Scope(own, scope.functions)
            yield from self._called(place, full, granted) if place.job.uses else [_plain(place, full, granted)]

    def _needs(self, place: _Place, results: Mapping[str, str]) -> dict[str, Value]:
        outputs = self.assumed.outputs
        return {
            name: {"result": results[name], "outputs": dict(outputs.get(place.before + name, {}))}
            for name in place.job.needs
        }

    def _granted(self, place: _Place) -> dict[str, str]:
        wanted = permissions.of_job(place.workflow, place.job, place.allowed)
        if self.event.is_from_fork and self.event.name == "pull_request":
            return permissions.without_writing(wanted)
        return wanted

    def _called(self, place: _Place, scope: Scope, granted: Mapping[str, str]) -> Iterator[StartedJob]:
        job = place.job
        called, trigger = self._workflow(place)
        check_secrets(job, trigger)
        inputs = called_inputs(job, trigger, scope)
        nested = list(self.jobs(called, inputs, granted, f"{place.id} / ", (*place.handed, job.secrets)))
        for each in nested:
            beyond = permissions.excess(each.permissions, granted)
            if beyond:
                name = each.job.name or each.job.id
                raise InputError(
                    f"{place.workflow.path} (Line: {job.line}, Col: {job.column}): Error calling workflow "
                    f"'{job.uses}'. The nested job '{name}' {beyond}"
                )
        yield from nested

    def _workflow(self, place: _Place) -> tuple[Workflow, Trigger]:
        """The workflow that a job calls, and its `workflow_call`."""
        uses = place.job.uses
        path = uses[2:]
        if not uses.startswith(("./", "$/")):
            raise InputError(f"The sandbox calls workflows of the same repository only: {uses}")
        if path not in self.files:
            raise InputError(f'error parsing called workflow "{uses}": workflow was not found.')
        if place.id.count(" / ") + 2 > MAX_LEVELS:
            raise InputError(f"Nested reusable workflow depth exceeded {MAX_LEVELS}.")
        called = _read(path, self.files[path])
        trigger = called.triggers.get("workflow_call")
        if trigger is None:
            raise InputError(
                f'error parsing called workflow "{uses}": workflow is not reusable as it is missing a '
                "`on.workflow_call` trigger"
            )
        return called, trigger


@dataclass(frozen=True, slots=True)
class _Place:
    """A job and where it stands: `allowed` is what its token may be given, `before` stands before its id."""

    workflow: Workflow
    job: Job
    inputs: Mapping[str, Value]
    allowed: Mapping[str, str]
    before: str
    handed: tuple[Mapping[str, str] | str, ...]

    @property
    def id(self) -> str:
        return self.before + self.job.id


def _plain(place: _Place, scope: Scope, granted: Mapping[str, str]) -> StartedJob:
    job, matrix = place.job, scope.contexts["matrix"]
    environment = to_text(expand(job.environment.name, scope)) if job.environment else ""
    return StartedJob(
        id=place.id,
        name=place.before + _name(job, scope),
        job=job,
        workflow=place.workflow,
        will_run=True,
        matrix=matrix,
        inputs=place.inputs,
        environment=environment,
        permissions=granted,
        concurrency=_concurrency(job.concurrency, scope),
        handed=place.handed,
    )


def _name(job: Job, scope: Scope) -> str:
    """Its own, else its id with the values of its matrix."""
    if job.name:
        return to_text(expand(job.name, scope))
    values = ", ".join(to_text(value) for value in scope.contexts["matrix"].values() if not isinstance(value, dict))
    return f"{job.id} ({values})" if values else job.id


def _combinations(job: Job, scope: Scope) -> list[dict[str, Value]]:
    """What each of its jobs has as its `matrix`: one with nothing where there is none."""
    strategy = _evaluated(job.strategy, scope)
    matrix = strategy.get("matrix") if isinstance(strategy, Mapping) else None
    if matrix is None:
        return [{}]
    found = combinations(matrix) if isinstance(matrix, Mapping) else []
    if not found:
        raise ValueError(f"Error when evaluating 'strategy' for job '{job.id}'. Matrix must define at least one vector")
    return found


def _evaluated(value: Value, scope: Scope) -> Value:
    """A value with all expressions in it replaced."""
    if isinstance(value, Mapping):
        return {key: _evaluated(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_evaluated(item, scope) for item in value]
    return expand(value, scope) if isinstance(value, str) else value


def _result(started_job: StartedJob, assumed: Assumed) -> str:
    return assumed.results.get(started_job.id, "success") if started_job.will_run else "skipped"


def _in_order(workflow: Workflow) -> list[Job]:
    """The jobs, each after those that it needs, else as they stand in the file."""
    ordered: list[Job] = []
    waiting = list(workflow.jobs.values())
    while waiting:
        done = {job.id for job in ordered}
        ready = next(job for job in waiting if done.issuperset(job.needs))
        waiting.remove(ready)
        ordered.append(ready)
    return ordered


def _ancestors(workflow: Workflow, job_id: str) -> set[str]:
    """All that come before a job."""
    direct = workflow.jobs[job_id].needs
    return set(direct).union(*(_ancestors(workflow, name) for name in direct))
