"""The token endpoint, v1 and v2: each grant type that the SDKs and the program use."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.entra import assertions, errors
from dbxwizard.sandbox.entra.directory import (
    ANY_TENANT,
    FIRST_PARTY_CLIENTS,
    find_application,
    find_principal,
    find_user,
    is_tenant,
)
from dbxwizard.sandbox.entra.issue import (
    Asked,
    application_answer,
    asked_by_resource,
    asked_by_scope,
    digest,
    person_answer,
)
from dbxwizard.sandbox.entra.secrets import matches
from dbxwizard.sandbox.http import Call, Response, Service
from dbxwizard.sandbox.store import Document

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
# Entra ignores form fields that it does not know (telemetry of MSAL, for one), so no field is refused here.
_FORM = {"grant_type": str, "*": str}


def register(service: Service) -> None:
    @service.route("POST", "/{tenant}/oauth2/v2.0/token", body=_FORM, public=True)
    def token(call: Call) -> Response:
        return _answer(call, 2)

    @service.route("POST", "/{tenant}/oauth2/token", body=_FORM, public=True)
    def token_v1(call: Call) -> Response:
        return _answer(call, 1)


def check_tenant(name: str) -> None:
    if not is_tenant(name) and name.lower() not in ANY_TENANT:
        raise errors.unknown_tenant(name)


def require(call: Call, name: str) -> str:
    value = str(call.body.get(name, ""))
    if not value:
        raise errors.missing_parameter(name)
    return value


def check_public_client(call: Call, client_id: str) -> None:
    """People sign in to the provider's own clients; an application of the tenant has nobody's consent."""
    if client_id in FIRST_PARTY_CLIENTS:
        return
    application = find_application(call.store, client_id)
    if application is None:
        raise errors.unknown_client(client_id)
    raise errors.no_consent(client_id, application["displayName"])


def _answer(call: Call, version: int) -> Response:
    check_tenant(call.params["tenant"])
    grant_type = call.body["grant_type"]
    grant = _GRANTS.get(grant_type)
    if grant is None:
        raise errors.aadsts(
            70003, f"The app requested an unsupported grant type '{grant_type}'.", error="unsupported_grant_type"
        )
    return Response(200, grant(call, version))


def _asked(call: Call, version: int, scope: str = "") -> Asked:
    return asked_by_resource(call) if version == 1 else asked_by_scope(call, scope or call.body.get("scope", ""))


def _client_credentials(call: Call, version: int) -> Document:
    client_id = require(call, "client_id").lower()
    if not is_tenant(call.params["tenant"]):
        raise errors.aadsts(
            50059,
            "No tenant-identifying information found in either the request or implied by any provided credentials.",
        )
    application = find_application(call.store, client_id)
    if application is None:
        raise errors.no_credential() if client_id in FIRST_PARTY_CLIENTS else errors.unknown_client(client_id)
    _check_credential(call, application)
    asked = _asked(call, version)
    if asked.permissions != (".default",):
        raise errors.aadsts(
            1002012,
            f"The provided value for scope {call.body.get('scope', '')} is not valid. Client credential flows must "
            "have a scope value with /.default suffixed to the resource identifier (application ID URI).",
            error="invalid_scope",
        )
    return application_answer(call, asked, _principal(call, client_id))


def _principal(call: Call, client_id: str) -> Document:
    principal = find_principal(call.store, client_id)
    if principal is None:
        raise errors.no_principal(client_id)
    if principal["createdAt"] + call.seconds("principal.replicate") > call.now:
        raise errors.unknown_client(client_id)
    return principal


def _check_credential(call: Call, application: Document) -> None:
    if call.body.get("client_assertion"):
        assertions.check(call, application)
    elif call.body.get("client_secret"):
        _check_secret(call, application)
    else:
        raise errors.no_credential()


def _check_secret(call: Call, application: Document) -> None:
    given = call.body["client_secret"]
    replicated = call.now - call.seconds("client-secret.replicate")
    for credential in application["passwordCredentials"]:
        if matches(call.store, credential["keyId"], given) and credential["createdAt"] <= replicated:
            if credential["endAt"] <= call.now:
                raise errors.expired_secret(application["appId"])
            return
    raise errors.wrong_secret(application["appId"])


def _device_code(call: Call, version: int) -> Document:
    client_id, code = require(call, "client_id"), require(call, "device_code")
    check_public_client(call, client_id)
    session = call.store.get("_device", digest(code))
    if session is None or session["client"] != client_id:
        raise errors.aadsts(70018, "Invalid verification code.", error="bad_verification_code")
    if session["expires"] <= call.now:
        raise errors.aadsts(
            70020,
            "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
            error="expired_token",
        )
    if not session["user"]:
        raise errors.aadsts(
            70016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
            error="authorization_pending",
        )
    _check_policy(call)
    call.store.delete("_device", digest(code))
    return person_answer(call, _asked(call, version, session["scope"]), _user(call, session["user"]), client_id)


def _check_policy(call: Call) -> None:
    """Many tenants do not let the device code flow in (setting `entra`, `block_device_code`)."""
    if (call.store.get("_setting", "entra") or {}).get("block_device_code"):
        raise errors.blocked_by_policy()


def _authorization_code(call: Call, version: int) -> Document:
    client_id, code = require(call, "client_id"), require(call, "code")
    check_public_client(call, client_id)
    session = call.store.get("_code", digest(code))
    if session is None or session["client"] != client_id or session["redirect_uri"] != call.body.get("redirect_uri"):
        raise errors.aadsts(70000, "The provided value for the 'code' parameter is not valid.", error="invalid_grant")
    if session["redeemed"]:
        raise errors.aadsts(
            54005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
            "refresh token.",
            error="invalid_grant",
        )
    if session["expires"] <= call.now:
        raise errors.aadsts(
            70008, "The provided authorization code or refresh token has expired.", error="invalid_grant"
        )
    _check_verifier(session["challenge"], str(call.body.get("code_verifier", "")))
    call.store.put("_code", digest(code), session | {"redeemed": True})
    asked = _asked(call, version, session["scope"])
    return person_answer(call, asked, _user(call, session["user"]), client_id, session["nonce"])


def _check_verifier(challenge: str, verifier: str) -> None:
    """RFC 7636, method S256."""
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    if challenge and made != challenge:
        raise errors.aadsts(
            501481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
            error="invalid_grant",
        )


def _refresh_token(call: Call, version: int) -> Document:
    """A refresh token is for one client and every resource that it may use."""
    client_id, token = require(call, "client_id"), require(call, "refresh_token")
    check_public_client(call, client_id)
    session = call.store.get("_refresh", digest(token))
    if session is None or session["client"] != client_id:
        raise errors.aadsts(9002313, "Invalid request. Request is malformed or invalid.", error="invalid_grant")
    if session["expires"] <= call.now:
        raise errors.aadsts(700082, "The refresh token has expired due to inactivity.", error="invalid_grant")
    return person_answer(call, _asked(call, version), _user(call, session["user"]), client_id)


def _user(call: Call, object_id: str) -> Document:
    user = find_user(call.store, object_id)
    if user is None:
        raise errors.aadsts(
            50034,
            f"The user account does not exist in the {tokens.TENANT_ID} directory. To sign into this application, the "
            "account must be added to the directory.",
            error="invalid_grant",
        )
    return user


_GRANTS: dict[str, Callable[[Call, int], Document]] = {
    "client_credentials": _client_credentials,
    DEVICE_CODE: _device_code,
    "device_code": _device_code,  # the name that the v1 endpoint uses
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
}
