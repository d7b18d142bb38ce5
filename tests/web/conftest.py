from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.visiting import Visitor


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the small program says what happens to it."""
    monkeypatch.setenv("TEST_FOLDER", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    async with Visitor() as one:
        yield one
