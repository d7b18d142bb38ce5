"""How many requests a service takes in a time, counted as the services say that they count.

Where nothing takes time (profile `zero`) none is refused. In `real` time runs twenty times as fast, and so the limits
are reached and forgotten twenty times as fast.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from dbxwizard.sandbox.time import Clock

_SPEED = {"demo": 1.0, "real": 20.0}


@dataclass(frozen=True, slots=True)
class Taken:
    """`left`: how many more there are now. `wait`: whole seconds until there is room again; 0 for one that passes."""

    left: int
    wait: int = 0


def speed(clock: Clock) -> float:
    """How many times as fast as outside time runs; 0 where it does not count."""
    return _SPEED.get(clock.profile().name, 0.0)


class Buckets:
    """Token buckets: each holds `size` and gets `refill` a second."""

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[float, float]] = {}

    def take(self, clock: Clock, key: Hashable, size: int, refill: float) -> Taken:
        now, pace = clock.now(), speed(clock)
        held, since = self._held.get(key, (float(size), now))
        held = min(float(size), held + max(0.0, now - since) * refill * (pace or 1.0))
        if held < 1 and pace:
            self._held[key] = held, now
            return Taken(0, max(1, math.ceil((1 - held) / (refill * pace))))
        held = max(0.0, held - 1)
        self._held[key] = held, now
        return Taken(int(held))


class Windows:
    """So many points in the last `seconds`, whenever these began."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, deque[tuple[float, int]]] = {}

    def take(self, clock: Clock, key: Hashable, most: int, seconds: float, points: int = 1) -> Taken:
        now, pace = clock.now(), speed(clock)
        if not pace:
            return Taken(most)
        length, seen = seconds / pace, self._seen.setdefault(key, deque())
        while seen and seen[0][0] <= now - length:
            seen.popleft()
        used = sum(one for _, one in seen)
        if used + points > most:
            return Taken(0, max(1, math.ceil(seen[0][0] + length - now)))
        seen.append((now, points))
        return Taken(most - used - points)
