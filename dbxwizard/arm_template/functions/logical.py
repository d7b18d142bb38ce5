"""and, bool, false, if, not, or, true: …/azure-resource-manager/templates/template-functions-logical."""

from __future__ import annotations

from dbxwizard.arm_template.errors import ExpressionError
from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import ANY_NUMBER, function
from dbxwizard.arm_template.values import JsonValue, Unknown


@function("true", 0)
def true(_: Invocation) -> bool:
    return True


@function("false", 0)
def false(_: Invocation) -> bool:
    return False


@function("not", 1)
def negate(call: Invocation, value: JsonValue) -> bool:
    return not arguments.boolean(call, value)


@function("if", 3, lazy=True)
def choose(call: Invocation) -> JsonValue:
    condition = call.value(0)
    if isinstance(condition, Unknown):
        return Unknown(call.text())
    return call.value(1) if arguments.boolean(call, condition) else call.value(2)


@function("and", 2, ANY_NUMBER, lazy=True)
def conjunction(call: Invocation) -> JsonValue:
    return _until(call, decides=False)


@function("or", 2, ANY_NUMBER, lazy=True)
def disjunction(call: Invocation) -> JsonValue:
    return _until(call, decides=True)


def _until(call: Invocation, *, decides: bool) -> JsonValue:
    """The arguments after the first that decides are not evaluated; an Unknown one decides nothing."""
    unknown = False
    for index in range(len(call.nodes)):
        value = call.value(index)
        if isinstance(value, Unknown):
            unknown = True
        elif arguments.boolean(call, value) is decides:
            return decides
    return Unknown(call.text()) if unknown else not decides


@function("bool", 1)
def to_bool(call: Invocation, value: JsonValue) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if isinstance(value, str) and value.strip().lower() in ("true", "1"):
        return True
    if isinstance(value, str) and value.strip().lower() in ("false", "0"):
        return False
    raise call.error("was invoked with a value that cannot be converted to type 'Boolean'.")


@function("fail", 1)
def fail(call: Invocation, message: JsonValue) -> JsonValue:
    raise ExpressionError(arguments.text(call, message))
