"""The program itself in a terminal, on the sandbox: however it ends, nothing of it is left there or behind it."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import new_state
from tests.terminal.driving import InTerminal, processes_with, wait_until_ended

_PROGRAM = (sys.executable, "-m", "dbxwizard")


def started(folder: Path, *options: str, **environ: str) -> InTerminal:
    """On a new sandbox in `folder`, in which nothing is set up."""
    new_state(folder / ".state")
    state = {"DBXWIZARD_STATE_DIR": str(folder / ".state")}
    return InTerminal(*_PROGRAM, "--sandbox", *options, cwd=folder, **state, **environ)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[InTerminal]:
    """Opened, its backend at work, the first page drawn."""
    with started(tmp_path) as opened:
        opened.wait_for(b"what is missing")
        yield opened


def backends(folder: Path) -> list[int]:
    return processes_with(f"DBXWIZARD_STATE_DIR={folder / '.state'}", "host")


def test_it_is_left(program: InTerminal, tmp_path: Path) -> None:
    behind = backends(tmp_path)
    assert len(behind) == 1
    program.press("\x11")  # ctrl+q
    assert program.wait_for_end() == 0
    program.assert_given_back()
    assert program.last_words == ""
    wait_until_ended(behind)


def test_the_cursor_of_a_screen_reader_stands_where_the_keys_act(tmp_path: Path) -> None:
    with started(tmp_path, "--screen-reader") as program:
        program.wait_for(b"what is missing")
        places: list[bytes] = []
        while len(set(places)) < 2:
            program.press("\t")
            program.wait_for_more()
            places = re.findall(rb"\x1b\[(\d+;\d+)H\x1b\[\?25h", program.output)
        program.press("\x11")
        assert program.wait_for_end() == 0
        program.assert_given_back()


def test_its_terminal_is_closed(program: InTerminal, tmp_path: Path) -> None:
    behind = backends(tmp_path)
    program.signal(signal.SIGHUP)
    assert program.wait_for_end() == 128 + signal.SIGHUP
    program.assert_given_back()
    assert program.last_words == ""
    wait_until_ended(behind)


def test_it_is_killed(program: InTerminal, tmp_path: Path) -> None:
    behind = backends(tmp_path)
    program.signal(signal.SIGKILL)
    program.wait_for_end()
    wait_until_ended(behind)


def test_its_backend_is_killed(program: InTerminal, tmp_path: Path) -> None:
    (behind,) = backends(tmp_path)
    wait_until_ended([behind], kill=True)
    program.press("\x12")  # ctrl+r: check again
    program.wait_for(b"backend-lost")
    program.press("\x11")
    assert program.wait_for_end() == 0
    program.assert_given_back()
    assert not (tmp_path / ".state" / "crashes").exists()


def test_its_backend_can_not_be_started(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environ = {"DBXWIZARD_STATE_DIR": str(tmp_path / "file" / "state")}
    with InTerminal(*_PROGRAM, "--sandbox", cwd=tmp_path, **environ) as program:
        assert program.wait_for_end() == 1
        program.assert_given_back()
        assert program.last_words.startswith("error: ")
        assert "Traceback" not in program.last_words


def test_a_terminal_that_can_draw_nothing(tmp_path: Path) -> None:
    with started(tmp_path, TERM="dumb") as program:
        assert program.wait_for_end() == 2
        assert program.last_words.count("error: ") == 1
        assert "terminal-dumb" in program.last_words


def test_without_colour_states_are_words(tmp_path: Path) -> None:
    with started(tmp_path, NO_COLOR="1", COLORTERM="truecolor") as program:
        program.wait_for(b"missing")
        program.wait_for(b"not here")
        program.press("\x11")
        assert program.wait_for_end() == 0
    colours = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", program.output))
    assert len(colours) > 3
    assert {len(set(colour)) for colour in colours} == {1}  # greys
