"""A cloud in a dictionary, and steps that want things in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from dbxwizard.core.engine import CancelToken, Clock, ManualClock, RetryPolicy, run
from dbxwizard.core.events import Event
from dbxwizard.core.plan import Change, Inputs, Plan, Progress, Scope, Step, compare, make_plan
from dbxwizard.core.result import RunResult

Body = dict[str, Any]
Fault = Callable[[Callable[[], None]], Awaitable[None]]  # gets the work, does it or not, raises or not


def before(error: Exception) -> Fault:
    """The service answers with `error` and has done nothing."""

    async def fail(_work: Callable[[], None]) -> None:
        raise error

    return fail


def after(error: Exception) -> Fault:
    """The service has done the work, and answers with `error`."""

    async def fail(work: Callable[[], None]) -> None:
        work()
        raise error

    return fail


@dataclass
class Thing(Step[Body]):
    """Wants `wants` to be in the cloud under its id; `asks` are outputs of others that it needs to read."""

    world: World
    id: str
    needs: tuple[str, ...] = ()
    wants: Body = field(default_factory=dict)
    asks: tuple[tuple[str, str], ...] = ()
    asks_in_diff: tuple[tuple[str, str], ...] = ()
    environment: str = ""
    scope: Scope = Scope.DEPLOY
    title: str = ""
    resource: str = ""
    reading: list[Fault | None] = field(default_factory=list)  # one for each read, then none
    applying: list[Fault | None] = field(default_factory=list)
    forbidden: Exception | None = None  # what stands against changing it

    def __post_init__(self) -> None:
        self.title = self.title or f"the {self.id}"

    async def read(self, inputs: Inputs) -> Body | None:
        self.world.calls.append(("read", self.id))
        for step_id, name in self.asks:
            inputs.get(step_id, name)
        fault = self.reading.pop(0) if self.reading else None
        if fault:
            await fault(lambda: None)
        await asyncio.sleep(0)
        return self.world.cloud.get(self.id)

    def diff(self, state: Body | None, inputs: Inputs) -> Change:
        for step_id, name in self.asks_in_diff:
            inputs.get(step_id, name)
        if state is None:
            return Change.create(**self.wants)
        return Change.update(compare(self.wants, state))

    async def require_rights(self, state: Body | None, change: Change, inputs: Inputs) -> None:
        if self.forbidden:
            raise self.forbidden

    async def apply(
        self, state: Body | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        self.world.calls.append(("apply", self.id))

        def work() -> None:
            self.world.writes.append(self.id)
            self.world.cloud[self.id] = {**(state or {}), **self.wants}

        fault = self.applying.pop(0) if self.applying else None
        if fault:
            await fault(work)
        else:
            await asyncio.sleep(0)
            work()
        return self.outputs(self.world.cloud[self.id], inputs)

    def outputs(self, state: Body, inputs: Inputs) -> Mapping[str, object]:
        return {"id": f"id-of-{self.id}", **state}

    def fresh_since(self, state: Body) -> float | None:
        return state.get("made_at")


@dataclass
class World:
    cloud: dict[str, Body] = field(default_factory=dict)
    clock: ManualClock = field(default_factory=ManualClock)
    cancel: CancelToken = field(default_factory=CancelToken)
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(jitter=lambda: 0.5))
    steps: dict[str, Thing] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def add(self, step_id: str, *needs: str, **settings: Any) -> Thing:
        self.steps[step_id] = Thing(self, step_id, needs, **settings)
        return self.steps[step_id]

    async def plan(self, **settings: Any) -> Plan:
        return await make_plan(
            tuple(self.steps.values()),
            listener=self.events.append,
            clock=self.clock,
            actor="a person",
            retry=self.retry,
            **settings,
        )

    async def run(self, plan: Plan | None = None, *, clock: Clock | None = None, **settings: Any) -> RunResult:
        plan = plan or await self.plan()
        self.calls.clear()
        return await run(
            plan,
            listener=self.events.append,
            clock=clock or self.clock,
            cancel=self.cancel,
            retry=self.retry,
            run_id="run-1",
            **settings,
        )

    def told(self, kind: type[Event]) -> Sequence[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def faults() -> tuple[Callable[[Exception], Fault], Callable[[Exception], Fault]]:
    """(before, after): the service fails before, or after it has done the work."""
    return before, after


@pytest.fixture(scope="session")
def new_world() -> Callable[[], World]:
    """For tests that need one for each of many examples."""
    return World
