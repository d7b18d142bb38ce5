"""Finds Spark: on a cluster, through Databricks Connect, or local."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SparkNotFoundError(RuntimeError):
    """Neither pyspark nor Databricks Connect is installed."""


def has_spark() -> bool:
    """Whether `get_spark` would find a Spark; starts and imports none."""
    return _installed("pyspark") or _installed("databricks.connect")


def get_spark() -> SparkSession:
    """The session of this process, started where there is none yet.

    On a cluster it is the cluster's own; elsewhere Databricks Connect comes before a local Spark, and takes host,
    cluster and credentials from its own settings. Raises SparkNotFoundError.
    """
    if "DATABRICKS_RUNTIME_VERSION" not in os.environ and _installed("databricks.connect"):
        from databricks.connect import DatabricksSession

        return DatabricksSession.builder.getOrCreate()
    if not _installed("pyspark"):
        raise SparkNotFoundError("no Spark here: install databricks-connect of your cluster's version, or pyspark")
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate()


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False  # not even the package that would hold it
