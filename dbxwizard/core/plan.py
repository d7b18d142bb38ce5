"""A plan: steps in the order of their needs, each with what is there and what would change."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbxwizard.core.change import Action, Change, Reason, compare
from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import OperationError, UsageError
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

    `writes`: the requests that the change will send.
    """

    step: Step[Any]
    state: Any
    change: Change
    known: bool = True
    not_checked: str = ""
    writes: tuple[Request, ...] = ()

    @property
    def changes(self) -> bool:
        return bool(self.change) and not self.not_checked

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
            "writes": [request.to_json() for request in self.writes],
        }


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What a saved plan would change: for each step id its action and its reasons."""

    steps: Mapping[str, Essence]
    digest: str


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

    def limited_to(self, step_id: str) -> Plan:
        """Only the change of this step and of those that wait for it; a dependent that needs another change too is left
        out with that one. What does not change stays: others ask for its outputs."""
        chosen: set[str] = set()
        left_out: set[str] = set()
        for planned in self.steps:
            needs = set(planned.step.needs)
            if planned.step.id == step_id or (needs & chosen and not needs & left_out):
                chosen.add(planned.step.id)
            elif planned.changes or needs & left_out:
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
            step_id: _difference(saved.steps.get(step_id, _NOTHING), now.get(step_id, _NOTHING))
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
        digest, version = data["digest"], data["schema_version"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _invalid(file, "it is not a plan that dbxwizard saved") from error
    if version != SCHEMA_VERSION:
        raise _invalid(file, f"its schema_version is {version!r}, this version reads {SCHEMA_VERSION}")
    if digest != _digest(steps):
        raise _invalid(file, "its digest does not fit its steps: it was edited or cut off")
    return SavedPlan(steps, digest)


async def make_plan(
    steps: Sequence[Step[Any]],
    *,
    listener: Listener,
    clock: Clock,
    actor: str,
    retry: RetryPolicy | None = None,
    concurrency: int = CONCURRENCY,
    lenient_scopes: Collection[Scope] = (),
) -> Plan:
    """Reads what is there, as much at once as the needs allow, and compares.

    A step that asks for an output of one that is still to be made is planned as a creation, `known` False. In
    `lenient_scopes` a Forbidden makes a step `not_checked`. Raises the OperationError of a step that can't be read
    (SeveralErrors when there are more), ValueError for duplicate ids, unknown needs and cycles.
    """
    from dbxwizard.core.planner import Planner

    planner = Planner(
        steps, listener=listener, clock=clock, actor=actor, retry=retry or RetryPolicy(), lenient=lenient_scopes
    )
    return await planner.plan(concurrency)


def given_by(planned: PlannedStep, inputs: Inputs) -> Given:
    """What others can know of a step before anything is applied."""
    step, change = planned.step, planned.change
    if planned.not_checked:
        return Given(step.title, {}, complete=False, not_checked=planned.not_checked)
    exists = planned.state is not None and change.action in (Action.NONE, Action.UPDATE)
    try:
        outputs = step.outputs(planned.state, inputs) if exists else {}
    except KnownAfterApply:
        outputs = {}
    return Given(step.title, outputs, complete=not change)


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
