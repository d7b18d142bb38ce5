"""What the SDKs raise, as the engine sees it: the exceptions are the SDKs' own."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import requests
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
)

from dbxwizard.clients.errors import retry_after, service_error, translate, translated
from dbxwizard.core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    NotSignedIn,
    NotYet,
    OperationError,
    ServiceError,
    Transient,
)


class _Answer:
    """As much of a response of azure-core as HttpResponseError reads."""

    reason = "because"
    request = "GET the thing"

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.headers = headers or {}
        self._body = body if isinstance(body, str) else json.dumps(body)

    def text(self) -> str:
        return self._body


def _answered(status: int, body: Any, headers: dict[str, str] | None = None) -> OperationError:
    translation = translate(HttpResponseError(response=_Answer(status, body, headers)), "the thing")
    assert translation is not None
    return translation


def _error(code: str, message: str = "words", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "InvalidTemplate", ServiceError),
        (401, "InvalidAuthenticationToken", NotSignedIn),
        (403, "RequestDisallowedByPolicy", Forbidden),
        (404, "ResourceNotFound", NotFound),
        (409, "RoleAssignmentExists", Conflict),
        (412, "PreconditionFailed", Conflict),
        (429, "TooManyRequests", Transient),
        (500, "InternalServerError", Transient),
        (503, "ServiceUnavailable", Transient),
        (400, "PrincipalNotFound", NotYet),
        (403, "AuthorizationFailed", NotYet),
    ],
)
def test_status_and_code_decide_the_kind(status: int, code: str, kind: type[OperationError]) -> None:
    error = _answered(status, _error(code))
    assert type(error) is kind or (kind is NotYet and isinstance(error, NotYet))
    assert (error.code, error.message, error.resource) == (code, "words", "the thing")


def test_a_missing_right_names_action_and_scope() -> None:
    message = (
        "The client 'a' with object id 'b' does not have authorization to perform action "
        "'Microsoft.Resources/deployments/write' over scope '/subscriptions/s' or the scope is invalid."
    )
    error = _answered(403, _error("AuthorizationFailed", message))
    assert isinstance(error, NotYet)
    assert (error.action, error.scope, error.exit_code) == (  # type: ignore[attr-defined]
        "Microsoft.Resources/deployments/write",
        "/subscriptions/s",
        3,
    )


def test_a_linked_scope_names_what_lacks() -> None:
    message = (
        "The client has permission to perform action 'A/write' on scope '/one'; however, it does not have permission "
        "to perform action(s) 'B/join/action' on the linked scope(s) '/two' (respectively)."
    )
    error = service_error(403, "LinkedAuthorizationFailed", message)
    assert (error.action, error.scope) == ("B/join/action", "/two")  # type: ignore[attr-defined]


def test_a_condition_that_is_not_fulfilled_is_final() -> None:
    message = (
        "The client 'a' has an authorization with ABAC condition that is not fulfilled to perform action "
        "'Microsoft.Authorization/roleAssignments/write' over scope '/s'."
    )
    assert type(_answered(403, _error("AuthorizationFailed", message))) is Forbidden


def test_key_vault_says_in_the_inner_error_that_a_role_lacks() -> None:
    body = _error("Forbidden", "Caller is not authorized", innererror={"code": "ForbiddenByRbac"})
    error = _answered(403, body)
    assert isinstance(error, NotYet)
    assert error.code == "ForbiddenByRbac"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"retry-after-ms": "250", "Retry-After": "1"}, 0.25),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_service_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    error = _answered(429, _error("TooManyRequests"), headers)
    assert isinstance(error, Transient)
    assert error.retry_after == seconds == retry_after(headers)


@pytest.mark.parametrize("body", ["", "<html>", "[1, 2]", "null", '"text"', '{"error": "text"}', "[" * 5000])
def test_any_body_gives_an_error(body: str) -> None:
    assert _answered(403, body).code == "http-403"


@pytest.mark.parametrize(
    ("number", "kind"),
    [(700213, NotYet), (70025, NotYet), (700016, NotYet), (7002138, NotSignedIn), (7000222, NotSignedIn)],
)
def test_entra_is_known_by_its_number(number: int, kind: type[OperationError]) -> None:
    description = f"AADSTS{number}: words. Trace ID: 1"
    body = {"error": "invalid_client", "error_description": description, "error_codes": [number]}
    for error in (_answered(401, body), translate(ClientAuthenticationError(f"Authentication failed: {description}"))):
        assert isinstance(error, kind)
        assert (error.code, error.message) == (f"AADSTS{number}", description)
        assert error.exit_code == 3


def test_a_connection_lost_while_signing_in_is_no_refusal() -> None:
    wrapped = ClientAuthenticationError("Authentication failed: connection refused")
    wrapped.__cause__ = ServiceRequestError("connection refused")  # as azure-identity's wrap_exceptions does
    error = translate(wrapped)
    assert isinstance(error, Transient)
    assert error.code == "connection-failed"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (ServiceRequestError("no route"), "connection-failed"),
        (ServiceResponseError("reset"), "connection-failed"),
        (ServiceRequestTimeoutError("slow"), "timeout"),
        (TimeoutError(), "timeout"),
        (ConnectionResetError("reset"), "connection-failed"),
        (requests.ConnectionError("refused"), "connection-failed"),
        (requests.ReadTimeout("slow"), "timeout"),
        (requests.JSONDecodeError("bad", "doc", 0), "answer-unreadable"),
        (DecodeError("JSON is invalid"), "answer-unreadable"),
        (json.JSONDecodeError("bad", "doc", 0), "answer-unreadable"),
    ],
)
def test_what_has_no_answer_may_be_tried_again(raised: Exception, code: str) -> None:
    error = translate(raised)
    assert isinstance(error, Transient)
    assert error.code == code


@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: ServiceRequestError(e, error=e), requests.exceptions.SSLError])
def test_an_untrusted_certificate_is_final_and_says_what_to_do(wrap: Callable[[Exception], Exception]) -> None:
    error = translate(wrap(ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")))
    assert type(error) is ServiceError
    assert error.code == "certificate-untrusted"
    assert "REQUESTS_CA_BUNDLE" in error.fix


def test_a_block_is_translated_and_programming_errors_pass() -> None:
    with pytest.raises(NotFound, match="the vault"), translated("the vault"):
        raise HttpResponseError(response=_Answer(404, _error("NotFound")))
    with pytest.raises(ZeroDivisionError), translated("the vault"):
        _ = 1 / 0
    given = NotFound("mine", "as it was")
    with pytest.raises(NotFound) as caught, translated("the vault"):
        raise given
    assert caught.value is given


async def test_cancellation_is_not_translated() -> None:
    with pytest.raises(asyncio.CancelledError), translated("anything"):
        raise asyncio.CancelledError
