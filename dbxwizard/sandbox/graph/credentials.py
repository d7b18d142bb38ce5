"""An application's credentials: client secrets, and the issuers that it trusts.

Sources: learn.microsoft.com/graph/api/application-addpassword, application-removepassword,
application-post-federatedidentitycredentials, resources/federatedidentitycredential.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from dbxwizard.sandbox.entra import secrets
from dbxwizard.sandbox.entra.assertions import in_force, kept_issuer
from dbxwizard.sandbox.graph import odata, views
from dbxwizard.sandbox.graph.applications import READ, WRITE, find, find_to_change, keep
from dbxwizard.sandbox.graph.people import missing
from dbxwizard.sandbox.graph.views import CREDENTIAL
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

LIMIT = 20  # federated credentials of one application
_TWO_YEARS = 2 * 365.25 * 86400
_FRIENDLY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}")
_PASSWORD = {"displayName?": str, "startDateTime?": str, "endDateTime?": str, "customKeyIdentifier?": str}
_TRUST = {"name?": str, "issuer?": str, "subject?": str, "audiences?": [str], "description?": str, "@odata.type?": str}
_NEW_TRUST = {"name": str, "issuer": str, "subject": str, "audiences": [str], "description?": str, "@odata.type?": str}


def register(service: Service) -> None:
    base = "/v1.0/applications/{key}"
    trusts = f"{base}/federatedIdentityCredentials"
    password = {"passwordCredential?": _PASSWORD}
    service.route("POST", f"{base}/addPassword", body=password, action=WRITE)(_add_password)
    service.route("POST", f"{base}/removePassword", body={"keyId": str}, action=WRITE)(_remove_password)
    service.route("GET", trusts, action=READ)(_list)
    service.route("POST", trusts, body=_NEW_TRUST, action=WRITE)(_create)
    service.route("GET", trusts + "/{credential}", action=READ)(_get)
    service.route("PATCH", trusts + "/{credential}", body=_TRUST, action=WRITE)(_update)
    service.route("DELETE", trusts + "/{credential}", action=WRITE)(_delete)


def _refused(message: str) -> ApiError:
    return ApiError(400, "Request_BadRequest", message)


def _add_password(call: Call) -> Response:
    application = find_to_change(call)
    given = call.body.get("passwordCredential") or {}
    key_id = call.new_id("password", f"{application['id']}/{given.get('displayName') or ''}")
    secret = secrets.make(call.store, key_id)
    starts = _time(given.get("startDateTime"), call.now)
    ends = _time(given.get("endDateTime"), starts + _TWO_YEARS)
    if ends <= starts:
        raise _refused("Credential end date must be later than its start date.")
    body = {
        "keyId": key_id,
        "displayName": given.get("displayName"),
        "hint": secret[:3],
        "createdAt": call.now,
        "startAt": starts,
        "endAt": ends,
    }
    keep(call, application | {"passwordCredentials": [*application["passwordCredentials"], body]})
    context = f"{call.url('graph')}/v1.0/$metadata#microsoft.graph.passwordCredential"
    return Response(200, {"@odata.context": context} | views.password(body) | {"secretText": secret})


def _time(text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'."
        raise _refused(message) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _remove_password(call: Call) -> Response:
    application, key_id = find_to_change(call), call.body["keyId"].lower()
    left = [one for one in application["passwordCredentials"] if one["keyId"] != key_id]
    if len(left) == len(application["passwordCredentials"]):
        raise _refused(f"No password credential found with keyId '{key_id}'.")
    secrets.forget(call.store, key_id)
    keep(call, application | {"passwordCredentials": left})
    return Response(204)


def _list(call: Call) -> Response:
    bodies = find(call)["federatedIdentityCredentials"]
    path = f"applications('{call.params['key']}')/federatedIdentityCredentials"
    return odata.page(call, CREDENTIAL, [views.federated_credential(call, one) for one in bodies], path=path)


def _get(call: Call) -> Response:
    return odata.one(call, CREDENTIAL, views.federated_credential(call, _find(call, find(call))))


def _find(call: Call, application: Document) -> Document:
    """By id, by name, or by `name=…`."""
    key = call.params["credential"].removeprefix("name=")
    bodies = application["federatedIdentityCredentials"]
    body = next((one for one in bodies if key in (one["id"], one["name"])), None)
    if body is None:
        raise missing(key)
    return dict(body)


def _create(call: Call) -> Response:
    application = find_to_change(call)
    bodies = application["federatedIdentityCredentials"]
    key_id = call.new_id("federatedIdentityCredential", f"{application['id']}/{call.body['name']}")
    body = {"id": key_id, "description": None, **_given(call), "effectiveAt": _effective_at(call)}
    _check(body, bodies)
    if len(bodies) >= LIMIT:
        raise _refused(f"The application has the maximum number of {LIMIT} federated identity credentials.")
    keep(call, application | {"federatedIdentityCredentials": [*bodies, body]})
    context = f"{call.url('graph')}/v1.0/$metadata#{CREDENTIAL.path}/$entity"
    return Response(201, {"@odata.context": context} | views.federated_credential(call, body))


def _effective_at(call: Call) -> float:
    return call.now + call.seconds("federated-credential.replicate")


def _given(call: Call) -> Document:
    given = {name: value for name, value in call.body.items() if not name.startswith("@")}
    if "issuer" in given:
        given["issuer"] = kept_issuer(call, given["issuer"])
    return given


def _check(body: Document, others: list[Document]) -> None:
    if not _FRIENDLY_NAME.fullmatch(body["name"]):
        raise _refused("Invalid value specified for property 'name' of resource 'FederatedIdentityCredential'.")
    for name in ("issuer", "subject"):
        if not 1 <= len(body[name]) <= 600:
            raise _refused(f"Invalid value specified for property '{name}' of resource 'FederatedIdentityCredential'.")
    if len(body["audiences"]) != 1:
        raise _refused("Invalid value specified for property 'audiences' of resource 'FederatedIdentityCredential'.")
    for one in (one for one in others if one["id"] != body["id"]):
        if one["name"] == body["name"]:
            raise _taken(f"name {body['name']}")
        if (one["issuer"], one["subject"]) == (body["issuer"], body["subject"]):
            raise _taken("the same issuer and subject")


def _taken(what: str) -> ApiError:
    message = f"FederatedIdentityCredential with {what} already exists."
    return ApiError(409, "Request_MultipleObjectsWithSameKeyValue", message)


def _update(call: Call) -> Response:
    application = find_to_change(call)
    body = _find(call, application)
    changed = body | _given(call)
    if changed["name"] != body["name"]:
        raise _refused("Name is immutable and cannot be changed after creation.")
    if changed != body:
        changed |= {"effectiveAt": _effective_at(call), "previous": _previous(call, body)}
    bodies = application["federatedIdentityCredentials"]
    _check(changed, bodies)
    replaced = [changed if one["id"] == body["id"] else one for one in bodies]
    keep(call, application | {"federatedIdentityCredentials": replaced})
    return Response(204)


def _previous(call: Call, body: Document) -> Document | None:
    """What sign-in goes by until the change has replicated."""
    known = in_force(body, call.now)
    return {name: value for name, value in known.items() if name != "previous"} if known else None


def _delete(call: Call) -> Response:
    application = find_to_change(call)
    body = _find(call, application)
    left = [one for one in application["federatedIdentityCredentials"] if one["id"] != body["id"]]
    keep(call, application | {"federatedIdentityCredentials": left})
    return Response(204)
