"""A run: what is applied, when, how often, and what it comes to."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from dbxwizard.backend.run_model import RunModel
from dbxwizard.backend.views import PlanView
from dbxwizard.core.errors import Conflict, Forbidden, NotChecked, NotYet, OperationError, Transient
from dbxwizard.core.events import (
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepInfo,
    StepRead,
    StepRetried,
    StepSkipped,
    StepStarted,
    StepWaiting,
    fan_out,
)
from dbxwizard.core.plan import Action
from dbxwizard.core.result import Status

LATE = Transient("http-500", "oops", status=500)


def by_environment(result: Any) -> dict[str, Any]:
    return {environment.name: environment for environment in result.environments}


async def test_second_run_changes_nothing_and_writes_nothing(world: Any) -> None:
    world.add("a", wants={"size": 1})
    world.add("b", "a", asks=(("a", "id"),))
    first = await world.run()
    world.writes.clear()
    second = await world.run()
    assert (first.status, second.status) == (Status.SUCCESS, Status.UNCHANGED)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert (world.writes, world.calls) == ([], [])


async def test_a_step_uses_its_planned_reading_when_nothing_before_it_changed(world: Any) -> None:
    world.cloud = {"a": {}}
    world.add("a")
    world.add("b", "a")
    await world.run()
    assert world.calls == [("apply", "b")]


async def test_a_step_is_read_again_when_something_before_it_changed(world: Any) -> None:
    world.cloud = {"between": {}, "last": {"size": 1}}
    world.add("new")
    world.add("between", "new")
    world.add("last", "between", wants={"size": 1})
    plan = await world.plan()
    world.cloud["last"] = {"size": 2}  # the change of `new` did this
    result = await world.run(plan)
    assert world.calls == [("apply", "new"), ("read", "between"), ("read", "last"), ("apply", "last")]
    assert [change.resource for change in by_environment(result)[""].changes] == ["the new", "the last"]


async def test_what_was_unknown_is_read_and_compared_in_the_run(world: Any) -> None:
    world.cloud = {"needing": {}}
    world.add("new")
    world.add("needing", "new", asks=(("new", "id"),))
    result = await world.run()
    assert world.writes == ["new"]
    assert result.status is Status.SUCCESS


async def test_an_error_after_the_work_was_done_neither_doubles_nor_fails(world: Any, faults: Any) -> None:
    _, after = faults
    world.add("a", wants={"size": 1}, applying=[after(LATE)])
    result = await world.run()
    assert world.writes == ["a"]
    assert result.status is Status.SUCCESS
    assert world.told(StepFinished)[0].action is Action.CREATE
    assert [(change.resource, change.reasons) for change in by_environment(result)[""].changes] == [
        ("the a", ("size: absent → 1",))
    ]


async def test_an_error_before_the_work_is_tried_again_after_a_new_reading(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("a", applying=[before(LATE)])
    assert (await world.run()).status is Status.SUCCESS
    assert world.calls == [("apply", "a"), ("read", "a"), ("apply", "a")]


async def test_transient_errors_end_after_so_many_attempts(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("a", applying=[before(LATE)] * 100)
    result = await world.run()
    assert world.calls.count(("apply", "a")) == world.retry.attempts
    assert (result.status, [error.code for error in result.errors]) == (Status.ERROR, ["http-500"])
    assert result.exit_code == 1


async def test_retry_after_is_followed_up_to_a_cap(world: Any, faults: Any) -> None:
    before, _ = faults
    asked = [Transient("http-429", "slow", retry_after=wait) for wait in (3, 100_000)]
    world.add("a", applying=[before(error) for error in asked])
    await world.run()
    assert world.clock.slept == [3, world.retry.retry_after_cap]
    assert [event.reason for event in world.told(StepRetried)] == ["http-429: slow", "http-429: slow"]


async def test_a_conflict_is_read_again_a_few_times(world: Any, faults: Any) -> None:
    before, _ = faults

    async def another_run_is_first(_work: Any) -> None:
        world.cloud["a"] = {}
        raise Conflict("RoleAssignmentExists", "there already")

    world.add("a", applying=[another_run_is_first])
    result = await world.run()
    assert (result.status, world.writes) == (Status.UNCHANGED, [])
    world.add("b", applying=[before(Conflict("VaultAlreadyExists", "taken"))] * 5)
    result = await world.run()
    assert world.calls.count(("apply", "b")) == 1 + world.retry.conflicts
    assert [error.code for error in result.errors] == ["VaultAlreadyExists"]


async def test_not_yet_is_waited_for_when_a_need_was_made_in_this_run(world: Any, faults: Any) -> None:
    before, _ = faults
    world.cloud = {"between": {}}
    world.add("assignment")
    world.add("between", "assignment")
    world.add("secret", "between", applying=[before(NotYet("ForbiddenByRbac", "no", status=403))] * 20)
    assert (await world.run()).status is Status.SUCCESS
    assert max(world.clock.slept) <= world.retry.not_yet_cap


async def test_not_yet_ends_ten_minutes_after_the_need_was_made(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("assignment")
    world.add("secret", "assignment", applying=[before(NotYet("ForbiddenByRbac", "no", status=403))] * 1000)
    began = world.clock.now()
    result = await world.run()
    assert world.clock.now() - began == pytest.approx(600)
    assert (result.errors[0].code, result.status, result.exit_code) == ("ForbiddenByRbac", Status.PARTIAL, 3)
    assert isinstance(result.errors[0], Forbidden)


async def test_not_yet_is_final_when_nothing_is_fresh(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("secret", applying=[before(NotYet("ForbiddenByRbac", "no", status=403))] * 3)
    result = await world.run()
    assert world.calls == [("apply", "secret")]
    assert (result.status, result.exit_code) == (Status.ERROR, 3)


@pytest.mark.parametrize(("age", "status"), [(60, Status.SUCCESS), (700, Status.ERROR)])
async def test_not_yet_is_waited_for_while_what_exists_is_fresh(
    world: Any, faults: Any, age: float, status: Status
) -> None:
    before, _ = faults
    world.cloud = {"application": {"made_at": world.clock.now() - age, "size": 1}}
    world.add("application", wants={"size": 2}, applying=[before(NotYet("PrincipalNotFound", "no", status=400))] * 3)
    assert (await world.run()).status is status


async def test_errors_of_a_group_count_as_the_one_that_no_retry_mends(world: Any, faults: Any) -> None:
    before, _ = faults
    final = OperationError("QuotaExceeded", "no more")
    world.add("a", applying=[before(ExceptionGroup("several", [LATE, ExceptionGroup("more", [final])]))])
    world.add("b", applying=[before(ExceptionGroup("several", [LATE, LATE]))])
    result = await world.run()
    assert [error.code for error in result.errors] == ["QuotaExceeded"]
    assert "b" in world.cloud


async def test_a_failed_step_leaves_out_its_dependents_and_nothing_else(world: Any, faults: Any) -> None:
    before, _ = faults
    bad = OperationError("QuotaExceeded", "no more cores")
    world.add("uat/cluster", environment="UAT", title="cluster", applying=[before(bad)])
    world.add("uat/job", "uat/cluster", environment="UAT")
    world.add("uat/run", "uat/job", environment="UAT")
    world.add("uat/scope", environment="UAT")
    world.add("production/cluster", environment="Production")
    result = await world.run()
    assert {event.step: event.because for event in world.told(StepSkipped)} == {
        "uat/job": "cluster failed",
        "uat/run": "cluster failed",
    }
    assert world.cloud.keys() == {"uat/scope", "production/cluster"}
    environments = by_environment(result)
    assert (environments["UAT"].status, environments["Production"].status) == (Status.PARTIAL, Status.SUCCESS)
    assert (result.status, result.exit_code) == (Status.PARTIAL, 1)
    assert (result.errors[0].code, result.errors[0].resource) == ("QuotaExceeded", "cluster")


async def test_the_next_run_mends_what_failed(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("a", applying=[before(OperationError("QuotaExceeded", "no"))])
    world.add("b", "a", asks=(("a", "id"),))
    await world.run()
    assert (await world.run()).status is Status.SUCCESS
    assert world.writes == ["a", "b"]


async def test_an_unexpected_exception_is_an_internal_error_with_its_traceback_for_the_log_alone(world: Any) -> None:
    async def bug(_work: Any) -> None:
        raise ZeroDivisionError("by nought")

    world.add("a", applying=[bug])
    world.add("b")
    result = await world.run()
    failed = world.told(StepFailed)[0]
    assert (result.errors[0].code, result.status) == ("internal-error", Status.PARTIAL)
    assert "ZeroDivisionError" in failed.traceback
    assert "Traceback" not in repr(failed) + str(failed.to_json()) + str(result.to_json())


async def test_a_step_that_cancels_itself_fails_and_the_run_goes_on(world: Any) -> None:
    async def give_up(_work: Any) -> None:
        raise asyncio.CancelledError

    world.add("a", applying=[give_up])
    world.add("b", "a")
    result = await world.run()
    assert (result.status, result.errors[0].code) == (Status.ERROR, "internal-error")
    assert world.told(StepSkipped)[0].step == "b"


async def test_what_was_not_checked_is_left_alone_and_its_dependents_go_on(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("role", reading=[before(NotChecked("no"))])
    world.add("cluster", "role")
    result = await world.run(await world.plan(lenient=True))
    assert world.writes == ["cluster"]
    assert result.status is Status.SUCCESS


async def test_what_was_not_checked_hides_no_change_before_it(world: Any, faults: Any) -> None:
    before, _ = faults
    world.cloud = {"last": {"size": 1}}
    world.add("new")
    world.add("role", "new", reading=[before(NotChecked("no"))])
    world.add("last", "role", wants={"size": 2}, applying=[before(NotYet("PrincipalNotFound", "not yet"))])
    result = await world.run(await world.plan(lenient=True))
    assert result.status is Status.SUCCESS
    assert world.calls == [("apply", "new"), ("read", "last"), ("apply", "last"), ("read", "last"), ("apply", "last")]


async def test_independent_steps_are_applied_at_once(world: Any) -> None:
    barrier = asyncio.Barrier(6)

    async def meet(work: Any) -> None:
        await barrier.wait()
        work()

    for number in range(6):
        world.add(f"{number}", environment=f"e{number % 3}", applying=[meet])
    async with asyncio.timeout(20):
        assert (await world.run()).status is Status.SUCCESS


async def test_no_more_than_the_allowed_number_runs_at_once(world: Any) -> None:
    running, most = 0, 0

    async def count(work: Any) -> None:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0)
        running -= 1
        work()

    for number in range(9):
        world.add(f"{number}", applying=[count])
    await world.run(concurrency=3)
    assert (most, len(world.writes)) == (3, 9)


class _Cancelling:
    """Steps of a run that is cancelled while one of them is being applied."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.go_on = asyncio.Event()

    async def cancel_and_wait(self, work: Any) -> None:
        self.world.cancel.cancel()
        await self.go_on.wait()
        work()

    async def cancel_twice(self, work: Any) -> None:
        self.world.cancel.cancel()
        self.world.cancel.cancel()
        await self.go_on.wait()
        work()


class _GraceClock:
    """Lets the running steps finish when the grace begins."""

    def __init__(self, world: Any, go_on: asyncio.Event) -> None:
        self._clock, self._go_on = world.clock, go_on

    def now(self) -> float:
        return float(self._clock.now())

    async def sleep(self, seconds: float) -> None:
        assert seconds == 30
        self._go_on.set()
        await asyncio.Event().wait()


async def test_cancelled_run_finishes_what_is_applied_and_starts_nothing(world: Any) -> None:
    cancelling = _Cancelling(world)
    world.add("a", applying=[cancelling.cancel_and_wait])
    world.add("b", "a")
    plan = await world.plan()
    async with asyncio.timeout(20):
        result = await world.run(plan, clock=_GraceClock(world, cancelling.go_on))
    assert world.writes == ["a"]
    assert (result.status, result.exit_code) == (Status.CANCELLED, 130)
    assert [(event.step, event.because) for event in world.told(StepSkipped)] == [("b", "cancelled before it started")]
    assert [change.resource for change in by_environment(result)[""].changes] == ["the a"]


async def test_what_does_not_finish_within_the_grace_is_cancelled(world: Any) -> None:
    world.add("a", applying=[_Cancelling(world).cancel_and_wait])
    async with asyncio.timeout(20):
        result = await world.run()
    assert (world.writes, result.status) == ([], Status.CANCELLED)
    assert world.clock.slept == [30]
    assert "under way" in world.told(StepSkipped)[0].because


async def test_cancelling_twice_gives_no_grace(world: Any) -> None:
    world.add("a", applying=[_Cancelling(world).cancel_twice])
    async with asyncio.timeout(20):
        result = await world.run()
    assert (world.writes, result.status, world.clock.slept) == ([], Status.CANCELLED, [])


async def test_a_step_that_only_waits_to_try_again_is_cancelled_at_once(world: Any, faults: Any) -> None:
    before, _ = faults

    class StandingClock(_GraceClock):
        async def sleep(self, seconds: float) -> None:
            world.cancel.cancel()
            await asyncio.Event().wait()

    world.add("a", applying=[before(LATE)])
    plan = await world.plan()
    async with asyncio.timeout(20):
        result = await world.run(plan, clock=StandingClock(world, asyncio.Event()))
    assert result.status is Status.CANCELLED


async def test_a_run_cancelled_before_it_starts_does_nothing(world: Any) -> None:
    world.add("a")
    world.cancel.cancel()
    result = await world.run()
    assert (result.status, world.writes) == (Status.CANCELLED, [])


async def test_cancelling_from_another_thread_wakes_the_run(world: Any) -> None:
    cancelling = _Cancelling(world)

    async def start_thread(_work: Any) -> None:
        threading.Thread(target=world.cancel.cancel).start()
        await cancelling.go_on.wait()

    world.add("a", applying=[start_thread])
    async with asyncio.timeout(20):
        assert (await world.run()).status is Status.CANCELLED


async def test_a_cancelled_task_ends_its_steps_and_tells_so(world: Any) -> None:
    started = asyncio.Event()

    async def hang(_work: Any) -> None:
        started.set()
        await asyncio.Event().wait()

    world.add("a", applying=[hang])
    task = asyncio.create_task(world.run())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.told(RunFinished)[0].status == "cancelled"


async def test_a_cancelled_run_is_completed_by_the_next(world: Any) -> None:
    world.add("a", applying=[_Cancelling(world).cancel_twice])
    world.add("b", "a", asks=(("a", "id"),))
    await world.run()
    world.cancel = type(world.cancel)()
    assert (await world.run()).status is Status.SUCCESS
    assert world.writes == ["a", "b"]


async def test_events_tell_the_run_in_its_order(world: Any) -> None:
    world.cloud = {"same": {}}
    world.add("same")
    world.add("new", wants={"size": 1})
    plan = await world.plan()
    world.events.clear()
    await world.run(plan, command="setup")
    assert [(type(event), getattr(event, "step", "")) for event in world.events] == [
        (RunStarted, ""),
        (StepFinished, "same"),
        (StepStarted, "new"),
        (StepFinished, "new"),
        (RunFinished, ""),
    ]
    started = world.events[0]
    assert (started.command, started.actor, started.steps, started.changes) == ("setup", "a person", 2, 1)


async def test_what_was_foretold_is_told_beside_what_was_done(world: Any) -> None:
    """Whoever reads the run later sees as many steps as who watched it with the plan at hand."""
    world.cloud = {"same": {}}
    world.add("same")
    world.add("new")
    world.add("after", "new", asks=(("new", "id"),))
    plan = await world.plan()
    world.cloud["after"] = {}  # the change of `new` did this
    await world.run(plan)
    told = {event.step: (event.planned, event.action) for event in world.told(StepFinished)}
    assert told["same"] == (Action.NONE, Action.NONE)
    assert told["after"] == (Action.CREATE, Action.NONE)
    watched, read = RunModel(PlanView.of("deploy", plan).steps), RunModel()
    for event in world.events:
        if not isinstance(event, StepRead):
            watched.take(event.to_json())
            read.take(event.to_json())
    assert list(read.steps) == list(watched.steps) == ["new", "after"]
    assert read.counts() == watched.counts()


async def test_progress_may_be_told_from_any_thread(world: Any) -> None:
    thing = world.add("a")
    original, here = thing.apply, threading.get_ident()
    heard: list[int] = []

    async def apply(state: Any, change: Any, inputs: Any, progress: Any) -> Any:
        progress.waiting("the deployment")
        await asyncio.to_thread(progress.info, "half done")
        return await original(state, change, inputs, progress)

    thing.apply = apply
    plan = await world.plan()
    world.events = _Recording(heard)
    await world.run(plan)
    assert [event.what for event in world.told(StepWaiting)] == ["the deployment"]
    assert [event.text for event in world.told(StepInfo)] == ["half done"]
    assert set(heard) == {here}


class _Recording(list[Any]):
    def __init__(self, threads: list[int]) -> None:
        super().__init__()
        self._threads = threads

    def append(self, item: Any) -> None:
        self._threads.append(threading.get_ident())
        super().append(item)


async def test_a_listener_that_fails_breaks_neither_the_run_nor_other_listeners(world: Any) -> None:
    heard: list[Any] = []

    def broken(_event: Any) -> None:
        raise RuntimeError("a defect of the listener")

    world.add("a")
    plan = await world.plan()
    both = fan_out(broken, heard.append)
    world.events = type("Events", (list,), {"append": lambda _self, event: both(event)})()
    assert (await world.run(plan)).status is Status.SUCCESS
    assert isinstance(heard[-1], RunFinished)


async def test_jitter_spreads_the_attempts(world: Any, faults: Any) -> None:
    before, _ = faults
    numbers = iter([0.0, 0.25, 1.0])
    world.retry = replace(world.retry, jitter=lambda: next(numbers), base=2.0, cap=6.0)
    world.add("a", applying=[before(LATE)] * 3)
    await world.run()
    assert world.clock.slept == [0.0, 1.0, 6.0]
