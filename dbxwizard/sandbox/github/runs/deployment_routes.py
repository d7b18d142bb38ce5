"""Deployments through the API: docs.github.com/rest/deployments/deployments and /statuses.

The sandbox merges nothing for a deployment: one of a ref that is behind the default branch is made as it is, and
commit statuses, of which there are none, are not asked for.
"""

from __future__ import annotations

import json
from typing import Any

from dbxwizard.sandbox.github import access, errors
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import git, repository
from dbxwizard.sandbox.github.runs import deployments
from dbxwizard.sandbox.github.runs.deployment_views import shown_deployment, shown_status
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_CREATE_BODY = {
    "ref": str,
    "task?": str,
    "auto_merge?": bool,
    "required_contexts?": [str],
    "payload?": (dict, str),
    "environment?": str,
    "description?": str,
    "transient_environment?": bool,
    "production_environment?": bool,
}
_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
_STATUS_BODY = {
    "state": str,
    "target_url?": str,
    "log_url?": str,
    "description?": str,
    "environment?": str,
    "environment_url?": str,
    "auto_inactive?": bool,
}
_LONGEST_DESCRIPTION = 140  # of a status, same page


def register(service: Service) -> None:
    every = "/repos/{owner}/{repo}/deployments"
    one = every + "/{deployment}"
    read, write = "deployments:read", "deployments:write"
    service.route("GET", every, action=read)(_list)
    service.route("POST", every, action=write, body=_CREATE_BODY)(_create)
    service.route("GET", one, action=read)(_get)
    service.route("DELETE", one, action=write)(_delete)
    service.route("GET", one + "/statuses", action=read)(_list_statuses)
    service.route("POST", one + "/statuses", action=write, body=_STATUS_BODY)(_add_status)
    service.route("GET", one + "/statuses/{status}", action=read)(_get_status)


def _list(call: Call) -> Response:
    body, asked = repository(call), call.query
    found = [
        each
        for each in deployments.all_deployments(call.store, body["id"])
        if all(asked.get(name, each[name]) == each[name] for name in ("sha", "ref", "task"))
        and asked.get("environment", each["environment"]).lower() == each["environment"].lower()
    ]
    return page(call, found, show=lambda each: shown_deployment(call, body, each))


def _found(call: Call) -> tuple[Document, Document]:
    body = repository(call)
    found = deployments.find_deployment(call.store, body["id"], call.params["deployment"])
    if found is None:
        raise errors.not_found()
    return body, found


def _get(call: Call) -> Response:
    return Response(200, shown_deployment(call, *_found(call)))


def _create(call: Call) -> Response:
    body, objects = git(call)
    asked: dict[str, Any] = {name: value for name, value in call.body.items() if value is not None}
    sha = objects.resolve(asked["ref"])
    if sha is None or objects.kind(sha) != "commit":
        raise errors.unprocessable(f"No ref found for: {asked['ref']}")
    environment = asked.get("environment", "production")
    payload = asked.get("payload", {})
    fields = {
        "sha": sha,
        "ref": asked["ref"],
        "task": asked.get("task", "deploy"),
        "payload": _parsed(payload) if isinstance(payload, str) else payload,
        "environment": environment,
        "description": asked.get("description"),
        "creator": access.caller(call)["login"],
        "transient": asked.get("transient_environment", False),
        "production": asked.get("production_environment", environment == "production"),
    }
    return Response(201, shown_deployment(call, body, deployments.add_deployment(call, body["id"], fields)))


def _parsed(text: str) -> Any:
    """A payload that is sent as text: JSON, or mere words."""
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return text


def _delete(call: Call) -> Response:
    """Only one that is not active, same page."""
    body, found = _found(call)
    if found["state"] not in ("inactive", "error", "failure") and len(_in_environment(call, body, found)) > 1:
        raise errors.unprocessable("We cannot delete an active deployment unless it is the only deployment.")
    deployments.delete_deployment(call.store, found)
    return Response(204)


def _in_environment(call: Call, body: Document, found: Document) -> list[Document]:
    every = deployments.all_deployments(call.store, body["id"])
    return [each for each in every if each["environment"] == found["environment"]]


def _list_statuses(call: Call) -> Response:
    body, found = _found(call)
    return page(call, [shown_status(call, body, found, each) for each in deployments.statuses(call.store, found)])


def _get_status(call: Call) -> Response:
    body, found = _found(call)
    for each in deployments.statuses(call.store, found):
        if str(each["id"]) == call.params["status"]:
            return Response(200, shown_status(call, body, found, each))
    raise errors.not_found()


def _add_status(call: Call) -> Response:
    body, found = _found(call)
    asked = {name: value for name, value in call.body.items() if value is not None}
    errors.check_member(asked["state"], _STATES)
    if len(asked.get("description", "")) > _LONGEST_DESCRIPTION:
        raise ApiError(422, "ValidationFailed", "Validation Failed", errors=[_too_long()])
    fields = {
        "state": asked["state"],
        "creator": access.caller(call)["login"],
        "description": asked.get("description", ""),
        "environment": asked.get("environment", found["environment"]),
        "environmentUrl": asked.get("environment_url", ""),
        "logUrl": asked.get("log_url", asked.get("target_url", "")),
    }
    made = deployments.add_status(call, found, fields, ends_earlier=asked.get("auto_inactive", True))
    return Response(201, shown_status(call, body, found, made))


def _too_long() -> dict[str, str]:
    return {
        "resource": "DeploymentStatus",
        "code": "custom",
        "field": "description",
        "message": f"description is too long (maximum is {_LONGEST_DESCRIPTION} characters)",
    }
