"""Values of expressions, and how one type becomes another.

A value is None, a bool, a number (GitHub has doubles only; ints are taken for them), a str, a list or a dict with str
keys. The tables of coercions: docs.github.com/actions/reference/workflows-and-actions/expressions#operators and
#functions. What that page leaves open follows EvaluationResult.cs and ExpressionUtility.cs of actions/runner.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

Value = Any

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_OTHER_BASES = ((re.compile(r"0x([0-9a-fA-F]+)"), 16), (re.compile(r"0o([0-7]+)"), 8))
_INFINITE = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}
_LARGEST_INDEX = 2**31 - 1


class CaseSensitive(dict[str, Value]):
    """An object whose properties are found only as they are written: `env` on a Linux runner."""


class FilteredArray(list[Value]):
    """What `.*` leaves: the next index applies to each element."""


def kind(value: Value) -> str:
    """Null, Boolean, Number, String, Array or Object."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int | float):
        return "Number"
    if isinstance(value, str):
        return "String"
    return "Array" if isinstance(value, list) else "Object"


def is_primitive(value: Value) -> bool:
    return kind(value) not in {"Array", "Object"}


def is_truthy(value: Value) -> bool:
    """All but false, 0, -0, NaN, the empty string and null."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return bool(value) if is_primitive(value) else True


def to_number(value: Value) -> float:
    """Null 0, false 0, true 1, a string what it spells (empty: 0), all else NaN."""
    if value is None:
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value)
    return parse_number(value) if isinstance(value, str) else math.nan


def parse_number(text: str) -> float:
    """The number that a string spells: decimal, 0x, 0o or ±Infinity, spaces around it aside; else NaN."""
    text = text.strip()
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    for pattern, base in _OTHER_BASES:
        digits = pattern.fullmatch(text)
        if digits:
            return float(int(digits[1], base)) if len(digits[1]) < 256 else math.inf
    return _INFINITE.get(text, math.nan)


def to_text(value: Value) -> str:
    """The string that a value becomes: numbers with at most 15 digits, arrays and objects the name of their type."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(float(value))
    return value if isinstance(value, str) else kind(value)


def _number_text(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return "0" if number == 0 else format(number, ".15g").upper()


def fold(text: str) -> str:
    """What strings share that differ by case alone: each character's own capital (.NET's OrdinalIgnoreCase)."""
    return text.upper() if text.isascii() else "".join(map(_capital, text))


def _capital(character: str) -> str:
    # A capital of several letters (ß) is none, nor one that leaves or enters ASCII (ı, ſ).
    capital = character.upper()
    return capital if len(capital) == 1 and capital.isascii() == character.isascii() else character


def is_equal(left: Value, right: Value) -> bool:
    """Loose equality: strings without their case, unlike types as numbers, arrays and objects only with themselves."""
    left, right = _alike(left, right)
    if kind(left) != kind(right):
        return False
    if isinstance(left, str):
        return fold(left) == fold(right)
    return bool(left == right) if is_primitive(left) else left is right


def is_less(left: Value, right: Value) -> bool:
    """Whether the left one comes first; false where there is no order (NaN, arrays, objects)."""
    left, right = _alike(left, right)
    if kind(left) != kind(right) or not is_primitive(left) or left is None:
        return False
    return fold(left) < fold(right) if isinstance(left, str) else bool(left < right)


def _alike(left: Value, right: Value) -> tuple[Value, Value]:
    """Both as numbers where their types differ and one of them is null, a boolean or a number."""
    kinds = {kind(left), kind(right)}
    if len(kinds) == 1 or not kinds & {"Null", "Boolean", "Number"} or kinds & {"Array", "Object"}:
        return left, right
    return to_number(left), to_number(right)


def find(values: Mapping[str, Value], name: str) -> Value:
    """The property of that name whatever its case, unless the object minds it; null where there is none."""
    if name in values or isinstance(values, CaseSensitive):
        return values.get(name)
    folded = fold(name)
    return next((value for key, value in values.items() if fold(key) == folded), None)


def has(values: Mapping[str, Value], name: str) -> bool:
    if name in values or isinstance(values, CaseSensitive):
        return name in values
    folded = fold(name)
    return any(fold(key) == folded for key in values)


def index(target: Value, key: Value) -> Value:
    """`target[key]`: null where nothing is there; of a filtered array that of each element that has it."""
    if isinstance(target, FilteredArray):
        return FilteredArray(found for item in target for found in _all_at(item, key))
    return next(iter(_all_at(target, key)), None)


def _all_at(target: Value, key: Value) -> list[Value]:
    """One value, or none."""
    if isinstance(target, Mapping):
        name = to_text(key)
        return [find(target, name)] if is_primitive(key) and has(target, name) else []
    if isinstance(target, list):
        number = to_number(key)
        inside = 0 <= number <= _LARGEST_INDEX and math.floor(number) < len(target)
        return [target[math.floor(number)]] if inside else []
    return []


def star(target: Value) -> FilteredArray:
    """`target.*`: the elements or the values of the properties; of a filtered array those of each element."""
    if isinstance(target, FilteredArray):
        return FilteredArray(inner for item in target for inner in _children(item))
    return FilteredArray(_children(target))


def _children(target: Value) -> list[Value]:
    if isinstance(target, Mapping):
        return list(target.values())
    return list(target) if isinstance(target, list) else []
