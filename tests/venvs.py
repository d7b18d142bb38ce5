"""The environments that `make framework-venvs` makes: what a cluster has, what a developer's machine has, Spark."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

VENVS = Path(__file__).parents[1] / ".venv-framework"
SPARK_HOME = next(VENVS.glob("3.*/lib/python*/site-packages/pyspark"), None)
NEEDS_RUNTIME = pytest.mark.skipif(
    not (VENVS / "3.12").exists(), reason="there is nothing of a cluster's runtime here: make framework-venvs"
)
NEEDS_SPARK = pytest.mark.skipif(
    SPARK_HOME is None or shutil.which("java") is None, reason="there is no Spark here: make framework-venvs"
)


def connect_venv(version: str) -> Path:
    """That with this databricks-connect."""
    venv = VENVS / f"connect-{version}"
    if not venv.exists():
        pytest.skip(f"there is no databricks-connect {version} here: make framework-venvs")
    return venv
