"""The resource manager's refusals, in its own words.

Sources: learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors and
learn.microsoft.com/azure/role-based-access-control/troubleshooting, and answers quoted in public issues.
"""

from __future__ import annotations

from collections.abc import Iterable

from dbxwizard.sandbox.arm.ids import GROUPS, SUBSCRIPTIONS, ResourceId
from dbxwizard.sandbox.arm.model import Caller, ResourceType
from dbxwizard.sandbox.fields import FieldProblem
from dbxwizard.sandbox.http import ApiError
from dbxwizard.sandbox.tokens import TENANT_ID


def not_found(resource_id: ResourceId) -> ApiError:
    """404 with the code of the level at which something is missing."""
    if resource_id.type == SUBSCRIPTIONS:
        return subscription_not_found(resource_id.name)
    if resource_id.type == GROUPS:
        return group_not_found(resource_id.name)
    short = "/".join(
        part for pair in zip(resource_id.type.split("/")[1:], resource_id.names, strict=True) for part in pair
    )
    if len(resource_id.names) == 1:
        short = f"{resource_id.type}/{resource_id.name}"
    return ApiError(
        404,
        "ResourceNotFound",
        f"The Resource '{short}' under resource group '{resource_id.group or '<null>'}' was not found. For more "
        "details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def subscription_not_found(subscription: str) -> ApiError:
    return ApiError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def missing_subscription() -> ApiError:
    message = "The request did not have a subscription or a valid tenant level resource provider."
    return ApiError(404, "MissingSubscription", message)


def group_not_found(group: str) -> ApiError:
    return ApiError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def throttled(subscription: str, actor: str, kind: str, seconds: int) -> ApiError:
    """`kind`: reads, writes or deletes. Of a subscription as github.com quotes it; of the tenant by analogy."""
    level = "Subscription" if subscription else "Tenant"
    scope = f"{level.lower()} '{subscription or TENANT_ID}'"
    return ApiError(
        429,
        f"{level}RequestsThrottled",
        f"Number of '{kind.removesuffix('s')}' requests for {scope} actor '{actor}' exceeded. Please try again "
        f"after '{seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for "
        "additional information.",
        headers={"Retry-After": str(seconds)},
    )


def group_being_deleted(group: str) -> ApiError:
    return ApiError(
        409,
        "ResourceGroupBeingDeleted",
        f"The resource group '{group}' is in deprovisioning state and cannot perform this operation.",
    )


def parent_not_found(child: ResourceId, parent: ResourceId) -> ApiError:
    return ApiError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform 'write' on resource(s) of type '{child.type.split('/', 1)[1]}', because the parent "
        f"resource '{parent.text}' could not be found.",
    )


def invalid_id(text: str) -> ApiError:
    return ApiError(400, "InvalidResourceId", f"The resource identifier '{text}' is malformed.")


def invalid_namespace(namespace: str) -> ApiError:
    return ApiError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")


def unknown_type(resource_id: ResourceId, api_version: str = "") -> ApiError:
    kind = resource_id.type.split("/", 1)[-1]
    version = f" for api version '{api_version}'" if api_version else ""
    return ApiError(
        404,
        "InvalidResourceType",
        f"The resource type '{kind}' could not be found in the namespace '{resource_id.namespace}'{version}.",
    )


def unknown_version(kind: ResourceType, api_version: str, location: str = "") -> ApiError:
    """For a type of a provider that is there. With `location` as the answer to a write, else as that to a reading."""
    namespace, name = kind.name.split("/", 1)
    known = f"The supported api-versions are '{_listed(reversed(kind.api_versions))}'."
    if not location:
        return ApiError(
            400,
            "InvalidResourceType",
            f"The resource type '{name}' could not be found in the namespace '{namespace}' for api version "
            f"'{api_version}'. {known}",
        )
    return ApiError(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '{location}' and API version '{api_version}' for type "
        f"'{name}'. {known} The supported locations are '{_listed(kind.locations)}'.",
    )


def invalid_version(api_version: str, supported: Iterable[str]) -> ApiError:
    """For the resource manager's own operations."""
    return ApiError(
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{api_version}' is invalid. The supported versions are '{','.join(supported)}'.",
    )


def missing_version() -> ApiError:
    return ApiError(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
    )


def unknown_action(resource_id: ResourceId, action: str) -> ApiError:
    return ApiError(
        404,
        "InvalidResourceType",
        f"The resource type '{resource_id.type.split('/', 1)[-1]}/{action}' could not be found in the namespace "
        f"'{resource_id.namespace}'.",
    )


def not_registered(namespace: str) -> ApiError:
    return ApiError(
        409,
        "MissingSubscriptionRegistration",
        f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how "
        "to register subscriptions.",
    )


def not_authorized(caller: Caller, action: str, scope: str, *, condition: bool = False) -> ApiError:
    lacks = "authorization or an ABAC condition not fulfilled" if condition else "authorization"
    return ApiError(
        403,
        "AuthorizationFailed",
        f"The client '{caller.client}' with object id '{caller.object_id}' does not have {lacks} to perform action "
        f"'{action}' over scope '{scope or '/'}' or the scope is invalid. If access was recently granted, please "
        "refresh your credentials.",
    )


def linked_not_authorized(caller: Caller, action: str, scope: str, linked_action: str, linked: str) -> ApiError:
    return ApiError(
        403,
        "LinkedAuthorizationFailed",
        f"The client '{caller.client}' with object id '{caller.object_id}' has permission to perform action '{action}' "
        f"on scope '{scope}'; however, it does not have permission to perform action(s) '{linked_action}' on the "
        f"linked scope(s) '{linked}' (respectively) or the linked scope(s) are invalid.",
    )


def denied(caller: Caller, action: str, scope: str, name: str, identity: str, at: str) -> ApiError:
    return ApiError(
        403,
        "DenyAssignmentAuthorizationFailed",
        f"The client '{caller.client}' with object id '{caller.object_id}' has permission to perform action '{action}' "
        f"on scope '{scope}'; however, the access is denied because of the deny assignment with name '{name}' and Id "
        f"'{identity}' at scope '{at}'.",
    )


def invalid_content(problem: FieldProblem) -> ApiError:
    """A body that the operation does not take, as the front door of the resource manager words it."""
    name = problem.path.rsplit(".", 1)[-1]
    if problem.path == "location" and problem.message == "missing":
        return ApiError(400, "LocationRequired", "The location property is required for this definition.")
    if problem.message == "unknown":
        what = f"Could not find member '{name}' on object of type 'ResourceDefinition'."
    elif problem.message == "missing":
        what = f"Required property '{name}' not found in JSON."
    else:
        what = f"Error converting value: {problem.message}."
    return ApiError(
        400,
        "InvalidRequestContent",
        f"The request content was invalid and could not be deserialized: '{what} Path '{problem.path}'.'.",
    )


def malformed() -> ApiError:
    return ApiError(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized.")


def unsupported_media_type(given: str) -> ApiError:
    """As github.com/Azure/azure-cli/issues/10143 quotes it."""
    message = f"The content media type '{given or '<null>'}' is not supported. Only 'application/json' is supported."
    return ApiError(415, "UnsupportedMediaType", message)


def location_unavailable(location: str, kind: ResourceType) -> ApiError:
    return ApiError(
        400,
        "LocationNotAvailableForResourceType",
        f"The provided location '{location}' is not available for resource type '{kind.name}'. List of available "
        f"regions for the resource type is '{','.join(kind.locations)}'.",
    )


def location_moved(resource_id: ResourceId, there: str, wanted: str) -> ApiError:
    return ApiError(
        409,
        "InvalidResourceLocation",
        f"The resource '{resource_id.name}' already exists in location '{there}' in resource group "
        f"'{resource_id.group}'. A resource with the same name cannot be created in location '{wanted}'. "
        "Please select a new resource name.",
    )


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)
