"""What the tests share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from dbkframework import telemetry


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The log is set up once in a process; each test starts as a process does."""
    monkeypatch.delenv(telemetry.CONNECTION_STRING_VARIABLE, raising=False)
    yield
    logging.getLogger(telemetry.LOGGER).handlers.clear()
