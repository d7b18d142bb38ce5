"""Checks of rows. A check never raises for what the data says: it reports what it found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

Rows = Sequence[Mapping[str, object]]
Check = Callable[[Rows], "CheckResult"]


@dataclass(frozen=True)
class CheckResult:
    """`failing_rows` holds indexes into the rows; a check of the whole leaves it empty."""

    name: str
    passed: bool
    detail: str
    failing_rows: tuple[int, ...] = ()


def run_checks(rows: Rows, checks: Sequence[Check]) -> list[CheckResult]:
    """Every result, in the order of the checks, whether or not an earlier one failed."""
    return [check(rows) for check in checks]


def at_least(count: int) -> Check:
    """There are `count` rows or more."""

    def check(rows: Rows) -> CheckResult:
        return CheckResult(f"at least {count} rows", len(rows) >= count, f"{len(rows)} rows")

    return check


def has_columns(columns: Collection[str]) -> Check:
    """Every row has each of the columns, and none of them holds None, an empty string or NaN."""
    return _each_row(
        f"columns {', '.join(columns)}", lambda row: all(_has_value(row.get(column)) for column in columns)
    )


def in_range(column: str, low: float, high: float) -> Check:
    """Every row has a number from `low` to `high` in the column; what is no number fails."""

    def inside(row: Mapping[str, object]) -> bool:
        value = row.get(column)
        return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high

    return _each_row(f"{column} from {low} to {high}", inside)


def one_of(column: str, allowed: Collection[object]) -> Check:
    """Every row has one of the allowed values in the column."""
    return _each_row(f"{column} one of {', '.join(map(str, allowed))}", lambda row: row.get(column) in allowed)


def _has_value(value: object) -> bool:
    return value is not None and value != "" and not (isinstance(value, float) and isnan(value))


def _each_row(name: str, holds: Callable[[Mapping[str, object]], bool]) -> Check:
    def check(rows: Rows) -> CheckResult:
        failing = tuple(index for index, row in enumerate(rows) if not holds(row))
        return CheckResult(name, not failing, f"{len(failing)} of {len(rows)} rows fail", failing)

    return check
