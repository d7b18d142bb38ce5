"""The operations on deployments, at each scope: tenant, management group, subscription, resource group.

Source: learn.microsoft.com/rest/api/resources/deployments, api-version 2026-06-01 and those before it that az uses.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from typing import TYPE_CHECKING

from dbxwizard.arm_template.template_hash import minified, template_hash
from dbxwizard.sandbox.arm import management_groups
from dbxwizard.sandbox.arm.deployments import failures, preflight, records, requests, running, survey, what_if
from dbxwizard.sandbox.arm.deployments.walk import operation_answer
from dbxwizard.sandbox.arm.queries import filters, page
from dbxwizard.sandbox.http import ApiError, Call, Response, TaskContext
from dbxwizard.sandbox.store import Document, Store

if TYPE_CHECKING:
    from dbxwizard.sandbox.arm.service import ArmService

VERSIONS = frozenset({"2021-04-01", "2022-09-01", "2023-07-01", "2024-03-01", "2024-11-01", "2025-04-01", "2026-06-01"})
_RIGHT = records.TYPE
_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = "/subscriptions/{subscription}/resourcegroups/{group}"
_MANAGEMENT = f"/providers/{management_groups.TYPE}/{{management}}"
_RESULT = "_deploymentResult"


def register(service: ArmService) -> None:
    """The routes and the task of deployments."""
    for base in ("", _MANAGEMENT, _SUBSCRIPTION, _GROUP):
        _register_at(service, f"{base}/providers/{records.TYPE}")
    # How az and other clients ask for the operations of a deployment in a group.
    path, read = f"{_GROUP}/deployments/{{name}}/operations", f"{_RIGHT}/read"
    service.route("GET", path, api_versions=VERSIONS, query=("$top",), action=read)(_operations)
    # The SDKs' own tests call it with rights in one subscription only: being signed in is enough.
    path = "/providers/Microsoft.Resources/calculateTemplateHash"
    service.route("POST", path, api_versions=VERSIONS, body=dict)(_hash)
    service.task(running.TASK)(_advance)


def _register_at(service: ArmService, base: str) -> None:
    one, route, read = f"{base}/{{name}}", service.route, f"{_RIGHT}/read"
    route("PUT", one, api_versions=VERSIONS, body=requests.BODY, action=f"{_RIGHT}/write")(_put)
    route("GET", one, api_versions=VERSIONS, action=read)(_get)
    route("HEAD", one, api_versions=VERSIONS, action=read)(_head)
    route("DELETE", one, api_versions=VERSIONS, action=f"{_RIGHT}/delete")(_delete)
    route("GET", base, api_versions=VERSIONS, query=("$filter", "$top"), action=read)(_list)
    route("POST", f"{one}/cancel", api_versions=VERSIONS, action=f"{_RIGHT}/cancel/action")(_cancel)
    action = f"{_RIGHT}/validate/action"
    route("POST", f"{one}/validate", api_versions=VERSIONS, body=requests.BODY, action=action)(_validate)
    action = f"{_RIGHT}/whatIf/action"
    route("POST", f"{one}/whatIf", api_versions=VERSIONS, body=requests.WHAT_IF_BODY, action=action)(_what_if)
    route("POST", f"{one}/exportTemplate", api_versions=VERSIONS, action=f"{_RIGHT}/exportTemplate/action")(_export)
    route("GET", f"{one}/operations", api_versions=VERSIONS, query=("$top",), action=read)(_operations)
    route("GET", f"{one}/operations/{{operation}}", api_versions=VERSIONS, action=read)(_one_operation)
    route("GET", f"{one}/operationStatuses/{{operation}}", api_versions=VERSIONS, action=read)(_status)
    route("GET", f"{one}/operationResults/{{operation}}", api_versions=VERSIONS, action=read)(_result)


def _key(call: Call) -> str:
    return records.deployment_id(requests.scope_of_path(call), call.params["name"]).lower()


def _require(call: Call) -> Document:
    stored = call.store.get(records.KIND, _key(call))
    if stored is None:
        raise ApiError(404, "DeploymentNotFound", f"Deployment '{call.params['name']}' could not be found.")
    return stored


def _put(call: Call) -> Response:
    previous = call.store.get(records.KIND, _key(call))
    stored, run = requests.asked(call)
    for problem in preflight.replacement_problems(previous, stored["location"]):
        raise problem
    if previous is None:
        requests.make_room(call, records.deployment_id(requests.scope_of_path(call), "").lower())
    checked = preflight.check(call, stored, run, requests.level(call))
    preflight.register_providers(call, checked, records.caller_of(run))
    stored |= _described(call, checked)
    running.start(call, stored, run)
    answer = records.answer(stored)
    answer["properties"]["provisioningState"] = "Accepted"
    url = f"{call.url('arm')}{stored['id']}/operationStatuses/{_operation(stored)}"
    url += f"?api-version={call.query['api-version']}"
    return Response(200 if previous else 201, answer, {"Azure-AsyncOperation": url, **_pace(call)})


def _described(call: Call, checked: preflight.Checked) -> Document:
    """What the answers say of a deployment from its template and parameters."""
    return {
        "parameters": records.values(checked.evaluator.parameters, requests.referred(call)),
        "providers": survey.providers(checked.evaluator),
        "dependencies": survey.dependencies(checked.evaluator),
    }


def _operation(stored: Document) -> str:
    """Twenty digits, as the service gives them."""
    return f"{uuid.UUID(stored['correlation']).int % 10**20:020}"


def _pace(call: Call) -> dict[str, str]:
    """Whole seconds, as the service gives them."""
    return {"Retry-After": str(math.ceil(call.seconds("deployment.poll")))}


def _status(call: Call) -> Response:
    stored = _require(call)
    if call.params["operation"] != _operation(stored):
        raise _no_operation(call)
    body: Document = {"status": stored["state"]}
    if stored["error"]:
        body["error"] = stored["error"]
    return Response(200, body, _pace(call) if stored["state"] == records.RUNNING else {})


def _no_operation(call: Call) -> ApiError:
    message = f"The deployment operation '{call.params['operation']}' could not be found."
    return ApiError(404, "DeploymentOperationNotFound", message)


def _get(call: Call) -> Response:
    return Response(200, records.answer(_require(call)))


def _head(call: Call) -> Response:
    return Response(404 if call.store.get(records.KIND, _key(call)) is None else 204)


def _delete(call: Call) -> Response:
    """Forgets the deployment's history; what it made stays."""
    stored = call.store.get(records.KIND, _key(call))
    if stored is None:
        return Response(204)
    if stored["state"] == records.RUNNING:
        message = f"The deployment '{stored['name']}' is active and cannot be deleted."
        raise ApiError(409, "DeploymentActive", message)
    call.store.delete(records.KIND, _key(call))
    return Response(202, None, _later(call, {"status": 204}))


def _later(call: Call, result: Document) -> dict[str, str]:
    """The headers of an answer whose result is to be asked for; only the newest of each deployment is kept."""
    text = json.dumps([_key(call), result], sort_keys=True)
    token = hashlib.sha256(text.encode()).hexdigest()[:32]
    call.store.put(_RESULT, _key(call), {"token": token, **result})
    scope = requests.scope_of_path(call)
    path = f"{records.deployment_id(scope, call.params['name'])}/operationResults/{token}"
    return {"Location": f"{call.url('arm')}{path}?api-version={call.query['api-version']}", **_pace(call)}


def _result(call: Call) -> Response:
    kept = call.store.get(_RESULT, _key(call))
    if kept is None or kept["token"] != call.params["operation"]:
        raise _no_operation(call)
    return Response(kept["status"], kept.get("body"))


def _list(call: Call) -> Response:
    terms = filters(call, ("provisioningState",))
    prefix = records.deployment_id(requests.scope_of_path(call), "").lower()
    wanted = terms.get("provisioningState", "").lower()
    found = [body for body in call.store.all(records.KIND, prefix) if wanted in ("", body["state"].lower())]
    return Response(200, page(call, [records.answer(stored) for stored in found]))


def _cancel(call: Call) -> Response:
    stored = _require(call)
    if stored["state"] != records.RUNNING:
        message = f"The deployment '{stored['name']}' cannot be cancelled: it is in state '{stored['state']}'."
        raise ApiError(409, "DeploymentCannotBeCancelled", message)
    running.cancel(call, stored)
    return Response(204)


def _validate(call: Call) -> Response:
    stored, run = requests.asked(call)
    checked = preflight.check(call, stored, run, requests.level(call))
    ending = {"state": records.SUCCEEDED, "endedAt": call.now}
    answer = records.answer({**stored, **ending, **_described(call, checked)})
    for name in ("outputs", "outputResources"):
        del answer["properties"][name]
    answer["properties"]["validatedResources"] = [{"id": item} for item in checked.ids]
    return Response(200, answer)


def _what_if(call: Call) -> Response:
    """202 with the place of the result: the real one always works in the background, and tells errors there."""
    stored, run = requests.asked(call)
    settings = call.body["properties"].get("whatIfSettings") or {}
    bare = str(settings.get("resultFormat", "")).lower() == "resourceidonly"
    try:
        found = what_if.result(call, stored, run, requests.level(call))
        body: Document = {"status": records.SUCCEEDED, "properties": what_if.ids_only(found) if bare else found}
    except ApiError as error:
        body = {"status": records.FAILED, "error": failures.detail(error)}
    return Response(202, None, _later(call, {"status": 200, "body": body}))


def _export(call: Call) -> Response:
    return Response(200, {"template": _require(call)["template"]})


def _operations(call: Call) -> Response:
    stored = _require(call)
    return Response(200, page(call, list(_answers(stored).values())))


def _one_operation(call: Call) -> Response:
    found = _answers(_require(call)).get(call.params["operation"])
    if found is None:
        raise _no_operation(call)
    return Response(200, found)


def _answers(stored: Document) -> dict[str, Document]:
    """The operations of a deployment, by their ids."""
    numbered = {
        hashlib.sha256(entry["id"].lower().encode()).hexdigest()[:16].upper(): entry for entry in stored["operations"]
    }
    return {number: operation_answer(stored["id"], entry, number) for number, entry in numbered.items()}


def _hash(call: Call) -> Response:
    try:
        return Response(200, {"minifiedTemplate": minified(call.body), "templateHash": template_hash(call.body)})
    except (ValueError, TypeError, AttributeError) as error:
        message = f"The sandbox can't compute the hash of this template: {error}."
        raise ApiError(400, "InvalidTemplate", message) from error


def _advance(context: TaskContext, body: Document) -> None:
    stored, run = context.store.get(records.KIND, body["id"]), context.store.get(records.RUN, body["id"])
    if stored is not None and run is not None and stored["state"] == records.RUNNING:
        running.advance(context, stored, run)


def show(store: Store) -> list[Document]:
    """The deployments of `sandbox show`."""
    return [records.summary(stored) for stored in store.all(records.KIND)]
