"""Time, injectable: nothing in the core sleeps or looks at the time by another way."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class _Testing:
    """`skipped`: seconds that were slept through at once; None while time is real."""

    skipped: float | None = None


def set_testing(testing: bool) -> None:
    """Lets SystemClock skip what it should sleep, in this process; its time moves on by as much. For tests."""
    _Testing.skipped = 0.0 if testing else None


class SystemClock:
    def now(self) -> float:
        return time.time() + (_Testing.skipped or 0.0)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        if _Testing.skipped is None:
            await asyncio.sleep(seconds)
        else:
            _Testing.skipped += max(seconds, 0.0)
            await asyncio.sleep(0)


class ManualClock:
    """A clock for tests: sleeping advances it at once and lets the other tasks run."""

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self._now = start
        self.slept: list[float] = []

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        import asyncio

        self.slept.append(seconds)
        self.advance(max(seconds, 0.0))
        await asyncio.sleep(0)
