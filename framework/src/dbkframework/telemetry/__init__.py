"""Logs, traces and metrics: to Azure Monitor where a connection string is set, to the console always.

>>> from dbkframework import telemetry
>>> started = telemetry.start("example", connection_string="", stream=None)
>>> started.destinations
('console',)
>>> log = telemetry.get_logger("prepare")
>>> with telemetry.span("clean", rows=150) as span:
...     log.info("cleaned", extra={"dropped": 2})
...     span.set(rows_left=148)
>>> telemetry.metric("accuracy", 0.97, model="forest")

Nothing here fails or holds up its caller: records wait in memory and go out in the background, and one that can't is
dropped.
"""

from dbkframework.telemetry.core import Sink, Span, Telemetry, current, get_logger, metric, span
from dbkframework.telemetry.correlation import Correlation
from dbkframework.telemetry.starting import CONNECTION_STRING_VARIABLES, start

__all__ = [
    "CONNECTION_STRING_VARIABLES",
    "Correlation",
    "Sink",
    "Span",
    "Telemetry",
    "current",
    "get_logger",
    "metric",
    "span",
    "start",
]
