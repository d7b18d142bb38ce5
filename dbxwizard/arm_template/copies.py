"""The `copy` element: what it may say, and its limits.

learn.microsoft.com/azure/azure-resource-manager/templates: copy-resources, -properties, -variables, -outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbxwizard.arm_template.errors import ExpressionError, UnknownValueError
from dbxwizard.arm_template.values import JsonObject, JsonValue, Unknown, type_name

MAX_COUNT = 800


@dataclass(frozen=True, slots=True)
class Loop:
    """`count` and `input` as written, not evaluated."""

    name: str
    count: JsonValue
    input: JsonValue


def is_property_loop(value: JsonValue) -> bool:
    """Whether the value of a `copy` key is a list of loops, which stands for one array property each."""
    return isinstance(value, list) and all(isinstance(item, dict) and "count" in item for item in value)


def property_loops(value: JsonValue) -> Iterator[Loop]:
    for item in value:
        yield _loop(item)


def _loop(item: JsonObject) -> Loop:
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise ExpressionError("The template copy definition has no name. Please see https://aka.ms/arm-copy.")
    if "input" not in item:
        raise ExpressionError(
            f"The template copy definition '{name}' has no input. Please see https://aka.ms/arm-copy."
        )
    return Loop(name, item["count"], item["input"])


def checked_count(value: JsonValue, name: str) -> int:
    """The number of turns. Raises ExpressionError for anything that is no count, UnknownValueError for an Unknown."""
    if isinstance(value, Unknown):
        raise UnknownValueError(
            f"The count of the copy loop '{name}' is not known before deployment: {value.expression}."
        )
    if isinstance(value, str) and value.isdecimal():
        value = int(value[:20])
    if isinstance(value, bool) or not isinstance(value, int):
        raise _invalid_count(name, f"copy count of type '{type_name(value)}'")
    if not 0 <= value <= MAX_COUNT:
        raise _invalid_count(name, f"copy count of: '{value}'")
    return value


def _invalid_count(name: str, what: str) -> ExpressionError:
    return ExpressionError(
        f"The template 'copy' definition '{name}' has an invalid {what}. The copy count must be a non-negative integer "
        f"value and cannot exceed '{MAX_COUNT}'. Please see https://aka.ms/arm-resource-loops for usage details."
    )
