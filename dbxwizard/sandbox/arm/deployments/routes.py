"""The operations on deployments, at a subscription and in a resource group.

Source: learn.microsoft.com/rest/api/resources/deployments, api-version 2026-06-01 and those before it that az uses.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING

from dbxwizard.arm_template import DeploymentScope
from dbxwizard.sandbox.arm import access
from dbxwizard.sandbox.arm import resources as live
from dbxwizard.sandbox.arm.deployments import preflight, records, running, what_if
from dbxwizard.sandbox.arm.errors import group_not_found
from dbxwizard.sandbox.http import ApiError, Call, Response, TaskContext
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.tokens import TENANT_ID

if TYPE_CHECKING:
    from dbxwizard.sandbox.arm.service import ArmService

VERSIONS = frozenset({"2021-04-01", "2022-09-01", "2023-07-01", "2024-03-01", "2024-11-01", "2025-04-01", "2026-06-01"})
_RIGHT = records.TYPE
_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = "/subscriptions/{subscription}/resourcegroups/{group}"
_PROPERTIES = {
    "template?": dict,
    "templateLink?": dict,
    "parameters?": dict,
    "parametersLink?": dict,
    "mode": str,
    "debugSetting?": dict,
    "onErrorDeployment?": dict,
    "expressionEvaluationOptions?": dict,
    "validationLevel?": str,
    "whatIfSettings?": {"resultFormat?": str},
}
_BODY = {"location?": str, "tags?": {"*": str}, "properties": _PROPERTIES}


def register(service: ArmService) -> None:
    """The routes and the task of deployments."""
    for base in (_SUBSCRIPTION, _GROUP):
        _register_at(service, f"{base}/providers/{records.TYPE}")
    service.route("GET", f"{_GROUP}/deployments/{{name}}/operations", api_versions=VERSIONS, action=f"{_RIGHT}/read")(
        _operations
    )
    service.route(
        "POST",
        "/providers/Microsoft.Resources/calculateTemplateHash",
        api_versions=VERSIONS,
        body=dict,
        action="Microsoft.Resources/calculateTemplateHash/action",
    )(_hash)
    service.task(running.TASK)(_advance)


def _register_at(service: ArmService, base: str) -> None:
    one, route = f"{base}/{{name}}", service.route
    route("PUT", one, api_versions=VERSIONS, body=_BODY, action=f"{_RIGHT}/write")(_put)
    route("GET", one, api_versions=VERSIONS, action=f"{_RIGHT}/read")(_get)
    route("HEAD", one, api_versions=VERSIONS, action=f"{_RIGHT}/read")(_head)
    route("DELETE", one, api_versions=VERSIONS, action=f"{_RIGHT}/delete")(_delete)
    route("GET", base, api_versions=VERSIONS, query=("$filter", "$top"), action=f"{_RIGHT}/read")(_list)
    route("POST", f"{one}/cancel", api_versions=VERSIONS, action=f"{_RIGHT}/cancel/action")(_cancel)
    route("POST", f"{one}/validate", api_versions=VERSIONS, body=_BODY, action=f"{_RIGHT}/validate/action")(_validate)
    route("POST", f"{one}/whatIf", api_versions=VERSIONS, body=_BODY, action=f"{_RIGHT}/whatIf/action")(_what_if)
    route("POST", f"{one}/exportTemplate", api_versions=VERSIONS, action=f"{_RIGHT}/exportTemplate/action")(_export)
    route("GET", f"{one}/operations", api_versions=VERSIONS, action=f"{_RIGHT}/read")(_operations)
    route("GET", f"{one}/operationStatuses/{{operation}}", api_versions=VERSIONS, action=f"{_RIGHT}/read")(_status)
    route("GET", f"{one}/whatIfResults/{{operation}}", api_versions=VERSIONS, action=f"{_RIGHT}/read")(_what_if_result)


def _scope(call: Call) -> DeploymentScope:
    """Where the request deploys to. ApiError: no such group, a location that is missing, fixed or not allowed."""
    subscription, group = call.params["subscription"], call.params.get("group", "")
    if group and not live.exists(call, f"/subscriptions/{subscription}/resourceGroups/{group}"):
        raise group_not_found(group)
    location = (call.body or {}).get("location") or ""
    if call.body and not group and not location:
        raise ApiError(
            400, "LocationRequired", "The location property is required for this deployment at subscription scope."
        )
    if group and location:
        raise ApiError(400, "InvalidDeployment", "The 'location' property is not allowed for a deployment in a group.")
    return DeploymentScope(TENANT_ID, subscription_id=subscription, resource_group=group, location=location)


def _key(call: Call) -> str:
    return records.deployment_id(_scope_of_path(call), call.params["name"]).lower()


def _scope_of_path(call: Call) -> DeploymentScope:
    return DeploymentScope(
        TENANT_ID, subscription_id=call.params["subscription"], resource_group=call.params.get("group", "")
    )


def _require(call: Call) -> Document:
    stored = call.store.get(records.KIND, _key(call))
    if stored is None:
        raise ApiError(404, "DeploymentNotFound", f"Deployment '{call.params['name']}' could not be found.")
    return stored


def _asked(call: Call) -> Document:
    """The deployment that the body asks for, checked as far as its form goes."""
    properties = call.body["properties"]
    if "template" not in properties:
        message = "Unable to download deployment content: this cloud has no access to template links."
        raise ApiError(400, "InvalidContentLink" if "templateLink" in properties else "InvalidTemplate", message)
    if properties["mode"] != "Incremental":
        message = f"The deployment mode '{properties['mode']}' is not supported at this scope. Use 'Incremental'."
        raise ApiError(400, "InvalidDeploymentMode", message)
    scope, caller = _scope(call), access.caller_of(call.store, call.principal)
    return records.record(scope, call.params["name"], call.body, caller, call.now)


def _put(call: Call) -> Response:
    asked, previous = _asked(call), call.store.get(records.KIND, _key(call))
    if previous is not None:
        _refuse_replacing(previous, asked)
    preflight.check(call, asked)
    running.start(call, asked)
    stored = _require(call)
    answer = records.answer(stored)
    answer["properties"]["provisioningState"] = "Accepted" if stored["state"] == "Running" else stored["state"]
    status = f"{stored['id']}/operationStatuses/{_operation(stored)}"
    url = f"{call.url('arm')}{status}?api-version={call.query['api-version']}"
    return Response(200 if previous else 201, answer, {"Azure-AsyncOperation": url, **_pace(call)})


def _refuse_replacing(previous: Document, asked: Document) -> None:
    name = asked["name"]
    if previous["state"] == "Running":
        raise ApiError(
            409,
            "DeploymentActive",
            f"Unable to edit or replace deployment '{name}': previous deployment is still active. "
            "Please see https://aka.ms/arm-deploy for usage details.",
        )
    if previous["location"].lower() != asked["location"].lower():
        raise ApiError(
            400,
            "InvalidDeploymentLocation",
            f"Invalid deployment location '{asked['location']}'. The deployment '{name}' already exists in location "
            f"'{previous['location']}'.",
        )


def _operation(stored: Document) -> str:
    return hashlib.sha256(f"{stored['id'].lower()}@{stored['startedAt']}".encode()).hexdigest()[:20]


def _pace(call: Call) -> dict[str, str]:
    """Whole seconds, as the service gives them."""
    return {"Retry-After": str(math.ceil(call.seconds("deployment.poll")))}


def _status(call: Call) -> Response:
    stored = _require(call)
    if call.params["operation"] != _operation(stored):
        raise ApiError(404, "DeploymentOperationNotFound", "The deployment operation could not be found.")
    body: Document = {"status": stored["state"]}
    if stored["error"]:
        body["error"] = stored["error"]
    return Response(200, body, {} if stored["state"] in records.FINAL else _pace(call))


def _get(call: Call) -> Response:
    return Response(200, records.answer(_require(call)))


def _head(call: Call) -> Response:
    if call.store.get(records.KIND, _key(call)) is None:
        return Response(404)
    return Response(204)


def _delete(call: Call) -> Response:
    """Forgets the deployment's history; what it made stays."""
    stored = call.store.get(records.KIND, _key(call))
    if stored is None:
        return Response(204)
    if stored["state"] == "Running":
        message = f"The deployment '{stored['name']}' is active and cannot be deleted."
        raise ApiError(409, "DeploymentActive", message)
    call.store.delete(records.KIND, _key(call))
    return Response(204)


def _list(call: Call) -> Response:
    prefix = records.deployment_id(_scope_of_path(call), "").lower()
    listed = [records.answer(stored) for stored in call.store.all(records.KIND, prefix)]
    return Response(200, {"value": listed})


def _cancel(call: Call) -> Response:
    stored = _require(call)
    if stored["state"] != "Running":
        message = f"The deployment '{stored['name']}' is not running and cannot be cancelled."
        raise ApiError(409, "DeploymentCannotBeCancelled", message)
    running.save(call, running.cancelled(call, stored))
    return Response(204)


def _validate(call: Call) -> Response:
    asked = _asked(call)
    expansion = preflight.check(call, asked)
    asked |= {"state": "Succeeded", "endedAt": call.now, "parameters": records.values(dict(expansion.parameters))}
    answer = records.answer(asked)
    answer["properties"]["validatedResources"] = [{"id": item.id} for item in expansion.resources]
    return Response(200, answer)


def _what_if(call: Call) -> Response:
    """202 with the place of the result: the real one always works in the background."""
    asked = _asked(call)
    result = {"status": "Succeeded", "properties": {"changes": what_if.changes(call, asked)}}
    operation = hashlib.sha256(json.dumps([asked["id"], result], sort_keys=True).encode()).hexdigest()[:20]
    call.store.put("_whatIf", f"{_key(call)}/{operation}", {"result": result, "format": _format(call)})
    url = f"{call.url('arm')}{asked['id']}/whatIfResults/{operation}?api-version={call.query['api-version']}"
    return Response(202, None, {"Location": url, **_pace(call)})


def _format(call: Call) -> str:
    settings = call.body["properties"].get("whatIfSettings") or {}
    return str(settings.get("resultFormat", "FullResourcePayloads"))


def _what_if_result(call: Call) -> Response:
    kept = call.store.get("_whatIf", f"{_key(call)}/{call.params['operation']}")
    if kept is None:
        raise ApiError(404, "DeploymentOperationNotFound", "The what-if result could not be found.")
    result = kept["result"]
    if kept["format"] == "ResourceIdOnly":
        bare = [{k: c[k] for k in ("resourceId", "changeType")} for c in result["properties"]["changes"]]
        result = {**result, "properties": {"changes": bare}}
    return Response(200, result)


def _export(call: Call) -> Response:
    return Response(200, {"template": _require(call)["template"]})


def _operations(call: Call) -> Response:
    stored = _require(call)
    listed = [_one_operation(stored, item, "Succeeded") for item in stored["resources"]]
    failures = (stored["error"] or {}).get("details", [])
    listed += [_one_operation(stored, detail["target"], "Failed", detail) for detail in failures]
    return Response(200, {"value": listed})


def _one_operation(stored: Document, resource_id: str, state: str, error: Document | None = None) -> Document:
    number = hashlib.sha256(resource_id.lower().encode()).hexdigest()[:16].upper()
    properties: Document = {
        "provisioningOperation": "Create",
        "provisioningState": state,
        "targetResource": {"id": resource_id, "resourceName": resource_id.rsplit("/", 1)[-1]},
    }
    if error:
        properties["statusMessage"] = {"error": {"code": error["code"], "message": error["message"]}}
    return {"id": f"{stored['id']}/operations/{number}", "operationId": number, "properties": properties}


def _hash(call: Call) -> Response:
    """A hash of the template's canonical form. How the real one is computed is not published; only equality matters."""
    text = json.dumps(call.body, sort_keys=True, separators=(",", ":"))
    number = int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2**64
    return Response(200, {"minifiedTemplate": text, "templateHash": str(number)})


def _advance(context: TaskContext, body: Document) -> None:
    stored = context.store.get(records.KIND, body["id"])
    if stored is not None:
        running.advance(context, stored)


def show(store: Store) -> list[Document]:
    """The deployments of `sandbox show`."""
    return [records.summary(stored) for stored in store.all(records.KIND)]
