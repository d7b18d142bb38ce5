"""add, copyIndex, div …: learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-numeric."""

from __future__ import annotations

import math
import re

from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import ANY_NUMBER, function
from dbxwizard.arm_template.values import JsonValue, checked_int

_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_FLOAT = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,3})?")


@function("add", 2)
def add(call: Invocation, left: JsonValue, right: JsonValue) -> int:
    return checked_int(arguments.integer(call, left) + arguments.integer(call, right))


@function("sub", 2)
def sub(call: Invocation, left: JsonValue, right: JsonValue) -> int:
    return checked_int(arguments.integer(call, left) - arguments.integer(call, right))


@function("mul", 2)
def mul(call: Invocation, left: JsonValue, right: JsonValue) -> int:
    return checked_int(arguments.integer(call, left) * arguments.integer(call, right))


def _quotient(call: Invocation, left: JsonValue, right: JsonValue) -> tuple[int, int, int]:
    """Dividend, divisor and their quotient, which is cut off towards zero."""
    dividend, divisor = arguments.integer(call, left), arguments.integer(call, right)
    if divisor == 0:
        raise call.error("was invoked with a divisor of zero.")
    quotient = abs(dividend) // abs(divisor)
    return dividend, divisor, quotient if (dividend < 0) == (divisor < 0) else -quotient


@function("div", 2)
def div(call: Invocation, left: JsonValue, right: JsonValue) -> int:
    return checked_int(_quotient(call, left, right)[2])


@function("mod", 2)
def mod(call: Invocation, left: JsonValue, right: JsonValue) -> int:
    dividend, divisor, quotient = _quotient(call, left, right)
    return dividend - divisor * quotient


@function("int", 1)
def to_int(call: Invocation, value: JsonValue) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return checked_int(value)
    if isinstance(value, float) and math.isfinite(value):
        return checked_int(round(value))
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return checked_int(int(value))
    raise call.error("was invoked with a value that cannot be converted to type 'Integer'.")


@function("float", 1)
def to_float(call: Invocation, value: JsonValue) -> float:
    if isinstance(value, str):
        number = float(value) if _FLOAT.fullmatch(value.strip()) else math.nan
    elif isinstance(value, float):
        number = value
    else:
        number = float(checked_int(arguments.integer(call, value)))
    if not math.isfinite(number):
        raise call.error("was invoked with a value that cannot be converted to type 'Float'.")
    return number


def _numbers(call: Invocation, values: tuple[JsonValue, ...]) -> list[int]:
    items = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
    if not items:
        raise call.error("expects an array that is not empty.")
    return [arguments.integer(call, item) for item in items]


@function("min", 1, ANY_NUMBER)
def minimum(call: Invocation, *values: JsonValue) -> int:
    return min(_numbers(call, values))


@function("max", 1, ANY_NUMBER)
def maximum(call: Invocation, *values: JsonValue) -> int:
    return max(_numbers(call, values))


@function("copyIndex", 0, 2)
def copy_index(call: Invocation, *values: JsonValue) -> JsonValue:
    name, offset = "", 0
    for value in values:
        if isinstance(value, str):
            name = value
        else:
            offset = arguments.integer(call, value)
    turns = [turn for turn in call.frame.iterations if turn.name.lower() == name.lower()]
    turn = turns[-1] if name and turns else None if name else call.frame.turn
    if turn is not None:
        return checked_int(turn.index + offset)
    if name:
        raise call.error(f"has an invalid argument. The provided copy name '{name}' doesn't exist in the resource.")
    raise call.error(
        "is not expected at this location. The function can only be used in a resource with copy specified."
    )


@function("range", 2)
def integers(call: Invocation, start: JsonValue, count: JsonValue) -> JsonValue:
    first, length = arguments.integer(call, start), arguments.integer(call, count)
    if not 0 <= length <= 10_000:
        raise call.error("expects its count to be between 0 and 10000.")
    if first + length > 2_147_483_647:
        raise call.error("expects the sum of its start index and count to be at most 2147483647.")
    return list(range(first, first + length))
