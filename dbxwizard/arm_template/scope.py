"""Where a template is deployed to, and the ids of resources below a scope."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from dbxwizard.arm_template.errors import ExpressionError

MANAGEMENT_GROUP_TYPE = "Microsoft.Management/managementGroups"
DEPLOYMENT_TYPE = "Microsoft.Resources/deployments"
RESOURCE_GROUP_TYPE = "Microsoft.Resources/resourceGroups"
_SUBSCRIPTION = re.compile(r"/subscriptions/[^/]+/?", re.IGNORECASE)
_GROUP_TYPES = ("microsoft.resources/resourcegroups", "microsoft.resources/subscriptions/resourcegroups")


class Level(Enum):
    """The four levels that a deployment can have, named as in the service's messages."""

    TENANT = "Tenant"
    MANAGEMENT_GROUP = "ManagementGroup"
    SUBSCRIPTION = "Subscription"
    RESOURCE_GROUP = "ResourceGroup"


@dataclass(frozen=True, slots=True)
class DeploymentScope:
    """The scope of one deployment. Names that do not belong to its level stay "".

    `location` is where the data of a deployment above resource groups is kept; a resource group says its own.
    """

    tenant_id: str
    management_group: str = ""
    subscription_id: str = ""
    resource_group: str = ""
    location: str = ""

    @property
    def level(self) -> Level:
        if self.resource_group:
            return Level.RESOURCE_GROUP
        if self.subscription_id:
            return Level.SUBSCRIPTION
        return Level.MANAGEMENT_GROUP if self.management_group else Level.TENANT

    @property
    def id(self) -> str:
        """The scope's resource id; "/" for the tenant."""
        if self.resource_group:
            return f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
        if self.subscription_id:
            return f"/subscriptions/{self.subscription_id}"
        if self.management_group:
            return f"/providers/{MANAGEMENT_GROUP_TYPE}/{self.management_group}"
        return "/"


def segments(resource_type: str, name: str) -> str:
    """`Ns/a/b` and `x/y` as the tail of an id, `providers/Ns/a/x/b/y`. Raises ExpressionError where they don't fit."""
    namespace, *types = resource_type.split("/")
    names = name.split("/")
    if len(types) != len(names):
        raise ExpressionError(
            f"The template resource '{name}' for type '{resource_type}' has incorrect segment lengths. "
            "A nested resource type must have identical number of segments as its resource name. A root resource type "
            "must have segment length one greater than its resource name. "
            "Please see https://aka.ms/arm-syntax-resources for usage details."
        )
    pairs = "/".join(f"{kind}/{part}" for kind, part in zip(types, names, strict=True))
    return f"providers/{namespace}/{pairs}"


def resource_id(scope_id: str, resource_type: str, name: str) -> str:
    """The id of a resource at a scope or on another resource (an extension).

    A resource group's id has no provider part; that of a deployment or any other resource has.
    """
    if resource_type.lower() in _GROUP_TYPES and _SUBSCRIPTION.fullmatch(scope_id):
        return f"{scope_id.rstrip('/')}/resourceGroups/{name}"
    return f"{scope_id.rstrip('/')}/{segments(resource_type, name)}"
