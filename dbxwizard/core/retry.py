"""Trying again by what the service says, never by a fixed sleep."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import About, Conflict, Forbidden, NotSignedIn, NotYet, OperationError, Transient

T = TypeVar("T")
LONG_AGO = -math.inf


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """All times in seconds.

    Transient: `retry_after` (at most `retry_after_cap`), else exponential from `base` to `cap` with full jitter;
    `attempts` in all. NotYet: every `not_yet_base` to `not_yet_cap`, until what it waits for is `not_yet_window` old: a
    role assignment takes up to 10 minutes (learn.microsoft.com/azure/role-based-access-control/troubleshooting).
    Conflict: read and compared anew, `conflicts` times: a run at the same time may be first with several things of one
    step. `grace` is what running steps get when a run is cancelled. `jitter` gives numbers in [0, 1).
    """

    attempts: int = 8
    base: float = 0.5
    cap: float = 30.0
    retry_after_cap: float = 120.0
    conflicts: int = 3
    not_yet_base: float = 0.5
    not_yet_cap: float = 10.0
    not_yet_window: float = 600.0
    grace: float = 30.0
    jitter: Callable[[], float] = random.random

    def backoff(self, failures: int) -> float:
        return self.jitter() * min(self.cap, self.base * 2.0 ** min(failures, 32))

    def poll_interval(self, failures: int) -> float:
        longest = min(self.not_yet_cap, self.not_yet_base * 1.5 ** min(failures, 32))
        return longest * (1 + self.jitter()) / 2


class Freshness:
    """When the newest thing was made that a step may have to wait for: by its needs, their needs, and itself."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def note(self, step_id: str, needs: Sequence[str], own: float | None) -> None:
        self._at[step_id] = max(self.inherited(needs), LONG_AGO if own is None else own)

    def inherited(self, needs: Sequence[str]) -> float:
        return max((self._at.get(need, LONG_AGO) for need in needs), default=LONG_AGO)


class _Tries:
    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._failures: dict[type[OperationError], int] = {Transient: 0, NotYet: 0, Conflict: 0}

    @property
    def attempt(self) -> int:
        return sum(self._failures.values())

    def delay(self, error: Exception, age: float) -> float | None:
        """Seconds until the next try, None when there is none. `age`: of the newest thing that may still replicate."""
        kind = next((kind for kind in self._failures if isinstance(error, kind)), None)
        if kind is None:
            return None
        failures = self._failures[kind]
        self._failures[kind] += 1
        if isinstance(error, Transient):
            return self._after(error, failures)
        if isinstance(error, NotYet):
            left = self._policy.not_yet_window - age
            return min(self._policy.poll_interval(failures), left) if left > 0 else None
        return self._policy.base if failures < self._policy.conflicts else None

    def _after(self, error: Transient, failures: int) -> float | None:
        if failures + 1 >= self._policy.attempts:
            return None
        if error.retry_after is None:
            return self._policy.backoff(failures)
        return min(max(error.retry_after, 0.0), self._policy.retry_after_cap)


async def patiently(
    work: Callable[[], Awaitable[T]],
    *,
    policy: RetryPolicy,
    clock: Clock,
    fresh: Callable[[], float],
    retried: Callable[[OperationError, float, int], None],
) -> T:
    """What `work` returns, tried again as `policy` says; `retried(error, delay, attempt)` is told before each wait.

    `fresh` gives the epoch second of the newest thing that may still replicate. Raises the last error; a NotYet that is
    not one any more becomes NotSignedIn or Forbidden where the service said 401 or 403.
    """
    tries = _Tries(policy)
    while True:
        try:
            return await work()
        except Exception as caught:
            error = single(caught)
            delay = tries.delay(error, clock.now() - fresh())
            if delay is None or not isinstance(error, OperationError):
                raise final(error) from caught
        retried(error, delay, tries.attempt)
        await clock.sleep(delay)


def single(error: Exception) -> Exception:
    """The one that counts of an exception group: the first that no retry can mend, else the first."""
    if not isinstance(error, ExceptionGroup):
        return error
    leaves = [single(leaf) for leaf in error.exceptions]
    return next((leaf for leaf in leaves if not isinstance(leaf, Transient | NotYet | Conflict)), leaves[0])


def final(error: Exception) -> Exception:
    """What a NotYet is once nothing can replicate any more: 401 means not signed in, 403 forbidden."""
    if not isinstance(error, NotYet) or error.status not in (401, 403):
        return error
    about: About = {"resource": error.resource, "fix": error.fix, "location": error.location}
    if error.status == 401:
        return NotSignedIn(error.code, error.message, **about)
    action, scope = getattr(error, "action", ""), getattr(error, "scope", "")
    return Forbidden(error.code, error.message, status=403, action=action, scope=scope, **about)
