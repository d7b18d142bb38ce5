"""What code that ran in an environment has told of itself: its log, spans, errors and metrics. Reads only.

The framework writes `dbk.commit`, `dbk.job_run`, `dbk.job`, `dbk.task` and `dbk.environment` beside each record.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dbxwizard.core.options import LEVELS
from dbxwizard.core.secret import Secret

if TYPE_CHECKING:
    from dbxwizard.core.engine import Clock
    from dbxwizard.deployed import Deployed
    from dbxwizard.steps.connection import Connection

AT_ONCE = 1000  # rows of one answer
_PACE = 5.0  # seconds between two questions while following
_OVERLAP = 120.0  # seconds before the newest row that are asked for again: rows may arrive late
_SPAN = re.compile(r"([0-9]{1,9})(s|m|h|d)")
_NAMES = {"task": "dbk.task", "run": "dbk.job_run", "commit": "dbk.commit"}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = (
    730 * 86400
)  # seconds that data is kept (learn.microsoft.com/azure/azure-monitor/logs/data-retention-configure)


@dataclass(frozen=True, slots=True)
class Record:
    """`kind`: trace, exception, request, dependency, customEvent or customMetric. `at` in epoch seconds."""

    id: str
    at: float
    kind: str
    level: str
    text: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`since`: epoch seconds. `level`: the least; records without one (spans, metrics) are all at `information`."""

    since: float
    commit: str = ""
    job_run: str = ""
    level: str = ""


def line(record: Record) -> str:
    """What a person reads: the time here, the level, the text, and which code told it."""
    at = datetime.fromtimestamp(record.at).astimezone().strftime("%H:%M:%S")
    told = ", ".join(f"{name} {record.attributes[key]}" for name, key in _NAMES.items() if key in record.attributes)
    return f"{at} {record.level.upper():<11} {record.text}" + (f"  ({told})" if told else "")


def seconds_of(text: str) -> float:
    """Of `90s`, `30m`, `6h`, `2d`. Raises ValueError."""
    found = _SPAN.fullmatch(text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"no length of time to look back: say 30m, 6h or 2d, {_LONGEST // 86400}d at the most")
    return float(seconds)


async def application_of(deployed: Deployed) -> str:
    """The id by which the environment's Application Insights is asked. Raises the core's errors."""
    return str((await deployed.component())["AppId"])


async def connection_string_of(deployed: Deployed) -> Secret:
    """With which code tells the environment's Application Insights of itself. Raises the core's errors."""
    return Secret(str((await deployed.component())["ConnectionString"]))


async def read(connection: Connection, application: str, wanted: Wanted) -> list[Record]:
    """The newest of them, in the order in which they were made. Raises the core's errors."""
    rows = await connection.insights().query(application, _query(wanted), f"telemetry of {application}")
    return [_record(row) for row in reversed(rows)]


async def follow(
    connection: Connection, application: str, wanted: Wanted, *, clock: Clock
) -> AsyncIterator[list[Record]]:
    """What is new each time, until nobody asks any more. Raises the core's errors."""
    seen: set[str] = set()
    since = wanted.since
    while True:
        found = await read(connection, application, Wanted(since, wanted.commit, wanted.job_run, wanted.level))
        yield [record for record in found if record.id not in seen]
        seen = {record.id for record in found} if found else seen
        since = max([since, *(record.at - _OVERLAP for record in found)])
        await clock.sleep(_PACE)


def _query(wanted: Wanted) -> str:
    conditions = [f"timestamp >= datetime({datetime.fromtimestamp(wanted.since, UTC).isoformat()})"]
    for name, value in (("dbk.commit", wanted.commit), ("dbk.job_run", wanted.job_run)):
        if value:
            conditions.append(f'tostring(customDimensions["{name}"]) startswith "{_quoted(value)}"')
    if wanted.level and LEVELS.index(wanted.level) > 1:
        conditions.append(f"severityLevel >= {LEVELS.index(wanted.level)}")
    where = " and ".join(conditions)
    tables = "union traces, exceptions, requests, dependencies, customEvents, customMetrics"
    return f"{tables} | where {where} | order by timestamp desc | take {AT_ONCE}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _record(row: Mapping[str, Any]) -> Record:
    level = row.get("severityLevel")
    attributes = row.get("customDimensions") or {}
    attributes = json.loads(attributes) if isinstance(attributes, str) else attributes
    return Record(
        str(row["itemId"]),
        datetime.fromisoformat(str(row["timestamp"])).timestamp(),
        str(row["itemType"]),
        LEVELS[int(level)] if level is not None else "information",
        _text(row),
        {str(name): str(value) for name, value in attributes.items()},
    )


def _text(row: Mapping[str, Any]) -> str:
    kind, name = row["itemType"], row.get("name") or ""
    if kind == "exception":
        return f"{row.get('outerType') or row.get('type')}: {row.get('outerMessage') or ''}"
    if kind in ("request", "dependency"):
        failed = "" if str(row.get("success")) == "True" else ", failed"
        return f"{name} took {float(row.get('duration') or 0) / 1000:.3f} s{failed}"
    if kind == "customMetric":
        return f"{name} {float(row.get('value') or 0):g}"
    return str(row.get("message") or name)
