from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest

from dbkframework import engine


class Builder:
    def __init__(self, session: str) -> None:
        self.session = session

    def getOrCreate(self) -> str:  # noqa: N802  (Spark's name)
        return self.session


def install(monkeypatch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None, is_package=True)
    module.__path__ = []
    module.__dict__.update(content)
    monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "pyspark")
    install(monkeypatch, "pyspark.sql", SparkSession=type("SparkSession", (), {"builder": Builder("spark")}))


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "databricks")
    session = type("DatabricksSession", (), {"builder": Builder("connect")})
    install(monkeypatch, "databricks.connect", DatabricksSession=session)


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda _: None)


@pytest.mark.usefixtures("nothing")
def test_without_spark_it_says_what_to_install() -> None:
    assert not engine.has_spark()
    with pytest.raises(engine.SparkNotFoundError, match="install databricks-connect"):
        engine.get_spark()


@pytest.mark.usefixtures("pyspark", "connect")
def test_a_cluster_uses_its_own_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert engine.has_spark()
    assert engine.get_spark() == "spark"


@pytest.mark.usefixtures("pyspark", "connect")
def test_elsewhere_databricks_connect_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    assert engine.get_spark() == "connect"


@pytest.mark.usefixtures("pyspark")
def test_a_local_spark_is_the_last_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setitem(sys.modules, "databricks", None)
    assert engine.has_spark()
    assert engine.get_spark() == "spark"
