"""How data are divided for cross-validation."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fold:
    """Indexes of the points to learn from, and of those to test on. Folds are numbered from 1."""

    number: int
    learn: tuple[int, ...]
    test: tuple[int, ...]


def stratified_folds(labels: Sequence[Any], folds: int = 5, seed: int = 0) -> list[Fold]:
    """Every point is tested in one fold, and each label is spread evenly over the folds; the same seed gives the same.

    Raises ValueError where a label has fewer points than there are folds, or there are fewer than two folds.

    >>> [fold.test for fold in stratified_folds(["a", "b", "a", "b"], folds=2)]
    [(0, 1), (2, 3)]
    """
    if folds < 2:
        raise ValueError(f"{folds} folds: there have to be two or more")
    by_label: defaultdict[Any, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        by_label[label].append(index)
    parts: list[list[int]] = [[] for _ in range(folds)]
    shuffle = random.Random(seed).shuffle  # noqa: S311  (which point is in which fold is no secret)
    for label, indexes in by_label.items():
        if len(indexes) < folds:
            raise ValueError(f"{label} has {len(indexes)} points for {folds} folds")
        shuffle(indexes)
        for position, index in enumerate(indexes):
            parts[position % folds].append(index)
    return [
        Fold(number, tuple(sorted(set(range(len(labels))).difference(part))), tuple(sorted(part)))
        for number, part in enumerate(parts, 1)
    ]


def take(data: Any, indexes: Sequence[int]) -> Any:
    """These members, of a sequence, a numpy array or a pandas object, as one of the same kind; a list of a sequence."""
    if hasattr(data, "iloc"):
        return data.iloc[list(indexes)]
    if hasattr(data, "shape"):
        return data[list(indexes)]
    return [data[index] for index in indexes]
