"""A deployment as it is kept: what was asked for, how far it has come, and how the service answers it.

Source: learn.microsoft.com/rest/api/resources/deployments; answers recorded in the public repository Azure/azure-cli.

What everybody may see is a document of kind `arm.deployment`. What only a running deployment needs (its progress, and
the values of its parameters, secrets among them) is one of kind `_deployment` with the same key, gone when it ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from dbxwizard.arm_template import DeploymentScope, TypedValue
from dbxwizard.sandbox.arm.model import Caller
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.tokens import TENANT_ID

KIND = "arm.deployment"
RUN = "_deployment"
TYPE = "Microsoft.Resources/deployments"
RUNNING, SUCCEEDED, FAILED, CANCELED = "Running", "Succeeded", "Failed", "Canceled"
_TYPE_NAMES = {"securestring": "SecureString", "secureobject": "SecureObject"}
_WEEK = timedelta(days=7)


def deployment_id(scope: DeploymentScope, name: str) -> str:
    return f"{scope.id.rstrip('/')}/providers/{TYPE}/{name}"


def record(scope: DeploymentScope, name: str, template: object, now: float) -> Document:
    """The document of a deployment that begins now."""
    return {
        "id": deployment_id(scope, name),
        "name": name,
        "location": scope.location,
        "tags": {},
        "mode": "Incremental",
        "state": RUNNING,
        "startedAt": now,
        "endedAt": None,
        "correlation": "",
        "template": template,
        "templateHash": None,
        "parameters": {},
        "outputs": {},
        "providers": [],
        "dependencies": [],
        "resources": [],
        "operations": [],
        "error": None,
    }


def run_of(scope: DeploymentScope, caller: Caller, given: Document) -> Document:
    """The internal document; `progress` maps the path of a resource to how far it is (walk.py)."""
    return {
        "scope": [scope.management_group, scope.subscription_id, scope.resource_group, scope.location],
        "caller": [caller.object_id, caller.client, caller.user],
        "given": given,
        "progress": {},
    }


def caller_of(run: Document) -> Caller:
    object_id, client, user = run["caller"]
    return Caller(object_id, client, user)


def scope_of(run: Document) -> DeploymentScope:
    return DeploymentScope(TENANT_ID, *run["scope"])


def save(store: Store, stored: Document) -> None:
    store.put(KIND, stored["id"].lower(), stored)


def values(typed: Mapping[str, TypedValue], hidden: Collection[str] = ()) -> Document:
    """Parameters or outputs as the service answers them: without values of secure types, and of those in `hidden`."""
    return {
        name: {"type": _type_name(entry.type)} | ({} if entry.secure or name in hidden else {"value": entry.value})
        for name, entry in typed.items()
    }


def _type_name(declared: str) -> str:
    return _TYPE_NAMES.get(declared.lower(), declared[:1].upper() + declared[1:])


def answer(stored: Document) -> Document:
    """The deployment as GET answers it."""
    ended = stored["endedAt"] or stored["startedAt"]
    properties: Document = {
        "parameters": stored["parameters"],
        "mode": stored["mode"],
        "provisioningState": stored["state"],
        "timestamp": iso(ended),
        "duration": f"PT{ended - stored['startedAt']:g}S",
        "correlationId": stored["correlation"],
        "providers": stored["providers"],
        "dependencies": stored["dependencies"],
    }
    if stored["templateHash"]:
        properties["templateHash"] = stored["templateHash"]
    if stored["state"] == SUCCEEDED:
        properties |= {"outputs": stored["outputs"], "outputResources": [{"id": item} for item in stored["resources"]]}
    if stored["error"]:
        properties["error"] = stored["error"]
    made: Document = {"id": stored["id"], "name": stored["name"], "type": TYPE, "properties": properties}
    made |= {name: stored[name] for name in ("location", "tags") if stored[name]}
    return made


def still_active(stored: Document) -> str:
    """What somebody is told who wants to replace a deployment that runs; it is given up after a week."""
    began = datetime.fromisoformat(iso(stored["startedAt"]))
    return (
        f"Unable to edit or replace deployment '{stored['name']}': previous deployment from '{_american(began)}' is "
        f"still active (expiration time is '{_american(began + _WEEK)}'). "
        "Please see https://aka.ms/arm-deploy-resources for usage details."
    )


def _american(moment: datetime) -> str:
    """4/18/2023 9:04:41 PM"""
    hour = moment.hour % 12 or 12
    half = "PM" if moment.hour >= 12 else "AM"
    return f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment:%M:%S} {half}"


def summary(stored: Document) -> Document:
    """What `sandbox show` prints of a deployment."""
    return {"id": stored["id"], "state": stored["state"], "resources": sorted(stored["resources"])}
