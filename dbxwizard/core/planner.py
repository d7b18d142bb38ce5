"""Makes a plan: reads every step as soon as what it needs was read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from dbxwizard.core.change import Action, Change
from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import Blocked, Forbidden, OperationError, SeveralErrors, told_once
from dbxwizard.core.events import Listener, PlanFailed, PlanReady, PlanStarted, StepRead
from dbxwizard.core.graph import Walk, topological_order
from dbxwizard.core.narrator import Narrator
from dbxwizard.core.plan import Plan, PlannedStep, given_by, refusal
from dbxwizard.core.retry import Freshness, RetryPolicy, patiently
from dbxwizard.core.step import Given, Inputs, KnownAfterApply, Step

T = TypeVar("T")


class Planner:
    def __init__(
        self,
        steps: Sequence[Step[Any]],
        *,
        listener: Listener,
        clock: Clock,
        actor: str,
        retry: RetryPolicy,
        lenient: bool,
    ) -> None:
        self._steps = {step.id: step for step in steps}
        if len(self._steps) < len(steps):
            raise ValueError(f"ids used twice: {sorted(step.id for step in steps)}")
        self._needs = {step.id: step.needs for step in steps}
        self._order = topological_order(self._needs)
        self._narrator, self._clock, self._actor = Narrator(listener, clock), clock, actor
        self._retry, self._lenient = retry, lenient
        self._given: dict[str, Given] = {}
        self._planned: dict[str, PlannedStep] = {}
        self._errors: dict[str, OperationError] = {}
        self._freshness = Freshness()

    async def plan(self, concurrency: int) -> Plan:
        self._narrator.tell(PlanStarted, steps=len(self._steps))
        await Walk(self._needs, self._visit, concurrency=concurrency).run()
        errors = told_once([self._errors[step_id] for step_id in self._order if step_id in self._errors])
        if errors:
            self._narrator.tell(PlanFailed, errors=len(errors))
            raise errors[0] if len(errors) == 1 else SeveralErrors(errors)
        plan = Plan(tuple(self._planned[step_id] for step_id in self._order), self._actor)
        self._narrator.tell(
            PlanReady, changes=len(plan.changes), not_checked=len(plan.not_checked), digest=plan.digest()
        )
        return plan

    async def _visit(self, step_id: str) -> None:
        step = self._steps[step_id]
        if any(need not in self._planned for need in step.needs):
            return  # a need could not be read, which is told already
        inputs = Inputs(step.needs, self._given)
        try:
            planned = await self._allowed(await self._look(step, inputs), inputs)
            self._given[step_id] = given_by(planned, inputs)
        except Exception as caught:
            self._errors[step_id] = self._narrator.failed(step, caught)
            return
        self._planned[step_id] = planned
        own = None if planned.state is None else step.fresh_since(planned.state)
        self._freshness.note(step_id, step.needs, own)
        self._tell(planned)

    async def _look(self, step: Step[Any], inputs: Inputs) -> PlannedStep:
        try:
            return _foretold(await self._seen(step, inputs), inputs)
        except Forbidden as refused:
            if not self._lenient:
                raise
            refused.resource = refused.resource or step.subject
            why = refusal(refused, "read")
            return PlannedStep(step, None, Change.none(), known=False, not_checked=why, refused=refused)

    async def _seen(self, step: Step[Any], inputs: Inputs) -> PlannedStep:
        self._require_read(step)
        try:
            return _compared(step, await self._patiently(step, lambda: step.read(inputs)), inputs)
        except KnownAfterApply as pending:
            return PlannedStep(step, None, Change.create(f"known after {pending.title}"), known=False)

    def _require_read(self, step: Step[Any]) -> None:
        """Raises Blocked where a right lacks to read what the step needs: what it is itself may hang on that."""
        blocking = next((self._planned[need] for need in step.needs if self._planned[need].blocks), None)
        if blocking:
            cause = blocking.refused.cause if isinstance(blocking.refused, Blocked) else blocking.step.title
            raise Blocked(f"it waits for what can't be read: {cause}", cause=cause)

    async def _allowed(self, planned: PlannedStep, inputs: Inputs) -> PlannedStep:
        """With the right that lacks to make its change."""
        step, change = planned.step, planned.change
        if not planned.changes:
            return planned
        try:
            await self._patiently(step, lambda: step.require_rights(planned.state, change, inputs))
        except Forbidden as refused:
            if not self._lenient:
                raise
            return replace(planned, refused=refused)
        return planned

    async def _patiently(self, step: Step[Any], ask: Callable[[], Awaitable[T]]) -> T:
        return await patiently(
            ask,
            policy=self._retry,
            clock=self._clock,
            fresh=lambda: self._freshness.inherited(step.needs),
            retried=lambda error, delay, attempt: self._narrator.retried(step, error, delay, attempt),
        )

    def _tell(self, planned: PlannedStep) -> None:
        change = planned.change
        self._narrator.about(
            planned.step,
            StepRead,
            action=change.action,
            reasons=change.reasons,
            note=change.note,
            not_checked=planned.not_checked,
        )


def _foretold(planned: PlannedStep, inputs: Inputs) -> PlannedStep:
    """With the requests that its change will send."""
    if not planned.changes:
        return planned
    return replace(planned, writes=planned.step.writes(planned.state, planned.change, inputs))


def _compared(step: Step[Any], state: Any, inputs: Inputs) -> PlannedStep:
    try:
        return PlannedStep(step, state, step.diff(state, inputs))
    except KnownAfterApply as pending:
        action = Action.CREATE if state is None else Action.UPDATE
        return PlannedStep(step, state, Change(action, (), f"known after {pending.title}"), known=False)
