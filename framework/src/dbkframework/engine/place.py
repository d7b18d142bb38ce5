"""Where this code runs. Found out without importing or starting a Spark."""

from __future__ import annotations

import os
import sys
from enum import Enum
from importlib import import_module
from importlib.util import find_spec
from typing import Any


class Place(Enum):
    """Where Spark comes from."""

    JOB = "a job on a cluster"
    NOTEBOOK = "a notebook on a cluster"
    CONNECT = "Databricks Connect, or another Spark Connect"
    LOCAL = "a Spark on this machine"
    NOWHERE = "no Spark"

    @property
    def on_databricks(self) -> bool:
        return self in (Place.JOB, Place.NOTEBOOK)

    @property
    def is_distributed(self) -> bool:
        """Whether there may be more machines than this one."""
        return self in (Place.JOB, Place.NOTEBOOK, Place.CONNECT)


def place() -> Place:
    """On a cluster DATABRICKS_RUNTIME_VERSION is set; elsewhere what is installed counts, Databricks Connect first."""
    if "DATABRICKS_RUNTIME_VERSION" in os.environ:
        return Place.JOB if runtime_context("isInJob") or runtime_context("jobId") else Place.NOTEBOOK
    if os.environ.get("SPARK_REMOTE") and installed("pyspark"):
        return Place.CONNECT
    if installed("databricks.connect"):
        return Place.CONNECT
    return Place.LOCAL if installed("pyspark") else Place.NOWHERE


def runtime_context(name: str) -> Any:
    """What the runtime tells of the running command, such as `jobId`; None elsewhere, or where it does not tell.

    `dbruntime` is the runtime's own; MLflow reads the same (mlflow/utils/databricks_utils.py).
    """
    if "DATABRICKS_RUNTIME_VERSION" not in os.environ:
        return None
    try:
        return getattr(import_module("dbruntime.databricks_repl_context").get_context(), name, None)
    except Exception:  # whatever a runtime of another version does, there is no answer
        return None


def notebook_variable(name: str) -> Any:
    """What a notebook has under this name, such as `dbutils`; None outside of one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell.user_ns.get(name) if shell else None


def dbutils() -> Any:
    """The notebook's, else what the runtime gives to any code on a cluster; None elsewhere."""
    found = notebook_variable("dbutils")
    if found is None and "DATABRICKS_RUNTIME_VERSION" in os.environ and installed("databricks.sdk"):
        try:
            return import_module("databricks.sdk.runtime").dbutils
        except Exception:  # a process of the cluster that is not the driver's has none
            return None
    return found


def installed(module: str) -> bool:
    """Whether it could be imported; imports at most the packages around it."""
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):
        return False  # not even the package that would hold it
