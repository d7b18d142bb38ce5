"""What several steps of one run read: asked for once, and again after a change or when it has grown old."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")
_FRESH = 30.0  # seconds for which an answer that nobody here has changed is believed


class Readings:
    """Answers by name. The first word of a name says what it is about, which `changed` forgets."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[float, asyncio.Future[Any]]] = {}

    async def once(self, name: str, load: Callable[[], Awaitable[T]], *, lasting: bool = False) -> T:
        """What `load` answers, or answered; an error is no answer. `lasting`: it does not grow old."""
        now = asyncio.get_running_loop().time()
        since, task = self._held.get(name, (0.0, None))
        if task is None or not (lasting or now - since < _FRESH) or _failed(task):
            task = asyncio.ensure_future(load())
            self._held[name] = now, task
        # Shielded: one step that is cancelled must not take the answer from the others.
        return cast("T", await asyncio.shield(task))

    def changed(self, *names: str) -> None:
        """Forgets answers, by the first word of their name."""
        for held in [held for held in self._held if held.split(" ")[0] in names]:
            del self._held[held]


def _failed(task: asyncio.Future[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
