"""Data of three kinds behind one face: rows of this process, a pandas DataFrame, a Spark DataFrame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dbkframework.steps.conditions import Condition, Row, is_null, is_number, is_spark_number, quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Rows = Sequence[Row]
Kind = Literal["number", "text", "boolean", "time", "other"]
_TIMES = ("date", "datetime", "Timestamp")


class Table(Protocol):
    """What checks ask of data. Spark answers `counts` in one pass, however many there are."""

    def columns(self) -> Mapping[str, Kind]:
        """Names and kinds, in order."""

    def counts(self, conditions: Sequence[Condition]) -> tuple[int, list[int]]:
        """How many rows there are, and for how many of them each condition holds."""

    def distinct(self, columns: Sequence[str]) -> int:
        """How many different rows there are in these columns."""

    def quantiles(self, column: str, parts: int) -> list[float]:
        """The `parts - 1` values that cut the column's numbers into parts of the same size; empty without numbers."""

    def most_frequent(self, column: str, most: int) -> list[Any]:
        """The values that occur, the most frequent first; not null."""


def as_table(data: Any) -> Table:
    """`data` as a Table: rows (mappings), a pandas DataFrame, a Spark DataFrame. Raises TypeError for anything else."""
    module = type(data).__module__
    if module.startswith("pyspark.sql") and hasattr(data, "dtypes"):
        return SparkTable(data)
    if module.startswith("pandas") and hasattr(data, "iloc") and hasattr(data, "columns"):
        return PandasTable(data)
    if isinstance(data, Sequence) and not isinstance(data, str) and all(isinstance(row, Mapping) for row in data):
        return RowTable(data)
    raise TypeError(f"{type(data).__name__} is no table: give rows (mappings), a pandas or a Spark DataFrame")


class RowTable:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def columns(self) -> Mapping[str, Kind]:
        names = dict.fromkeys(name for row in self._rows for name in row)
        return {name: self._kind(name) for name in names}

    def _kind(self, name: str) -> Kind:
        kinds = {_kind_of(value) for row in self._rows if not is_null(value := row.get(name))}
        return kinds.pop() if len(kinds) == 1 else "other"

    def counts(self, conditions: Sequence[Condition]) -> tuple[int, list[int]]:
        return len(self._rows), [sum(map(condition.of_row, self._rows)) for condition in conditions]

    def distinct(self, columns: Sequence[str]) -> int:
        return len({tuple(_comparable(row.get(column)) for column in columns) for row in self._rows})

    def quantiles(self, column: str, parts: int) -> list[float]:
        return _quantiles([float(row[column]) for row in self._rows if is_number(row.get(column))], parts)

    def most_frequent(self, column: str, most: int) -> list[Any]:
        return _most_frequent(Counter(value for row in self._rows if not is_null(value := row.get(column))), most)


class PandasTable:
    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def columns(self) -> Mapping[str, Kind]:
        return {str(name): self._kind(self._frame[name]) for name in self._frame.columns}

    @staticmethod
    def _kind(column: Any) -> Kind:
        by_type: dict[str, Kind] = {"b": "boolean", "i": "number", "u": "number", "f": "number", "M": "time"}
        if column.dtype.kind in by_type:
            return by_type[column.dtype.kind]
        kinds = {_kind_of(value) for value in column.dropna().unique()}
        return kinds.pop() if len(kinds) == 1 else "other"

    def counts(self, conditions: Sequence[Condition]) -> tuple[int, list[int]]:
        return len(self._frame), [int(condition.of_pandas(self._frame).sum()) for condition in conditions]

    def distinct(self, columns: Sequence[str]) -> int:
        return len(self._frame[list(columns)].drop_duplicates())

    def quantiles(self, column: str, parts: int) -> list[float]:
        return _quantiles([float(value) for value in self._frame[column] if is_number(value)], parts)

    def most_frequent(self, column: str, most: int) -> list[Any]:
        return _most_frequent(Counter(self._frame[column].dropna()), most)


class SparkTable:
    def __init__(self, frame: DataFrame) -> None:
        self._frame, self._kinds = frame, frame.dtypes

    def columns(self) -> Mapping[str, Kind]:
        return {name: self._kind(kind) for name, kind in self._kinds}

    @staticmethod
    def _kind(kind: str) -> Kind:
        if is_spark_number(kind):
            return "number"
        by_type: dict[str, Kind] = {"string": "text", "boolean": "boolean", "date": "time", "timestamp": "time"}
        return by_type.get(kind, "time" if kind.startswith("timestamp") else "other")

    def counts(self, conditions: Sequence[Condition]) -> tuple[int, list[int]]:
        from pyspark.sql import functions

        kinds = dict(self._kinds)
        asked = [functions.count_if(condition.of_spark(self._frame, kinds)) for condition in conditions]
        first = self._frame.agg(functions.count(functions.lit(1)), *asked).collect()[0]
        return int(first[0]), [int(count) for count in first[1:]]

    def distinct(self, columns: Sequence[str]) -> int:
        return int(self._frame.select(*(quoted(column) for column in columns)).distinct().count())

    def quantiles(self, column: str, parts: int) -> list[float]:
        if self.columns()[column] != "number":
            return []
        shares = [part / parts for part in range(1, parts)]
        found = self._frame.select(self._frame[quoted(column)].cast("double").alias("value"))
        return [float(value) for value in found.dropna().approxQuantile("value", shares, 0.001)]

    def most_frequent(self, column: str, most: int) -> list[Any]:
        from pyspark.sql import functions

        counted = self._frame.select(self._frame[quoted(column)].alias("value")).dropna().groupBy("value").count()
        ordered = counted.orderBy(functions.desc("count"), functions.col("value").cast("string")).limit(most)
        return [row["value"] for row in ordered.collect()]


def _kind_of(value: Any) -> Kind:
    if isinstance(value, bool) or type(value).__name__.startswith("bool"):
        return "boolean"
    if isinstance(value, str):
        return "text"
    if is_number(value):
        return "number"
    return "time" if type(value).__name__ in _TIMES else "other"


def _comparable(value: Any) -> Any:
    return None if is_null(value) else value  # NaN differs from itself


def _quantiles(numbers: list[float], parts: int) -> list[float]:
    import statistics

    return statistics.quantiles(numbers, n=parts, method="inclusive") if len(numbers) > 1 else numbers


def _most_frequent(counter: Counter[Any], most: int) -> list[Any]:
    return sorted(counter, key=lambda value: (-counter[value], str(value)))[:most]
