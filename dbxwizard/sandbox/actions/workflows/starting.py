"""Which workflows and jobs an event starts: `started(files, event)`, a pure function of the files and the event.

    runs = started({".github/workflows/deploy.yml": text}, push("refs/heads/main"))
    [(job.id, job.environment) for run in runs for job in run.jobs if job.will_run]

A job's `if` is decided as if each job that runs succeeds, unless `Assumed` says otherwise. Jobs of called workflows
stand with the job that calls them: `deploy / plan`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from dbxwizard.sandbox.actions.expressions.errors import ExpressionError
from dbxwizard.sandbox.actions.expressions.evaluate import Scope, condition, expand
from dbxwizard.sandbox.actions.expressions.status import for_job
from dbxwizard.sandbox.actions.expressions.values import Value, to_text
from dbxwizard.sandbox.actions.workflows import permissions
from dbxwizard.sandbox.actions.workflows.events import Event, listens
from dbxwizard.sandbox.actions.workflows.inputs import InputError, called_inputs, check_secrets, dispatch_inputs
from dbxwizard.sandbox.actions.workflows.matrix import Combination, combination, combinations
from dbxwizard.sandbox.actions.workflows.model import Concurrency, Job, Trigger, Workflow
from dbxwizard.sandbox.actions.workflows.problems import WorkflowError
from dbxwizard.sandbox.actions.workflows.reading import read_workflow
from dbxwizard.sandbox.actions.workflows.started_runs import Assumed, StartedJob, StartedRun, overall

FOLDER = ".github/workflows/"
MAX_LEVELS = 10  # docs.github.com/actions/how-tos/reuse-automations/reuse-workflows#nesting-reusable-workflows


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
    """Goes over the jobs of a workflow and of those that it calls. By full id: what came of
    them, and which have ended."""

    files: Mapping[str, str]
    event: Event
    assumed: Assumed
    caller: Workflow
    results: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Mapping[str, Value]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def scope(self, inputs: Mapping[str, Value], **contexts: Value) -> Scope:
        """What expressions may name: the `github` context is always that of the workflow that was started."""
        github = {"workflow": self.caller.name, **self.event.github(), **self.assumed.github}
        return Scope({"github": github, "vars": dict(self.assumed.variables), "inputs": dict(inputs), **contexts})

    def jobs(
        self,
        workflow: Workflow,
        inputs: Mapping[str, Value],
        allowed: Mapping[str, str],
        caller: _Place | None = None,
    ) -> Iterator[StartedJob]:
        """All jobs, those first that others need. `caller`: the job that calls the workflow."""
        for job in _in_order(workflow):
            place = _Place(workflow, job, inputs, allowed)
            if caller:
                place = caller.inside(workflow, job, inputs, allowed)
            found = list(self._job(place))
            self._note(place, found)
            yield from found

    def _note(self, place: _Place, found: Sequence[StartedJob]) -> None:
        own = [_result(each, self.assumed) for each in found]
        known = self.assumed.results
        self.results[place.id] = known.get(place.id, overall(own))
        if place.id in known or all(each.id in known for each in found):
            self.ended.add(place.id)
        if place.id in self.assumed.outputs:
            self.outputs[place.id] = self.assumed.outputs[place.id]

    def _job(self, place: _Place) -> Iterator[StartedJob]:
        scope = self.scope(place.inputs, needs=self._needs(place))
        place = replace(
            place,
            is_ready=place.is_ready and self.ended.issuperset(place.needed),
            outlives=place.outlives and self._is_let(place, scope, cancelled=True),
        )
        granted = self._granted(place)
        known = self.assumed.decided.get(place.id)
        if not (self._is_let(place, scope, cancelled=self.assumed.is_cancelled) if known is None else known):
            yield _unexpanded(place, granted, will_run=False)
            return
        try:
            yield from list(self._expanded(place, scope, granted))
        except (ExpressionError, ValueError):
            # Values of jobs that have not ended are not known yet: GitHub evaluates when they have.
            if self.ended.issuperset(place.needed):
                raise
            yield _unexpanded(place, granted, will_run=True)

    def _is_let(self, place: _Place, scope: Scope, *, cancelled: bool) -> bool:
        """What its condition says."""
        earlier = {name: self.results[place.before + name] for name in _ancestors(place.workflow, place.job.id)}
        return condition(place.job.condition, Scope(scope.contexts, for_job(earlier, cancelled=cancelled)))

    def _expanded(self, place: _Place, scope: Scope, granted: Mapping[str, str]) -> Iterator[StartedJob]:
        strategy = _evaluated(place.job.strategy, scope)
        found = _combinations(place.job, strategy)
        for number, matrix in enumerate(found):
            own = combination(place.id, strategy, number, len(found))
            here = replace(place, matrix=matrix, combinations=(*place.combinations, *([own] if matrix else [])))
            full = Scope({**scope.contexts, "matrix": matrix, "strategy": own.context()}, scope.functions)
            yield from self._called(here, full, granted) if place.job.uses else [_plain(here, full, granted)]

    def _needs(self, place: _Place) -> dict[str, Value]:
        return {
            name: {
                "result": self.results[place.before + name],
                "outputs": dict(self.outputs.get(place.before + name, {})),
            }
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
        if job.concurrency or called.concurrency:
            raise InputError(f"The sandbox does not play the concurrency of a call, only of runs and jobs: {job.uses}")
        check_secrets(job, trigger)
        inputs = called_inputs(job, trigger, scope)
        nested = list(self.jobs(called, inputs, granted, replace(place, title=_title(place, scope))))
        for each in nested:
            beyond = permissions.excess(each.permissions, granted)
            if beyond:
                name = each.job.name or each.job.id
                raise InputError(
                    f"{place.workflow.path} (Line: {job.line}, Col: {job.column}): Error calling workflow "
                    f"'{job.uses}'. The nested job '{name}' {beyond}"
                )
        self._hand_back(place, trigger, inputs, called, nested)
        yield from nested

    def _hand_back(
        self,
        place: _Place,
        trigger: Trigger,
        inputs: Mapping[str, Value],
        called: Workflow,
        nested: Sequence[StartedJob],
    ) -> None:
        """A job that calls a workflow has that workflow's outputs, once all of it has ended."""
        if not all(each.id in self.assumed.results for each in nested):
            return
        inside: dict[str, Value] = {
            name: {
                "result": self.results[place.below + name],
                "outputs": dict(self.outputs.get(place.below + name, {})),
            }
            for name in called.jobs
        }
        scope = self.scope(inputs, jobs=inside)
        found = {name: to_text(expand(raw, scope)) for name, raw in trigger.outputs.items()}
        self.outputs[place.id] = {**self.outputs.get(place.id, {}), **found}

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
    """A job and where it stands: `allowed` is what its token may be given, `before` stands before its id, `over` before
    its name; `title` is the name of a job that calls a workflow."""

    workflow: Workflow
    job: Job
    inputs: Mapping[str, Value]
    allowed: Mapping[str, str]
    before: str = ""
    over: str = ""
    title: str = ""
    handed: tuple[Mapping[str, str] | str, ...] = ()
    is_ready: bool = True
    outlives: bool = True
    waits: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    matrix: Mapping[str, Value] = field(default_factory=dict)
    combinations: tuple[Combination, ...] = ()

    @property
    def id(self) -> str:
        return self.before + self.job.id

    @property
    def needed(self) -> tuple[str, ...]:
        """The full ids of what it needs itself."""
        return tuple(self.before + name for name in self.job.needs)

    @property
    def below(self) -> str:
        """What stands before the ids of the jobs that it calls."""
        return f"{self.id}{_values(self.matrix)} / "

    def inside(self, workflow: Workflow, job: Job, inputs: Mapping[str, Value], allowed: Mapping[str, str]) -> _Place:
        """A job of the workflow that this one calls."""
        return _Place(
            workflow, job, inputs, allowed,
            before=self.below,
            over=f"{self.title} / ",
            handed=(*self.handed, self.job.secrets),
            is_ready=self.is_ready,
            outlives=self.outlives,
            waits=(*self.waits, *self.needed),
            within=(*self.within, self.id),
            combinations=self.combinations,
        )  # fmt: skip


def _unexpanded(place: _Place, granted: Mapping[str, str], *, will_run: bool) -> StartedJob:
    """A job whose matrix and values are not looked at."""
    job = place.job
    return StartedJob(
        id=place.id,
        name=place.over + (job.name or job.id),
        job=job,
        workflow=place.workflow,
        will_run=will_run,
        permissions=granted,
        is_ready=place.is_ready,
        outlives=place.outlives,
        waits=(*place.waits, *place.needed),
        within=place.within,
        combinations=place.combinations,
    )


def _plain(place: _Place, scope: Scope, granted: Mapping[str, str]) -> StartedJob:
    job = place.job
    environment = to_text(expand(job.environment.name, scope)) if job.environment else ""
    return replace(
        _unexpanded(place, granted, will_run=True),
        name=_title(place, scope),
        matrix=place.matrix,
        inputs=place.inputs,
        environment=environment,
        concurrency=_concurrency(job.concurrency, scope),
        handed=place.handed,
        needs=scope.contexts["needs"],
        strategy=scope.contexts["strategy"],
        labels=_labels(_evaluated(job.runs_on, scope)),
    )


def _labels(runs_on: Value) -> tuple[str, ...]:
    """One label, several, or several under `labels`."""
    said = runs_on.get("labels") if isinstance(runs_on, Mapping) else runs_on
    return tuple(to_text(each) for each in (said if isinstance(said, list) else [said] if said else []))


def _title(place: _Place, scope: Scope) -> str:
    """Its own name, else its id; with the values of its matrix where no expression says them."""
    job = place.job
    values = "" if "${{" in job.name else _values(place.matrix)
    return place.over + (to_text(expand(job.name, scope)) if job.name else job.id) + values


def _values(matrix: Mapping[str, Value]) -> str:
    values = ", ".join(to_text(value) for value in matrix.values() if not isinstance(value, dict))
    return f" ({values})" if values else ""


def _combinations(job: Job, strategy: Value) -> list[dict[str, Value]]:
    """What each of its jobs has as its `matrix`: one with nothing where there is none."""
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
