"""Stand-ins for packages that only a cluster has, or that would need a service."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


def install(monkeypatch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    """A package of this name, for the test alone."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None, is_package=True)
    module.__path__ = []
    module.__dict__.update(content)
    monkeypatch.setitem(sys.modules, name, module)


def uninstall(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As where these are not installed."""
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


def cluster(monkeypatch: pytest.MonkeyPatch, **context: Any) -> None:
    """As on a cluster whose runtime tells this of the running command."""
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    install(monkeypatch, "dbruntime")
    told = SimpleNamespace(**context)
    install(monkeypatch, "dbruntime.databricks_repl_context", get_context=lambda: told)


def notebook(monkeypatch: pytest.MonkeyPatch, **variables: Any) -> None:
    """As in a notebook with these variables."""
    shell = SimpleNamespace(user_ns=variables)
    install(monkeypatch, "IPython", get_ipython=lambda: shell)


class Builder:
    """Of a Spark session, which is the text `session`."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.asked: dict[str, str] = {}

    def master(self, name: str) -> Builder:
        return self.config("spark.master", name)

    def appName(self, name: str) -> Builder:  # noqa: N802  (Spark's name)
        return self.config("spark.app.name", name)

    def config(self, name: str, value: str) -> Builder:
        self.asked[name] = value
        return self

    def getOrCreate(self) -> str:  # noqa: N802  (Spark's name)
        return self.session


def pyspark(monkeypatch: pytest.MonkeyPatch) -> Builder:
    builder = Builder("pyspark's")
    install(monkeypatch, "pyspark")
    install(monkeypatch, "pyspark.sql", SparkSession=SimpleNamespace(builder=builder))
    return builder


def databricks_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "databricks")
    session = SimpleNamespace(builder=Builder("Databricks Connect's"))
    install(monkeypatch, "databricks.connect", DatabricksSession=session)
