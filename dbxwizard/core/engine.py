"""Runs a plan: as many steps at once as their needs allow, environments side by side."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

from dbxwizard.core.cancel import CancelToken
from dbxwizard.core.change import Change
from dbxwizard.core.clock import Clock, ManualClock, SystemClock
from dbxwizard.core.errors import Conflict
from dbxwizard.core.events import Listener, RunFinished, RunStarted, StepFinished, StepSkipped, StepStarted
from dbxwizard.core.graph import Walk
from dbxwizard.core.narrator import Narrator, StepProgress
from dbxwizard.core.plan import CONCURRENCY, Plan, PlannedStep, given_by
from dbxwizard.core.result import Ending, Outcome, RunResult, Status, collect
from dbxwizard.core.retry import LONG_AGO, Freshness, RetryPolicy, patiently, single
from dbxwizard.core.step import Given, Inputs, Step

__all__ = ["CancelToken", "Clock", "ManualClock", "RetryPolicy", "SystemClock", "new_run_id", "run"]

_FAILED = (Ending.FAILED, Ending.SKIPPED)


def new_run_id() -> str:
    return uuid.uuid4().hex


async def run(
    plan: Plan,
    *,
    listener: Listener,
    clock: Clock,
    cancel: CancelToken | None = None,
    retry: RetryPolicy | None = None,
    concurrency: int = CONCURRENCY,
    command: str = "deploy",
    run_id: str = "",
) -> RunResult:
    """Applies `plan`; a step whose needs changed is read and compared again first.

    Nothing that a user, a network or a service causes is raised: it is in the result. A failed step leaves out those
    that need it, all others go on.
    """
    runner = _Runner(plan, Narrator(listener, clock), clock, cancel or CancelToken(), retry or RetryPolicy())
    return await runner.run(command, run_id or new_run_id(), concurrency)


class _Runner:
    def __init__(self, plan: Plan, narrator: Narrator, clock: Clock, cancel: CancelToken, retry: RetryPolicy) -> None:
        self._plan, self._narrator, self._clock, self._cancel, self._retry = plan, narrator, clock, cancel, retry
        self._planned = {planned.step.id: planned for planned in plan.steps}
        self._outcomes: dict[str, Outcome] = {}
        self._given: dict[str, Given] = {}
        self._moved: set[str] = set()  # changed in this run, or needing one that was
        self._applying: set[str] = set()
        self._freshness = Freshness()

    async def run(self, command: str, run_id: str, concurrency: int) -> RunResult:
        steps, changes = len(self._plan.steps), len(self._plan.changes)
        self._narrator.tell(
            RunStarted, run_id=run_id, command=command, actor=self._plan.actor, steps=steps, changes=changes
        )
        status = Status.CANCELLED
        try:
            await self._walk(concurrency).run()
            self._report_unstarted()
            result = collect(self._plan, self._outcomes, command=command, run_id=run_id)
            status = result.status
        finally:
            self._narrator.tell(RunFinished, run_id=run_id, status=status.value)
        return result

    def _walk(self, concurrency: int) -> Walk:
        return Walk(
            {step_id: planned.step.needs for step_id, planned in self._planned.items()},
            self._visit,
            concurrency=concurrency,
            cancel=self._cancel,
            in_work=self._applying.__contains__,
            grace=lambda: self._clock.sleep(self._retry.grace),
        )

    async def _visit(self, step_id: str) -> None:
        planned = self._planned[step_id]
        failed = next((need for need in planned.step.needs if self._outcomes[need].ending in _FAILED), "")
        if failed:
            self._skip(planned.step, Ending.SKIPPED, self._outcomes[failed].because)
        elif planned.not_checked:
            self._leave(planned)
        else:
            await self._attempt(planned)

    def _leave(self, planned: PlannedStep) -> None:
        """What was not checked stays as it is; what needs it goes on."""
        step = planned.step
        self._given[step.id] = given_by(planned, Inputs(step.needs, self._given))
        self._pass_on(step, moved=self._needs_moved(step), own=None)
        self._skip(step, Ending.NOT_CHECKED, f"not checked: {planned.not_checked}")

    def _needs_moved(self, step: Step[Any]) -> bool:
        return any(need in self._moved for need in step.needs)

    def _pass_on(self, step: Step[Any], *, moved: bool, own: float | None) -> None:
        """Lets dependents know whether to read again, and what may still replicate."""
        if moved:
            self._moved.add(step.id)
        self._freshness.note(step.id, step.needs, own)

    async def _attempt(self, planned: PlannedStep) -> None:
        step, began = planned.step, self._clock.now()
        moved = self._needs_moved(step)
        work = _Work(planned, Inputs(step.needs, self._given), self._narrator, self._applying, read_again=moved)
        try:
            outputs = await patiently(
                work.once,
                policy=self._retry,
                clock=self._clock,
                fresh=lambda: max(self._freshness.inherited(step.needs), work.fresh_since),
                retried=lambda error, delay, attempt: self._narrator.retried(step, error, delay, attempt),
            )
        except asyncio.CancelledError as caught:
            task = asyncio.current_task()
            if task and task.cancelling():
                self._skip(step, Ending.CANCELLED, "cancelled while it was under way; the next run completes it")
                raise
            self._fail(step, caught)  # the step cancelled itself, nobody asked
        except Exception as caught:
            self._fail(step, caught)
        else:
            self._finish(work, outputs, moved, self._clock.now() - began)

    def _finish(self, work: _Work, outputs: Mapping[str, object], moved: bool, seconds: float) -> None:
        step, change = work.step, work.done
        self._given[step.id] = Given(step.title, outputs)
        self._outcomes[step.id] = Outcome(Ending.DONE, change, outputs)
        self._pass_on(step, moved=moved or bool(change), own=self._clock.now() if change else work.fresh_since)
        self._narrator.about(
            step,
            StepFinished,
            action=change.action,
            planned=self._planned[step.id].change.action,
            reasons=change.reasons,
            note=change.note,
            seconds=seconds,
        )

    def _fail(self, step: Step[Any], caught: BaseException) -> None:
        error = self._narrator.failed(step, caught)
        self._outcomes[step.id] = Outcome(Ending.FAILED, error=error, because=f"{step.title} failed")

    def _skip(self, step: Step[Any], ending: Ending, because: str) -> None:
        self._outcomes[step.id] = Outcome(ending, because=because)
        self._narrator.about(step, StepSkipped, because=because)

    def _report_unstarted(self) -> None:
        for step_id, planned in self._planned.items():
            if step_id not in self._outcomes:
                self._skip(planned.step, Ending.CANCELLED, "cancelled before it started")


class _Work:
    """Brings one step to what it wants; `once` may be called again after a retryable error."""

    def __init__(
        self, planned: PlannedStep, inputs: Inputs, narrator: Narrator, applying: set[str], *, read_again: bool
    ) -> None:
        self.step: Step[Any] = planned.step
        self.done = Change.none()
        self.fresh_since = LONG_AGO
        self._inputs, self._narrator, self._applying = inputs, narrator, applying
        self._reading: tuple[Any, Change] | None = None
        self._started = False
        if planned.known and not read_again:
            self._reading = (planned.state, planned.change)
            self._note_age(planned.state)

    async def once(self) -> Mapping[str, object]:
        """The outputs, after reading, comparing and applying as far as needed."""
        state, change = self._reading or await self._read()
        self._reading = None  # whatever happens now, it is old
        if not change:
            return self.step.outputs(state, self._inputs) if state is not None else {}
        return await self._apply(state, change)

    async def _read(self) -> tuple[Any, Change]:
        state = await self.step.read(self._inputs)
        self._note_age(state)
        return state, self.step.diff(state, self._inputs)

    async def _apply(self, state: Any, change: Change) -> Mapping[str, object]:
        step = self.step
        if not self._started:
            self._narrator.about(step, StepStarted, action=change.action)
            self._started = True
        self.done = self.done or change  # after an error that came too late the first change is what was done
        self._applying.add(step.id)
        try:
            return await step.apply(state, change, self._inputs, StepProgress(self._narrator, step))
        except Exception as caught:
            if isinstance(single(caught), Conflict):
                self.done = Change.none()
            raise
        finally:
            self._applying.discard(step.id)

    def _note_age(self, state: Any) -> None:
        since = None if state is None else self.step.fresh_since(state)
        self.fresh_since = LONG_AGO if since is None else since
