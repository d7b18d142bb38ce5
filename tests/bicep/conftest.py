"""Where the templates are; the emitter beside this file is imported by its plain name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def folder() -> Path:
    return ROOT / "bicep"
