"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A new sandbox, served by this process, in which nothing takes time."""
    state = tmp_path / "sandbox" / "state.sqlite"
    store = Store(state)
    with store.transaction():
        store.put("_setting", "latency", {"profile": "zero"})
    store.close()
    with Sandbox(state) as served:
        yield served
