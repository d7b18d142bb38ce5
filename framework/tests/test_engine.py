from __future__ import annotations

import base64
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import fakes
import pytest

from dbkframework import engine
from dbkframework.engine import Place, SettingNotFoundError, SparkNotFoundError, get_secret, get_setting, settings
from dbkframework.redaction import clean


@pytest.fixture
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.uninstall(monkeypatch, "pyspark", "databricks", "databricks.connect")


def session(config: dict[str, str] | None = None) -> object:
    """What a fake builder gives for one."""
    return engine.get_spark(config)


@pytest.mark.usefixtures("no_spark")
def test_without_spark_it_says_what_to_install() -> None:
    assert engine.place() is Place.NOWHERE
    with pytest.raises(SparkNotFoundError, match="install databricks-connect"):
        engine.get_spark()


@pytest.mark.usefixtures("no_spark")
@pytest.mark.parametrize(
    ("told", "expected"), [({"isInJob": True}, Place.JOB), ({"jobId": "7"}, Place.JOB), ({}, Place.NOTEBOOK)]
)
def test_a_cluster_uses_its_own_spark(monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], expected: Place) -> None:
    builder = fakes.pyspark(monkeypatch)
    fakes.databricks_connect(monkeypatch)
    fakes.cluster(monkeypatch, **told)
    assert engine.place() is expected
    assert (session(), builder.asked) == ("pyspark's", {})


@pytest.mark.usefixtures("no_spark")
def test_elsewhere_databricks_connect_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.pyspark(monkeypatch)
    fakes.databricks_connect(monkeypatch)
    assert engine.place() is Place.CONNECT
    assert session() == "Databricks Connect's"


@pytest.mark.usefixtures("no_spark")
def test_spark_remote_names_any_other_spark_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = fakes.pyspark(monkeypatch)
    monkeypatch.setenv("SPARK_REMOTE", "sc://127.0.0.1:15002")
    assert engine.place() is Place.CONNECT
    assert (session(), builder.asked) == ("pyspark's", {})


@pytest.mark.usefixtures("no_spark")
def test_a_local_spark_is_the_last_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = fakes.pyspark(monkeypatch)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert engine.place() is Place.LOCAL
    assert session({"spark.ui.enabled": "true"}) == "pyspark's"
    assert (builder.asked["spark.master"], builder.asked["spark.ui.enabled"]) == ("local[*]", "true")


@pytest.mark.usefixtures("no_spark")
def test_a_local_spark_without_java_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fakes.pyspark(monkeypatch)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path_factory.mktemp("no-java")))
    with pytest.raises(SparkNotFoundError, match="openjdk-17-jre-headless"):
        engine.get_spark()


def test_a_real_spark_counts(local_spark: Any) -> None:
    assert engine.get_spark() is local_spark
    assert local_spark.range(5).count() == 5


def test_the_environment_comes_first(
    monkeypatch: pytest.MonkeyPatch, secret_scope: Callable[[str, str, str], None]
) -> None:
    secret_scope("scope", "API_KEY", "from the scope")
    monkeypatch.setenv("API_KEY", "from the environment")
    assert get_setting("API_KEY", scope="scope") == "from the environment"
    monkeypatch.setenv("API_KEY", "")
    assert get_setting("API_KEY", scope="scope") == "from the scope"


def test_scope_and_key_may_be_called_otherwise(
    monkeypatch: pytest.MonkeyPatch, secret_scope: Callable[[str, str, str], None]
) -> None:
    secret_scope("team", "partner", "value of the partner")
    monkeypatch.setenv(settings.SCOPE_VARIABLE, "team")
    assert get_secret("API_KEY", key="partner").reveal() == "value of the partner"
    assert clean("sent value of the partner") == "sent ***"


def test_what_is_nowhere_says_where_it_was_looked_for(secret_scope: Callable[[str, str, str], None]) -> None:
    secret_scope("other", "API_KEY", "of another scope")
    with pytest.raises(SettingNotFoundError) as raised:
        get_secret("API_KEY", scope="scope")
    assert "no environment variable API_KEY" in str(raised.value)
    assert "secret scope scope: LookupError: Secret does not exist" in str(raised.value)
    assert get_setting("API_KEY", scope="scope", default="as usual") == "as usual"


def test_a_cluster_asks_dbutils(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = SimpleNamespace(secrets=SimpleNamespace(get=lambda scope, key: f"{key} of {scope}"))
    fakes.cluster(monkeypatch)
    fakes.notebook(monkeypatch, dbutils=asked)
    assert get_setting("appi_ik", scope="AzureResourceSecrets") == "appi_ik of AzureResourceSecrets"
    fakes.notebook(monkeypatch)
    fakes.install(monkeypatch, "databricks")
    fakes.install(monkeypatch, "databricks.sdk")
    fakes.install(monkeypatch, "databricks.sdk.runtime", dbutils=asked)
    assert get_setting("appi_ik", scope="Scope") == "appi_ik of Scope"


def test_elsewhere_the_scope_is_asked_through_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    class WorkspaceClient:
        secrets = SimpleNamespace(
            get_secret=lambda scope, key: SimpleNamespace(value=base64.b64encode(f"{key} of {scope}".encode()).decode())
        )

    fakes.install(monkeypatch, "databricks")
    fakes.install(monkeypatch, "databricks.sdk", WorkspaceClient=WorkspaceClient)
    assert get_setting("NAME", scope="scope") == "NAME of scope"
    fakes.uninstall(monkeypatch, "databricks.sdk")
    with pytest.raises(SettingNotFoundError, match="databricks-sdk is not installed"):
        get_setting("NAME", scope="scope")


def test_without_the_extra_key_vault_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.uninstall(monkeypatch, "azure", "azure.keyvault", "azure.keyvault.secrets")
    with pytest.raises(SettingNotFoundError, match=r"install dbkframework\[secrets\]"):
        get_secret("NAME", vault="kv-team")


def test_parameters_of_a_script_a_notebook_and_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(name: str) -> str:
        if name != "folds":
            raise LookupError(name)
        return "7"

    assert engine.get_parameter("folds", "5") == "5"
    fakes.notebook(monkeypatch, dbutils=SimpleNamespace(widgets=SimpleNamespace(get=get)))
    assert (engine.get_parameter("folds", "5"), engine.get_parameter("rows", "1")) == ("7", "1")
    monkeypatch.setattr("sys.argv", ["script.py", "--rows", "9", "--folds=3"])
    assert (engine.get_parameter("folds", "5"), engine.get_parameter("rows", "1")) == ("3", "9")


def test_show_displays_in_a_notebook_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    fakes.uninstall(monkeypatch, "IPython")
    engine.show("nothing")
    fakes.notebook(monkeypatch)
    fakes.install(monkeypatch, "IPython.display", display=shown.append)
    engine.show("a figure")
    assert shown == ["a figure"]
