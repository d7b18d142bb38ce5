"""Whatever stops setup or deploy, running it again ends as if nothing had happened; faults end well or in one error.

Recorded runs list the writes and routes. Each case begins with a copy of the state at that point; the program runs in
a child that is forked from a parent with everything loaded, the sandbox in another process, nothing takes time.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.matrix import cases
from tests.matrix.recorded import Recorded

pytestmark = pytest.mark.timeout(900)  # a shard takes 15 s where the machine is idle

Note = Callable[[str, object], None]
_KILL_SHARDS = 12
_FAULT_SHARDS = 40
_AT_ONCE = 2  # times for each command


@pytest.mark.parametrize("shard", range(_KILL_SHARDS))
def test_killed_before_or_after_any_write_it_ends_the_same(
    recorded: Recorded, record_property: Note, shard: int
) -> None:
    recorded.check(list(cases.kills(recorded.phases)), shard, _KILL_SHARDS, record_property)


@pytest.mark.parametrize("shard", range(_FAULT_SHARDS))
def test_any_fault_at_any_route_ends_well_or_in_one_clear_error(
    recorded: Recorded, record_property: Note, shard: int
) -> None:
    recorded.check(list(cases.faults(recorded.phases)), shard, _FAULT_SHARDS, record_property)


def test_two_runs_at_once_end_as_one(recorded: Recorded, record_property: Note) -> None:
    twice = [cases.AtOnce(phase, nth) for phase in recorded.phases for nth in range(_AT_ONCE)]
    recorded.check(twice, 0, 1, record_property)


def test_every_write_and_every_route_of_the_logs_has_its_cases(recorded: Recorded) -> None:
    kills = list(cases.kills(recorded.phases))
    roads = {(case.write.kind, case.phase.road) for case in kills}
    assert sorted(kind for kind, _ in roads) == sorted({write.kind for write in recorded.writes})
    wanted = [
        (phase.road, str(write)) for phase in recorded.phases for write in phase.writes
        if (write.kind, phase.road) in roads
    ]  # fmt: skip
    for when in ("before", "after"):
        assert [(case.phase.road, str(case.write)) for case in kills if case.when == when] == wanted
    assert "" not in recorded.routes
    disturbed = {(case.request.route, case.fault) for case in cases.faults(recorded.phases)}
    faulted = {(route, fault) for route in recorded.routes for fault in cases.FAULTS if fault != "stale"}
    # Of a reading that never changes there is no stale answer.
    changing = {(request.route, "stale") for phase in recorded.phases for request in phase.changed_readings}
    assert disturbed == faulted | changing


def test_the_shards_hold_every_case_once(recorded: Recorded) -> None:
    for found, shards in ((cases.kills, _KILL_SHARDS), (cases.faults, _FAULT_SHARDS)):
        every = sorted(str(case) for case in found(recorded.phases))
        parts = [cases.of_shard(list(found(recorded.phases)), shard, shards) for shard in range(shards)]
        assert sorted(str(case) for part in parts for case in part) == every
        assert len(set(every)) == len(every)
