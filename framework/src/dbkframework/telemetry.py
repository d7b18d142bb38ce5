"""Where a job's log goes: the console always, Application Insights where it is set up.

Numbers that belong to a message go into `extra`, so that Application Insights keeps them as properties:
`logger.info("fold done", extra={"fold": 1, "accuracy": 0.97})`.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from importlib import import_module

CONNECTION_STRING_VARIABLE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
LOGGER = "dbkframework.job"
_FORMAT = "%(asctime)s %(levelname)s %(message)s"


@dataclass(frozen=True)
class Telemetry:
    """`destinations`: console, and azure-monitor where logs go to Application Insights too."""

    logger: logging.Logger
    destinations: tuple[str, ...]

    def flush(self) -> None:
        """Sends what is still waiting. A cluster's Python may outlive the job, so its end sends nothing."""
        for handler in self.logger.handlers:
            handler.flush()


def start(connection_string: str = "", level: int = logging.INFO) -> Telemetry:
    """Sets the log up, once in a process: called again it changes only the level.

    Without `connection_string` the one of APPLICATIONINSIGHTS_CONNECTION_STRING counts. Where one is given but
    azure-monitor-opentelemetry is not installed, a warning says so.
    """
    logger = logging.getLogger(LOGGER)
    logger.setLevel(level)
    logger.propagate = False  # the root logger of a notebook would show everything twice
    if not logger.handlers:
        _add_handlers(logger, connection_string or os.environ.get(CONNECTION_STRING_VARIABLE, ""))
    more = ("azure-monitor",) if len(logger.handlers) > 1 else ()
    return Telemetry(logger, ("console", *more))


def _add_handlers(logger: logging.Logger, connection_string: str) -> None:
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(logging.Formatter(_FORMAT))
    logger.addHandler(console)
    if not connection_string:
        return
    try:
        monitor = import_module("azure.monitor.opentelemetry")
    except ModuleNotFoundError:
        logger.warning("a connection string is set, but azure-monitor-opentelemetry is not installed: console only")
        return
    monitor.configure_azure_monitor(connection_string=connection_string, logger_name=LOGGER)
