"""Data to try things with."""

from __future__ import annotations

import csv
from importlib.resources import files

IRIS_MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def load_iris() -> list[dict[str, float | str]]:
    """Ten flowers of each of three species: four measures in cm, and `species`.

    They are the first ten of each in R. A. Fisher's data of 1936, which are free to use.
    """
    lines = files("dbkframework").joinpath("iris.csv").read_text(encoding="utf-8").splitlines()
    return [
        {"species": row["species"], **{measure: float(row[measure]) for measure in IRIS_MEASURES}}
        for row in csv.DictReader(lines)
    ]
