"""managementGroup, resourceGroup, subscription, tenant: …/templates/template-functions-scope."""

from __future__ import annotations

from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.registry import function
from dbxwizard.arm_template.scope import MANAGEMENT_GROUP_TYPE
from dbxwizard.arm_template.values import JsonObject, Unknown


def _not_here(call: Invocation) -> Exception:
    level = call.frame.host.scope.level.value
    return call.error(f"is not expected at this location: a deployment at {level} scope has none.")


@function("resourceGroup", 0)
def resource_group(call: Invocation) -> JsonObject:
    if not call.frame.host.scope.resource_group:
        raise _not_here(call)
    return call.frame.host.resource_group()


@function("subscription", 0)
def subscription(call: Invocation) -> JsonObject:
    scope = call.frame.host.scope
    if not scope.subscription_id:
        raise _not_here(call)
    return {
        "displayName": Unknown("subscription().displayName"),
        **call.frame.host.surroundings.subscription,
        "id": f"/subscriptions/{scope.subscription_id}",
        "subscriptionId": scope.subscription_id,
        "tenantId": scope.tenant_id,
    }


@function("managementGroup", 0)
def management_group(call: Invocation) -> JsonObject:
    scope = call.frame.host.scope
    if not scope.management_group or scope.subscription_id:
        raise _not_here(call)
    return {
        "id": scope.id,
        "name": scope.management_group,
        "properties": {"tenantId": scope.tenant_id},
        "type": f"/providers/{MANAGEMENT_GROUP_TYPE}",
    }


@function("tenant", 0)
def tenant(call: Invocation) -> JsonObject:
    return {**call.frame.host.surroundings.tenant, "tenantId": call.frame.host.scope.tenant_id}
