"""What code that ran in an environment tells, as it tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbxwizard import telemetry
from dbxwizard.deployed import Deployed

if TYPE_CHECKING:
    from dbxwizard.core.clock import Clock
    from dbxwizard.parameters.model import Environment
    from dbxwizard.steps.connection import Connection

TOPIC = "telemetry"


@dataclass(frozen=True, slots=True)
class TelemetryLine:
    """`level` in capitals, as a log has it. `commit`: of the code that told it, "" where it did not say."""

    level: str
    text: str
    commit: str


@dataclass(frozen=True, slots=True)
class TelemetryBatch:
    """What came since the batch before. `watch`: whose; `at`: when it was asked for. `cut`: there was more before."""

    watch: str
    lines: tuple[TelemetryLine, ...]
    at: float
    cut: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """`key` is the asker's own. `within`: how far back, as 30m, 6h, 2d; `commit`, `level`: "" for any."""

    key: str
    within: str
    commit: str = ""
    level: str = ""


async def watch(
    environment: Environment,
    connection: Connection,
    asked: Watch,
    *,
    clock: Clock,
    tell: Callable[[TelemetryBatch], None],
) -> None:
    """Until it is given up; the first batch has what was told before. Raises the core's errors."""
    application = await telemetry.application_of(Deployed(environment, connection))
    since = clock.now() - telemetry.seconds_of(asked.within)
    wanted = telemetry.Wanted(since, asked.commit, level=asked.level)
    async for records in telemetry.follow(connection, application, wanted, clock=clock):
        lines = tuple(map(_line, records))
        tell(TelemetryBatch(asked.key, lines, clock.now(), cut=len(lines) == telemetry.AT_ONCE))


def _line(record: telemetry.Record) -> TelemetryLine:
    return TelemetryLine(record.level.upper(), telemetry.line(record), record.attributes.get("dbk.commit", ""))
