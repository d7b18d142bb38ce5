"""createObject, items, json …: …/azure-resource-manager/templates/template-functions-object."""

from __future__ import annotations

from dbxwizard.arm_template import lenient_json
from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import ANY_NUMBER, function
from dbxwizard.arm_template.values import JsonObject, JsonValue, Unknown, collation_key, find_key


@function("null", 0)
def null(_: Invocation) -> None:
    return None


@function("createObject", 0, ANY_NUMBER, lazy=True)
def create_object(call: Invocation) -> JsonValue:
    if len(call.nodes) % 2:
        raise call.error("expects an even number of parameters.")
    result: JsonObject = {}
    for index in range(0, len(call.nodes), 2):
        key = call.value(index)
        if isinstance(key, Unknown):
            return Unknown(call.text())
        result[arguments.text(call, key)] = call.value(index + 1)
    return result


@function("items", 1, structural=True)
def items(call: Invocation, value: JsonValue) -> list[JsonValue]:
    pairs = arguments.mapping(call, value)
    return [{"key": key, "value": pairs[key]} for key in sorted(pairs, key=collation_key)]


@function("objectKeys", 1, structural=True)
def object_keys(call: Invocation, value: JsonValue) -> list[JsonValue]:
    return sorted(arguments.mapping(call, value), key=collation_key)


@function("shallowMerge", 1, structural=True)
def shallow_merge(call: Invocation, value: JsonValue) -> JsonValue:
    merged: JsonObject = {}
    for item in arguments.array(call, value):
        if isinstance(item, Unknown):
            return Unknown(call.text())
        for key, entry in arguments.mapping(call, item).items():
            merged[find_key(merged, key) or key] = entry
    return merged


@function("json", 1)
def parse_json(call: Invocation, value: JsonValue) -> JsonValue:
    text = arguments.text(call, value)
    try:
        return lenient_json.loads(text)
    except ValueError:
        raise call.error("parameter is not valid. The provided value cannot be converted to JSON.") from None
