"""`repository_dispatch`: docs.github.com/rest/repos/repos#create-a-repository-dispatch-event. A job's token may too."""

from __future__ import annotations

from dbxwizard.sandbox.github import errors, triggers
from dbxwizard.sandbox.github.repositories import repository
from dbxwizard.sandbox.http import Call, Response, Service

_MOST_NAME, _MOST_FIELDS = 100, 10


def register(service: Service) -> None:
    body = {"event_type": str, "client_payload?": dict}
    service.route("POST", "/repos/{owner}/{repo}/dispatches", action="contents:write", body=body)(_dispatch)


def _dispatch(call: Call) -> Response:
    name, payload = call.body["event_type"], call.body.get("client_payload") or {}
    if not 0 < len(name) <= _MOST_NAME:
        raise errors.unprocessable(f"Invalid request.\n\nevent_type has 1 to {_MOST_NAME} characters.")
    if len(payload) > _MOST_FIELDS:
        text = f"No more than {_MOST_FIELDS} properties are allowed; {len(payload)} were supplied."
        raise errors.unprocessable(f"Invalid request.\n\n{text}")
    body = repository(call)
    triggers.on_default_branch(call, body, "repository_dispatch", name, client_payload=payload)
    return Response(204)
