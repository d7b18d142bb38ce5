"""tryGet, indexFromEnd, tryIndexFromEnd: what the operators `.?`, `[^n]` and `[?^n]` of Bicep are compiled to.

learn.microsoft.com/azure/azure-resource-manager/bicep/operator-safe-dereference, and ExpressionConverter of
Azure/bicep for the keys that may follow the first.
"""

from __future__ import annotations

from dbxwizard.arm_template.errors import ExpressionError
from dbxwizard.arm_template.evaluation import Invocation, select
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import ANY_NUMBER, function
from dbxwizard.arm_template.values import JsonValue, Unknown, contains_unknown


@function("indexFromEnd", 2, structural=True)
def index_from_end(call: Invocation, value: JsonValue, index: JsonValue) -> JsonValue:
    """Counts from 1: the last element is 1."""
    return _from_end(arguments.array(call, value), arguments.integer(call, index))


@function("tryIndexFromEnd", 2, ANY_NUMBER, lazy=True)
def try_index_from_end(call: Invocation) -> JsonValue:
    return _short_circuited(call, from_end=True)


@function("tryGet", 2, ANY_NUMBER, lazy=True)
def try_get(call: Invocation) -> JsonValue:
    return _short_circuited(call, from_end=False)


def _short_circuited(call: Invocation, *, from_end: bool) -> JsonValue:
    """null where the first key leads to nothing; what follows it is read, else, as `.key` would read it."""
    value, key = call.value(0), call.value(1)
    if isinstance(value, Unknown) or isinstance(key, Unknown):
        return Unknown(call.text())
    try:
        value = _from_end(value, key) if from_end else _accessed(value, key)
    except ExpressionError:
        return None
    for position in range(2, len(call.nodes)):
        if value is None and position == 2:
            return None
        key = call.value(position)
        if isinstance(value, Unknown) or contains_unknown(key):
            return Unknown(call.text())
        value = _accessed(value, key)
    return value


def _accessed(value: JsonValue, key: JsonValue) -> JsonValue:
    """`key` is a name, an index, or {"value": …, "fromEnd": true} of either."""
    if not isinstance(key, dict):
        return select(value, key)
    return _from_end(value, key.get("value")) if key.get("fromEnd") is True else select(value, key.get("value"))


def _from_end(value: JsonValue, index: JsonValue) -> JsonValue:
    if not isinstance(value, list) or isinstance(index, bool) or not isinstance(index, int):
        raise ExpressionError("The language expression accesses an index from the end of what is not an array.")
    if not 1 <= index <= len(value):
        raise ExpressionError(f"The language expression property array index '{index}' is out of bounds.")
    return value[-index]
