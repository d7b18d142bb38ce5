"""What goes wrong in the services while a screen is open, fault by fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from textual.pilot import Pilot

from dbxwizard.backend.process import LOG
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from tests.roads import Road
from tests.screens.pilots import error, settled, until

FAULTS = {
    "503": Fault("status", status=503),
    "500": Fault("status", status=500),
    "403": Fault("status", status=403),
    "429": Fault("status", status=429, retry_after=1.0),
    "reset": Fault("reset"),
    "stall": Fault("stall", seconds=0.1),  # then it is cut off, as by a client that waits no longer
    "truncate": Fault("truncate"),
    "garbage": Fault("garbage"),
    "empty": Fault("empty"),
    "stale": Fault("stale"),
}
ENDLESS = {"endless": Fault("stall")}  # for those that are `restless`
Step = Callable[[], Awaitable[object]]
Seen = Callable[[], object]


@contextmanager
def faulty(road: Road, name: str, **where: str) -> Iterator[None]:
    with road.store() as store:
        faults.add(store, replace((FAULTS | ENDLESS)[name], times=10_000, **where))  # type: ignore[arg-type]  # fields of Fault
    yield
    with road.store() as store:
        faults.clear(store)


async def withstands(pilot: Pilot[int], road: Road, again: Step, told: Seen, fine: Seen, **where: str) -> None:
    """Each fault in turn: `again` looks, `told` says what went wrong and what to do; `again` without it is `fine`."""
    for name in FAULTS:
        with faulty(road, name, **where):
            await again()
            if name != "stale":  # which nobody can tell from the truth
                await until(pilot, told)
            await settled(pilot)
        await again()
        await until(pilot, lambda: fine() and not error(pilot))
        await settled(pilot)
    assert_no_defect(road)


def assert_no_defect(road: Road) -> None:
    """One of ours is logged with a traceback."""
    log = (road.folder / ".state" / LOG).read_text("utf-8")
    assert "Traceback" not in log
    assert "internal-error" not in log


def alone(road: Road, name: str = "Development") -> None:
    """One environment shows what all would, in a quarter of the time."""
    for file in (road.folder / "environments").glob("*.json"):
        if file.stem not in (name, "schema"):
            file.unlink()
