"""Checks of data. A check never raises for what the data say: it reports what it found, so that a job can decide."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

from dbkframework import telemetry
from dbkframework.errors import FrameworkError
from dbkframework.steps.conditions import Condition, IsBetween, IsNull, IsOneOf
from dbkframework.steps.tables import Kind, Table, as_table

_log = telemetry.get_logger("checks")


class ChecksFailedError(FrameworkError):
    """Data did not pass; the text holds what failed."""


@dataclass(frozen=True)
class CheckResult:
    """`failing`: how many of the `rows`; None for a check of the whole. `value`: what was measured, such as a drift."""

    name: str
    passed: bool
    detail: str
    rows: int = 0
    failing: int | None = None
    value: float | None = None


@dataclass(frozen=True)
class CheckReport:
    """The results, in the order of the checks."""

    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        return not self.failed

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if not result.passed)

    def to_dict(self) -> dict[str, Any]:
        """What json can write."""
        return {"passed": self.passed, "results": [asdict(result) for result in self.results]}

    def raise_if_failed(self) -> None:
        """Raises ChecksFailedError with what failed."""
        if self.failed:
            lines = "; ".join(f"{result.name}: {result.detail}" for result in self.failed)
            raise ChecksFailedError(f"{len(self.failed)} of {len(self.results)} checks failed: {lines}")

    def __str__(self) -> str:
        """A line for each result."""
        width = max((len(result.name) for result in self.results), default=0)
        return "\n".join(
            f"{'passed' if result.passed else 'FAILED'}  {result.name:<{width}}   {result.detail}"
            for result in self.results
        )


class Check(Protocol):
    """`needs`: the columns that have to be there; `conditions` are counted, and `judge` says what the counts mean."""

    @property
    def name(self) -> str: ...

    @property
    def needs(self) -> Sequence[str]: ...

    @property
    def conditions(self) -> Sequence[Condition]: ...

    def judge(self, table: Table, rows: int, counts: Sequence[int]) -> CheckResult: ...


def run_checks(data: Any, checks: Sequence[Check], *, name: str = "checks") -> CheckReport:
    """Every result, also after one has failed; each is logged, and `name` is the span's.

    `data` as for `as_table`, which raises TypeError. Spark counts all in one pass; a check of distinct rows takes one
    more.
    """
    with telemetry.span(name, checks=len(checks)) as span:
        table = as_table(data)
        report = CheckReport(tuple(_results(table, checks)))
        span.set(failed=len(report.failed))
    for result in report.results:
        level = logging.INFO if result.passed else logging.WARNING
        extra = {"check": result.name, "passed": result.passed, "failing": result.failing, "rows": result.rows}
        _log.log(level, "%s %s: %s", "passed" if result.passed else "FAILED", result.name, result.detail, extra=extra)
    return report


def _results(table: Table, checks: Sequence[Check]) -> list[CheckResult]:
    columns = table.columns()
    missing = [[column for column in check.needs if column not in columns] for check in checks]
    asked = [one for check, absent in zip(checks, missing, strict=True) if not absent for one in check.conditions]
    rows, counts = table.counts(asked)
    remaining = iter(counts)
    return [
        CheckResult(check.name, False, f"no column {', '.join(absent)}", rows)
        if absent
        else check.judge(table, rows, [next(remaining) for _ in check.conditions])
        for check, absent in zip(checks, missing, strict=True)
    ]


@dataclass(frozen=True)
class AtLeast:
    """There are this many rows or more."""

    rows: int
    needs: ClassVar[tuple[str, ...]] = ()
    conditions: ClassVar[tuple[Condition, ...]] = ()

    @property
    def name(self) -> str:
        return f"at least {self.rows} rows"

    def judge(self, table: Table, rows: int, counts: Sequence[int]) -> CheckResult:
        return CheckResult(self.name, rows >= self.rows, f"{rows} rows", rows)


class Schema:
    """The columns are there, each of its kind. Without `exact` there may be more."""

    needs: ClassVar[tuple[str, ...]] = ()
    conditions: ClassVar[tuple[Condition, ...]] = ()

    def __init__(self, columns: Mapping[str, Kind], *, exact: bool = False) -> None:
        self.columns, self.exact = dict(columns), exact
        self.name = f"schema of {len(self.columns)} columns"

    def judge(self, table: Table, rows: int, counts: Sequence[int]) -> CheckResult:
        found = table.columns()
        wrong = [f"no column {name}" for name in self.columns if name not in found]
        wrong += [
            f"{name} is {found[name]}, not {kind}"
            for name, kind in self.columns.items()
            if name in found and found[name] != kind
        ]
        wrong += [f"unexpected column {name}" for name in found if self.exact and name not in self.columns]
        return CheckResult(self.name, not wrong, ", ".join(wrong) or f"{len(found)} columns", rows)


@dataclass(frozen=True)
class _PerRow:
    column: str

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.column,)

    def _result(self, name: str, rows: int, failing: int) -> CheckResult:
        return CheckResult(name, not failing, f"{failing} of {rows} rows", rows, failing)


@dataclass(frozen=True)
class NotNull(_PerRow):
    """Every row has a value; `share` of them may have none."""

    share: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.column} is not null" + (f" ({self.share:.0%} may be)" if self.share else "")

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (IsNull(self.column),)

    def judge(self, table: Table, rows: int, counts: Sequence[int]) -> CheckResult:
        passed = counts[0] <= self.share * rows
        return CheckResult(self.name, passed, f"{counts[0]} of {rows} rows", rows, counts[0])


@dataclass(frozen=True)
class InRange(_PerRow):
    """Every value is a number from `low` to `high`. Nulls pass: they are NotNull's."""

    low: float
    high: float

    @property
    def name(self) -> str:
        return f"{self.column} is from {self.low:g} to {self.high:g}"

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (IsBetween(self.column, self.low, self.high), IsNull(self.column))

    def judge(self, table: Table, rows: int, counts: Sequence[int]) -> CheckResult:
        return self._result(self.name, rows, rows - sum(counts))


@dataclass(frozen=True)
class OneOf(_PerRow):
    """Every value is one of these. Nulls pass: they are NotNull's."""

    values: tuple[Any, ...]

    @property
    def name(self) -> str:
        return f"{self.column} is one of {', '.join(map(str, self.values))}"

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (IsOneOf(self.column, self.values), IsNull(self.column))

    def judge(self, table: Table, rows: int, counts: Sequence[int]) -> CheckResult:
        return self._result(self.name, rows, rows - sum(counts))


@dataclass(frozen=True)
class Unique:
    """No two rows have the same values in these columns."""

    needs: tuple[str, ...]
    conditions: ClassVar[tuple[Condition, ...]] = ()

    @property
    def name(self) -> str:
        return f"{', '.join(self.needs)} is unique"

    def judge(self, table: Table, rows: int, counts: Sequence[int]) -> CheckResult:
        repeated = rows - table.distinct(self.needs)
        return CheckResult(self.name, not repeated, f"{repeated} of {rows} rows", rows, repeated)
