"""Random graphs of steps: each once, after its needs, and as fast as the graph allows."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dbxwizard.core.errors import OperationError
from dbxwizard.core.graph import Walk, topological_order
from dbxwizard.core.result import Status

Graph = dict[str, tuple[str, ...]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(1, 14))
    needs = {
        f"s{number}": tuple(f"s{need}" for need in sorted(draw(st.sets(st.integers(0, number - 1), max_size=4))))
        if number
        else ()
        for number in range(size)
    }
    shuffled = draw(st.permutations(list(needs)))
    return {step_id: needs[step_id] for step_id in shuffled}


class VirtualTime:
    """Time that goes on only when every task sleeps, so that a walk takes exactly as long as its longest path."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, asyncio.Event]] = []
        self._count = 0

    async def sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        self._count += 1
        heapq.heappush(self._due, (self.now + seconds, self._count, event))
        await event.wait()

    async def drive(self, work: asyncio.Task[None]) -> None:
        while not work.done():
            for _ in range(30):  # all that can go on does so within a few turns of the loop
                await asyncio.sleep(0)
            if self._due:
                self.now, _, event = heapq.heappop(self._due)
                event.set()
        await work


def longest_path(needs: Graph, seconds: dict[str, float]) -> float:
    ends: dict[str, float] = {}
    for step_id in topological_order(needs):
        ends[step_id] = seconds[step_id] + max((ends[need] for need in needs[step_id]), default=0.0)
    return max(ends.values())


@given(graphs(), st.data())
@settings(max_examples=60)
def test_a_walk_takes_as_long_as_the_longest_path(needs: Graph, data: st.DataObject) -> None:
    seconds = {step_id: float(data.draw(st.integers(1, 5))) for step_id in needs}
    time = VirtualTime()

    async def visit(step_id: str) -> None:
        await time.sleep(seconds[step_id])

    async def main() -> None:
        await time.drive(asyncio.create_task(Walk(needs, visit, concurrency=100).run()))

    asyncio.run(main())
    assert time.now == longest_path(needs, seconds)


@given(graphs(), st.integers(1, 4))
@settings(max_examples=60)
def test_each_is_visited_once_after_its_needs_and_few_at_a_time(needs: Graph, concurrency: int) -> None:
    ended: list[str] = []
    running: set[str] = set()

    async def visit(step_id: str) -> None:
        assert set(needs[step_id]) <= set(ended)
        running.add(step_id)
        assert len(running) <= concurrency
        await asyncio.sleep(0)
        running.remove(step_id)
        ended.append(step_id)

    asyncio.run(Walk(needs, visit, concurrency=concurrency).run())
    assert sorted(ended) == sorted(needs)


@given(graphs())
def test_the_order_is_the_given_one_where_it_may_be(needs: Graph) -> None:
    order = topological_order(needs)
    assert sorted(order) == sorted(needs)
    assert all(order.index(need) < order.index(step_id) for step_id in needs for need in needs[step_id])
    assert topological_order({step_id: needs[step_id] for step_id in order}) == order


def test_a_long_chain_is_no_deep_recursion() -> None:
    needs = {f"s{number}": (f"s{number - 1}",) if number else () for number in range(5000)}
    assert topological_order(needs)[-1] == "s4999"


def test_an_error_of_a_visit_ends_the_walk_and_the_others() -> None:
    ended: list[str] = []

    async def visit(step_id: str) -> None:
        if step_id == "bad":
            raise LookupError(step_id)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(step_id)

    async def main() -> None:
        await Walk({"bad": (), "other": ()}, visit, concurrency=2).run()

    try:
        asyncio.run(main())
    except LookupError as error:
        ended.append(str(error.args[0]))
    assert ended == ["other", "bad"]


@given(needs=graphs(), data=st.data())
@settings(max_examples=60)
def test_failures_leave_out_exactly_what_needs_them_and_the_next_run_completes(
    new_world: Callable[[], Any], needs: Graph, data: st.DataObject
) -> None:
    world = new_world()
    broken = data.draw(st.sets(st.sampled_from(sorted(needs))))

    async def fail(_work: Any) -> None:
        raise OperationError("QuotaExceeded", "no")

    for step_id, needed in needs.items():
        world.add(step_id, *needed, asks=tuple((need, "id") for need in needed))
        world.steps[step_id].applying = [fail] if step_id in broken else []
    asyncio.run(world.run())
    assert set(world.cloud) == {step_id for step_id in needs if not _reaches(needs, step_id, broken)}
    for thing in world.steps.values():
        thing.applying = []
    result = asyncio.run(world.run())
    assert result.status is (Status.SUCCESS if broken else Status.UNCHANGED)
    assert sorted(world.writes) == sorted(needs)


def _reaches(needs: Graph, step_id: str, broken: set[str]) -> bool:
    return step_id in broken or any(_reaches(needs, need, broken) for need in needs[step_id])
