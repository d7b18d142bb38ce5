"""Service principals: an application's presence in the tenant, which roles are given to.

Source: learn.microsoft.com/graph/api/resources/serviceprincipal and the operations listed there.
"""

from __future__ import annotations

from dbxwizard.sandbox.entra.directory import find_application, find_principal
from dbxwizard.sandbox.graph import odata, rights, views
from dbxwizard.sandbox.graph.applications import READ, WRITE
from dbxwizard.sandbox.graph.people import missing
from dbxwizard.sandbox.graph.views import PRINCIPAL
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_CHANGES = {
    "accountEnabled?": bool,
    "displayName?": str,
    "tags?": [str],
    "notes?": str,
    "description?": str,
    "appRoleAssignmentRequired?": bool,
}


def register(service: Service) -> None:
    service.route("GET", "/v1.0/servicePrincipals", action=READ)(_list)
    service.route("POST", "/v1.0/servicePrincipals", body={"appId": str, **_CHANGES}, action=WRITE)(_create)
    service.route("GET", "/v1.0/servicePrincipals/{key}", action=READ)(_get)
    service.route("PATCH", "/v1.0/servicePrincipals/{key}", body=_CHANGES, action=WRITE)(_update)
    service.route("DELETE", "/v1.0/servicePrincipals/{key}", action=WRITE)(_delete)


def _find(call: Call) -> Document:
    """By id or `appId=…`; a new one is not found for a moment."""
    name, value = odata.split_key(call.params["key"])
    if name not in ("", "appId"):
        raise odata.bad_request(f"Resource not found for the segment '{name}'.")
    by_app = name == "appId"
    body = find_principal(call.store, value) if by_app else call.store.get("directory.servicePrincipal", value.lower())
    if body is None or not _has_replicated(call, body):
        raise missing(value)
    return body


def _has_replicated(call: Call, body: Document) -> bool:
    return bool(body["createdAt"] + call.seconds("principal.replicate") <= call.now)


def _list(call: Call) -> Response:
    bodies = [body for body in call.store.all("directory.servicePrincipal") if _has_replicated(call, body)]
    return odata.page(call, PRINCIPAL, [views.principal(call, body) for body in bodies])


def _get(call: Call) -> Response:
    return odata.one(call, PRINCIPAL, views.principal(call, _find(call)))


def _create(call: Call) -> Response:
    app_id = call.body["appId"].lower()
    application = find_application(call.store, app_id)
    if application is None or not _has_replicated(call, application):
        raise _no_application(app_id)
    rights.check_may_change(call, application)
    if find_principal(call.store, app_id) is not None:
        raise ApiError(
            409,
            "Request_MultipleObjectsWithSameKeyValue",
            f"The service principal cannot be created, updated, or restored because the service principal name "
            f"{app_id} is already in use.",
        )
    body: Document = {
        "id": call.new_id("servicePrincipal", app_id),
        "appId": app_id,
        "displayName": application["displayName"],
        "servicePrincipalType": "Application",
        "createdAt": call.now,
        "tags": [],
        "accountEnabled": True,
        "owners": [call.principal.object_id] if call.principal.user else [],
    }
    body = _changed(call, body)
    context = f"{call.url('graph')}/v1.0/$metadata#servicePrincipals/$entity"
    return Response(201, {"@odata.context": context} | views.principal(call, body))


def _no_application(app_id: str) -> ApiError:
    message = f"The appId '{app_id}' of the service principal does not reference a valid application object."
    detail = {"code": "NoBackingApplicationObject", "message": message, "target": "appId"}
    return ApiError(400, "Request_BadRequest", message, details=[detail])


def _changed(call: Call, body: Document) -> Document:
    changed = body | {name: value for name, value in call.body.items() if name != "appId" and value is not None}
    call.store.put("directory.servicePrincipal", body["id"], changed)
    return changed


def _update(call: Call) -> Response:
    body = _find(call)
    rights.check_may_change(call, body)
    _changed(call, body)
    return Response(204)


def _delete(call: Call) -> Response:
    body = _find(call)
    rights.check_may_change(call, body)
    call.store.delete("directory.servicePrincipal", body["id"])
    return Response(204)
