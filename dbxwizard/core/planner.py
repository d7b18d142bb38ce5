"""Makes a plan: reads every step as soon as what it needs was read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from dbxwizard.core.change import Action, Change
from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import Forbidden, OperationError, SeveralErrors, told_once
from dbxwizard.core.events import Listener, PlanFailed, PlanReady, PlanStarted, StepRead
from dbxwizard.core.graph import Walk, topological_order
from dbxwizard.core.narrator import Narrator
from dbxwizard.core.plan import Plan, PlannedStep, given_by
from dbxwizard.core.retry import Freshness, RetryPolicy, patiently
from dbxwizard.core.step import Given, Inputs, KnownAfterApply, Scope, Step


class Planner:
    def __init__(
        self,
        steps: Sequence[Step[Any]],
        *,
        listener: Listener,
        clock: Clock,
        actor: str,
        retry: RetryPolicy,
        lenient: Collection[Scope],
    ) -> None:
        self._steps = {step.id: step for step in steps}
        if len(self._steps) < len(steps):
            raise ValueError(f"ids used twice: {sorted(step.id for step in steps)}")
        self._needs = {step.id: step.needs for step in steps}
        self._order = topological_order(self._needs)
        self._narrator, self._clock, self._actor = Narrator(listener, clock), clock, actor
        self._retry, self._lenient = retry, frozenset(lenient)
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
            planned = _foretold(await self._look(step, inputs), inputs)
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
            state = await self._read(step, inputs)
        except KnownAfterApply as pending:
            return PlannedStep(step, None, Change.create(f"known after {pending.title}"), known=False)
        except Forbidden as refused:
            if step.scope not in self._lenient:
                raise
            return PlannedStep(step, None, Change.none(), known=False, not_checked=refused.message)
        return _compared(step, state, inputs)

    async def _read(self, step: Step[Any], inputs: Inputs) -> Any:
        return await patiently(
            lambda: step.read(inputs),
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
