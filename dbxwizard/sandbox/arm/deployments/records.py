"""A deployment as it is kept: what was asked for, and how far it has come.

Source: learn.microsoft.com/rest/api/resources/deployments.
"""

from __future__ import annotations

from typing import Any

from dbxwizard.arm_template import DeploymentScope, Evaluator, Resource, Surroundings, TypedValue
from dbxwizard.sandbox.arm.deployments.runtime import LiveRuntime
from dbxwizard.sandbox.arm.model import Caller, Context
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.tokens import TENANT_ID

KIND = "arm.deployment"
TYPE = "Microsoft.Resources/deployments"
FINAL = ("Succeeded", "Failed", "Canceled")


def deployment_id(scope: DeploymentScope, name: str) -> str:
    return f"{scope.id.rstrip('/')}/providers/{TYPE}/{name}"


def record(scope: DeploymentScope, name: str, body: Document, caller: Caller, now: float) -> Document:
    """The document of a deployment that was accepted. `progress` maps the path of a resource to when it is ready."""
    return {
        "id": deployment_id(scope, name),
        "name": name,
        "location": scope.location,
        "tags": body.get("tags") or {},
        "scope": [scope.subscription_id, scope.resource_group, scope.location],
        "template": body["properties"].get("template"),
        "given": body["properties"].get("parameters") or {},
        "mode": body["properties"].get("mode", "Incremental"),
        "caller": [caller.object_id, caller.client, caller.user],
        "state": "Running",
        "startedAt": now,
        "endedAt": None,
        "progress": {},
        "outputs": {},
        "parameters": {},
        "resources": [],
        "error": None,
    }


def caller_of(stored: Document) -> Caller:
    object_id, client, user = stored["caller"]
    return Caller(object_id, client, user)


def scope_of(stored: Document) -> DeploymentScope:
    subscription, group, location = stored["scope"]
    return DeploymentScope(TENANT_ID, subscription_id=subscription, resource_group=group, location=location)


def evaluator_of(context: Context, stored: Document, *, live: bool = True) -> Evaluator:
    """The evaluator of a root deployment; `live` False asks nothing of what is deployed. Raises TemplateError."""
    runtime = LiveRuntime(context, caller_of(stored)) if live else None
    surroundings = Surroundings(deployment_name=stored["name"])
    return Evaluator(stored["template"], stored["given"], scope_of(stored), runtime=runtime, surroundings=surroundings)


def nested_scope(evaluator: Evaluator, resource: Resource) -> DeploymentScope:
    return evaluator.nested(resource).scope


def values(typed: dict[str, TypedValue]) -> Document:
    """Parameters or outputs as the service answers them: values of secure types are left out."""
    return {
        name: {"type": _type_name(entry.type)} | ({} if entry.secure else {"value": entry.value})
        for name, entry in typed.items()
    }


def _type_name(declared: str) -> str:
    names = {"int": "Int", "bool": "Bool", "string": "String", "object": "Object", "array": "Array"}
    return names.get(declared.lower(), declared[:1].upper() + declared[1:])


def answer(stored: Document) -> Document:
    """The deployment as GET answers it."""
    properties: Document = {
        "mode": stored["mode"],
        "provisioningState": stored["state"],
        "timestamp": _iso(stored["endedAt"] or stored["startedAt"]),
        "duration": f"PT{(stored['endedAt'] or stored['startedAt']) - stored['startedAt']:.3f}S",
        "parameters": stored["parameters"],
        "outputs": stored["outputs"],
        "outputResources": [{"id": item} for item in stored["resources"]],
        "dependencies": [],
        "providers": [],
        "correlationId": _correlation(stored),
    }
    if stored["error"]:
        properties["error"] = stored["error"]
    made: Document = {"id": stored["id"], "name": stored["name"], "type": TYPE, "properties": properties}
    if not stored["scope"][1]:
        made["location"] = stored["location"]
    return made | ({"tags": stored["tags"]} if stored["tags"] else {})


def _correlation(stored: Document) -> str:
    import uuid

    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{stored['id'].lower()}@{stored['startedAt']}"))


def _iso(at: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def summary(stored: Document) -> dict[str, Any]:
    """What `sandbox show` prints of a deployment."""
    return {"id": stored["id"], "state": stored["state"], "resources": sorted(stored["resources"])}
