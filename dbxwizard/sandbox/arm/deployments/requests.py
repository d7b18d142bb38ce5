"""What a client may ask of a deployment, and the checks that come before the template is read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from dbxwizard.arm_template import DeploymentScope
from dbxwizard.arm_template.scope import Level
from dbxwizard.arm_template.template_hash import template_hash
from dbxwizard.sandbox.arm import access, management_groups
from dbxwizard.sandbox.arm import resources as live
from dbxwizard.sandbox.arm.deployments import preflight, records, secrets
from dbxwizard.sandbox.arm.errors import group_not_found
from dbxwizard.sandbox.arm.locations import ALL, normal
from dbxwizard.sandbox.arm.types.locks import require_unlocked
from dbxwizard.sandbox.http import ApiError, Call
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.tokens import TENANT_ID

_MODES = frozenset({"Incremental", "Complete"})
_LEVELS = frozenset({preflight.FULL, preflight.WITHOUT_RIGHTS, preflight.TEMPLATE_ONLY})
# What the service has beside these (onErrorDeployment, parametersLink, extensions) is not played, and so refused.
_PROPERTIES = {
    "template?": dict,
    "templateLink?": dict,
    "parameters?": dict,
    "mode": _MODES,
    "debugSetting?": {"detailLevel?": str},
    "expressionEvaluationOptions?": {"scope?": str},
    "validationLevel?": _LEVELS,
}
_FORMATS = frozenset({"ResourceIdOnly", "FullResourcePayloads"})
BODY = {"location?": str, "tags?": {"*": str}, "properties": _PROPERTIES}
WHAT_IF_BODY = {**BODY, "properties": {**_PROPERTIES, "whatIfSettings?": {"resultFormat?": _FORMATS}}}
# As the service's message has it of a subscription; of the others by analogy.
_LEVEL_NAMES = {
    Level.TENANT: "tenant",
    Level.MANAGEMENT_GROUP: "management group",
    Level.SUBSCRIPTION: "subscription",
    Level.RESOURCE_GROUP: "resource group",
}
# learn.microsoft.com/azure/azure-resource-manager/templates/deployment-history-deletions
_QUOTA, _MANY, _KEPT = 800, 700, 600


def scope_of_path(call: Call) -> DeploymentScope:
    subscription, group = call.params.get("subscription", ""), call.params.get("group", "")
    if group:
        found = live.read(call, f"/subscriptions/{subscription}/resourceGroups/{group}")
        group = str(found["name"])
    return DeploymentScope(TENANT_ID, call.params.get("management", ""), subscription, group)


def asked(call: Call) -> tuple[Document, Document]:
    """The deployment that the body asks for, as its two documents. ApiError for what is wrong with the request."""
    properties = call.body["properties"]
    name, scope = call.params["name"], _scope(call)
    _check_name(name)
    _check_template(properties)
    if properties["mode"].lower() == "complete" and not scope.resource_group:
        raise ApiError(
            400,
            "InvalidDeploymentMode",
            f"The deployment mode 'Complete' is not supported for '{name}' at {_LEVEL_NAMES[scope.level]} scope. Use "
            "'Incremental'.",
        )
    caller = access.caller_of(call.store, call.principal)
    given = secrets.resolved(call, caller, properties.get("parameters") or {})
    stored = records.record(scope, name, properties["template"], call.now) | {
        "tags": call.body.get("tags") or {},
        "mode": properties["mode"].title(),
        "correlation": call.new_id("deployment", records.deployment_id(scope, name).lower()),
        "templateHash": _hash(properties["template"]),
    }
    stored["location"] = "" if scope.resource_group else scope.location
    return stored, records.run_of(scope, caller, given)


def referred(call: Call) -> list[str]:
    """The parameters that come from a Key Vault: whatever their type, nobody sees them."""
    given = call.body["properties"].get("parameters") or {}
    return [name for name, entry in given.items() if isinstance(entry, dict) and "reference" in entry]


def level(call: Call) -> str:
    """How much of a deployment is validated."""
    wanted = call.body["properties"].get("validationLevel") or preflight.FULL
    return next(known for known in _LEVELS if known.lower() == wanted.lower())


def make_room(call: Call, prefix: str) -> None:
    """Each scope keeps 800 deployments; the oldest of more than 700 go, where the caller may delete them."""
    found = sorted(call.store.all(records.KIND, prefix), key=lambda stored: float(stored["startedAt"]))
    if len(found) > _MANY and _may_delete(call):
        old = [stored for stored in found if stored["state"] != records.RUNNING][: len(found) - _KEPT]
        for stored in old:
            call.store.delete(records.KIND, stored["id"].lower())
        return
    if len(found) >= _QUOTA:
        raise ApiError(
            409,
            "DeploymentQuotaExceeded",
            f"Creating the deployment '{call.params['name']}' would exceed the quota of '{_QUOTA}'. The current "
            f"deployment count is '{len(found)}', please delete some deployments before creating a new one. "
            "Please see https://aka.ms/arm-deploy for usage details.",
        )


def _may_delete(call: Call) -> bool:
    scope, caller = scope_of_path(call), access.caller_of(call.store, call.principal)
    if access.refusal_of(call, caller, f"{records.TYPE}/delete", scope.id) is not None:
        return False
    try:
        require_unlocked(call.store, live.parse_id(scope.id), "delete")
    except ApiError:
        return False
    return True


def _scope(call: Call) -> DeploymentScope:
    """Where the request deploys to. ApiError: no such group, a location that is missing or not allowed."""
    scope, location = scope_of_path(call), call.body.get("location") or ""
    if scope.management_group:
        management_groups.require(scope.management_group)
    name = call.params["name"]
    if scope.resource_group:
        if location:
            raise ApiError(
                400,
                "InvalidDeployment",
                f"The 'location' property is not allowed for '{name}' at resource group scope. Please see "
                "https://aka.ms/arm-deployment-subscription for usage details.",
            )
        group = live.read(call, scope.id)
        if group["properties"]["provisioningState"] == "Deleting":
            raise group_not_found(scope.resource_group)
        return replace(scope, location=str(group["location"]))
    if not location:
        raise preflight.location_missing(name)
    if normal(location) not in ALL:
        message = f"The provided location '{location}' is not available for deployment. List of available regions is "
        raise ApiError(400, "LocationNotAvailableForDeployment", f"{message}'{','.join(ALL)}'.")
    return replace(scope, location=normal(location))


def _check_name(name: str) -> None:
    if len(name) > 64:
        raise ApiError(
            400,
            "DeploymentNameLengthLimitExceeded",
            f"The provided deployment name has a length of '{len(name)}' which exceeds the maximum length of '64'. "
            "Please see https://aka.ms/arm-deploy for usage details.",
        )
    if not re.fullmatch(r"[-\w._()]+", name):
        raise ApiError(
            400,
            "DeploymentNameInvalidCharacters",
            f"The deployment name '{name}' is invalid: it can only contain letters, digits, hyphens (-), periods (.) "
            "or underscores (_).",
        )


def _check_template(properties: Document) -> None:
    if properties.get("template") is None:
        if "templateLink" in properties:
            where = properties["templateLink"].get("uri") or properties["templateLink"].get("id")
            raise ApiError(400, "InvalidContentLink", f"Unable to download deployment content from '{where}'.")
        raise ApiError(400, "InvalidTemplate", "Deployment template validation failed: 'The template is missing.'.")


def _hash(template: Any) -> str | None:
    """None where the order of some part is not known, or where it is no template."""
    try:
        return template_hash(template)
    except (ValueError, TypeError, AttributeError):
        return None
