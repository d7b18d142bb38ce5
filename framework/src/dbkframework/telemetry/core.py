"""Spans, metrics and log records on their way to the sinks: cleaned, correlated, and never in the caller's way."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from dbkframework.redaction import clean, clean_attributes
from dbkframework.telemetry.correlation import Correlation

ROOT_LOGGER = "dbk"
_BUILT_IN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@dataclass
class Span:
    """A piece of work: its attributes, and once it has ended how long it took and why it failed."""

    name: str
    attributes: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    error: BaseException | None = None

    def set(self, **attributes: Any) -> None:
        """Adds attributes, or replaces those of the same names."""
        self.attributes |= clean_attributes(attributes)


class Sink(Protocol):
    """Where records go. They arrive clean; what a sink raises is told once and changes nothing for the caller."""

    name: str

    def log(self, record: logging.LogRecord) -> None: ...

    def span(self, span: Span) -> AbstractContextManager[None]:
        """Entered when the span begins; when it is left `seconds`, `error` and the last attributes are there."""

    def metric(self, name: str, value: float, attributes: Mapping[str, Any]) -> None: ...

    def flush(self, seconds: float) -> bool:
        """Sends what waits, for that long at most. Whether nothing waits any more."""


@dataclass(frozen=True)
class Telemetry:
    """Logs, spans and metrics of one process, each with the attributes of its correlation."""

    service: str = ""
    correlation: Correlation = field(default_factory=Correlation)
    sinks: Sequence[Sink] = ()

    @property
    def destinations(self) -> tuple[str, ...]:
        return tuple(sink.name for sink in self.sinks)

    @contextmanager
    def span(self, name: str, /, **attributes: Any) -> Iterator[Span]:
        """Times a piece of work. An error goes on to the caller, and is noted in the span."""
        made = Span(name, {**self.correlation.attributes(), **clean_attributes(attributes)})
        began = time.perf_counter()
        with ExitStack() as stack:
            for sink in self.sinks:
                stack.enter_context(_guarded(sink, made))
            try:
                yield made
            except BaseException as error:
                made.error = error
                raise
            finally:
                made.seconds = time.perf_counter() - began

    def metric(self, name: str, value: float, /, **attributes: Any) -> None:
        """One value of a metric; Azure Monitor keeps count, sum, least and most for each set of attributes."""
        labels = {**self.correlation.attributes(), **clean_attributes(attributes)}
        for sink in self.sinks:
            _quietly(sink.name, partial(sink.metric, name, value, labels))

    def log(self, record: logging.LogRecord) -> None:
        """Hands a record on; the one that was given stays as it is."""
        try:
            made = _cleaned(record, self.correlation)
        except Exception as error:  # an object whose text can't be made
            _tell_once("records", error)
            return
        for sink in self.sinks:
            _quietly(sink.name, partial(sink.log, made))

    def flush(self, seconds: float = 5.0) -> bool:
        """Sends what still waits, for `seconds` at most; whether nothing waits any more.

        A cluster's Python may outlive the job, so call it where a job ends.
        """
        deadline = time.monotonic() + seconds
        sent = True
        for sink in self.sinks:
            left = max(deadline - time.monotonic(), 0.0)
            sent = _quietly(sink.name, partial(_flushed, sink, left)) and sent
        return sent


_current = Telemetry()


def current() -> Telemetry:
    """What `start` made last; before that, one without destinations."""
    return _current


def set_current(telemetry: Telemetry) -> None:
    global _current  # noqa: PLW0603  (one for the process, as the loggers are)
    _current = telemetry


def span(name: str, /, **attributes: Any) -> AbstractContextManager[Span]:
    """As `Telemetry.span`, of what was started last."""
    return _current.span(name, **attributes)


def metric(name: str, value: float, /, **attributes: Any) -> None:
    """As `Telemetry.metric`, of what was started last."""
    _current.metric(name, value, **attributes)


def get_logger(name: str = "") -> logging.Logger:
    """An ordinary logger whose records telemetry carries; what is in `extra` becomes their properties."""
    return logging.getLogger(f"{ROOT_LOGGER}.{name}" if name else ROOT_LOGGER)


class TelemetryHandler(logging.Handler):
    """Gives what is logged to whatever telemetry is current."""

    def emit(self, record: logging.LogRecord) -> None:
        _current.log(record)


def _cleaned(record: logging.LogRecord, correlation: Correlation) -> logging.LogRecord:
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # arguments that don't fit; logging would print a traceback
        message = f"{record.msg} {record.args}"
    given = vars(record)
    extra = {name: value for name, value in given.items() if name not in _BUILT_IN}
    built_in = {name: value for name, value in given.items() if name in _BUILT_IN}
    made = logging.makeLogRecord({**built_in, **correlation.attributes(), **clean_attributes(extra)})
    made.msg, made.args, made.exc_info, made.exc_text = clean(message), None, None, None
    made.stack_info = clean(record.stack_info)
    if record.exc_info and record.exc_info[1] is not None:
        vars(made).update(exception_attributes(record.exc_info[1]))
        made.exc_text = vars(made)["exception.stacktrace"]
    return made


def exception_attributes(error: BaseException) -> dict[str, str]:
    """The error under the names that OpenTelemetry gives it (opentelemetry.io/docs/specs/semconv/exceptions)."""
    return {
        "exception.type": type(error).__qualname__,
        "exception.message": clean(str(error)),
        "exception.stacktrace": clean("".join(traceback.format_exception(error))),
    }


def properties(record: logging.LogRecord) -> dict[str, Any]:
    """What came in `extra`, and the attributes of the correlation."""
    return {name: value for name, value in vars(record).items() if name not in _BUILT_IN}


@contextmanager
def _guarded(sink: Sink, span: Span) -> Iterator[None]:
    """The sink's own context of the span, but nothing that it raises gets out."""
    inner = ExitStack()
    _quietly(sink.name, lambda: inner.enter_context(sink.span(span)))
    try:
        yield
    finally:
        _quietly(sink.name, inner.close)


class _UnsentError(Exception):
    """Some of what waited could not be sent in time."""


def _flushed(sink: Sink, seconds: float) -> None:
    if not sink.flush(seconds):
        raise _UnsentError("not all could be sent in time")


def _quietly(name: str, call: Callable[[], object]) -> bool:
    """Whether it went well. A job's work is worth more than the record of it."""
    try:
        call()
    except Exception as error:
        _tell_once(name, error)
        return False
    return True


_told: set[str] = set()


def _tell_once(name: str, error: Exception) -> None:
    if name not in _told:
        _told.add(name)
        print(f"telemetry to {name} is incomplete: {type(error).__name__}: {clean(str(error))}", file=sys.stderr)
