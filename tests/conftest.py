"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from tests.matrix import summary


def new_state(folder: Path) -> Path:
    """The state file of a new sandbox in which nothing takes time."""
    state = folder / "sandbox" / "state.sqlite"
    store = Store(state)
    with store.transaction():
        store.put("_setting", "latency", {"profile": "zero"})
    store.close()
    return state


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A new sandbox, served by this process."""
    with Sandbox(new_state(tmp_path)) as served:
        yield served


def pytest_terminal_summary(terminalreporter: Any) -> None:
    line = summary.line([*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())])
    if line:
        terminalreporter.write_line(line)
