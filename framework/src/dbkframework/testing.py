"""Fixtures for tests of what uses the framework. In conftest.py: `pytest_plugins = ["dbkframework.testing"]`.

`recorded`: telemetry that is kept in memory. `local_spark`: a Spark on this machine; without one the test is skipped.
`secret_scope`: puts secrets where `engine.get_secret` finds them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from dbkframework import telemetry
from dbkframework.engine import get_spark, settings
from dbkframework.engine.spark import has_local_spark
from dbkframework.telemetry import Correlation, Span, Telemetry
from dbkframework.telemetry.core import TelemetryHandler, get_logger, properties, set_current

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class Recorded:
    """A sink: what was told, in order. `metrics`: name, value, attributes."""

    name: str = "memory"
    logs: list[logging.LogRecord] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    metrics: list[tuple[str, float, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.logs]

    @property
    def properties(self) -> list[dict[str, Any]]:
        """Those of each log record."""
        return [properties(record) for record in self.logs]

    def log(self, record: logging.LogRecord) -> None:
        self.logs.append(record)

    @contextmanager
    def span(self, span: Span) -> Iterator[None]:
        yield
        self.spans.append(span)

    def metric(self, name: str, value: float, attributes: Mapping[str, Any]) -> None:
        self.metrics.append((name, value, attributes))

    def flush(self, seconds: float) -> bool:
        return True


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Takes all records while the test runs, as those of job run 42, task `test`, commit `abc`."""
    sink, before = Recorded(), telemetry.current()
    logger, handler = get_logger(), TelemetryHandler()
    level, propagates, handlers = logger.level, logger.propagate, logger.handlers[:]
    set_current(Telemetry("tests", Correlation(job_run="42", task="test", commit="abc"), (sink,)))
    logger.setLevel(logging.DEBUG)
    logger.handlers[:], logger.propagate = [handler], False
    yield sink
    set_current(before)
    logger.setLevel(level)
    logger.handlers[:], logger.propagate = handlers, propagates


@pytest.fixture(scope="session")
def local_spark() -> SparkSession:
    """Starts once for all tests, which takes some seconds."""
    if not has_local_spark():
        pytest.skip("no Spark on this machine: it needs pyspark and a Java runtime")
    return get_spark({"spark.master": "local[2]"})


@pytest.fixture
def secret_scope(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """`secret_scope("scope", "key", "value")` adds a secret; scopes have no others while the test runs."""
    secrets: dict[tuple[str, str], str] = {}

    def ask(scope: str, key: str) -> str:
        if (scope, key) not in secrets:
            raise LookupError(f"Secret does not exist with scope: {scope} and key: {key}")
        return secrets[scope, key]

    def add(scope: str, key: str, value: str) -> None:
        secrets[scope, key] = value

    monkeypatch.setattr(settings, "_from_scope", ask)
    return add
