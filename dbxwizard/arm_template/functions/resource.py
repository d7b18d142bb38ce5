"""resourceId and its family, reference, references, resourceInfo, list*: …/templates/template-functions-resource."""

from __future__ import annotations

from dbxwizard.arm_template.errors import ExpressionError
from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import ANY_NUMBER, LIST, function
from dbxwizard.arm_template.scope import MANAGEMENT_GROUP_TYPE, Level
from dbxwizard.arm_template.scope import resource_id as build_id
from dbxwizard.arm_template.values import JsonObject, JsonValue, Unknown


def _refuse(call: Invocation, reason: str) -> ExpressionError:
    return ExpressionError(
        f"Unable to evaluate template language function '{call.name}': {reason}. "
        f"Please see https://aka.ms/arm-resource-functions/#{call.name.lower()} for usage details."
    )


def _split(call: Invocation, values: list[str], allowed: int) -> tuple[list[str], str, list[str]]:
    """What stands before the resource type (so many arguments at most), the type, and the names."""
    position = next((index for index, value in enumerate(values) if "/" in value), len(values))
    if position > allowed or position == len(values):
        raise _refuse(
            call,
            "function requires fully qualified resource type as one of first three arguments for resource at resource "
            "group scope, or first two arguments for resource at subscription scope",
        )
    return values[:position], values[position].strip("/"), values[position + 1 :]


def _identifier(call: Invocation, scope_id: str, resource_type: str, names: list[str]) -> str:
    wanted = resource_type.count("/")
    if len(names) == 1 and wanted > 1:
        names = names[0].split("/")
    if len(names) != wanted:
        raise _refuse(call, f"the type '{resource_type}' requires '{wanted}' resource name argument(s)")
    return build_id(scope_id, resource_type, "/".join(names))


def _texts(call: Invocation, values: tuple[JsonValue, ...]) -> list[str]:
    return [arguments.text(call, value) for value in values]


@function("resourceId", 2, ANY_NUMBER)
def resource_id(call: Invocation, *values: JsonValue) -> str:
    """[subscriptionId], [resourceGroupName], type, names: the id in the resource group, or in what is above it."""
    scope = call.frame.host.scope
    allowed = {Level.RESOURCE_GROUP: 2, Level.SUBSCRIPTION: 1}.get(scope.level, 0)
    before, resource_type, names = _split(call, _texts(call, values), allowed)
    if scope.level is Level.RESOURCE_GROUP:
        subscription = before[0] if len(before) == 2 else scope.subscription_id
        group = before[-1] if before else scope.resource_group
        return _identifier(call, f"/subscriptions/{subscription}/resourceGroups/{group}", resource_type, names)
    if scope.level is Level.SUBSCRIPTION:
        subscription = before[0] if before else scope.subscription_id
        return _identifier(call, f"/subscriptions/{subscription}", resource_type, names)
    return _identifier(call, "/", resource_type, names)


@function("subscriptionResourceId", 2, ANY_NUMBER)
def subscription_resource_id(call: Invocation, *values: JsonValue) -> str:
    before, resource_type, names = _split(call, _texts(call, values), 1)
    subscription = before[0] if before else call.frame.host.scope.subscription_id
    if not subscription:
        raise _refuse(call, "function requires a subscription id at this scope")
    return _identifier(call, f"/subscriptions/{subscription}", resource_type, names)


@function("tenantResourceId", 2, ANY_NUMBER)
def tenant_resource_id(call: Invocation, *values: JsonValue) -> str:
    _, resource_type, names = _split(call, _texts(call, values), 0)
    return _identifier(call, "/", resource_type, names)


@function("managementGroupResourceId", 2, ANY_NUMBER)
def management_group_resource_id(call: Invocation, *values: JsonValue) -> str:
    before, resource_type, names = _split(call, _texts(call, values), 1)
    group = before[0] if before else call.frame.host.scope.management_group
    if not group:
        raise _refuse(call, "function requires a management group at this scope")
    return _identifier(call, f"/providers/{MANAGEMENT_GROUP_TYPE}/{group}", resource_type, names)


@function("extensionResourceId", 3, ANY_NUMBER)
def extension_resource_id(call: Invocation, *values: JsonValue) -> str:
    base, resource_type, *names = _texts(call, values)
    return _identifier(call, base, resource_type.strip("/"), names)


def _at_runtime(call: Invocation) -> None:
    if not call.frame.phase.at_runtime:
        raise call.error(
            "is not expected at this location. It can only be used in the properties of a resource and in outputs. "
            "Please see https://aka.ms/arm-functions for usage details."
        )


def _is_full(call: Invocation, value: JsonValue) -> bool:
    word = "" if value is None else arguments.text(call, value).lower()
    if word not in ("", "full", "properties"):
        raise call.error(f"has an invalid argument: '{value}' is neither 'Full' nor 'Properties'.")
    return word == "full"


@function("reference", 1, 3)
def reference(call: Invocation, target: JsonValue, api_version: JsonValue = None, full: JsonValue = None) -> JsonValue:
    _at_runtime(call)
    version = "" if api_version is None else arguments.text(call, api_version)
    return call.frame.host.reference(arguments.text(call, target), version, full=_is_full(call, full))


@function("references", 1, 2)
def references(call: Invocation, target: JsonValue, full: JsonValue = None) -> JsonValue:
    _at_runtime(call)
    return call.frame.host.references(arguments.text(call, target), full=_is_full(call, full))


@function("resourceInfo", 1)
def resource_info(call: Invocation, target: JsonValue) -> JsonObject:
    return call.frame.host.resource_info(arguments.text(call, target))


@function(LIST, 2, 3)
def run_list(call: Invocation, target: JsonValue, api_version: JsonValue, value: JsonValue = None) -> JsonValue:
    """Every function whose name starts with `list`."""
    _at_runtime(call)
    version = arguments.text(call, api_version)
    return call.frame.host.list(arguments.text(call, target), call.name, version, value)


@function("pickZones", 3, 5)
def pick_zones(call: Invocation, *_: JsonValue) -> JsonValue:
    """Which zones a region has is known to its provider alone."""
    if call.frame.host.runtime is not None:
        raise call.error("can't be evaluated: which zones a region has is not known here.")
    return Unknown(call.text())
