"""The order of steps, and a walk through it that does as much at once as it allows."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from dbxwizard.core.cancel import CancelToken

Needs = Mapping[str, Sequence[str]]


def topological_order(needs: Needs) -> tuple[str, ...]:
    """The ids so that each comes after what it needs, otherwise in the order given.

    Raises ValueError for a need that is no id, and for a cycle: both are programming errors.
    """
    position = {step_id: place for place, step_id in enumerate(needs)}
    dependents, missing = _links(needs)
    ready = [position[step_id] for step_id, count in missing.items() if not count]
    ids, order = tuple(needs), []
    heapq.heapify(ready)
    while ready:
        step_id = ids[heapq.heappop(ready)]
        order.append(step_id)
        for dependent in dependents[step_id]:
            missing[dependent] -= 1
            if not missing[dependent]:
                heapq.heappush(ready, position[dependent])
    if len(order) < len(ids):
        raise ValueError(f"these steps need each other in a cycle: {', '.join(sorted(set(ids) - set(order)))}")
    return tuple(order)


def _links(needs: Needs) -> tuple[dict[str, list[str]], dict[str, int]]:
    """For each id: who needs it, and how many it still needs."""
    dependents: dict[str, list[str]] = {step_id: [] for step_id in needs}
    for step_id, needed in needs.items():
        for need in dict.fromkeys(needed):
            if need not in dependents:
                raise ValueError(f"{step_id} needs {need}, which is not in the plan")
            dependents[need].append(step_id)
    return dependents, {step_id: len(set(needed)) for step_id, needed in needs.items()}


async def _no_grace() -> None:
    return None


def _never(_step_id: str) -> bool:
    return False


class Walk:
    """Visits each id once, after what it needs, at most `concurrency` at a time.

    When `cancel` is asked, nothing new starts and running visits are cancelled: at once where `in_work(id)` is False,
    the others after `grace()` or when it is asked a second time. An exception of a visit ends the walk.
    """

    def __init__(
        self,
        needs: Needs,
        visit: Callable[[str], Coroutine[Any, Any, None]],
        *,
        concurrency: int,
        cancel: CancelToken | None = None,
        in_work: Callable[[str], bool] = _never,
        grace: Callable[[], Awaitable[None]] = _no_grace,
    ) -> None:
        self._order = {step_id: place for place, step_id in enumerate(topological_order(needs))}
        self._dependents, self._missing = _links(needs)
        self._ready = [(place, step_id) for step_id, place in self._order.items() if not self._missing[step_id]]
        heapq.heapify(self._ready)
        self._visit, self._concurrency = visit, concurrency
        self._cancel = cancel or CancelToken()
        self._in_work, self._grace = in_work, grace
        self._running: dict[str, asyncio.Task[None]] = {}
        self._wake: asyncio.Queue[str] = asyncio.Queue()  # ids that ended; "" when cancelling was asked
        self._grace_task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        unsubscribe = self._cancel.subscribe(lambda: loop.call_soon_threadsafe(self._wake.put_nowait, ""))
        try:
            self._start_ready()
            while self._running:
                self._ended(await self._wake.get())
                self._start_ready()
        finally:
            unsubscribe()
            await self._clear()

    def _start_ready(self) -> None:
        while self._ready and len(self._running) < self._concurrency and not self._cancel.cancelled:
            _, step_id = heapq.heappop(self._ready)
            task = asyncio.create_task(self._visit(step_id), name=step_id)
            self._running[step_id] = task
            task.add_done_callback(lambda ended: self._wake.put_nowait(ended.get_name()))

    def _ended(self, step_id: str) -> None:
        if not step_id:
            self._stop()
            return
        task = self._running.pop(step_id)
        if task.cancelled():
            return
        task.result()
        for dependent in self._dependents[step_id]:
            self._missing[dependent] -= 1
            if not self._missing[dependent]:
                heapq.heappush(self._ready, (self._order[dependent], dependent))

    def _stop(self) -> None:
        if self._cancel.urgent:
            self._cancel_running(_never)
            return
        self._cancel_running(self._in_work)
        self._grace_task = asyncio.create_task(self._end_grace())

    async def _end_grace(self) -> None:
        await self._grace()
        self._cancel_running(_never)

    def _cancel_running(self, spared: Callable[[str], bool]) -> None:
        for step_id, task in self._running.items():
            if not spared(step_id):
                task.cancel()

    async def _clear(self) -> None:
        left = [*self._running.values(), *([self._grace_task] if self._grace_task else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
