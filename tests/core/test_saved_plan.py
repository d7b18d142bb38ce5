"""A plan can be saved, and is refused when the world has moved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.core.errors import Forbidden, OperationError, UsageError
from dbxwizard.core.plan import Scope, load_saved
from dbxwizard.core.secret import Secret


async def saved(world: Any) -> Any:
    return load_saved(json.dumps((await world.plan()).to_json()))


async def test_the_same_world_gives_the_same_plan(world: Any) -> None:
    world.add("a", wants={"size": 1})
    before = await saved(world)
    world.clock.advance(3600)
    plan = await world.plan()
    assert plan.differences_from(before) == ()
    assert plan.digest() == before.digest
    plan.require_same(before)


async def test_the_differences_are_named(world: Any) -> None:
    world.cloud = {"resized": {"size": 1, "tag": "x"}, "gone": {}}
    for name in ("resized", "gone"):
        world.add(name, wants={"size": 2, "tag": "x"} if name == "resized" else {})
    world.add("removed")
    before = await saved(world)
    world.cloud = {"resized": {"size": 3, "tag": "x"}}
    del world.steps["removed"]
    world.add("added")
    plan = await world.plan()
    assert plan.differences_from(before) == (
        "resized differs in size",
        "gone was none, is create",
        "added was none, is create",
        "removed was create, is none",
    )
    with pytest.raises(OperationError, match="the world has moved") as caught:
        plan.require_same(before)
    assert caught.value.code == "plan-outdated"


async def test_a_difference_beyond_what_is_shown_counts(world: Any) -> None:
    world.cloud = {"a": {"text": "x" * 1000 + "old"}}
    world.add("a", wants={"text": "x" * 1000 + "new"})
    before = await saved(world)
    world.cloud = {"a": {"text": "x" * 1000 + "older"}}
    assert (await world.plan()).differences_from(before) == ("a differs in text",)


async def test_a_plan_holds_no_secret(world: Any) -> None:
    world.add("a", wants={"password": Secret("s3cr3t-value")})
    plan = await world.plan()
    assert "s3cr3t-value" not in json.dumps(plan.to_json()) + repr(plan.steps[0].change)


@pytest.mark.parametrize("exists", [True, False])
async def test_what_can_not_be_checked_differs_only_when_it_was_to_change(
    world: Any, faults: Any, exists: bool
) -> None:
    before_work, _ = faults
    world.cloud = {"role": {}} if exists else {}
    world.add("role", scope=Scope.SETUP)
    seen = await saved(world)
    world.steps["role"].reading = [before_work(Forbidden("AuthorizationFailed", "no"))]
    plan = await world.plan(lenient=True)
    assert plan.differences_from(seen) == (() if exists else ("role was create, is not checked",))


async def test_an_edited_plan_is_refused(world: Any) -> None:
    world.add("a", wants={"size": 1})
    data = (await world.plan()).to_json()
    data["steps"][0]["reasons"] = ["size: absent → 2"]
    with pytest.raises(UsageError, match="digest") as caught:
        load_saved(json.dumps(data), file="plan.json")
    assert (caught.value.resource, caught.value.exit_code) == ("plan.json", 2)


async def test_a_plan_of_another_version_is_refused(world: Any) -> None:
    data = {**(await world.plan()).to_json(), "schema_version": 99}
    with pytest.raises(UsageError, match="99"):
        load_saved(json.dumps(data))


@given(
    st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_anything_else_is_one_clear_error(data: bytes) -> None:
    with pytest.raises(UsageError, match="not a plan"):
        load_saved(data)


@pytest.mark.parametrize("text", ['{"steps": {}}', '{"steps": [{"id": 1}]}', '{"steps": 1}', "[" * 100_000, ""])
def test_nearly_a_plan_is_one_clear_error(text: str) -> None:
    with pytest.raises(UsageError, match="not a plan"):
        load_saved(text)
