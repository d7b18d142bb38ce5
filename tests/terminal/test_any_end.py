"""However the terminal program ends, the terminal is given back; a defect leaves a report, and no secret in it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.driving import InTerminal
from tests.terminal.small_app import PASSWORD

_APP = Path(__file__).with_name("small_app.py")
_FROM_ENVIRONMENT = "hunter2-hunter2-hunter2"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[InTerminal]:
    """The small program, its screen drawn."""
    command = (sys.executable, str(_APP), str(tmp_path / "reports"), "--token=sent-by-mistake")
    with InTerminal(*command, cwd=tmp_path, TEST_PASSWORD=_FROM_ENVIRONMENT) as started:
        started.wait_for(b"ready")
        yield started


def reports(folder: Path) -> list[Path]:
    return sorted((folder / "reports").glob("*"))


def test_leaving_is_no_crash(program: InTerminal, tmp_path: Path) -> None:
    program.press("q")
    assert program.wait_for_end() == 0
    program.assert_given_back()
    assert program.last_words == ""
    assert reports(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal(program: InTerminal, tmp_path: Path, number: signal.Signals) -> None:
    program.signal(number)
    assert program.wait_for_end() == 128 + number
    program.assert_given_back()
    assert program.last_words == ""
    assert reports(tmp_path) == []


def test_a_signal_while_the_program_hangs(program: InTerminal) -> None:
    program.press("b")
    program.wait_for(b"blocked")
    program.signal(signal.SIGTERM)
    assert program.wait_for_end() == 128 + signal.SIGTERM
    program.assert_given_back()


@pytest.mark.parametrize(("key", "kind"), [("h", "ValueError"), ("w", "LookupError")])
def test_a_defect(program: InTerminal, tmp_path: Path, key: str, kind: str) -> None:
    program.press(key)
    assert program.wait_for_end() == 1
    program.assert_given_back()
    (report,) = reports(tmp_path)
    assert program.last_words.replace("\n", "") == (
        f"dbxwizard ended by a defect of its own ({kind}); report, without secrets: {report}"
    )
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text()
    assert kind in text
    assert "small_app.py" in text
    assert "--token" in text
    for secret in (PASSWORD, _FROM_ENVIRONMENT, "sent-by-mistake"):
        assert secret not in text
        assert secret not in program.output.decode()


def test_an_exception_that_no_handler_takes(program: InTerminal) -> None:
    program.press("x")
    assert program.wait_for_end() == 7
    program.assert_given_back()


def test_a_report_that_can_not_be_written_is_told(program: InTerminal, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file, no folder")
    program.press("h")
    assert program.wait_for_end() == 1
    program.assert_given_back()
    assert "could not be written" in program.last_words
