from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dbkframework.samples import load_iris
from dbkframework.steps import (
    AtLeast,
    Baseline,
    Check,
    ChecksFailedError,
    Drift,
    InRange,
    NotNull,
    OneOf,
    Schema,
    Unique,
    run_checks,
)
from dbkframework.testing import Recorded

ROWS: list[dict[str, Any]] = [
    {"size": 1.0, "colour": "red", "count": 1, "fresh": True},
    {"size": 9.0, "colour": "blue", "count": 2, "fresh": False},
    {"size": None, "colour": None, "count": 2, "fresh": True},
    {"size": float("nan"), "colour": "red", "count": -5, "fresh": True},
    {"size": 100.0, "colour": "1", "count": 2, "fresh": None},
]
# Each with the rows that fail it, or whether it passes.
EXPECTED: list[tuple[Check, int | bool]] = [
    (AtLeast(5), True),
    (AtLeast(6), False),
    (Schema({"size": "number", "colour": "text"}), True),
    (Schema({"size": "number", "colour": "text"}, exact=True), False),
    (Schema({"size": "text", "weight": "number"}), False),
    (NotNull("size"), 2),
    (NotNull("colour"), 1),
    (NotNull("size", share=0.4), True),
    (InRange("size", 1, 9), 1),
    (InRange("count", -5, 1), 3),
    (InRange("colour", 0, 10), 4),
    (InRange("fresh", 0, 1), 4),
    (OneOf("colour", ("red", "blue")), 1),
    (OneOf("count", (1, 2)), 1),
    (OneOf("fresh", (True,)), 1),
    (OneOf("count", (True, "2")), 5),
    (Unique(("colour",)), 1),
    (Unique(("colour", "count")), True),
    (NotNull("weight"), False),
    (OneOf("weight", (1,)), False),
]
Tables = Callable[[list[dict[str, Any]]], Any]


def rows(given: list[dict[str, Any]]) -> Any:
    return given


def pandas_frame(given: list[dict[str, Any]]) -> Any:
    return pytest.importorskip("pandas", reason="pandas is not installed").DataFrame(given)


@pytest.fixture(params=["rows", "pandas", "spark"])
def table(request: pytest.FixtureRequest) -> Tables:
    """Makes the same table of each kind."""
    if request.param == "spark":
        spark = request.getfixturevalue("local_spark")
        schema = "size double, colour string, count int, fresh boolean"
        iris = "sepal_length double, sepal_width double, petal_length double, petal_width double, species string"
        return lambda given: spark.createDataFrame(given, schema if "size" in given[0] else iris)
    return rows if request.param == "rows" else pandas_frame


def test_all_kinds_of_tables_come_to_the_same(table: Tables) -> None:
    report = run_checks(table(ROWS), [check for check, _ in EXPECTED])
    for (check, expected), result in zip(EXPECTED, report.results, strict=True):
        found = result.passed if isinstance(expected, bool) else result.failing
        assert (result.name, found) == (check.name, expected)
    assert [result.passed for result in report.results if result.failing] == [
        check.name == "size is not null (40% may be)"
        for check, result in zip(report.results, report.results, strict=True)
        if result.failing
    ]


def test_what_is_not_there_is_said_as_data(table: Tables) -> None:
    report = run_checks(table(ROWS), [NotNull("weight"), NotNull("colour")])
    assert [result.detail for result in report.results] == ["no column weight", "1 of 5 rows"]
    assert not report.passed
    assert json.loads(json.dumps(report.to_dict()))["results"][0]["name"] == "weight is not null"
    with pytest.raises(ChecksFailedError, match="2 of 2 checks failed: weight is not null: no column weight; colour"):
        report.raise_if_failed()


def test_a_sound_report_raises_nothing_and_each_result_is_logged(recorded: Recorded) -> None:
    run_checks(ROWS, [AtLeast(1)]).raise_if_failed()
    run_checks(ROWS, [AtLeast(9)])
    assert [(record.levelname, record.getMessage()) for record in recorded.logs] == [
        ("INFO", "passed at least 1 rows: 5 rows"),
        ("WARNING", "FAILED at least 9 rows: 5 rows"),
    ]
    assert [span.attributes["failed"] for span in recorded.spans] == [0, 1]


def test_no_rows_are_no_columns() -> None:
    assert [result.passed for result in run_checks([], [AtLeast(0), NotNull("size")]).results] == [True, False]


@pytest.mark.parametrize("wrong", ["text", 5, [1, 2], {"a": 1}, None])
def test_what_is_no_table_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="is no table"):
        run_checks(wrong, [])


def test_the_same_data_have_not_drifted_and_others_have(table: Tables) -> None:
    iris = load_iris()
    then = Baseline.from_json(Baseline.of(table(iris)).to_json())
    checks = [Drift(then, column) for column in then.columns]
    assert [result.value for result in run_checks(table(iris), checks).results] == pytest.approx([0.0] * 5, abs=0.02)
    only_virginica = run_checks(table([row for row in iris if row["species"] == "virginica"]), checks)
    assert [result.passed for result in only_virginica.results] == [False] * 5
    wider = run_checks(table([{**row, "sepal_width": row["sepal_width"] + 2.0} for row in iris]), checks)
    assert [result.name for result in wider.failed] == ["sepal_width has not drifted"]


def test_the_same_baseline_of_every_kind_of_table(table: Tables) -> None:
    assert Baseline.of(rows(load_iris()), ["species"]) == Baseline.of(table(load_iris()), ["species"])


def test_values_that_were_never_seen_are_drift() -> None:
    then = Baseline.of([{"colour": "red"}, {"colour": "blue"}] * 10)
    result = run_checks([{"colour": "green"}] * 10, [Drift(then, "colour")]).results[0]
    assert (result.passed, result.value is not None and result.value > 1) == (False, True)
    assert not run_checks([], [Drift(then, "colour")]).passed


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', '{"a": {"edges": []}}', "nothing"])
def test_what_is_no_baseline_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no baseline|Expecting value"):
        Baseline.from_json(text)


def test_a_column_that_the_baseline_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="the baseline has no column size"):
        Drift(Baseline.of([{"colour": "red"}]), "size")
