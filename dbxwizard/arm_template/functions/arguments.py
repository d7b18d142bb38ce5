"""Checks of what a built-in function was given, in the service's words."""

from __future__ import annotations

from dbxwizard.arm_template.errors import ExpressionError
from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.values import JsonObject, JsonValue, LambdaFunction, checked_int, type_name


def _wrong(call: Invocation, wanted: str, value: JsonValue) -> ExpressionError:
    return ExpressionError(
        f"The template language function '{call.name}' expects its parameter to be {wanted}. "
        f"The provided value is of type '{type_name(value)}'. "
        f"Please see https://aka.ms/arm-functions#{call.name.lower()} for usage details."
    )


def text(call: Invocation, value: JsonValue) -> str:
    if not isinstance(value, str):
        raise _wrong(call, "of type 'String'", value)
    return value


def integer(call: Invocation, value: JsonValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(call, "of type 'Integer'", value)
    return checked_int(value)


def boolean(call: Invocation, value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise _wrong(call, "of type 'Boolean'", value)
    return value


def array(call: Invocation, value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise _wrong(call, "an array", value)
    return value


def mapping(call: Invocation, value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise _wrong(call, "an object", value)
    return value


def lambda_function(call: Invocation, value: JsonValue, *arities: int) -> LambdaFunction:
    if not isinstance(value, LambdaFunction):
        raise _wrong(call, "a lambda function", value)
    if len(value.parameters) not in arities:
        raise call.error(
            f"expects a lambda function with {' or '.join(map(str, arities))} parameter(s), "
            f"but {len(value.parameters)} were provided."
        )
    return value


def of_type(call: Invocation, value: JsonValue, wanted: str) -> ExpressionError:
    """The error for a value of a type that the function does not take; `wanted` ends "expects its parameter to be"."""
    return _wrong(call, wanted, value)
