"""deployment, environment, parameters, variables: …/templates/template-functions-deployment."""

from __future__ import annotations

from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import function
from dbxwizard.arm_template.values import JsonObject, JsonValue, Unknown, find_key


@function("parameters", 1)
def parameters(call: Invocation, name: JsonValue) -> JsonValue:
    key = arguments.text(call, name)
    if call.frame.arguments is None:
        return call.frame.host.parameter(key)
    found = find_key(call.frame.arguments, key)
    if found is None:
        raise call.error(f"has an invalid argument: the function has no parameter '{key}'.")
    return call.frame.arguments[found]


@function("variables", 1)
def variables(call: Invocation, name: JsonValue) -> JsonValue:
    if call.frame.arguments is not None:
        raise call.error("is not expected at this location: a user-defined function can't access variables.")
    return call.frame.host.variable(arguments.text(call, name))


@function("deployment", 0)
def deployment(call: Invocation) -> JsonObject:
    return call.frame.host.deployment()


@function("environment", 0)
def environment(call: Invocation) -> JsonObject:
    return dict(call.frame.host.surroundings.environment)


@function("deployer", 0)
def deployer(call: Invocation) -> JsonValue:
    found = call.frame.host.surroundings.deployer
    return Unknown(call.text()) if found is None else dict(found)
