"""Functions of arrays, many of which take strings and objects too.

learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-array
"""

from __future__ import annotations

from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import ANY_NUMBER, function
from dbxwizard.arm_template.values import JsonObject, JsonValue, Unknown, equal, find_key, to_text, type_name


@function("array", 1, structural=True)
def array(_: Invocation, value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]


@function("createArray", 0, ANY_NUMBER, lazy=True)
def create_array(call: Invocation) -> list[JsonValue]:
    return [call.value(index) for index in range(len(call.nodes))]


@function("concat", 1, ANY_NUMBER, structural=True)
def concat(call: Invocation, *values: JsonValue) -> JsonValue:
    if isinstance(values[0], list):
        return [item for value in values for item in arguments.array(call, value)]
    for value in values:
        if isinstance(value, (list, dict)) or value is None:
            raise call.error(
                f"has invalid parameters: it takes either arrays or values, not '{type_name(value)}' among others."
            )
    return "".join(map(to_text, values))


@function("contains", 2, structural=True)
def contains(call: Invocation, container: JsonValue, item: JsonValue) -> JsonValue:
    if isinstance(container, str):
        return to_text(item) in container
    if isinstance(container, dict):
        return find_key(container, arguments.text(call, item)) is not None
    found = any(equal(item, element) for element in arguments.array(call, container))
    if not found and any(isinstance(element, Unknown) for element in container):
        return Unknown(call.text())
    return found


@function("empty", 1, structural=True)
def empty(call: Invocation, value: JsonValue) -> bool:
    if value is None:
        return True
    if not isinstance(value, (str, list, dict)):
        raise arguments.of_type(call, value, "an array, object or a string")
    return not value


@function("length", 1, structural=True)
def length(call: Invocation, value: JsonValue) -> int:
    if not isinstance(value, (str, list, dict)):
        raise arguments.of_type(call, value, "an array, object or a string")
    return len(value)


@function("first", 1, structural=True)
def first(call: Invocation, value: JsonValue) -> JsonValue:
    return _end(call, value, 0)


@function("last", 1, structural=True)
def last(call: Invocation, value: JsonValue) -> JsonValue:
    return _end(call, value, -1)


def _end(call: Invocation, value: JsonValue, index: int) -> JsonValue:
    """Of nothing: null for an array, "" for a string."""
    if isinstance(value, str):
        return value[index] if value else ""
    items = arguments.array(call, value)
    return items[index] if items else None


@function("skip", 2, structural=True)
def skip(call: Invocation, value: JsonValue, count: JsonValue) -> JsonValue:
    number = max(arguments.integer(call, count), 0)
    return value[number:] if isinstance(value, str) else arguments.array(call, value)[number:]


@function("take", 2, structural=True)
def take(call: Invocation, value: JsonValue, count: JsonValue) -> JsonValue:
    number = max(arguments.integer(call, count), 0)
    return value[:number] if isinstance(value, str) else arguments.array(call, value)[:number]


@function("indexOf", 2)
def index_of(call: Invocation, value: JsonValue, item: JsonValue) -> int:
    """Of a string without regard to case, of an array with it."""
    if isinstance(value, str):
        return value.lower().find(arguments.text(call, item).lower())
    items = arguments.array(call, value)
    return next((index for index, element in enumerate(items) if equal(element, item)), -1)


@function("lastIndexOf", 2)
def last_index_of(call: Invocation, value: JsonValue, item: JsonValue) -> int:
    if isinstance(value, str):
        return value.lower().rfind(arguments.text(call, item).lower())
    items = arguments.array(call, value)
    return next((index for index in reversed(range(len(items))) if equal(items[index], item)), -1)


@function("flatten", 1, structural=True)
def flatten(call: Invocation, value: JsonValue) -> JsonValue:
    items = arguments.array(call, value)
    unknown = next((item for item in items if isinstance(item, Unknown)), None)
    return unknown or [element for item in items for element in arguments.array(call, item)]


@function("join", 2)
def join(call: Invocation, value: JsonValue, delimiter: JsonValue) -> str:
    return arguments.text(call, delimiter).join(to_text(item) for item in arguments.array(call, value))


@function("distinct", 1)
def distinct(call: Invocation, value: JsonValue) -> list[JsonValue]:
    return _without_repeats(arguments.array(call, value))


def _without_repeats(items: list[JsonValue]) -> list[JsonValue]:
    kept: list[JsonValue] = []
    for item in items:
        if not any(equal(item, other) for other in kept):
            kept.append(item)
    return kept


@function("union", 1, ANY_NUMBER, structural=True)
def union(call: Invocation, *values: JsonValue) -> JsonValue:
    """Arrays: each element once. Objects: merged to every depth, the later value wins; arrays in them are replaced."""
    if isinstance(values[0], list):
        return _without_repeats([item for value in values for item in arguments.array(call, value)])
    merged: JsonObject = {}
    for value in values:
        merged = _merge(merged, arguments.mapping(call, value))
    return merged


def _merge(base: JsonObject, other: JsonObject) -> JsonObject:
    result = dict(base)
    for key, value in other.items():
        known = find_key(result, key)
        if known is not None and isinstance(result[known], dict) and isinstance(value, dict):
            result[known] = _merge(result[known], value)
        else:
            result[known or key] = value
    return result


@function("intersection", 1, ANY_NUMBER)
def intersection(call: Invocation, *values: JsonValue) -> JsonValue:
    if isinstance(values[0], list):
        others = [arguments.array(call, value) for value in values[1:]]
        common = [item for item in values[0] if all(any(equal(item, it) for it in other) for other in others)]
        return _without_repeats(common)
    objects = [arguments.mapping(call, value) for value in values]
    return {
        key: value
        for key, value in objects[0].items()
        if all(key in other and equal(other[key], value) for other in objects[1:])
    }
