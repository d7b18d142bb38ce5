"""How telemetry starts: what it is told, where it goes."""

from __future__ import annotations

import logging
import os
from typing import TextIO

from dbkframework.engine.place import installed, place
from dbkframework.engine.settings import SCOPE_VARIABLE, get_secret
from dbkframework.redaction import Secret
from dbkframework.telemetry.console import Console
from dbkframework.telemetry.core import Sink, Telemetry, TelemetryHandler, get_logger, set_current
from dbkframework.telemetry.correlation import Correlation

# Azure Monitor's own, and the name that the accelerator gave it.
CONNECTION_STRING_VARIABLES = ("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPI_IK")
# Where `SecretScopes` in environments/*.json keeps it.
_SCOPE, _KEY = "AzureResourceSecrets", "appi_ik"


def start(
    service: str = "dbkframework",
    *,
    level: int = logging.INFO,
    connection_string: str | Secret | None = None,
    correlation: Correlation | None = None,
    keep_unsent: bool = False,
    stream: TextIO | None = None,
) -> Telemetry:
    """Starts telemetry, or starts it anew: `get_logger`, `span` and `metric` go where this says from now on.

    `connection_string` is that of Application Insights: without one it is looked for, in the environment and on a
    cluster in the scope AzureResourceSecrets; "" means the console alone. Where azure-monitor-opentelemetry is
    missing (the extra `telemetry`) or the string is wrong, a warning says so and the console has everything.
    `keep_unsent`: records that can't be sent are kept on disk and sent later, also by another process. `stream`: the
    console's, else standard error. A process has one Azure Monitor: another connection string later is not followed.
    """
    known = Correlation.here() if correlation is None else correlation
    problem, monitor = _monitor(service, _connection_string(connection_string), known, keep_unsent=keep_unsent)
    console = Console(stream, everything=monitor is None)
    started = Telemetry(service, known, (console,) if monitor is None else (console, monitor))
    set_current(started)
    _take_loggers(level)
    if known.attributes():
        told = ", ".join(f"{name.removeprefix('dbk.')} {value}" for name, value in known.attributes().items())
        get_logger().info("%s: %s", service, told)
    if problem:
        get_logger().warning("%s: the console has everything", problem)
    return started


def _take_loggers(level: int) -> None:
    logger = get_logger()
    logger.setLevel(level)
    logger.propagate = False  # the root logger of a notebook would show everything twice
    if not any(isinstance(handler, TelemetryHandler) for handler in logger.handlers):
        logger.addHandler(TelemetryHandler())


def _connection_string(given: str | Secret | None) -> Secret:
    if given is not None:
        return given if isinstance(given, Secret) else Secret(given)
    for variable in CONNECTION_STRING_VARIABLES:
        if value := os.environ.get(variable):
            return Secret(value)
    scope = os.environ.get(SCOPE_VARIABLE) or (_SCOPE if place().on_databricks else "")
    return get_secret(CONNECTION_STRING_VARIABLES[0], scope=scope, key=_KEY, default="")


def _monitor(
    service: str, connection_string: Secret, correlation: Correlation, *, keep_unsent: bool
) -> tuple[str, Sink | None]:
    """What is wrong with it, and Azure Monitor where it can be used."""
    if not connection_string:
        return "", None
    if not installed("azure.monitor.opentelemetry"):
        return "a connection string is set, but dbkframework[telemetry] is not installed", None
    from dbkframework.telemetry.azure_monitor import azure_monitor

    try:
        return "", azure_monitor(service, connection_string, correlation, keep_unsent=keep_unsent)
    except Exception as error:  # whatever its SDK dislikes, the job goes on; the text may hold the string
        return f"Azure Monitor can't be used ({type(error).__name__})", None
