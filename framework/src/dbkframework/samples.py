"""Data to try things with."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any

IRIS_MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
IRIS_SPECIES = ("setosa", "versicolor", "virginica")


def load_iris() -> list[dict[str, Any]]:
    """R. A. Fisher's data of 1936, free to use: fifty flowers of each of three species, four measures in cm, `species`.

    >>> load_iris()[0]
    {'sepal_length': 5.1, 'sepal_width': 3.5, 'petal_length': 1.4, 'petal_width': 0.2, 'species': 'setosa'}
    """
    lines = files("dbkframework").joinpath("iris.csv").read_text(encoding="utf-8").splitlines()
    return [
        {**{measure: float(row[measure]) for measure in IRIS_MEASURES}, "species": row["species"]}
        for row in csv.DictReader(lines)
    ]


def iris_measures() -> tuple[list[list[float]], list[str]]:
    """The same as points and labels, for a model."""
    rows = load_iris()
    return [[row[measure] for measure in IRIS_MEASURES] for row in rows], [row["species"] for row in rows]
