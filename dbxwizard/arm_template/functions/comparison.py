"""coalesce, equals, greater …: …/azure-resource-manager/templates/template-functions-comparison."""

from __future__ import annotations

from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import ANY_NUMBER, function
from dbxwizard.arm_template.values import JsonValue, Unknown, collation_key, equal


@function("coalesce", 1, ANY_NUMBER, lazy=True)
def coalesce(call: Invocation) -> JsonValue:
    for index in range(len(call.nodes)):
        value = call.value(index)
        if isinstance(value, Unknown):
            return Unknown(call.text())
        if value is not None:
            return value
    return None


@function("equals", 2)
def equals(_: Invocation, left: JsonValue, right: JsonValue) -> bool:
    return equal(left, right)


def _order(call: Invocation, left: JsonValue, right: JsonValue) -> int:
    """Below, at or above zero as left is less than, equal to or greater than right: two integers or two strings."""
    if isinstance(left, str) and isinstance(right, str):
        words = collation_key(left), collation_key(right)
        return (words[0] > words[1]) - (words[0] < words[1])
    first, second = arguments.integer(call, left), arguments.integer(call, right)
    return (first > second) - (first < second)


@function("less", 2)
def less(call: Invocation, left: JsonValue, right: JsonValue) -> bool:
    return _order(call, left, right) < 0


@function("lessOrEquals", 2)
def less_or_equals(call: Invocation, left: JsonValue, right: JsonValue) -> bool:
    return _order(call, left, right) <= 0


@function("greater", 2)
def greater(call: Invocation, left: JsonValue, right: JsonValue) -> bool:
    return _order(call, left, right) > 0


@function("greaterOrEquals", 2)
def greater_or_equals(call: Invocation, left: JsonValue, right: JsonValue) -> bool:
    return _order(call, left, right) >= 0
