"""A plan: what is read, when, and what it says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dbxwizard.core.errors import Forbidden, NotChecked, NotSignedIn, NotYet, OperationError, SeveralErrors, Transient
from dbxwizard.core.events import PlanFailed, PlanReady, PlanStarted, StepFailed, StepRead, StepRetried
from dbxwizard.core.plan import Action, Reason, Scope


def by_id(plan: Any) -> dict[str, Any]:
    return {planned.step.id: planned for planned in plan.steps}


async def test_each_step_is_read_and_compared(world: Any) -> None:
    world.cloud = {"same": {"size": 1}, "other": {"size": 1}}
    for name in ("missing", "same", "other"):
        world.add(name, wants={"size": 2 if name == "other" else 1})
    planned = by_id(await world.plan())
    assert planned["missing"].change.action is Action.CREATE
    assert planned["same"].change.action is Action.NONE
    assert planned["other"].change.reasons == (Reason("size", 1, 2),)
    assert world.writes == []


async def test_steps_come_after_what_they_need_otherwise_as_given(world: Any) -> None:
    world.add("c", "a")
    world.add("b")
    world.add("a")
    plan = await world.plan()
    assert [planned.step.id for planned in plan.steps] == ["b", "a", "c"]


async def test_what_needs_an_output_of_something_new_is_known_after_it(world: Any) -> None:
    world.add("new", title="the new thing")
    world.add("needing", "new", asks=(("new", "id"),))
    planned = by_id(await world.plan())["needing"]
    assert (planned.change.action, planned.change.note) == (Action.CREATE, "known after the new thing")
    assert not planned.known


async def test_existing_step_that_compares_with_something_new_is_an_update(world: Any) -> None:
    world.cloud = {"needing": {}}
    world.add("new")
    world.add("needing", "new", asks_in_diff=(("new", "id"),))
    planned = by_id(await world.plan())["needing"]
    assert (planned.change.action, planned.known) == (Action.UPDATE, False)


async def test_outputs_of_what_exists_are_known_even_when_it_changes(world: Any) -> None:
    world.cloud = {"old": {"size": 1}, "needing": {}}
    world.add("old", wants={"size": 2})
    world.add("needing", "old", asks=(("old", "id"),))
    assert by_id(await world.plan())["needing"].known


async def test_an_output_that_an_update_adds_is_known_after_it(world: Any) -> None:
    world.cloud = {"old": {"size": 1}}
    world.add("old", wants={"size": 2})
    world.add("needing", "old", asks=(("old", "token"),))
    assert by_id(await world.plan())["needing"].change.note == "known after the old"


async def test_only_needs_may_be_asked(world: Any) -> None:
    world.cloud = {"other": {}}
    world.add("other")
    world.add("asking", asks=(("other", "id"),))
    with pytest.raises(OperationError) as caught:
        await world.plan()
    assert caught.value.code == "internal-error"
    assert "KeyError" in world.told(StepFailed)[0].traceback


async def test_reads_go_on_side_by_side(world: Any) -> None:
    barrier = asyncio.Barrier(8)

    async def meet(_work: Any) -> None:
        await barrier.wait()

    for number in range(8):
        world.add(f"s{number}", reading=[meet])
    async with asyncio.timeout(20):
        assert len((await world.plan()).steps) == 8


async def test_a_reader_waits_for_its_needs_only(world: Any) -> None:
    released = asyncio.Event()

    async def wait(_work: Any) -> None:
        await released.wait()

    async def release(_work: Any) -> None:
        released.set()

    world.add("slow", reading=[wait])
    world.add("quick")
    world.add("after-quick", "quick", reading=[release])
    async with asyncio.timeout(20):
        await world.plan()
    assert world.calls.index(("read", "after-quick")) > world.calls.index(("read", "quick"))


async def test_what_the_actor_may_not_see_is_not_checked_where_that_stops_nothing(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("role", scope=Scope.SETUP, reading=[before(Forbidden("AuthorizationFailed", "no right to read roles"))])
    plan = await world.plan(lenient=True)
    assert plan.steps[0].not_checked == "no right to read roles"
    assert plan.changes == ()
    assert plan.counts() == dict.fromkeys(Action, 0)
    assert world.told(PlanReady)[0].not_checked == 1


async def test_a_final_not_yet_of_403_is_a_forbidden(world: Any, faults: Any) -> None:
    before, _ = faults
    refusal = NotYet("AuthorizationFailed", "no right", status=403)
    world.add("role", scope=Scope.SETUP, reading=[before(refusal), before(refusal)])
    assert (await world.plan(lenient=True)).steps[0].not_checked == "no right"
    with pytest.raises(Forbidden) as caught:
        await world.plan()
    assert (caught.value.code, caught.value.exit_code, caught.value.resource) == ("AuthorizationFailed", 3, "the role")


async def test_a_final_not_yet_of_401_is_not_signed_in(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("sign-in", scope=Scope.SETUP, reading=[before(NotYet("AADSTS70021", "no match", status=401))])
    with pytest.raises(NotSignedIn):
        await world.plan(lenient=True)


async def test_a_right_that_lacks_ends_a_plan_unless_it_goes_on_without(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("cluster", reading=[before(Forbidden("PERMISSION_DENIED", "no"))])
    with pytest.raises(Forbidden):
        await world.plan()
    assert world.told(PlanFailed)[0].errors == 1


def no_right(scope: str) -> Forbidden:
    return Forbidden("AuthorizationFailed", f"no right at {scope}", action="roles/read", scope=scope, status=403)


async def test_what_needs_something_unread_says_so_and_each_right_is_told_once(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("role", reading=[before(no_right("/here"))])
    world.add("other", reading=[before(no_right("/there"))])
    world.add("new")
    world.add("assignment", "role", asks=(("role", "id"),))
    world.add("last", "assignment", asks=(("assignment", "id"),))
    world.add("both", "new", "role", asks=(("new", "id"),))
    plan = await world.plan(lenient=True)
    why = "it can't be read without roles/read at /here"
    told = {name: planned.not_checked for name, planned in by_id(plan).items()}
    assert told["role"] == why
    assert told["assignment"] == told["both"] == told["last"] == "it waits for what can't be read: the role"
    assert [planned.step.id for planned in plan.changes] == ["new"]
    (error,) = plan.lacking
    assert (error.exit_code, error.message) == (3, "no right at /here. The same right lacks at /there.")


async def test_what_the_actor_is_never_to_see_is_no_right_that_lacks(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("members", reading=[before(NotChecked("for admins alone"))])
    plan = await world.plan(lenient=True)
    assert (plan.steps[0].not_checked, plan.lacking) == ("for admins alone", ())
    assert [error.exit_code for error in plan.obstacles] == [3]


async def test_a_change_that_may_not_be_made_is_a_change_that_says_so(world: Any) -> None:
    world.add("role", forbidden=no_right("/here"))
    world.cloud = {"there": {}}
    world.add("there", forbidden=no_right("/here"))
    role, there = (await world.plan(lenient=True)).steps
    assert (role.changes, role.may_not) == (True, "it can't be made without roles/read at /here")
    assert (there.changes, there.may_not) == (False, "")
    with pytest.raises(Forbidden):
        await world.plan()


async def test_all_errors_are_collected_and_what_depends_on_them_is_not_read(world: Any, faults: Any) -> None:
    before, _ = faults
    world.add("a", reading=[before(OperationError("bad-a", "no"))])
    world.add("after-a", "a")
    world.add("b", reading=[before(OperationError("bad-b", "no"))])
    with pytest.raises(SeveralErrors) as caught:
        await world.plan()
    assert [error.code for error in caught.value.errors] == ["bad-a", "bad-b"]
    assert ("read", "after-a") not in world.calls


async def test_reads_are_tried_again_as_the_service_says(world: Any, faults: Any) -> None:
    before, _ = faults
    slow_down = Transient("http-429", "slow down", status=429, retry_after=7)
    world.add("a", reading=[before(slow_down), before(Transient("http-500", "oops", status=500))])
    await world.plan()
    retried = world.told(StepRetried)
    assert [(event.delay, event.attempt) for event in retried] == [(7, 1), (world.retry.backoff(1), 2)]
    assert world.clock.slept == [event.delay for event in retried]


async def test_a_read_waits_for_a_fresh_need_only(world: Any, faults: Any) -> None:
    before, _ = faults
    world.cloud = {"assignment": {"made_at": world.clock.now() - 60}, "vault": {}}
    refusals = [before(NotYet("ForbiddenByRbac", "not yet", status=403)) for _ in range(5)]
    world.add("assignment")
    world.add("between", "assignment")
    world.add("vault", "between", reading=list(refusals))
    world.cloud["between"] = {}
    await world.plan()
    assert len(world.told(StepRetried)) == 5
    world.cloud["assignment"]["made_at"] = world.clock.now() - 601
    world.steps["vault"].reading = list(refusals)
    with pytest.raises(Forbidden):
        await world.plan()


async def test_a_fresh_need_counts_through_what_is_known_later(world: Any, faults: Any) -> None:
    before, _ = faults
    world.cloud = {"assignment": {"made_at": world.clock.now() - 60}, "vault": {}}
    world.add("assignment")
    world.add("new")
    world.add("between", "assignment", "new", asks=(("new", "id"),))
    world.add("vault", "between", reading=[before(NotYet("ForbiddenByRbac", "not yet", status=403))])
    assert by_id(await world.plan())["vault"].change.action is Action.NONE


async def test_events_tell_the_plan_as_it_is_made(world: Any) -> None:
    world.add("a")
    plan = await world.plan()
    assert [type(event) for event in world.events] == [PlanStarted, StepRead, PlanReady]
    assert world.events[-1].digest == plan.digest()


@pytest.mark.parametrize(
    ("needs", "words"),
    [({"a": ("b",), "b": ("a",), "c": ()}, "a, b"), ({"a": ("x",)}, "x"), ({"a": ("a",)}, "cycle")],
)
async def test_an_impossible_graph_is_a_programming_error(world: Any, needs: dict[str, Any], words: str) -> None:
    for name, needed in needs.items():
        world.add(name, *needed)
    with pytest.raises(ValueError, match=words):
        await world.plan()
    assert world.calls == []


async def test_the_same_id_twice_is_a_programming_error(world: Any) -> None:
    world.add("a")
    world.steps["another"] = world.steps["a"]
    with pytest.raises(ValueError, match="a"):
        await world.plan()
