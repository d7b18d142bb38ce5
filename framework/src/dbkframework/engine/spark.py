"""The Spark that is here."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dbkframework.engine.place import Place, installed, place
from dbkframework.errors import FrameworkError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# One machine, no user interface, times that do not depend on the machine.
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",
}


class SparkNotFoundError(FrameworkError):
    """There is no Spark here, or none that can start."""


def get_spark(config: Mapping[str, str] | None = None) -> SparkSession:
    """The session of this process, started where there is none yet.

    On a cluster it is the cluster's own. Elsewhere it is Databricks Connect's, with host, cluster and sign-in from
    its own settings (DATABRICKS_HOST, DATABRICKS_CLUSTER_ID, a profile); or the Spark Connect that SPARK_REMOTE
    names; or a Spark on this machine (SPARK_MASTER, else all of its processors), to which `config` applies. Raises
    SparkNotFoundError.
    """
    here = place()
    if here is Place.NOWHERE:
        raise SparkNotFoundError("no Spark here", "install databricks-connect of your cluster's version, or pyspark")
    if here is Place.CONNECT and not os.environ.get("SPARK_REMOTE"):
        return _databricks_connect()
    from pyspark.sql import SparkSession

    if here is not Place.LOCAL:
        return SparkSession.builder.getOrCreate()
    return _local(SparkSession.builder, config or {})


def _databricks_connect() -> SparkSession:
    from databricks.connect import DatabricksSession

    session: SparkSession = DatabricksSession.builder.getOrCreate()
    return session


def _local(builder: Any, config: Mapping[str, str]) -> SparkSession:
    if not java():
        fix = "install a Java runtime (Debian: openjdk-17-jre-headless) or set JAVA_HOME"
        raise SparkNotFoundError("pyspark is installed, but there is no Java to run Spark", fix)
    os.environ.setdefault(
        "PYSPARK_PYTHON", sys.executable
    )  # else workers are of whichever python3 is first in the path
    builder = builder.master(os.environ.get("SPARK_MASTER", "local[*]")).appName("dbkframework")
    for name, value in {**_LOCAL, **config}.items():
        builder = builder.config(name, value)
    session: SparkSession = builder.getOrCreate()
    return session


def java() -> str | None:
    """The Java that a Spark on this machine would use, as pyspark looks for it."""
    import shutil

    home = os.environ.get("JAVA_HOME")
    return shutil.which(os.path.join(home, "bin", "java") if home else "java")


def has_local_spark() -> bool:
    """Whether a Spark could be started on this machine."""
    return installed("pyspark") and java() is not None
