"""resourceId and its family, reference, references, resourceInfo, list*: …/templates/template-functions-resource."""

from __future__ import annotations

from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import ANY_NUMBER, LIST, function
from dbxwizard.arm_template.scope import MANAGEMENT_GROUP_TYPE, RESOURCE_GROUP_TYPE, segments
from dbxwizard.arm_template.values import JsonObject, JsonValue, Unknown


def _split(call: Invocation, values: list[str]) -> tuple[list[str], str, list[str]]:
    """What stands before the resource type, the type, and the names: the type is the first with a slash."""
    position = next((index for index, value in enumerate(values) if "/" in value), None)
    if position is None:
        raise call.error(
            "requires a resource type among its arguments. "
            "Please see https://aka.ms/arm-resource-functions/#resourceid for usage details."
        )
    return values[:position], values[position], values[position + 1 :]


def _tail(call: Invocation, resource_type: str, names: list[str]) -> str:
    wanted = resource_type.strip("/").count("/")
    if len(names) == 1 and wanted > 1:
        names = names[0].split("/")
    if len(names) != wanted:
        raise call.error(
            f"has invalid arguments: the type '{resource_type}' requires '{wanted}' resource name argument(s). "
            f"Please see https://aka.ms/arm-resource-functions/#{call.name.lower()} for usage details."
        )
    return segments(resource_type, "/".join(names))


def _texts(call: Invocation, values: tuple[JsonValue, ...]) -> list[str]:
    return [arguments.text(call, value) for value in values]


@function("resourceId", 2, ANY_NUMBER)
def resource_id(call: Invocation, *values: JsonValue) -> str:
    """[subscriptionId], [resourceGroupName], type, names: the id in the resource group, or in what is above it."""
    before, resource_type, names = _split(call, _texts(call, values))
    scope = call.frame.host.scope
    if len(before) > 2:
        raise call.error("has invalid arguments: at most a subscription and a resource group stand before the type.")
    group = before[-1] if before else scope.resource_group
    subscription = before[0] if len(before) == 2 else scope.subscription_id
    tail = _tail(call, resource_type, names)
    if not subscription:
        return f"/{tail}"
    return f"/subscriptions/{subscription}/{f'resourceGroups/{group}/' if group else ''}{tail}"


@function("subscriptionResourceId", 2, ANY_NUMBER)
def subscription_resource_id(call: Invocation, *values: JsonValue) -> str:
    before, resource_type, names = _split(call, _texts(call, values))
    subscription = before[0] if before else call.frame.host.scope.subscription_id
    if len(before) > 1 or not subscription:
        raise call.error("has invalid arguments: it takes at most one subscription id, and needs one here.")
    tail = _tail(call, resource_type, names)
    if resource_type.lower() == RESOURCE_GROUP_TYPE.lower():
        tail = f"resourceGroups/{names[0]}"  # the id that a group answers with has no provider in it
    return f"/subscriptions/{subscription}/{tail}"


@function("tenantResourceId", 2, ANY_NUMBER)
def tenant_resource_id(call: Invocation, *values: JsonValue) -> str:
    before, resource_type, names = _split(call, _texts(call, values))
    if before:
        raise call.error("has invalid arguments: its first argument is the resource type.")
    return f"/{_tail(call, resource_type, names)}"


@function("managementGroupResourceId", 2, ANY_NUMBER)
def management_group_resource_id(call: Invocation, *values: JsonValue) -> str:
    before, resource_type, names = _split(call, _texts(call, values))
    group = before[0] if before else call.frame.host.scope.management_group
    if len(before) > 1 or not group:
        raise call.error("has invalid arguments: it takes at most one management group, and needs one here.")
    return f"/providers/{MANAGEMENT_GROUP_TYPE}/{group}/{_tail(call, resource_type, names)}"


@function("extensionResourceId", 3, ANY_NUMBER)
def extension_resource_id(call: Invocation, *values: JsonValue) -> str:
    base, resource_type, *names = _texts(call, values)
    return f"{base.rstrip('/')}/{_tail(call, resource_type, names)}"


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
