"""A plan: steps in the order of their needs, each with what is there and what would change."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbxwizard.core.change import Action, Change, Reason, compare
from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import Blocked, Forbidden, NotChecked, OperationError, SeveralErrors, UsageError, told_once
from dbxwizard.core.events import Listener
from dbxwizard.core.requests import Request
from dbxwizard.core.retry import RetryPolicy
from dbxwizard.core.step import Given, Inputs, KnownAfterApply, Progress, Scope, StateT, Step

__all__ = [
    "Action",
    "Change",
    "Inputs",
    "KnownAfterApply",
    "Plan",
    "PlannedStep",
    "Progress",
    "Reason",
    "SavedPlan",
    "Scope",
    "StateT",
    "Step",
    "compare",
    "load_saved",
    "make_plan",
]

Essence = tuple[str, tuple[str, ...]]  # of a planned step: its action and its reasons
_NOTHING: Essence = (Action.NONE.value, ())
_NOT_CHECKED: Essence = ("not checked", ())

SCHEMA_VERSION = 1
CONCURRENCY = 64  # steps at a time; each has few requests under way, clients keep their own pace per service


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """`known` is False where the reading has to wait for another step; `not_checked` says why it could not be read.

    `writes`: the requests that the change will send. `refused`: the right that lacks, to read it or to make the change.
    """

    step: Step[Any]
    state: Any
    change: Change
    known: bool = True
    not_checked: str = ""
    writes: tuple[Request, ...] = ()
    refused: Forbidden | None = None

    @property
    def changes(self) -> bool:
        return bool(self.change) and not self.not_checked

    @property
    def lacks_right(self) -> bool:
        """Whether a right lacks that the actor should have; what it is never to see is none."""
        return self.refused is not None and not isinstance(self.refused, NotChecked)

    @property
    def blocks(self) -> bool:
        """Whether what needs it can't be known either."""
        return bool(self.not_checked) and (self.lacks_right or isinstance(self.refused, Blocked))

    @property
    def may_not(self) -> str:
        """Why the actor may not make the change; "" where nothing is known to forbid it."""
        return refusal(self.refused, "made") if self.refused and self.changes else ""

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.step.id,
            "title": self.step.title,
            "resource": self.step.subject,
            "environment": self.step.environment,
            "scope": self.step.scope.value,
            "needs": list(self.step.needs),
            "action": self.change.action.value,
            "reasons": [reason.in_full() for reason in self.change.reasons],
            "note": self.change.note,
            "known": self.known,
            "not_checked": self.not_checked,
            "may_not": self.may_not,
            "writes": [request.to_json() for request in self.writes],
        }


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What a saved plan would change: for each step id its action and its reasons; and what it could not check."""

    steps: Mapping[str, Essence]
    digest: str
    not_checked: frozenset[str] = frozenset()

    def before(self, step_id: str, changes: bool) -> Essence:
        """Of a step that `changes` now or does not: what was not checked promised nothing."""
        unknown = _NOT_CHECKED if changes and step_id in self.not_checked else _NOTHING
        return self.steps.get(step_id, unknown)


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` are ordered so that each comes after what it needs; `actor` says who acts."""

    steps: tuple[PlannedStep, ...]
    actor: str

    @property
    def changes(self) -> tuple[PlannedStep, ...]:
        return tuple(planned for planned in self.steps if planned.changes)

    @property
    def environments(self) -> tuple[str, ...]:
        """Those that it is about, in their order."""
        return tuple(dict.fromkeys(planned.step.environment for planned in self.steps if planned.step.environment))

    @property
    def not_checked(self) -> tuple[PlannedStep, ...]:
        return tuple(planned for planned in self.steps if planned.not_checked)

    @property
    def lacking(self) -> tuple[OperationError, ...]:
        """Each right that lacks to read or to make something, once; none where the actor is never to see it."""
        return tuple(told_once([one.refused for one in self.steps if one.refused and one.lacks_right]))

    @property
    def obstacles(self) -> tuple[OperationError, ...]:
        """Why it may not be applied: rights that lack, else what was not checked."""
        return self.lacking or tuple(told_once([one.refused for one in self.not_checked if one.refused]))

    def require_rights(self) -> None:
        """Raises what stands against applying it: nothing is begun that can't be ended."""
        obstacles = self.obstacles
        if obstacles:
            raise obstacles[0] if len(obstacles) == 1 else SeveralErrors(obstacles)

    def limited_to(self, step_id: str) -> Plan:
        """Only the change of this step and of those that wait for it; a dependent that needs another change too is left
        out with that one. What does not change stays: others ask for its outputs."""
        chosen: set[str] = set()
        left_out: set[str] = set()
        for planned in self.steps:
            needs = set(planned.step.needs)
            if planned.step.id == step_id or (needs & chosen and not needs & left_out):
                chosen.add(planned.step.id)
            elif planned.changes or planned.not_checked or needs & left_out:
                left_out.add(planned.step.id)
        return Plan(tuple(planned for planned in self.steps if planned.step.id not in left_out), self.actor)

    def counts(self) -> dict[Action, int]:
        """How many steps there are for each action, those not checked left out."""
        counted = Counter(planned.change.action for planned in self.steps if not planned.not_checked)
        return {action: counted[action] for action in Action}

    def to_json(self) -> dict[str, object]:
        """The form that `load_saved` reads; it holds no secret and no time."""
        return {
            "schema_version": SCHEMA_VERSION,
            "actor": self.actor,
            "digest": self.digest(),
            "steps": [planned.to_json() for planned in self.steps],
        }

    def digest(self) -> str:
        """SHA-256 over the ids, actions and reasons of what would change, whatever their order."""
        return _digest(self._essence())

    def differences_from(self, saved: SavedPlan) -> tuple[str, ...]:
        """What this plan would do otherwise than `saved`, a line for each step; empty when they are the same.

        A step that could not be checked counts where `saved` changes it.
        """
        now = self._essence() | {
            planned.step.id: _NOT_CHECKED for planned in self.not_checked if planned.step.id in saved.steps
        }
        differences = {
            step_id: _difference(saved.before(step_id, step_id in now), now.get(step_id, _NOTHING))
            for step_id in dict.fromkeys((*now, *saved.steps))
        }
        return tuple(f"{step_id} {difference}" for step_id, difference in differences.items() if difference)

    def require_same(self, saved: SavedPlan) -> None:
        """Raises OperationError `plan-outdated` when the world has moved since `saved` was made."""
        differences = self.differences_from(saved)
        if differences:
            raise OperationError(
                "plan-outdated",
                "the world has moved since this plan was saved: " + "; ".join(differences),
                resource="saved plan",
                fix="Make a new plan, look at it, and apply that one.",
            )

    def _essence(self) -> dict[str, Essence]:
        return {
            planned.step.id: (planned.change.action.value, tuple(reason.in_full() for reason in planned.change.reasons))
            for planned in self.changes
        }


def load_saved(text: str | bytes, *, file: str = "saved plan") -> SavedPlan:
    """A plan as `Plan.to_json` wrote it. Raises UsageError `saved-plan-invalid` for anything else."""
    try:
        data = json.loads(text)
        steps = {
            str(step["id"]): (Action(step["action"]).value, tuple(map(str, step["reasons"])))
            for step in data["steps"]
            if step["action"] != Action.NONE
        }
        not_checked = frozenset(str(step["id"]) for step in data["steps"] if step.get("not_checked"))
        digest, version = data["digest"], data["schema_version"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _invalid(file, "it is not a plan that dbxwizard saved") from error
    if version != SCHEMA_VERSION:
        raise _invalid(file, f"its schema_version is {version!r}, this version reads {SCHEMA_VERSION}")
    if digest != _digest(steps):
        raise _invalid(file, "its digest does not fit its steps: it was edited or cut off")
    return SavedPlan(steps, digest, not_checked)


async def make_plan(
    steps: Sequence[Step[Any]],
    *,
    listener: Listener,
    clock: Clock,
    actor: str,
    retry: RetryPolicy | None = None,
    concurrency: int = CONCURRENCY,
    lenient: bool = False,
) -> Plan:
    """Reads what is there, as much at once as the needs allow, and compares.

    A step that asks for an output of one that is still to be made is planned as a creation, `known` False. `lenient`:
    where a right lacks the step says so, and the plan goes on. Raises the OperationError of a step that can't be read
    (SeveralErrors when there are more), ValueError for duplicate ids, unknown needs and cycles.
    """
    from dbxwizard.core.planner import Planner

    planner = Planner(steps, listener=listener, clock=clock, actor=actor, retry=retry or RetryPolicy(), lenient=lenient)
    return await planner.plan(concurrency)


def given_by(planned: PlannedStep, inputs: Inputs) -> Given:
    """What others can know of a step before anything is applied."""
    step, change = planned.step, planned.change
    if planned.not_checked:
        cause = planned.refused.cause if isinstance(planned.refused, NotChecked) else ""
        return Given(step.title, {}, complete=False, not_checked=cause or planned.not_checked)
    exists = planned.state is not None and change.action in (Action.NONE, Action.UPDATE)
    try:
        outputs = step.outputs(planned.state, inputs) if exists else {}
    except KnownAfterApply:
        outputs = {}
    return Given(step.title, outputs, complete=not change)


def refusal(refused: Forbidden, done: str) -> str:
    """Why something can't be `done` (read, made), with the right that lacks where the service named it."""
    return f"it can't be {done} without {refused.right}" if refused.right else refused.message


def _digest(essence: Mapping[str, Essence]) -> str:
    text = json.dumps(sorted(essence.items()), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _difference(saved: Essence, now: Essence) -> str:
    """How they differ, "" when they don't."""
    if saved[0] != now[0]:
        return f"was {saved[0]}, is {now[0]}"
    changed = sorted(set(saved[1]) ^ set(now[1]))
    fields = dict.fromkeys(reason.split(": ", 1)[0] for reason in changed)
    return f"differs in {', '.join(fields)}" if fields else ""


def _invalid(file: str, why: str) -> UsageError:
    return UsageError("saved-plan-invalid", why, resource=file, fix="Save a new plan with `dbxwizard plan`.")
