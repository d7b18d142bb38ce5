"""What a row can be counted by. Each says it three times: of a row, of a pandas DataFrame, of a Spark DataFrame.

All three have to count the same: tests hold them against each other. NaN counts as null, a text that looks like a
number is no number, and nothing but a boolean is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Row = Mapping[str, Any]
SparkKinds = Mapping[str, str]


class Condition(Protocol):
    """Holds or does not hold for each row. The columns that it names are there."""

    @property
    def column(self) -> str: ...

    def of_row(self, row: Row) -> bool: ...

    def of_pandas(self, frame: Any) -> Any:
        """A boolean Series."""

    def of_spark(self, frame: DataFrame, kinds: SparkKinds) -> Column:
        """A boolean Column; null counts as false. `kinds`: what `dtypes` says, which may be a request each time."""


@dataclass(frozen=True)
class IsNull:
    """There is no value: None, NaN, or whatever the table's own null is."""

    column: str

    def of_row(self, row: Row) -> bool:
        return is_null(row.get(self.column))

    def of_pandas(self, frame: Any) -> Any:
        return frame[self.column].isna()

    def of_spark(self, frame: DataFrame, kinds: SparkKinds) -> Column:
        from pyspark.sql import functions

        column = frame[quoted(self.column)]
        is_float = kinds[self.column] in ("float", "double")
        return column.isNull() | functions.isnan(column) if is_float else column.isNull()


@dataclass(frozen=True)
class IsBetween:
    """A number from `low` to `high`; without `closed`, `high` itself is not in it."""

    column: str
    low: float
    high: float
    closed: bool = True

    def of_row(self, row: Row) -> bool:
        value: Any = row.get(self.column)
        if not is_number(value):
            return False
        return bool(self.low <= value <= self.high if self.closed else self.low <= value < self.high)

    def of_pandas(self, frame: Any) -> Any:
        column = frame[self.column]
        if column.dtype.kind in "iuf":
            return column.between(self.low, self.high, inclusive="both" if self.closed else "left").fillna(False)
        return column.map(lambda value: self.of_row({self.column: value})).astype(bool)

    def of_spark(self, frame: DataFrame, kinds: SparkKinds) -> Column:
        from pyspark.sql import functions

        if not is_spark_number(kinds[self.column]):
            return functions.lit(False)
        column = frame[quoted(self.column)]
        # Spark takes NaN for larger than any number, so an upper end of infinity would hold it.
        below = column <= self.high if self.closed else column < self.high
        return (column >= self.low) & below & ~IsNull(self.column).of_spark(frame, kinds)


@dataclass(frozen=True)
class IsOneOf:
    """One of these values, of the same type: True is not 1."""

    column: str
    values: tuple[Any, ...]

    def of_row(self, row: Row) -> bool:
        value = row.get(self.column)
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in self.values)

    def of_pandas(self, frame: Any) -> Any:
        return frame[self.column].map(lambda value: self.of_row({self.column: value})).astype(bool)

    def of_spark(self, frame: DataFrame, kinds: SparkKinds) -> Column:
        from pyspark.sql import functions

        fitting = [value for value in self.values if _fits_spark(value, kinds[self.column])]
        column = frame[quoted(self.column)]
        return functions.coalesce(column.isin(fitting), functions.lit(False)) if fitting else functions.lit(False)


def is_null(value: Any) -> bool:
    """None, NaN of any type, and what pandas has for null."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return bool(value != value)  # noqa: PLR0124  (NaN alone differs from itself)
    except (TypeError, ValueError):
        return False  # an array, say


def is_number(value: Any) -> bool:
    """Also one of numpy, and a Decimal; not NaN, not a boolean."""
    if isinstance(value, bool) or is_null(value) or isinstance(value, str):
        return False
    return hasattr(value, "__float__") and not type(value).__name__.startswith("bool")


def is_spark_number(kind: str) -> bool:
    return kind in ("tinyint", "smallint", "int", "bigint", "float", "double") or kind.startswith("decimal")


def _fits_spark(value: Any, kind: str) -> bool:
    """Spark would turn one type into another to compare them."""
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    if is_spark_number(kind):
        return is_number(value)
    return isinstance(value, str) == (kind == "string")


def quoted(column: str) -> str:
    """A name with a dot in it would be taken for a field of a struct."""
    return f"`{column.replace('`', '``')}`"
