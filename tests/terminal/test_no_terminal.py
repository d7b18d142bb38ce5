"""Where no screen can be drawn that is said in one clear error."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.terminal.driving import InTerminal

_CODE = """
import os, sys
from dbxwizard.cli.terminal import require_terminal
from dbxwizard.core.errors import UsageError
try:
    require_terminal(os.environ)
except UsageError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize(("term", "code"), [("dumb", 2), ("unknown", 2), ("xterm-256color", 0), ("linux", 0)])
def test_a_terminal_that_can_not_move_its_cursor(tmp_path: Path, term: str, code: int) -> None:
    with InTerminal(sys.executable, "-c", _CODE, cwd=tmp_path, TERM=term) as program:
        assert program.wait_for_end() == code
        assert (f"terminal-dumb: TERM={term}" in program.last_words) is bool(code)


def test_output_that_goes_into_a_file(tmp_path: Path) -> None:
    with InTerminal("/bin/sh", "-c", '"$0" -c "$1" 2>/dev/null', sys.executable, _CODE, cwd=tmp_path) as program:
        assert program.wait_for_end() == 2
        assert "no-terminal" in program.last_words
