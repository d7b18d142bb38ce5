"""What the runtime tells of the running command; MLflow reads the same (mlflow/utils/databricks_utils.py)."""

from __future__ import annotations

from types import SimpleNamespace

from . import TASK


def get_context() -> SimpleNamespace:
    return SimpleNamespace(**TASK["context"])
