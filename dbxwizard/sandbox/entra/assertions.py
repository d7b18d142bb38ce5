"""Client assertions: tokens of another issuer that an application trusts (workload identity federation)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jwt

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.entra import errors
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SKEW = 300.0  # seconds; Entra's tolerance for clocks that differ


def check(call: Call, application: Document) -> None:
    """Raises ApiError unless the request's assertion is one that `application` trusts now."""
    if call.body.get("client_assertion_type") != ASSERTION_TYPE:
        raise errors.aadsts(90100, "client_assertion_type parameter is empty or not valid.")
    assertion = call.body["client_assertion"]
    try:
        claims = tokens.unverified(assertion)
    except jwt.InvalidTokenError as error:
        raise errors.aadsts(50027, "JWT token is invalid or malformed.", error="invalid_client", status=401) from error
    _match(call, application, claims)
    _verify(call, assertion, claims)


def _match(call: Call, application: Document, claims: Mapping[str, Any]) -> None:
    trusted = [found for one in application["federatedIdentityCredentials"] if (found := in_force(one, call.now))]
    if not trusted:
        raise errors.no_federation(application["appId"], application["displayName"])
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    of_issuer = [one for one in trusted if issuer_url(call, one["issuer"]) == issuer]
    if not of_issuer:
        raise errors.no_match(700211, "issuer", issuer)
    of_subject = [one for one in of_issuer if one["subject"] == subject]
    if not of_subject and any(one["subject"].lower() == subject.lower() for one in of_issuer):
        raise errors.case_differs(subject)
    if not of_subject:
        raise errors.no_match(700213, "subject", subject)
    audiences = claims.get("aud", "")
    presented = [str(one) for one in (audiences if isinstance(audiences, list) else [audiences])]
    if not any(set(presented) & set(one["audiences"]) for one in of_subject):
        raise errors.no_match(700212, "audience", ", ".join(presented))


def in_force(credential: Document, now: float) -> Document | None:
    """The credential as sign-in knows it by now: a new one not yet, a changed one still as it was."""
    if credential["effectiveAt"] <= now:
        return credential
    previous: Document | None = credential.get("previous")
    return previous


def issuer_url(call: Call, issuer: str) -> str:
    """The issuer as others see it. One that is a host of the sandbox is kept as `host:NAME`, because ports may move."""
    kind, _, name = issuer.partition(":")
    return call.url(name) if kind == "host" else issuer


def kept_issuer(call: Call, url: str) -> str:
    """The form of an issuer's url that the state keeps."""
    return "host:oidc" if url == call.url("oidc") else url


def _verify(call: Call, assertion: str, claims: Mapping[str, Any]) -> None:
    """By the key set that the issuer publishes; the only one within reach is the sandbox's GitHub."""
    if claims["iss"] != call.url("oidc"):
        raise errors.aadsts(50166, f"Request to External OIDC endpoint failed: {claims['iss']}.", status=401)
    if not tokens.is_signed_by(call.store, "oidc", assertion):
        raise errors.aadsts(50013, "Assertion failed signature validation.", error="invalid_client", status=401)
    begins, ends = _number(claims.get("nbf"), 0.0), _number(claims.get("exp"), 0.0)
    if not begins - _SKEW <= call.now <= ends + _SKEW:
        raise errors.aadsts(
            700024,
            f"Client assertion is not within its valid time range. Current time: {_iso(call.now)}, assertion valid "
            f"from {_iso(begins)}, expiry time of assertion {_iso(ends)}.",
            error="invalid_client",
            status=401,
        )


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime(at))
