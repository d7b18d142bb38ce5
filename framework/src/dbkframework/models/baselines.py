"""Two classifiers in plain Python: what a better one has to beat, and something to try things with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import dist
from typing import Any

Point = Sequence[float]


@dataclass
class NearestCentroid:
    """Gives a point the label whose mean point is the nearest."""

    centroids: dict[Any, tuple[float, ...]] = field(default_factory=dict)

    def fit(self, points: Sequence[Point], labels: Sequence[Any]) -> NearestCentroid:
        groups: defaultdict[Any, list[Point]] = defaultdict(list)
        for point, label in zip(points, labels, strict=True):
            groups[label].append(point)
        self.centroids = {
            label: tuple(sum(axis) / len(group) for axis in zip(*group, strict=True)) for label, group in groups.items()
        }
        return self

    def predict(self, points: Sequence[Point]) -> list[Any]:
        """Raises ValueError before `fit`."""
        if not self.centroids:
            raise ValueError("fit comes before predict")
        return [min(self.centroids, key=lambda label: dist(self.centroids[label], point)) for point in points]


@dataclass
class MajorityClass:
    """Gives every point the most frequent label; of two that are as frequent, the one that came first."""

    label: Any = None

    def fit(self, points: Sequence[Point], labels: Sequence[Any]) -> MajorityClass:
        """Raises ValueError without points."""
        if not len(labels):
            raise ValueError("there are no points to learn from")
        self.label = Counter(list(labels)).most_common(1)[0][0]
        return self

    def predict(self, points: Sequence[Point]) -> list[Any]:
        return [self.label for _ in points]
