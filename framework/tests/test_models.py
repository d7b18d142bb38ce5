from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fakes
import pytest

from dbkframework.models import (
    MajorityClass,
    Model,
    ModelsFailedError,
    NearestCentroid,
    best,
    cross_validate,
    scores,
    stratified_folds,
    table,
)
from dbkframework.models.validation import On
from dbkframework.samples import iris_measures
from dbkframework.testing import Recorded

POINTS = [(float(index), 0.0) for index in range(6)] + [(float(index), 9.0) for index in range(6)]
LABELS = ["low"] * 6 + ["high"] * 6


def failing() -> Model:
    """Its class is one that workers can't import, so it goes to them as it is."""

    class Failing:
        """Learns nothing but to fail where there is a point that it does not like."""

        def fit(self, points: Sequence[Any], labels: Sequence[Any]) -> None:
            if (0.0, 0.0) in points:
                raise RuntimeError("no fit, password=hunter22")

        def predict(self, points: Sequence[Any]) -> list[str]:
            return ["low"] * len(points)

    return Failing()


MODELS: dict[str, Model] = {"centroid": NearestCentroid(), "majority": MajorityClass(), "failing": failing()}


def test_the_nearest_mean_decides() -> None:
    model = NearestCentroid().fit(POINTS, LABELS)
    assert model.centroids == {"low": (2.5, 0.0), "high": (2.5, 9.0)}
    assert model.predict([(5.0, 4.4), (0.0, 4.6)]) == ["low", "high"]


def test_the_most_frequent_label_decides() -> None:
    assert MajorityClass().fit(POINTS[:3], ["a", "b", "b"]).predict(POINTS[:2]) == ["b", "b"]


def test_models_that_know_nothing_say_so() -> None:
    with pytest.raises(ValueError, match="fit comes before predict"):
        NearestCentroid().predict(POINTS)
    with pytest.raises(ValueError, match="no points to learn from"):
        MajorityClass().fit([], [])


def test_every_point_is_tested_once_by_a_model_that_has_not_seen_it() -> None:
    folds = stratified_folds(LABELS, folds=3)
    assert sorted(index for fold in folds for index in fold.test) == list(range(12))
    assert all(sorted(fold.learn + fold.test) == list(range(12)) for fold in folds)
    assert [[LABELS[index] for index in fold.test].count("low") for fold in folds] == [2, 2, 2]


def test_the_seed_decides_the_folds() -> None:
    assert stratified_folds(LABELS, seed=1) == stratified_folds(LABELS, seed=1) != stratified_folds(LABELS, seed=2)


@pytest.mark.parametrize(("folds", "message"), [(1, "two or more"), (7, "low has 6 points for 7 folds")])
def test_folds_that_cannot_be_made(folds: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cross_validate(MODELS, POINTS, LABELS, folds=folds)


@pytest.fixture(params=["here", "joblib", "spark"])
def on(request: pytest.FixtureRequest) -> On:
    if request.param == "joblib":
        pytest.importorskip("joblib", reason="joblib is not installed")
    if request.param == "spark":
        request.getfixturevalue("local_spark")
    where: On = request.param
    return where


def test_wherever_it_runs_the_outcomes_are_the_same_and_each_is_logged(on: On, recorded: Recorded) -> None:
    outcomes = cross_validate(MODELS, POINTS, LABELS, folds=3, on=on)
    assert [(outcome.model, outcome.fold) for outcome in outcomes] == [
        (name, fold) for name in MODELS for fold in (1, 2, 3)
    ]
    assert [outcome.scores for outcome in outcomes[:6]] == [{"accuracy": 1.0}] * 3 + [{"accuracy": 0.5}] * 3
    assert sorted(outcome.error for outcome in outcomes[6:]) == ["", *["RuntimeError: no fit, password=***"] * 2]
    assert len(recorded.logs) == 9
    assert sum(record.levelname == "WARNING" for record in recorded.logs) == 2
    assert [name for name, _, _ in recorded.metrics] == ["cross_validation.accuracy"] * 7
    assert recorded.spans[0].attributes["on"] == on
    assert recorded.spans[0].attributes["failed"] == 2


def test_auto_takes_spark_where_there_may_be_more_machines(monkeypatch: pytest.MonkeyPatch, recorded: Recorded) -> None:
    from dbkframework.models import validation

    monkeypatch.setattr(validation, "_RUNNERS", dict.fromkeys(("spark", "joblib", "here"), validation._here))
    fakes.uninstall(monkeypatch, "databricks", "databricks.connect", "joblib")
    fakes.uninstall(monkeypatch, "pyspark")
    cross_validate({"centroid": NearestCentroid()}, POINTS, LABELS)
    fakes.install(monkeypatch, "joblib")
    cross_validate({"centroid": NearestCentroid()}, POINTS, LABELS)
    fakes.cluster(monkeypatch)
    cross_validate({"centroid": NearestCentroid()}, POINTS, LABELS)
    fakes.pyspark(monkeypatch)
    cross_validate({"centroid": NearestCentroid()}, POINTS, LABELS)
    assert [span.attributes["on"] for span in recorded.spans] == ["here", "joblib", "joblib", "spark"]


def test_models_of_scikit_learn_on_arrays_and_frames() -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    metrics = pytest.importorskip("sklearn.metrics")
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    points, labels = iris_measures()
    model = linear.LogisticRegression(max_iter=1000)
    measures = {
        "accuracy": metrics.accuracy_score,
        "f1": lambda known, found: metrics.f1_score(known, found, average="macro"),
    }
    made = [
        cross_validate({"logistic": model}, *data, measures=measures, on="here")
        for data in ((numpy.array(points), numpy.array(labels)), (pandas.DataFrame(points), pandas.Series(labels)))
    ]
    assert [outcome.scores for outcome in made[0]] == [outcome.scores for outcome in made[1]]
    [score] = scores(made[0])
    assert (score.mean["accuracy"] > 0.95, score.mean["f1"] > 0.95, score.failed) == (True, True, 0)
    assert not hasattr(model, "coef_")


def test_the_best_is_the_highest_mean_that_failed_in_no_fold() -> None:
    made = scores(cross_validate(MODELS, POINTS, LABELS, folds=3, on="here"))
    assert best(made).model == "centroid"
    assert table(made).splitlines()[1] == "centroid     1.000  0.000     3      0"
    assert table(made).splitlines()[3].endswith("2")
    with pytest.raises(ModelsFailedError, match="no model came through"):
        best([score for score in made if score.failed])
    with pytest.raises(ModelsFailedError):
        best(made, "f1")
