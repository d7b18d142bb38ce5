"""A plan limited to one step and those that wait for it, as somebody retries it."""

from __future__ import annotations

from typing import Any

from dbxwizard.core.result import Status


async def test_only_the_step_and_what_waits_for_it_is_applied(world: Any) -> None:
    world.cloud = {"there": {"id": 1}}
    world.add("there")
    world.add("chosen", "there")
    world.add("waits", "chosen")
    world.add("other")
    plan = (await world.plan()).limited_to("chosen")
    assert [planned.step.id for planned in plan.changes] == ["chosen", "waits"]
    result = await world.run(plan)
    assert result.status is Status.SUCCESS
    assert world.writes == ["chosen", "waits"]


async def test_what_waits_for_another_change_too_is_left_out_with_it(world: Any) -> None:
    world.add("chosen")
    world.add("other")
    world.add("waits for both", "chosen", "other")
    world.add("waits for that", "waits for both")
    plan = (await world.plan()).limited_to("chosen")
    assert [planned.step.id for planned in plan.steps] == ["chosen"]


async def test_a_step_that_is_as_it_should_be_leaves_nothing_to_do(world: Any) -> None:
    world.cloud = {"chosen": {}}
    world.add("chosen")
    world.add("other")
    plan = (await world.plan()).limited_to("chosen")
    assert plan.changes == ()
    assert (await world.run(plan)).status is Status.UNCHANGED
