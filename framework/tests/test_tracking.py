from __future__ import annotations

from pathlib import Path

import fakes
import pytest

from dbkframework.models import (
    FoldOutcome,
    NearestCentroid,
    NoTracking,
    TrackingError,
    cross_validate,
    get_tracking,
)
from dbkframework.samples import iris_measures
from dbkframework.testing import Recorded

OUTCOMES = [
    FoldOutcome("centroid", 1, {"accuracy": 1.0}, 0.5),
    FoldOutcome("centroid", 2, {"accuracy": 0.5}, 0.5),
    FoldOutcome("forest", 1, error="RuntimeError: no"),
]


def test_without_mlflow_the_same_calls_do_nothing(monkeypatch: pytest.MonkeyPatch, recorded: Recorded) -> None:
    assert isinstance(get_tracking("/Shared/iris"), NoTracking)
    fakes.uninstall(monkeypatch, "mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    tracking = get_tracking("/Shared/iris")
    tracking.log_outcomes("iris", OUTCOMES, {})
    assert tracking.register("iris", NearestCentroid(), []) is None
    assert recorded.messages == [
        "no MLflow is configured: the outcomes of iris are in the log alone",
        "no MLflow is configured: iris is not registered",
    ]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """MLflow with its own store of files."""
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING", "false")
    return tmp_path


@pytest.mark.usefixtures("store", "recorded")
def test_every_outcome_is_a_step_of_its_models_run() -> None:
    import mlflow

    get_tracking("iris").log_outcomes("cross-validation", OUTCOMES, {"folds": 2})
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("iris")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert runs.keys() == {"cross-validation", "centroid", "forest"}
    parent = runs["cross-validation"]
    assert parent.data.params == {"folds": "2"}
    assert parent.data.tags["dbk.job_run"] == runs["forest"].data.tags["dbk.job_run"] == "42"
    assert runs["centroid"].data.tags["mlflow.parentRunId"] == parent.info.run_id
    history = client.get_metric_history(runs["centroid"].info.run_id, "accuracy")
    assert [(value.step, value.value) for value in history] == [(1, 1.0), (2, 0.5)]
    assert runs["forest"].data.tags["error.fold_1"] == "RuntimeError: no"


@pytest.mark.usefixtures("recorded")
def test_the_best_is_registered_and_predicts_when_it_is_loaded(store: Path) -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    import mlflow
    import numpy

    points, labels = iris_measures()
    model = linear.LogisticRegression(max_iter=1000).fit(points, labels)
    plot = store / "plot.txt"
    plot.write_text("a plot")
    tracking = get_tracking("iris")
    registered = [tracking.register("iris", model, points[:5], files=[plot]) for _ in range(2)]
    assert [one and (one.name, one.version, one.uri) for one in registered] == [
        ("iris", "1", "models:/iris/1"),
        ("iris", "2", "models:/iris/2"),
    ]
    loaded = mlflow.pyfunc.load_model("models:/iris/2")
    assert list(loaded.predict(numpy.array(points[:1]))) == ["setosa"]
    version = mlflow.MlflowClient().get_model_version("iris", "2")
    assert version.run_id is not None
    assert [item.path for item in mlflow.MlflowClient().list_artifacts(version.run_id) if not item.is_dir] == [
        "plot.txt"
    ]


@pytest.mark.usefixtures("store", "recorded")
def test_unity_catalog_takes_three_names(monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    from dbkframework.models import tracking

    asked: list[str] = []
    monkeypatch.setattr(mlflow, "set_registry_uri", asked.append)
    monkeypatch.setenv("DBK_MODEL_SCHEMA", "main.models")
    assert (tracking._registered_name("iris"), asked) == ("main.models.iris", ["databricks-uc"])
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://127.0.0.1:1")
    assert (tracking._registered_name("iris"), asked) == ("main.models.iris", ["databricks-uc"])
    monkeypatch.setenv("DBK_MODEL_SCHEMA", "models")
    with pytest.raises(TrackingError, match="DBK_MODEL_SCHEMA is models: write catalog"):
        get_tracking("iris").register("iris", NearestCentroid(), [])


@pytest.mark.usefixtures("recorded")
def test_on_databricks_a_model_is_registered_only_where_a_registry_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    from dbkframework.models import tracking

    fakes.cluster(monkeypatch)
    assert tracking._registered_name("iris") is None
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "databricks")
    assert tracking._registered_name("iris") == "iris"


@pytest.mark.usefixtures("store", "recorded")
def test_a_server_that_cannot_be_asked_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (blocked / "mlruns").as_uri())
    with pytest.raises(TrackingError, match=r"MLflow could not log the outcomes \(NotADirectoryError"):
        get_tracking("iris").log_outcomes("iris", OUTCOMES, {})


def test_outcomes_of_a_real_validation_fit(store: Path, recorded: Recorded) -> None:
    points, labels = iris_measures()
    outcomes = cross_validate({"centroid": NearestCentroid()}, points, labels, on="here")
    get_tracking("iris").log_outcomes("iris", outcomes, {})
    assert (store / "mlruns").is_dir()
    assert len(recorded.logs) == 5
