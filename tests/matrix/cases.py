"""The cases: every write of the recorded runs with a kill before and after it, every route with every fault.

What an earlier road has already is not done once more: a later one has cases for what only it asks.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.matrix.world import Asked, Ended, Phase, World

# Seconds after which a client gives up in a case with a stall: more than any request takes here. On a machine so busy
# that one takes longer, it is tried again, as the one that stalled.
_IMPATIENT = 1
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "429 and Retry-After": {"fault": "status", "status": 429, "retry_after": 1},
    "500 before": {"fault": "status", "status": 500, "when": "before"},
    "500 after": {"fault": "status", "status": 500, "when": "after"},
    "reset": {"fault": "reset"},
    "stall": {"fault": "stall"},
    "truncated": {"fault": "truncate", "when": "after"},
    "stale": {"fault": "stale"},
}


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL before or after a write; `nth` counts the writes of one path."""

    phase: Phase
    write: Asked
    nth: int
    when: Literal["before", "after"]

    def __str__(self) -> str:
        return f"kill {self.when} {self.write} #{self.nth} {self.phase.road}"

    def check(self, world: World) -> None:
        world.reset(self.write.copy)
        started = world.prepare(self.phase.command)
        world.fault(fault="kill", when=self.when, pid=started[0], **self.write.at)
        world.go(started)
        killed = world.finish(started)
        assert killed.code == -9, f"was not killed but ended with {killed.code}\n{killed.err}"
        succeeds(world, self.phase)


@dataclass(frozen=True, slots=True)
class Disturbed:
    """A fault at the first request of a route, as the service meets it in the recorded run."""

    phase: Phase
    request: Asked
    fault: str

    def __str__(self) -> str:
        return f"{self.fault} at {self.request.route} of {self.phase}"

    def check(self, world: World) -> None:
        ended = self._disturb(world)
        assert not ended.hung, "it hangs"
        if ended.code == 0:
            same(world, self.phase)
            return
        one_clear_error(ended)
        succeeds(world, self.phase)

    def _disturb(self, world: World) -> Ended:
        """Runs from the copy before the request; from the beginning where that run does not ask it any more."""
        rule = {**FAULTS[self.fault], **self.request.at}
        for copy in self._copies():
            world.reset(copy, rule)
            ended = world.run(self.phase.command, request_timeout=_IMPATIENT if self.fault == "stall" else None)
            if world.mend():
                return ended
        raise AssertionError("the request is not sent")

    def _copies(self) -> Sequence[int]:
        """A stale reading takes a state that was read before it changed: the one that the phase left."""
        if self.fault == "stale":
            return (self.phase.ends,)
        return sorted({self.request.copy, self.phase.begins}, reverse=True)


@dataclass(frozen=True, slots=True)
class AtOnce:
    """The same command twice at the same time."""

    phase: Phase
    nth: int

    def __str__(self) -> str:
        return f"{self.phase} twice at once #{self.nth}"

    def check(self, world: World) -> None:
        world.reset(self.phase.begins)
        both = [world.prepare(self.phase.command) for _ in range(2)]
        for started in both:
            world.go(started)
        ends = [world.finish(started) for started in both]
        failed = [ended for ended in ends if ended.code]
        assert len(failed) < 2, "\n".join(ended.err for ended in failed)
        for ended in failed:
            one_clear_error(ended)
        same(world, self.phase)
        succeeds(world, self.phase)


Case = Kill | Disturbed | AtOnce


def kills(phases: Sequence[Phase]) -> Iterator[Kill]:
    roads: dict[str, str] = {}  # which one has the cases of a write
    for phase in phases:
        for write in phase.writes:
            roads.setdefault(write.kind, phase.road)
    for phase in phases:
        seen: Counter[str] = Counter()
        for write in (one for one in phase.writes if roads[one.kind] == phase.road):
            seen[str(write)] += 1
            yield Kill(phase, write, seen[str(write)], "before")
            yield Kill(phase, write, seen[str(write)], "after")


def faults(phases: Sequence[Phase]) -> Iterator[Disturbed]:
    """Each route is disturbed where it is used first; its readings are stale where they have changed first."""
    every = [(phase, request) for phase in phases for request in phase.requests]
    for where in _firsts(every):
        yield from (Disturbed(*where, fault) for fault in FAULTS if fault != "stale")
    for where in _firsts((phase, request) for phase, request in every if request in phase.changed_readings):
        yield Disturbed(*where, "stale")


def _firsts(requests: Iterable[tuple[Phase, Asked]]) -> Iterator[tuple[Phase, Asked]]:
    """The first request of each route."""
    seen: set[str] = set()
    for phase, request in requests:
        if request.route not in seen:
            seen.add(request.route)
            yield phase, request


def of_shard(cases: Sequence[Case], number: int, shards: int) -> list[Case]:
    """By the case's name: so the parts fit together though each worker has recorded for itself."""
    return [case for case in cases if zlib.crc32(str(case).encode()) % shards == number]


def succeeds(world: World, phase: Phase) -> None:
    """The run after it: it succeeds, and everything is as in the undisturbed run."""
    world.mend()
    ended = world.run(phase.command)
    assert ended.code == 0, f"the run after it ends with {ended.code}\n{ended.err}"
    same(world, phase)


def same(world: World, phase: Phase) -> None:
    """What there is now is what the undisturbed run has left, no more and no less."""
    lines = list(_difference("", phase.state, world.state()))
    assert not lines, "another end state:\n" + "\n".join(lines)


def _difference(where: str, expected: Any, found: Any) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            yield from _difference(f"{where}.{key}", expected.get(key), found.get(key))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, pair in enumerate(zip(expected, found, strict=True)):
            yield from _difference(f"{where}[{number}]", *pair)
    elif isinstance(expected, list) and isinstance(found, list):
        yield from (f"  {where} lacks {entry}" for entry in expected if entry not in found)
        yield from (f"  {where} has {entry}" for entry in found if entry not in expected)
        yield f"  {where}: {len(found)} in place of {len(expected)}"
    elif expected != found:
        yield f"  {where}: {found} in place of {expected}"


def one_clear_error(ended: Ended) -> None:
    assert ended.code in (1, 3), f"exit code {ended.code}\n{ended.err}"
    errors = ended.report["errors"]
    assert len(errors) == 1, errors
    assert errors[0]["code"] != "internal-error", errors
    assert errors[0]["message"]
    assert "Traceback" not in ended.err, ended.err
