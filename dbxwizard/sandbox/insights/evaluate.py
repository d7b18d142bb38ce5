"""Runs a query over the tables' rows.

learn.microsoft.com/kusto/query: scalar-data-types, datatypes-string-operators, sort-operator, union-operator.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dbxwizard.sandbox.insights import kql
from dbxwizard.sandbox.insights.telemetry import TABLES
from dbxwizard.sandbox.insights.times import iso
from dbxwizard.sandbox.store import Document

_TYPES = {bool: "bool", int: "long", float: "real", str: "string", datetime: "datetime"}


class SemanticError(Exception):
    """The query names what is not there."""


@dataclass(frozen=True, slots=True)
class Table:
    """`columns`: name to type. `rows`: by column, times as datetime."""

    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]

    def answer(self) -> Document:
        """As the API gives it."""
        return {
            "name": "PrimaryResult",
            "columns": [{"name": name, "type": kind} for name, kind in self.columns.items()],
            "rows": [[_shown(row.get(name), kind) for name, kind in self.columns.items()] for row in self.rows],
        }


def run(query: kql.Query, rows_of: Callable[[str], Iterable[Document]], now: float) -> Table:
    """Raises SemanticError."""
    for name in query.tables:
        if name not in TABLES:
            raise SemanticError(f"'{name}' could not be resolved to a table")
    columns: dict[str, str] = {}
    for name in query.tables:
        columns |= TABLES[name]
    rows = [_timed(row, columns) for name in query.tables for row in rows_of(name)]
    table = Table(columns, rows)
    for stage in query.stages:
        table = _Evaluation(table, now).apply(stage)
    return table


def _timed(row: Document, columns: Mapping[str, str]) -> dict[str, Any]:
    return {name: datetime.fromisoformat(row[name]) if columns[name] == "datetime" else row[name] for name in row}


def _shown(value: Any, kind: str) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if kind == "dynamic" and value is not None:
        return json.dumps(value)
    return "" if value is None and kind == "string" else value


@dataclass(frozen=True, slots=True)
class _Evaluation:
    table: Table
    now: float

    def apply(self, stage: kql.Stage) -> Table:
        columns, rows = self.table.columns, self.table.rows
        if isinstance(stage, kql.Where):
            self._check(stage.condition)
            return Table(columns, [row for row in rows if self._value(stage.condition, row) is True])
        if isinstance(stage, kql.Take):
            return Table(columns, rows[: stage.count])
        if isinstance(stage, kql.OrderBy):
            return Table(columns, self._sorted(stage.orders))
        if isinstance(stage, kql.Count):
            return self._counted(stage)
        made = self._computed(stage.columns)
        if isinstance(stage, kql.Project):
            return made
        both = [{**row, **more} for row, more in zip(rows, made.rows, strict=True)]
        return Table({**columns, **made.columns}, both)

    def _computed(self, named: Sequence[kql.Named]) -> Table:
        kinds, rows = {}, [dict[str, Any]() for _ in self.table.rows]
        for number, one in enumerate(named, 1):
            self._check(one.expression)
            name = one.name or _name(one.expression, number)
            values = [self._value(one.expression, row) for row in self.table.rows]
            kinds[name] = self._kind(one.expression, values)
            for row, value in zip(rows, values, strict=True):
                row[name] = value
        return Table(kinds, rows)

    def _kind(self, expression: kql.Expression, values: Iterable[Any]) -> str:
        if isinstance(expression, kql.Column):
            return "dynamic" if expression.keys else self.table.columns[expression.name]
        if isinstance(expression, kql.Function):
            return _FUNCTIONS[expression.name]
        return next((_TYPES.get(type(value), "dynamic") for value in values if value is not None), "string")

    def _sorted(self, orders: Sequence[kql.Order]) -> list[Mapping[str, Any]]:
        """Nulls first where it ascends, last where it descends."""
        rows = list(self.table.rows)
        for order in reversed(orders):
            self._check(order.column)
            key = functools.cmp_to_key(_compared)
            values = {id(row): self._value(order.column, row) for row in rows}
            rows.sort(key=lambda row, values=values, key=key: key(values[id(row)]), reverse=order.descending)  # type: ignore[misc]
        return rows

    def _counted(self, stage: kql.Count) -> Table:
        if not stage.by:
            return Table({stage.name: "long"}, [{stage.name: len(self.table.rows)}])
        keys = self._computed(stage.by)
        counts: dict[str, dict[str, Any]] = {}
        for row in keys.rows:
            found = counts.setdefault(json.dumps(row, default=str), {**row, stage.name: 0})
            found[stage.name] += 1
        return Table({**keys.columns, stage.name: "long"}, list(counts.values()))

    # Expressions.

    def _check(self, expression: kql.Expression) -> None:
        """Raises SemanticError for a name that is not there, whatever the rows are."""
        if isinstance(expression, kql.Column) and expression.name not in self.table.columns:
            raise SemanticError(f"Failed to resolve column or scalar expression named '{expression.name}'")
        if isinstance(expression, kql.Function):
            if expression.name not in _FUNCTIONS:
                raise SemanticError(f"Unknown function: '{expression.name}'")
            inner: tuple[kql.Expression, ...] = expression.arguments
        elif isinstance(expression, kql.Operation):
            right = expression.right if isinstance(expression.right, tuple) else (expression.right,)
            inner = (expression.left, *right)
        else:
            return
        for one in inner:
            self._check(one)

    def _value(self, expression: kql.Expression, row: Mapping[str, Any]) -> Any:  # noqa: PLR0911  one for each kind
        if isinstance(expression, kql.Literal):
            return expression.value
        if isinstance(expression, kql.Span):
            return expression.seconds
        if isinstance(expression, kql.Column):
            value = row.get(expression.name)
            for key in expression.keys:
                value = value.get(key) if isinstance(value, Mapping) else None
            return value
        if isinstance(expression, kql.Function):
            return self._called(expression, row)
        left = self._value(expression.left, row)
        if isinstance(expression.right, tuple):
            found = left in [self._value(one, row) for one in expression.right]
            return found is (expression.name == "in")
        if expression.name == "and":
            return left is True and self._value(expression.right, row) is True
        if expression.name == "or":
            return left is True or self._value(expression.right, row) is True
        return _operate(expression.name, left, self._value(expression.right, row))

    def _called(self, call: kql.Function, row: Mapping[str, Any]) -> Any:
        values = [self._value(one, row) for one in call.arguments]
        if call.name in ("now", "ago"):
            return datetime.fromtimestamp(self.now - (values[0] if values else 0), UTC)
        if len(values) != 1:
            raise SemanticError(f"{call.name}(): function expects 1 argument(s).")
        [value] = values
        if call.name == "datetime":
            return _datetime(value)
        if call.name == "tostring":
            return "" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)
        if call.name in ("tolong", "toint", "todouble"):
            return _number(value, float if call.name == "todouble" else int)
        empty = value is None or value == ""
        return empty if call.name == "isempty" else not empty


_FUNCTIONS = {
    "now": "datetime", "ago": "datetime", "datetime": "datetime", "tostring": "string", "tolong": "long",
    "toint": "int", "todouble": "real", "isempty": "bool", "isnotempty": "bool",
}  # fmt: skip


def _name(expression: kql.Expression, number: int) -> str:
    if isinstance(expression, kql.Column):
        return "_".join((expression.name, *expression.keys))
    return f"Column{number}"


def _datetime(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(value: Any, kind: type[int] | type[float]) -> float | None:
    try:
        return kind(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _compared(left: Any, right: Any) -> int:
    if left is None or right is None:
        return (left is not None) - (right is not None)
    try:
        return int(left > right) - int(left < right)
    except TypeError:
        return _compared(str(left), str(right))


def _operate(name: str, left: Any, right: Any) -> Any:
    if name in ("+", "-"):
        return _moved(left, right if name == "+" else -right if isinstance(right, int | float) else None)
    if name.startswith("!") and name != "!=":
        return not _operate("=~" if name == "!~" else name[1:], left, right)
    if name in _TEXTUAL:
        return _TEXTUAL[name](_text(left), _text(right))
    if name in ("==", "!="):
        return (left == right) is (name == "==")
    if left is None or right is None:
        return False
    order = _compared(left, right)
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[name]


def _moved(left: Any, right: Any) -> Any:
    """A time moved by a length of time, or a sum; null where there is none."""
    if right is None or left is None:
        return None
    return datetime.fromtimestamp(left.timestamp() + right, UTC) if isinstance(left, datetime) else left + right


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower()


_TEXTUAL: Mapping[str, Callable[[str, str], bool]] = {
    "=~": lambda left, right: left == right,
    "contains": lambda left, right: right in left,
    "startswith": lambda left, right: left.startswith(right),
    "endswith": lambda left, right: left.endswith(right),
    "has": lambda left, right: re.search(rf"(?<![a-z0-9]){re.escape(right)}(?![a-z0-9])", left) is not None,
}
