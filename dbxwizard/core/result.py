"""What a run came to, as data. One place renders it; see the output contract in docs/."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from dbxwizard.core.change import Change
from dbxwizard.core.errors import OperationError, common_exit_code, each_error
from dbxwizard.core.plan import Plan, PlannedStep
from dbxwizard.core.render import plain
from dbxwizard.core.secret import Secret

SCHEMA_VERSION = 1


class Status(StrEnum):
    """`partial`: something failed, something else was changed; `error`: something failed and nothing was changed."""

    SUCCESS = "success"
    UNCHANGED = "unchanged"
    PARTIAL = "partial"
    ERROR = "error"
    CANCELLED = "cancelled"


class Ending(StrEnum):
    """What a single step came to. `skipped`: a step that it needs failed."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Outcome:
    ending: Ending
    change: Change = field(default_factory=Change.none)
    outputs: Mapping[str, object] = field(default_factory=dict)
    error: OperationError | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class ChangeResult:
    resource: str
    action: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentResult:
    """`name` is "" for what belongs to no environment.

    `outputs`: step (its id without the environment) → name → value.
    """

    name: str
    status: Status
    changes: tuple[ChangeResult, ...] = ()
    outputs: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "status": self.status.value,
            "changes": [
                {"resource": change.resource, "action": change.action, "reasons": list(change.reasons)}
                for change in self.changes
            ],
            "outputs": plain(self.outputs),
        }


@dataclass(frozen=True, slots=True)
class RunResult:
    command: str
    run_id: str
    status: Status
    environments: tuple[EnvironmentResult, ...] = ()
    errors: tuple[OperationError, ...] = ()

    @classmethod
    def failed(cls, command: str, run_id: str, error: OperationError) -> RunResult:
        """The result of a command that ended before anything was applied."""
        return cls(command, run_id, Status.ERROR, (), each_error(error))

    @classmethod
    def of_plan(cls, command: str, run_id: str, plan: Plan) -> RunResult:
        """The result of a command that only plans: `changes` are those that a run would make.

        A plan for which rights lack has these as its errors, and is never unchanged: partial or error.
        """
        outcomes = {planned.step.id: Outcome(Ending.DONE, planned.change) for planned in plan.changes}
        outcomes |= {one.step.id: Outcome(Ending.FAILED) for one in plan.not_checked if one.lacks_right}
        found = collect(plan, outcomes, command=command, run_id=run_id)
        if not plan.lacking:
            return found
        return replace(found, status=Status.PARTIAL if plan.changes else Status.ERROR, errors=plan.lacking)

    @classmethod
    def refused(cls, command: str, run_id: str, plan: Plan) -> RunResult:
        """The result of a command that would have applied `plan`, and may not."""
        return cls(command, run_id, Status.ERROR, (), plan.obstacles)

    @property
    def exit_code(self) -> int:
        if self.status is Status.CANCELLED:
            return 130
        return common_exit_code(self.errors) if self.errors else 0

    def to_json(self) -> dict[str, object]:
        return {
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "run_id": self.run_id,
            "status": self.status.value,
            "environments": [environment.to_json() for environment in self.environments],
            "errors": [error.to_json() for error in self.errors],
        }


def collect(plan: Plan, outcomes: Mapping[str, Outcome], *, command: str, run_id: str) -> RunResult:
    """The result of `plan` given what its steps came to; a step without an outcome counts as nothing to do."""
    groups: dict[str, list[PlannedStep]] = {}
    for planned in plan.steps:
        groups.setdefault(planned.step.environment, []).append(planned)
    in_order = [outcomes[planned.step.id] for planned in plan.steps if planned.step.id in outcomes]
    return RunResult(
        command,
        run_id,
        _status(in_order),
        tuple(_environment(name, steps, outcomes) for name, steps in groups.items()),
        tuple(outcome.error for outcome in in_order if outcome.error),
    )


def _environment(name: str, steps: Sequence[PlannedStep], outcomes: Mapping[str, Outcome]) -> EnvironmentResult:
    ended = [(planned.step, outcomes[planned.step.id]) for planned in steps if planned.step.id in outcomes]
    changes = tuple(
        ChangeResult(step.subject, outcome.change.action.value, outcome.change.lines())
        for step, outcome in ended
        if _changed(outcome)
    )
    outputs = {step.id.removeprefix(f"{name.lower()}/"): public(outcome.outputs) for step, outcome in ended}
    status = _status([outcome for _, outcome in ended])
    return EnvironmentResult(name, status, changes, {key: value for key, value in outputs.items() if value})


def public(outputs: Mapping[str, object]) -> dict[str, object]:
    """`outputs` without those that are internal (`_name`) and without every Secret, at any depth."""
    return {name: _open(value) for name, value in outputs.items() if not _hidden(name, value)}


def _open(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _open(item) for name, item in value.items() if not isinstance(item, Secret)}
    if isinstance(value, list | tuple):
        return [_open(item) for item in value if not isinstance(item, Secret)]
    return value


def _hidden(name: str, value: object) -> bool:
    return name.startswith("_") or isinstance(value, Secret)


def _changed(outcome: Outcome) -> bool:
    return outcome.ending is Ending.DONE and bool(outcome.change)


def _status(outcomes: Iterable[Outcome]) -> Status:
    listed: Collection[Outcome] = tuple(outcomes)
    endings = {outcome.ending for outcome in listed}
    changed = any(map(_changed, listed))
    if Ending.CANCELLED in endings:
        return Status.CANCELLED
    if endings & {Ending.FAILED, Ending.SKIPPED}:
        return Status.PARTIAL if changed else Status.ERROR
    return Status.SUCCESS if changed else Status.UNCHANGED
