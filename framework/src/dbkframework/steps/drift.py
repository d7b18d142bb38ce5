"""How far data have moved from a baseline: the population stability index of each column.

PSI is the sum over bins of (share now - share then) * ln(share now / share then). By the field's custom up to 0.1 is
no change, up to 0.25 some, above a shift (N. Siddiqi, Credit Risk Scorecards, 2006). Bins of the baseline each hold a
tenth of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dbkframework.steps.checks import CheckResult
from dbkframework.steps.conditions import Condition, IsBetween, IsNull, IsOneOf
from dbkframework.steps.tables import Table, as_table

_BINS = 10
_CATEGORIES = 50  # the most frequent ones; the rest count together
_LEAST_SHARE = 1e-4  # of a bin that holds nothing: its logarithm has to exist


@dataclass(frozen=True)
class ColumnBaseline:
    """Numbers have `edges` between bins, other values `categories`. `shares`: of each bin, of the rest, of nulls."""

    edges: tuple[float, ...]
    categories: tuple[Any, ...]
    shares: tuple[float, ...]

    def conditions(self, column: str) -> tuple[Condition, ...]:
        """One for each bin, and nulls; what none of them holds is the rest."""
        if self.categories:
            return (*(IsOneOf(column, (value,)) for value in self.categories), IsNull(column))
        ends = (-math.inf, *self.edges, math.inf)
        bins = (IsBetween(column, low, high, closed=high == math.inf) for low, high in pairwise(ends))
        return (*bins, IsNull(column))


@dataclass(frozen=True)
class Baseline:
    """What data looked like once. To be kept as JSON beside the code that checks against it.

    >>> then = Baseline.of([{"size": size / 100} for size in range(1000)])
    >>> Drift(then, "size").name
    'size has not drifted'
    >>> Baseline.from_json(then.to_json()) == then
    True
    """

    columns: Mapping[str, ColumnBaseline]

    @classmethod
    def of(cls, data: Any, columns: Sequence[str] | None = None) -> Baseline:
        """Of `data` (see as_table), for these columns or all. Raises KeyError for a column that is not there."""
        table = as_table(data)
        kinds = table.columns()
        return cls({name: _column(table, name, kinds[name]) for name in (kinds if columns is None else columns)})

    def to_json(self) -> str:
        """Categories have to be text, numbers or booleans."""
        return json.dumps({name: vars(column) for name, column in self.columns.items()}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Baseline:
        """What `to_json` wrote. Raises ValueError for anything else."""
        try:
            return cls(
                {
                    name: ColumnBaseline(**{part: tuple(values) for part, values in column.items()})
                    for name, column in json.loads(text).items()
                }
            )
        except (AttributeError, TypeError) as error:
            raise ValueError(f"this is no baseline: {error}") from error


@dataclass(frozen=True)
class Drift:
    """The column's values are spread as in the baseline: its population stability index is below `limit`."""

    baseline: Baseline
    column: str
    limit: float = 0.25

    def __post_init__(self) -> None:
        if self.column not in self.baseline.columns:
            raise ValueError(f"the baseline has no column {self.column}")

    @property
    def name(self) -> str:
        return f"{self.column} has not drifted"

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return self.baseline.columns[self.column].conditions(self.column)

    def judge(self, table: Table, rows: int, counts: Sequence[int]) -> CheckResult:
        if not rows:
            return CheckResult(self.name, False, "no rows")
        index = stability_index(self.baseline.columns[self.column].shares, _shares(rows, counts))
        detail = f"stability index {index:.3f}, limit {self.limit:g}"
        return CheckResult(self.name, index < self.limit, detail, rows, value=index)


def stability_index(then: Sequence[float], now: Sequence[float]) -> float:
    """The population stability index of two lists of shares.

    >>> round(stability_index([0.5, 0.5], [0.5, 0.5]), 3)
    0.0
    >>> round(stability_index([0.5, 0.5], [0.9, 0.1]), 3)
    0.879
    """
    total = 0.0
    for expected, actual in zip(then, now, strict=True):
        first, second = max(expected, _LEAST_SHARE), max(actual, _LEAST_SHARE)
        total += (second - first) * math.log(second / first)
    return total


def _column(table: Table, name: str, kind: str) -> ColumnBaseline:
    numbers = kind == "number"
    edges = tuple(sorted(set(table.quantiles(name, _BINS)))) if numbers else ()
    categories = () if numbers else tuple(table.most_frequent(name, _CATEGORIES))
    empty = ColumnBaseline(edges, categories, ())
    rows, counts = table.counts(empty.conditions(name))
    return ColumnBaseline(edges, categories, tuple(_shares(rows, counts)))


def _shares(rows: int, counts: Sequence[int]) -> list[float]:
    return [count / max(rows, 1) for count in (*counts, rows - sum(counts))]
