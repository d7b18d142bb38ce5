from __future__ import annotations

import logging
import sys
from types import ModuleType

import pytest

from dbkframework import telemetry

SECRET = "InstrumentationKey=marked-value"


def test_without_a_connection_string_the_console_is_all(capsys: pytest.CaptureFixture[str]) -> None:
    started = telemetry.start()
    started.logger.info("a flower")
    assert started.destinations == ("console",)
    assert capsys.readouterr().out.endswith("INFO a flower\n")


def test_a_second_start_says_nothing_twice_and_sets_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.start()
    started = telemetry.start(level=logging.WARNING)
    started.logger.info("quiet")
    started.logger.warning("loud")
    assert capsys.readouterr().out.count("\n") == 1


def test_what_is_configured_but_not_installed_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "azure.monitor.opentelemetry", None)
    monkeypatch.setenv(telemetry.CONNECTION_STRING_VARIABLE, SECRET)
    assert telemetry.start().destinations == ("console",)
    shown = capsys.readouterr().out
    assert "azure-monitor-opentelemetry is not installed" in shown
    assert "marked-value" not in shown


class Sink(logging.Handler):
    """Stands for the handler that azure-monitor-opentelemetry adds."""

    def __init__(self) -> None:
        super().__init__()
        self.accuracies: list[float] = []
        self.flushed = False

    def emit(self, record: logging.LogRecord) -> None:
        self.accuracies.append(record.__dict__["accuracy"])

    def flush(self) -> None:
        self.flushed = True


def test_what_is_configured_and_installed_gets_every_record_with_its_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sink, asked = Sink(), []

    def configure_azure_monitor(*, connection_string: str, logger_name: str) -> None:
        asked.append(connection_string)
        logging.getLogger(logger_name).addHandler(sink)

    monitor = ModuleType("azure.monitor.opentelemetry")
    monitor.__dict__["configure_azure_monitor"] = configure_azure_monitor
    for name in ("azure", "azure.monitor"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, monitor.__name__, monitor)

    started = telemetry.start(SECRET)
    started.logger.info("a fold", extra={"accuracy": 0.5})
    started.flush()
    assert started.destinations == ("console", "azure-monitor")
    assert (asked, sink.accuracies, sink.flushed) == ([SECRET], [0.5], True)
    assert "marked-value" not in capsys.readouterr().out
