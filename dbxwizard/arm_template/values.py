"""JSON values as the template language sees them, and the one value that is not known yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dbxwizard.arm_template.errors import ExpressionError

JsonValue = Any  # None, bool, int, float, str, list, dict or Unknown
JsonObject = dict[str, JsonValue]

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
MAX_SIZE = 4 * 1024 * 1024  # of a template, before and after its expressions are evaluated


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only the running deployment can tell; `expression` says where it would come from."""

    expression: str

    def __str__(self) -> str:
        return f"<unknown: {self.expression}>"


class LambdaFunction:
    """The value of `lambda(…)`: called with as many arguments as it has parameters, or fewer."""

    __slots__ = ("call", "parameters")

    def __init__(self, parameters: tuple[str, ...], call: Callable[..., JsonValue]) -> None:
        self.parameters = parameters
        self.call = call


def plain(value: JsonValue) -> JsonValue:
    """The value, unless it is a lambda function, which is an argument of few functions and nothing else."""
    if isinstance(value, LambdaFunction):
        raise ExpressionError("The template function 'lambda' is not expected at this location.")
    return value


def contains_unknown(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(contains_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(contains_unknown(item) for item in value)
    return isinstance(value, Unknown)


def type_name(value: JsonValue) -> str:
    """The name that the service's messages give a value's type."""
    if isinstance(value, bool):
        return "Boolean"
    names = {type(None): "Null", int: "Integer", float: "Float", str: "String", list: "Array", dict: "Object"}
    return names.get(type(value), "Undefined")


def find_key(mapping: Mapping[str, JsonValue], name: str) -> str | None:
    """The key that `name` means: the same, or the first that differs only in case."""
    if name in mapping:
        return name
    folded = name.lower()
    return next((key for key in mapping if key.lower() == folded), None)


def equal(left: JsonValue, right: JsonValue) -> bool:
    """Deep equality as `equals` sees it: types count, so true is not 1; the order of keys does not."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(item, right[key]) for key, item in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return type(left) is type(right) and bool(left == right)


def to_json(value: JsonValue) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def to_text(value: JsonValue) -> str:
    """A value as `string`, `concat` and `format` write it: True, 12, {"a":1}."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if value is None:
        return ""
    return to_json(value)


def collation_key(text: str) -> tuple[str, str]:
    """Sorts as the invariant culture does for plain words: by letters first, lower case before upper among equals."""
    return text.lower(), text.swapcase()


def size(value: JsonValue, limit: int) -> int:
    """How many characters a value takes, counting some for each element; it stops once past the limit.

    Values are shared, so one that takes little memory can still be endless to whoever writes it out.
    """
    total, rest = 0, [value]
    while rest and total <= limit:
        item = rest.pop()
        total += 4
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, list):
            rest.extend(item)
        elif isinstance(item, dict):
            total += sum(map(len, item))
            rest.extend(item.values())
    return total


def checked_int(value: int) -> int:
    """Integers of the template language have 64 bits."""
    if not INT_MIN <= value <= INT_MAX:
        raise ExpressionError("Arithmetic operation resulted in an overflow.")
    return value
