from __future__ import annotations

from collections.abc import Sequence

import pytest

from dbkframework.models import NearestCentroid, Point, cross_validate
from dbkframework.samples import IRIS_MEASURES, load_iris

POINTS = [(float(index), 0.0) for index in range(6)] + [(float(index), 9.0) for index in range(6)]
LABELS = ["low"] * 6 + ["high"] * 6


def test_the_nearest_mean_decides() -> None:
    model = NearestCentroid()
    model.fit(POINTS, LABELS)
    assert model.centroids == {"low": (2.5, 0.0), "high": (2.5, 9.0)}
    assert [model.predict((5.0, 4.4)), model.predict((0.0, 4.6))] == ["low", "high"]


def test_predict_needs_fit() -> None:
    with pytest.raises(ValueError, match="fit comes before predict"):
        NearestCentroid().predict((1.0, 1.0))


class Recorder:
    """Learns nothing, and notes what it was given."""

    def __init__(self, notes: list[tuple[set[Point], list[Point]]]) -> None:
        self.tested: list[Point] = []
        self.notes = notes

    def fit(self, points: Sequence[Point], labels: Sequence[str]) -> None:
        assert len(points) == len(labels)
        self.notes.append((set(points), self.tested))

    def predict(self, point: Point) -> str:
        self.tested.append(point)
        return "low"


def test_every_point_is_tested_once_by_a_model_that_has_not_seen_it() -> None:
    notes: list[tuple[set[Point], list[Point]]] = []
    results = list(cross_validate(lambda: Recorder(notes), POINTS, LABELS, folds=3))
    assert sorted(tuple(point) for _, tested in notes for point in tested) == sorted(POINTS)
    assert all(not learned & set(tested) for learned, tested in notes)
    assert [(result.tested, result.correct, result.accuracy) for result in results] == [(4, 2, 0.5)] * 3


def test_the_seed_decides_the_folds() -> None:
    def folds(seed: int) -> list[list[Point]]:
        notes: list[tuple[set[Point], list[Point]]] = []
        list(cross_validate(lambda: Recorder(notes), POINTS, LABELS, folds=3, seed=seed))
        return [tested for _, tested in notes]

    assert folds(1) == folds(1)
    assert folds(1) != folds(2)


@pytest.mark.parametrize(("folds", "message"), [(1, "two or more"), (7, "low has 6 points for 7 folds")])
def test_folds_that_cannot_be_made(folds: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        next(cross_validate(NearestCentroid, POINTS, LABELS, folds=folds))


def test_iris_is_thirty_flowers_of_three_species_with_four_measures() -> None:
    rows = load_iris()
    assert [row["species"] for row in rows[::10]] == ["setosa", "versicolor", "virginica"]
    assert len(rows) == 30
    assert rows[0] == {"species": "setosa", **dict(zip(IRIS_MEASURES, (5.1, 3.5, 1.4, 0.2), strict=True))}
