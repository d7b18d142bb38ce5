"""How a person signs in: the authorization code flow with PKCE, and the device code flow.

The pages that a person would see are plain forms. Their targets `…/authorize/approve` and `…/deviceauth/approve` exist
in the sandbox alone: there is no password, a person of the directory is named and signed in.
"""

from __future__ import annotations

import secrets
from html import escape
from urllib.parse import urlencode, urlsplit

from dbxwizard.sandbox.entra import errors
from dbxwizard.sandbox.entra.directory import ADA, TENANT_DISPLAY_NAME, find_user
from dbxwizard.sandbox.entra.grants import check_public_client, check_tenant, require
from dbxwizard.sandbox.entra.issue import asked_by_scope, digest
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_DEVICE_CODE_LIFETIME = 900  # seconds; learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
_CODE_LIFETIME = 600.0  # seconds; …/v2-oauth2-auth-code-flow
_USER_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
# What an authorize request may say and its form hands on. Entra ignores other parameters.
_AUTHORIZE = (
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "response_mode",
    "code_challenge",
    "code_challenge_method",
)


def register(service: Service) -> None:
    service.route("GET", "/{tenant}/oauth2/v2.0/authorize", public=True)(_authorize)
    service.route("POST", "/{tenant}/oauth2/v2.0/authorize/approve", body={"upn": str, "*": str}, public=True)(
        _approve_code
    )
    service.route("POST", "/{tenant}/oauth2/v2.0/devicecode", body={"client_id": str, "*": str}, public=True)(
        _device_code
    )
    service.route("GET", "/{tenant}/oauth2/v2.0/deviceauth", public=True)(_device_page)
    approval = {"user_code": str, "upn": str}
    service.route("POST", "/{tenant}/oauth2/v2.0/deviceauth/approve", body=approval, public=True)(_approve_device)


def _authorize(call: Call) -> Response:
    _check_authorize(call, dict(call.query))
    fields = {name: call.query[name] for name in _AUTHORIZE if name in call.query}
    fields["upn"] = call.query.get("login_hint", ADA)
    return _page("Sign in to the sandbox", _form(f"{call.request.path}/approve", fields, f"Sign in as {fields['upn']}"))


def _check_authorize(call: Call, parameters: dict[str, str]) -> None:
    check_tenant(call.params["tenant"])
    for name in ("client_id", "response_type", "redirect_uri", "scope"):
        if not parameters.get(name):
            raise errors.missing_parameter(name)
    check_public_client(call, parameters["client_id"])
    if parameters["response_type"] != "code":
        raise errors.aadsts(
            700051,
            f"response_type '{parameters['response_type']}' is not enabled for the application.",
            error="unsupported_response_type",
        )
    target = urlsplit(parameters["redirect_uri"])
    if target.scheme != "http" or target.hostname not in _LOOPBACK:
        raise errors.aadsts(
            50011,
            f"The redirect URI '{parameters['redirect_uri']}' specified in the request does not match the redirect "
            f"URIs configured for the application '{parameters['client_id']}'.",
        )
    if parameters.get("code_challenge") and parameters.get("code_challenge_method") != "S256":
        raise errors.aadsts(501491, "Invalid size or method of Code_Challenge parameter.")
    asked_by_scope(call, parameters["scope"])


def _approve_code(call: Call) -> Response:
    fields: dict[str, str] = call.body
    _check_authorize(call, fields)
    code = secrets.token_urlsafe(48)
    session = {
        "client": fields["client_id"],
        "redirect_uri": fields["redirect_uri"],
        "scope": fields["scope"],
        "nonce": fields.get("nonce", ""),
        "challenge": fields.get("code_challenge", ""),
        "user": _person(call)["id"],
        "expires": call.now + _CODE_LIFETIME,
        "redeemed": False,
    }
    call.store.put("_code", digest(code), session)
    answer = {"code": code, "state": fields.get("state", "")}
    if fields.get("response_mode") == "form_post":
        form = _form(fields["redirect_uri"], answer, "Continue")
        return _page("Signed in", form + "<script>document.forms[0].submit()</script>")
    return Response(302, None, {"Location": f"{fields['redirect_uri']}?{urlencode(answer)}"})


def _person(call: Call) -> Document:
    user = find_user(call.store, call.body["upn"])
    if user is None:
        raise errors.aadsts(
            50034,
            f"The user account {call.body['upn']} does not exist in the {TENANT_DISPLAY_NAME} directory. To sign into "
            "this application, the account must be added to the directory.",
        )
    return user


def _device_code(call: Call) -> Response:
    check_tenant(call.params["tenant"])
    client_id, scope = require(call, "client_id"), call.body.get("scope", "")
    check_public_client(call, client_id)
    asked_by_scope(call, scope)
    code, user_code = secrets.token_urlsafe(48), "".join(secrets.choice(_USER_CODE_LETTERS) for _ in range(9))
    session = {
        "client": client_id,
        "scope": scope,
        "user_code": user_code,
        "user": "",
        "expires": call.now + _DEVICE_CODE_LIFETIME,
    }
    call.store.put("_device", digest(code), session)
    page = f"{call.url('login')}/{call.params['tenant']}/oauth2/v2.0/deviceauth"
    return Response(
        200,
        {
            "user_code": user_code,
            "device_code": code,
            "verification_uri": page,
            "expires_in": _DEVICE_CODE_LIFETIME,
            "interval": 5,
            "message": f"To sign in, use a web browser to open the page {page} and enter the code {user_code} to "
            "authenticate.",
        },
    )


def _device_page(call: Call) -> Response:
    check_tenant(call.params["tenant"])
    inputs = f'Code <input name="user_code"> Person <input name="upn" value="{ADA}">'
    form = f'<form method="post" action="{escape(call.request.path)}/approve">{inputs} <button>Sign in</button></form>'
    return _page("Sign in on your other device", form)


def _approve_device(call: Call) -> Response:
    check_tenant(call.params["tenant"])
    user, typed = _person(call), call.body["user_code"].strip().upper()
    found = next(
        (
            (key, session)
            for key, session in call.store.find("_device")
            if session["user_code"] == typed and session["expires"] > call.now
        ),
        None,
    )
    if found is None:
        raise errors.aadsts(70018, "Invalid verification code due to User typing in wrong user code.")
    key, session = found
    call.store.put("_device", key, session | {"user": user["id"]})
    return _page("Signed in", f"<p>{escape(user['userPrincipalName'])} is signed in on the other device.</p>")


def _form(action: str, fields: dict[str, str], button: str) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    return f'<form method="post" action="{escape(action)}">{hidden}<button>{escape(button)}</button></form>'


def _page(title: str, content: str) -> Response:
    text = f"<!doctype html><title>{escape(title)}</title><h1>{escape(title)}</h1>{content}"
    return Response(200, text, {"Content-Type": "text/html; charset=utf-8"})


def error_page(error: ApiError) -> Response:
    """What a person sees where a program would get JSON."""
    page = _page("Sorry, but we're having trouble signing you in", f"<p>{escape(error.message)}</p>")
    page.status = error.status
    return page
