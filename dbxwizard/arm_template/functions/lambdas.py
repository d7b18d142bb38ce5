"""filter, groupBy, lambda, map …: …/azure-resource-manager/templates/template-functions-lambda."""

from __future__ import annotations

from dataclasses import replace
from functools import cmp_to_key

from dbxwizard.arm_template.errors import UnknownValueError
from dbxwizard.arm_template.evaluation import Invocation, evaluate_node
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import ANY_NUMBER, function
from dbxwizard.arm_template.values import JsonObject, JsonValue, LambdaFunction, Unknown, plain


@function("lambda", 1, ANY_NUMBER, lazy=True)
def make_lambda(call: Invocation) -> JsonValue:
    *names, body = call.nodes
    parameters = tuple(arguments.text(call, call.value(index)) for index in range(len(names)))

    def run(*values: JsonValue) -> JsonValue:
        known = {name.lower(): value for name, value in zip(parameters, values, strict=False)}
        variables = {**(call.frame.lambda_variables or {}), **known}
        return plain(evaluate_node(body, replace(call.frame, lambda_variables=variables)))

    return LambdaFunction(parameters, run)


@function("lambdaVariables", 1)
def lambda_variables(call: Invocation, name: JsonValue) -> JsonValue:
    variables = call.frame.lambda_variables or {}
    key = arguments.text(call, name)
    if key.lower() not in variables:
        raise call.error(f"has an invalid argument: the lambda variable '{key}' is not found.")
    return variables[key.lower()]


def _with_index(body: LambdaFunction, item: JsonValue, index: int) -> JsonValue:
    return body.call(*(item, index)[: len(body.parameters)])


@function("map", 2, structural=True, takes_lambda=True)
def map_array(call: Invocation, value: JsonValue, body: JsonValue) -> list[JsonValue]:
    run = arguments.lambda_function(call, body, 1, 2)
    return [_with_index(run, item, index) for index, item in enumerate(arguments.array(call, value))]


@function("filter", 2, structural=True, takes_lambda=True)
def filter_array(call: Invocation, value: JsonValue, body: JsonValue) -> JsonValue:
    run = arguments.lambda_function(call, body, 1, 2)
    kept: list[JsonValue] = []
    for index, item in enumerate(arguments.array(call, value)):
        verdict = _with_index(run, item, index)
        if isinstance(verdict, Unknown):
            return Unknown(call.text())
        if arguments.boolean(call, verdict):
            kept.append(item)
    return kept


@function("reduce", 3, structural=True, takes_lambda=True)
def reduce_array(call: Invocation, value: JsonValue, initial: JsonValue, body: JsonValue) -> JsonValue:
    run = arguments.lambda_function(call, body, 2, 3)
    total = initial
    for index, item in enumerate(arguments.array(call, value)):
        total = run.call(*(total, item, index)[: len(run.parameters)])
    return total


@function("sort", 2, takes_lambda=True)
def sort_array(call: Invocation, value: JsonValue, body: JsonValue) -> JsonValue:
    run = arguments.lambda_function(call, body, 2)

    def before(left: JsonValue, right: JsonValue) -> bool:
        verdict = run.call(left, right)
        if isinstance(verdict, Unknown):
            raise UnknownValueError(verdict.expression)
        return arguments.boolean(call, verdict)

    def order(left: JsonValue, right: JsonValue) -> int:
        return -1 if before(left, right) else int(before(right, left))

    try:
        return sorted(arguments.array(call, value), key=cmp_to_key(order))
    except UnknownValueError:
        return Unknown(call.text())


@function("toObject", 2, 3, structural=True, takes_lambda=True)
def to_object(call: Invocation, value: JsonValue, key: JsonValue, entry: JsonValue = None) -> JsonValue:
    key_of = arguments.lambda_function(call, key, 1)
    entry_of = arguments.lambda_function(call, entry, 1) if entry is not None else None
    result: JsonObject = {}
    for item in arguments.array(call, value):
        name = key_of.call(item)
        if isinstance(name, Unknown):
            return Unknown(call.text())
        result[arguments.text(call, name)] = entry_of.call(item) if entry_of else item
    return result


@function("groupBy", 2, 3, structural=True, takes_lambda=True)
def group_by(call: Invocation, value: JsonValue, key: JsonValue, entry: JsonValue = None) -> JsonValue:
    key_of = arguments.lambda_function(call, key, 1)
    entry_of = arguments.lambda_function(call, entry, 1) if entry is not None else None
    result: dict[str, list[JsonValue]] = {}
    for item in arguments.array(call, value):
        name = key_of.call(item)
        if isinstance(name, Unknown):
            return Unknown(call.text())
        result.setdefault(arguments.text(call, name), []).append(entry_of.call(item) if entry_of else item)
    return result


@function("mapValues", 2, structural=True, takes_lambda=True)
def map_values(call: Invocation, value: JsonValue, body: JsonValue) -> JsonObject:
    run = arguments.lambda_function(call, body, 1)
    return {key: run.call(item) for key, item in arguments.mapping(call, value).items()}
