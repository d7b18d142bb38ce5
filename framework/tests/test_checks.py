from __future__ import annotations

import pytest

from dbkframework.checks import Check, CheckResult, at_least, has_columns, in_range, one_of, run_checks

ROWS: list[dict[str, object]] = [
    {"size": 1.0, "colour": "red"},
    {"size": 9.0, "colour": "blue"},
    {"size": "big", "colour": ""},
    {"colour": "red"},
    {"size": float("nan"), "colour": "red"},
]


def test_every_check_reports_even_after_one_failed() -> None:
    results = run_checks(ROWS, [at_least(6), at_least(5)])
    assert results == [
        CheckResult("at least 6 rows", False, "5 rows"),
        CheckResult("at least 5 rows", True, "5 rows"),
    ]


def test_missing_empty_and_nan_are_no_values() -> None:
    assert has_columns(["size", "colour"])(ROWS).failing_rows == (2, 3, 4)
    assert has_columns(["colour"])(ROWS).failing_rows == (2,)


def test_a_range_takes_numbers_only_and_its_ends() -> None:
    assert in_range("size", 1.0, 8.9)(ROWS).failing_rows == (1, 2, 3, 4)
    assert in_range("size", 1.0, 9.0)(ROWS[:2]).passed
    assert not in_range("size", 0, 1)([{"size": True}]).passed


def test_allowed_values() -> None:
    result = one_of("colour", ["red", "blue"])(ROWS)
    assert (result.passed, result.detail, result.failing_rows) == (False, "1 of 5 rows fail", (2,))


@pytest.mark.parametrize("check", [has_columns(["a"]), in_range("a", 0, 1), one_of("a", [1])])
def test_no_rows_have_no_failing_row(check: Check) -> None:
    assert check([]).passed
