from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import fakes
import pytest

from dbkframework import telemetry
from dbkframework.telemetry import Correlation, Span, Telemetry, core
from dbkframework.testing import Recorded

RUN = {"dbk.job_run": "42", "dbk.task": "test", "dbk.commit": "abc"}
SECRET = "InstrumentationKey=marked-value"


@pytest.fixture
def loggers(recorded: Recorded) -> Recorded:
    """`start` changes the loggers of the process; `recorded` puts them back."""
    return recorded


def test_each_record_carries_the_run(recorded: Recorded) -> None:
    log = telemetry.get_logger("tests")
    with telemetry.span("work", rows=3) as span:
        log.info("fold %d", 1, extra={"accuracy": 0.5})
        span.set(rows=2)
    telemetry.metric("accuracy", 0.5, model="forest")
    assert recorded.messages == ["fold 1"]
    assert recorded.properties == [{**RUN, "accuracy": 0.5}]
    assert [(one.name, one.attributes, one.error) for one in recorded.spans] == [("work", {**RUN, "rows": 2}, None)]
    assert recorded.spans[0].seconds is not None
    assert recorded.metrics == [("accuracy", 0.5, {**RUN, "model": "forest"})]


def test_an_error_goes_on_to_the_caller_and_is_noted(recorded: Recorded) -> None:
    with pytest.raises(KeyError), telemetry.span("outer"), telemetry.span("inner"):
        raise KeyError("size")
    assert [(one.name, type(one.error)) for one in recorded.spans] == [("inner", KeyError), ("outer", KeyError)]


def test_the_record_that_was_logged_stays_as_it_is(recorded: Recorded) -> None:
    log, seen = telemetry.get_logger("tests"), []

    class Other(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append((record.msg, record.args, record.exc_info is not None))

    other = Other()
    telemetry.get_logger().addHandler(other)
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("password=%s", "hunter22")
    assert seen == [("password=%s", ("hunter22",), True)]
    assert recorded.messages == ["password=***"]
    assert recorded.properties[0]["exception.type"] == "ValueError"


def test_arguments_that_do_not_fit_and_objects_without_text_do_not_fail(
    recorded: Recorded, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "_told", set())

    class Textless:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    log = telemetry.get_logger("tests")
    log.info("%d rows", "many")
    log.info("%s", Textless())
    log.info("after", extra={"thing": Textless()})
    assert recorded.messages == ["%d rows ('many',)"]
    assert capsys.readouterr().err == "telemetry to records is incomplete: RuntimeError: no text\n"


class Broken:
    """A sink that fails at everything."""

    name = "broken"

    def log(self, record: logging.LogRecord) -> None:
        raise OSError("no sink, password=hunter22")

    def span(self, span: Span) -> AbstractContextManager[None]:
        raise OSError("no sink")

    def metric(self, name: str, value: float, attributes: Mapping[str, Any]) -> None:
        raise OSError("no sink")

    def flush(self, seconds: float) -> bool:
        raise OSError("no sink")


def test_a_sink_that_fails_changes_nothing_for_the_caller_nor_for_other_sinks(
    recorded: Recorded, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "_told", set())
    both = Telemetry(sinks=(Broken(), recorded))
    core.set_current(both)
    with both.span("work"):
        telemetry.get_logger().info("still here")
        both.metric("size", 1)
    assert both.flush(1) is False
    assert (recorded.messages, len(recorded.spans), len(recorded.metrics)) == (["still here"], 1, 1)
    assert capsys.readouterr().err == "telemetry to broken is incomplete: OSError: no sink\n"


@pytest.mark.usefixtures("loggers")
def test_offline_the_console_has_logs_spans_and_metrics() -> None:
    stream = io.StringIO()
    started = telemetry.start("job", connection_string="", correlation=Correlation(job_run="42"), stream=stream)
    telemetry.get_logger("x").warning("a flower", extra={"size": 1.5})
    with pytest.raises(ValueError, match="no"), telemetry.span("prepare", rows=3):
        raise ValueError("no password=hunter22")
    telemetry.metric("accuracy", 0.97, model="forest")
    assert started.destinations == ("console",)
    assert started.flush()
    lines = [line.partition(" ")[2] for line in stream.getvalue().splitlines()]
    assert lines[:2] == ["INFO    job: job_run 42", "WARNING a flower  [size=1.5]"]
    assert lines[2].startswith("SPAN    prepare took 0.0")
    assert lines[2].endswith(" s and failed: ValueError: no password=***  [rows=3]")
    assert lines[3] == "METRIC  accuracy 0.97  [model=forest]"


@pytest.mark.usefixtures("loggers")
def test_an_error_is_logged_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.start("job", connection_string="", correlation=Correlation())
    try:
        raise ValueError("no")
    except ValueError:
        telemetry.get_logger().exception("failed")
    told = capsys.readouterr()
    assert told.out == ""
    assert "ERROR   failed\nTraceback" in told.err
    assert told.err.rstrip().endswith("ValueError: no")


@pytest.mark.usefixtures("loggers")
def test_started_again_nothing_is_said_twice_and_the_level_changes(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.start("job", connection_string="", correlation=Correlation())
    telemetry.start("job", connection_string="", correlation=Correlation(), level=logging.WARNING)
    telemetry.get_logger("x").info("quiet")
    telemetry.get_logger("x").warning("loud")
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.usefixtures("loggers")
@pytest.mark.parametrize("variable", telemetry.CONNECTION_STRING_VARIABLES)
def test_what_is_configured_but_not_installed_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    fakes.uninstall(monkeypatch, "azure.monitor.opentelemetry")
    monkeypatch.setenv(variable, SECRET)
    assert telemetry.start(correlation=Correlation()).destinations == ("console",)
    told = capsys.readouterr().err
    assert "dbkframework[telemetry] is not installed: the console has everything" in told
    assert "marked-value" not in told


@pytest.mark.usefixtures("loggers")
def test_on_a_cluster_the_scope_of_the_environment_has_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], secret_scope: Callable[[str, str, str], None]
) -> None:
    fakes.uninstall(monkeypatch, "azure.monitor.opentelemetry")
    fakes.cluster(monkeypatch)
    telemetry.start(correlation=Correlation())
    assert "not installed" not in capsys.readouterr().err
    secret_scope("AzureResourceSecrets", "appi_ik", SECRET)
    telemetry.start(correlation=Correlation())
    assert "not installed" in capsys.readouterr().err


def test_before_start_a_library_is_silent(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "_current", Telemetry())
    assert telemetry.current().destinations == ()
    with telemetry.span("work"):
        telemetry.metric("size", 1)
    assert capsys.readouterr() == ("", "")
