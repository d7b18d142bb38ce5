"""What the tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dbkframework import redaction, telemetry
from dbkframework.engine import settings

pytest_plugins = ["dbkframework.testing"]

TOLD_BY_A_MACHINE = (
    *telemetry.CONNECTION_STRING_VARIABLES,
    settings.SCOPE_VARIABLE,
    settings.VAULT_VARIABLE,
    "DATABRICKS_RUNTIME_VERSION",
    "DBK_COMMIT",
    "DBK_ENVIRONMENT",
    "DBK_JOB_ID",
    "DBK_JOB_RUN_ID",
    "DBK_MODEL_SCHEMA",
    "DBK_TASK",
    "GITHUB_JOB",
    "GITHUB_RUN_ID",
    "GITHUB_SHA",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_TRACKING_URI",
    "SPARK_REMOTE",
)


def pytest_configure() -> None:
    """Spark's workers find the sources as this process does."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1] / "src")


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test starts as on a machine that tells nothing, with no secret known."""
    for name in TOLD_BY_A_MACHINE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setattr("sys.argv", ["pytest"])
