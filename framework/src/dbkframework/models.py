"""Cross-validation in plain Python, and a classifier to try it with."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import dist
from typing import Protocol

Point = Sequence[float]


class Classifier(Protocol):
    """What `cross_validate` can try."""

    def fit(self, points: Sequence[Point], labels: Sequence[str]) -> None: ...

    def predict(self, point: Point) -> str: ...


@dataclass
class NearestCentroid:
    """Gives a point the label whose mean point is the nearest."""

    centroids: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def fit(self, points: Sequence[Point], labels: Sequence[str]) -> None:
        groups: defaultdict[str, list[Point]] = defaultdict(list)
        for point, label in zip(points, labels, strict=True):
            groups[label].append(point)
        self.centroids = {
            label: tuple(sum(axis) / len(group) for axis in zip(*group, strict=True)) for label, group in groups.items()
        }

    def predict(self, point: Point) -> str:
        """Raises ValueError before `fit`."""
        if not self.centroids:
            raise ValueError("fit comes before predict")
        return min(self.centroids, key=lambda label: dist(self.centroids[label], point))


@dataclass(frozen=True)
class FoldResult:
    """One fold: it was tested on `tested` points, `correct` of them right, after learning from the others."""

    fold: int
    tested: int
    correct: int

    @property
    def accuracy(self) -> float:
        return self.correct / self.tested


def cross_validate(
    make: Callable[[], Classifier],
    points: Sequence[Point],
    labels: Sequence[str],
    folds: int = 5,
    seed: int = 0,
) -> Iterator[FoldResult]:
    """Each fold's result as soon as it is there; every point is tested once, and a label is spread over the folds.

    The same seed gives the same folds. Raises ValueError where a label has fewer points than there are folds, or there
    are fewer than two folds.
    """
    parts = _stratified(labels, folds, seed)
    for number, held_out in enumerate(parts, 1):
        learned = [index for part in parts if part is not held_out for index in part]
        model = make()
        model.fit([points[index] for index in learned], [labels[index] for index in learned])
        correct = sum(model.predict(points[index]) == labels[index] for index in held_out)
        yield FoldResult(number, len(held_out), correct)


def _stratified(labels: Sequence[str], folds: int, seed: int) -> list[list[int]]:
    if folds < 2:
        raise ValueError(f"{folds} folds: there have to be two or more")
    by_label: defaultdict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        by_label[label].append(index)
    parts: list[list[int]] = [[] for _ in range(folds)]
    shuffle = random.Random(seed).shuffle  # noqa: S311  (which flower is in which fold is no secret)
    for label, indexes in by_label.items():
        if len(indexes) < folds:
            raise ValueError(f"{label} has {len(indexes)} points for {folds} folds")
        shuffle(indexes)
        for position, index in enumerate(indexes):
            parts[position % folds].append(index)
    return parts
