"""Applications: the registrations that service principals come from.

Source: learn.microsoft.com/graph/api/resources/application and the operations listed there.
"""

from __future__ import annotations

from dbxwizard.sandbox.entra import secrets
from dbxwizard.sandbox.entra.directory import find_application, find_principal
from dbxwizard.sandbox.graph import odata, rights, views
from dbxwizard.sandbox.graph.application_fields import CHANGES, KEPT, NEW
from dbxwizard.sandbox.graph.people import missing
from dbxwizard.sandbox.graph.views import APPLICATION, OBJECT
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_AUDIENCES = ("AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")
READ, WRITE = "Application.Read.All", "Application.ReadWrite.All"


def register(service: Service) -> None:
    service.route("GET", "/v1.0/applications", action=READ)(_list)
    service.route("POST", "/v1.0/applications", body=NEW, action=WRITE)(_create)
    service.route("GET", "/v1.0/applications/{key}", action=READ)(_get)
    service.route("PATCH", "/v1.0/applications/{key}", body=CHANGES, action=WRITE)(_update)
    service.route("DELETE", "/v1.0/applications/{key}", action=WRITE)(_delete)
    service.route("GET", "/v1.0/applications/{key}/owners", action=READ)(_owners)
    service.route("GET", "/v1.0/directory/deletedItems/microsoft.graph.application", action=READ)(_deleted)
    service.route("POST", "/v1.0/directory/deletedItems/{id}/restore", action=WRITE)(_restore)
    service.route("DELETE", "/v1.0/directory/deletedItems/{id}", action=WRITE)(_purge)


def find(call: Call) -> Document:
    """The application that the key of the path names: its id, `appId=…` or `uniqueName=…`."""
    name, value = odata.split_key(call.params["key"])
    if name == "":
        found = call.store.get("directory.application", value.lower())
    elif name == "appId":
        found = find_application(call.store, value)
    elif name == "uniqueName":
        found = _by_unique_name(call, value)
    else:
        raise odata.bad_request(f"Resource not found for the segment '{name}'.")
    if found is None:
        raise missing(value)
    return found


def find_to_change(call: Call) -> Document:
    """As `find`, for a write: other servers of the directory do not know a new application for a moment."""
    body = find(call)
    if body["createdAt"] + call.seconds("principal.replicate") > call.now:
        raise missing(body["id"])
    rights.check_may_change(call, body)
    return body


def keep(call: Call, body: Document) -> None:
    call.store.put("directory.application", body["id"], body)


def _by_unique_name(call: Call, name: str) -> Document | None:
    bodies = call.store.all("directory.application")
    return next((body for body in bodies if body.get("uniqueName") == name), None)


def _list(call: Call) -> Response:
    bodies = call.store.all("directory.application")
    return odata.page(call, APPLICATION, [views.application(call, body) for body in bodies])


def _get(call: Call) -> Response:
    return odata.one(call, APPLICATION, views.application(call, find(call)))


def _create(call: Call) -> Response:
    return _made(call, _new(call, call.body, ""))


def _made(call: Call, body: Document) -> Response:
    context = f"{call.url('graph')}/v1.0/$metadata#applications/$entity"
    return Response(201, {"@odata.context": context} | views.application(call, body))


def _new(call: Call, given: Document, unique_name: str) -> Document:
    rights.check_may_register(call)
    name = given.get("displayName")
    if not name:
        raise ApiError(
            400, "Request_BadRequest", "A value is required for property 'displayName' of resource 'Application'."
        )
    hint = unique_name or name
    body: Document = {
        "id": call.new_id("application", hint),
        "appId": call.new_id("client", hint),
        "createdAt": call.now,
        "displayName": name,
        "signInAudience": "AzureADMyOrg",
        "tags": [],
        "owners": [call.principal.object_id] if call.principal.user else [],
        "passwordCredentials": [],
        "federatedIdentityCredentials": [],
        "more": {},
    }
    if unique_name:
        body["uniqueName"] = unique_name
    return _changed(call, body, given)


def _changed(call: Call, body: Document, given: Document) -> Document:
    if given.get("passwordCredentials"):
        raise ApiError(400, "Request_BadRequest", "New password credentials must be generated with service actions.")
    if given.get("signInAudience", _AUDIENCES[0]) not in _AUDIENCES:
        raise _invalid("signInAudience")
    if not 1 <= len(given.get("displayName", body["displayName"]) or "") <= 256:
        raise _invalid("displayName")
    own = {name: given[name] for name in ("displayName", "signInAudience", "tags") if given.get(name) is not None}
    kept = {name.rstrip("?") for name in KEPT}
    more = body["more"] | {name: value for name, value in given.items() if name in kept}
    changed = body | own | {"more": more}
    if "tags" in own:
        changed["tags"] = sorted(dict.fromkeys(own["tags"]))
    keep(call, changed)
    return changed


def _invalid(name: str) -> ApiError:
    message = f"Invalid value specified for property '{name}' of resource 'Application'."
    return ApiError(400, "Request_BadRequest", message)


def _update(call: Call) -> Response:
    """With `Prefer: create-if-missing` and a uniqueName as key it is an upsert."""
    name, value = odata.split_key(call.params["key"])
    upsert = "create-if-missing" in call.request.headers.get("prefer", "")
    if upsert and name == "uniqueName" and _by_unique_name(call, value) is None:
        return _made(call, _new(call, call.body, value))
    _changed(call, find_to_change(call), call.body)
    return Response(204)


def _delete(call: Call) -> Response:
    """Soft: the application waits among the deleted items for 30 days, its service principal with it."""
    body = find(call)
    rights.check_may_change(call, body)
    principal = find_principal(call.store, body["appId"])
    if principal is not None:
        call.store.delete("directory.servicePrincipal", principal["id"])
    call.store.delete("directory.application", body["id"])
    item = body | {"deletedAt": call.now, "principal": principal}
    call.store.put("directory.deletedApplication", body["id"], item)
    return Response(204)


def _owners(call: Call) -> Response:
    users = [call.store.get("directory.user", object_id) for object_id in find(call)["owners"]]
    shown = [views.typed("user", views.user(call, user)) for user in users if user is not None]
    return odata.page(call, OBJECT, shown)


def _deleted(call: Call) -> Response:
    bodies = call.store.all("directory.deletedApplication")
    return odata.page(call, APPLICATION, [views.application(call, body) for body in bodies])


def _deleted_item(call: Call) -> Document:
    body = call.store.get("directory.deletedApplication", call.params["id"].lower())
    if body is None:
        raise missing(call.params["id"])
    rights.check_may_change(call, body)
    return body


def _restore(call: Call) -> Response:
    item = _deleted_item(call)
    call.store.delete("directory.deletedApplication", item["id"])
    body = {name: value for name, value in item.items() if name not in ("deletedAt", "principal")}
    keep(call, body)
    if item["principal"]:
        call.store.put("directory.servicePrincipal", item["principal"]["id"], item["principal"])
    return Response(200, views.application(call, body))


def _purge(call: Call) -> Response:
    item = _deleted_item(call)
    for credential in item["passwordCredentials"]:
        secrets.forget(call.store, credential["keyId"])
    call.store.delete("directory.deletedApplication", item["id"])
    return Response(204)
