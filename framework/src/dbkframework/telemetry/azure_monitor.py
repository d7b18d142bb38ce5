"""Azure Monitor, by azure-monitor-opentelemetry (learn.microsoft.com/azure/azure-monitor/app/opentelemetry-enable).

It speaks to the endpoint of the connection string and to nothing else: instrumentation of other libraries, live
metrics, performance counters, the SDK's own statistics, its control plane and the detection of the machine are off
unless the SDK's variables turn them on.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any

from opentelemetry import context, metrics, trace
from opentelemetry._logs import get_logger_provider

from dbkframework.redaction import Secret, clean
from dbkframework.telemetry.core import Span, exception_attributes, get_logger
from dbkframework.telemetry.correlation import Correlation

_HANDED_ON = "dbkframework.azure_monitor"  # the logger that the SDK's handler hangs on; no one else logs to it
_NETWORK_SECONDS = 5.0  # that one request may take to connect, and to be answered
_EXIT_SECONDS = 5.0  # that the end of the process may be held up by what was not sent
_QUIET_SDK = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel",
}
_INSTRUMENTED = (
    "azure_sdk",
    "django",
    "fastapi",
    "flask",
    "httpx",
    "httpx2",
    "psycopg2",
    "requests",
    "urllib",
    "urllib3",
)
_made: AzureMonitor | None = None
_making = threading.Lock()


def azure_monitor(
    service: str, connection_string: Secret, correlation: Correlation, *, keep_unsent: bool
) -> AzureMonitor:
    """The one of this process: OpenTelemetry's providers can be set only once. Raises what the SDK raises."""
    global _made  # noqa: PLW0603
    with _making:
        if _made is None:
            _configure(service, connection_string, keep_unsent=keep_unsent)
            _made = AzureMonitor()
            atexit.register(_made.end)
    _made.base = _parent(correlation)
    return _made


def _configure(service: str, connection_string: Secret, *, keep_unsent: bool) -> None:
    from azure.monitor.opentelemetry import configure_azure_monitor
    from opentelemetry.sdk.resources import Resource

    for name, value in _QUIET_SDK.items():
        os.environ.setdefault(name, value)
    _listen_to_the_sdk()
    configure_azure_monitor(
        connection_string=connection_string.reveal(),
        logger_name=_HANDED_ON,
        resource=Resource.create({"service.name": service}),
        sampling_ratio=1.0,  # the default drops what is above five traces a second
        enable_live_metrics=False,
        enable_performance_counters=False,
        disable_offline_storage=not keep_unsent,
        instrumentation_options={name: {"enabled": False} for name in _INSTRUMENTED},
        # Of the SDK's pipeline (azure-core): what can't be sent now waits for the next turn, or is dropped.
        timeout=_NETWORK_SECONDS,
        read_timeout=_NETWORK_SECONDS,
        retry_total=0,
    )
    logger = logging.getLogger(_HANDED_ON)
    logger.propagate = False
    for handler in logger.handlers:
        # logging flushes every handler when the process ends; this one's would start a thread for it, which fails then.
        handler.flush = lambda: None  # type: ignore[method-assign]


class AzureMonitor:
    """Hands records to the SDK, which sends them in the background."""

    name = "azure-monitor"

    def __init__(self) -> None:
        self.base: context.Context | None = None
        self._logger = logging.getLogger(_HANDED_ON)
        self._tracer = trace.get_tracer("dbkframework")
        self._meter = metrics.get_meter("dbkframework")
        self._histograms: dict[str, metrics.Histogram] = {}
        providers: list[Any] = [trace.get_tracer_provider(), get_logger_provider(), metrics.get_meter_provider()]
        for provider in providers:
            atexit.unregister(provider.shutdown)  # each would wait half a minute for an endpoint that is away
        self._flushing = [_Flushing(provider) for provider in providers]

    def log(self, record: logging.LogRecord) -> None:
        with self._within_the_run():
            self._logger.handle(record)

    @contextmanager
    def span(self, span: Span) -> Iterator[None]:
        with (
            self._within_the_run(),
            self._tracer.start_as_current_span(
                span.name, record_exception=False, set_status_on_exception=False
            ) as made,
        ):
            yield
            made.set_attributes({name: _plain(value) for name, value in span.attributes.items()})
            if span.error is not None:
                made.add_event("exception", exception_attributes(span.error))
                made.set_status(trace.StatusCode.ERROR, clean(str(span.error)))

    def metric(self, name: str, value: float, attributes: Mapping[str, Any]) -> None:
        if name not in self._histograms:
            self._histograms[name] = self._meter.create_histogram(name)
        self._histograms[name].record(value, {key: _plain(value) for key, value in attributes.items()})

    def flush(self, seconds: float) -> bool:
        """The SDK's own flush may take as long as the network does, so it goes on in the background after `seconds`."""
        deadline = time.monotonic() + seconds
        asked = [one.ask() for one in self._flushing]
        return all(done.wait(max(deadline - time.monotonic(), 0.0)) for done in asked)

    def end(self) -> None:
        """Sends the last records before the process ends, and does not wait for longer than five seconds."""
        self.flush(_EXIT_SECONDS)

    @contextmanager
    def _within_the_run(self) -> Iterator[None]:
        """What no other span holds belongs to the job run."""
        if self.base is None or trace.get_current_span().get_span_context().is_valid:
            yield
            return
        token = context.attach(self.base)
        try:
            yield
        finally:
            context.detach(token)


class _Flushing:
    """Flushes a provider in a thread of its own.

    It is there from the start: from Python 3.12 on none can be started while the process ends.
    """

    def __init__(self, provider: Any) -> None:
        self._asked: SimpleQueue[threading.Event] = SimpleQueue()
        self._provider = provider
        threading.Thread(target=self._run, name="dbkframework-flush", daemon=True).start()

    def ask(self) -> threading.Event:
        """Is set once all that was there has been sent, or given up."""
        done = threading.Event()
        self._asked.put(done)
        return done

    def _run(self) -> None:
        while True:
            done = self._asked.get()
            with suppress(Exception):  # of the SDK; it says by itself what does not arrive
                self._provider.force_flush()
            done.set()


def _parent(correlation: Correlation) -> context.Context | None:
    """A span that nobody sends, whose trace all tasks of a job run share."""
    trace_id = correlation.trace_id()
    if trace_id is None:
        return None
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    run = trace.SpanContext(trace_id, trace_id & (2**64 - 1) or 1, is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(trace.NonRecordingSpan(run))


def _plain(value: Any) -> str | bool | int | float:
    """OpenTelemetry's attributes are of these types."""
    return value if isinstance(value, (str, bool, int, float)) else str(value)


class _FirstProblem(logging.Handler):
    """Says once that records don't arrive; the SDK would say so for each attempt."""

    told = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.told:
            self.told = True
            get_logger().warning("telemetry may not arrive: %s", record.getMessage())


def _listen_to_the_sdk() -> None:
    handler = _FirstProblem(logging.WARNING)
    for name in ("azure.monitor.opentelemetry", "opentelemetry"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(handler)
