"""What azure-core, azure-identity, requests and aiohttp raise, as the few errors that the engine knows.

Imports none of them by itself: an exception is known by what it carries, or by its class when its package is loaded
already. So any client may use this module without paying for the SDKs of the others.
"""

from __future__ import annotations

import email.utils
import json
import re
import ssl
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Unpack

from dbxwizard.core.errors import (
    AboutService,
    Conflict,
    Forbidden,
    NotFound,
    NotSignedIn,
    NotYet,
    OperationError,
    ServiceError,
    Transient,
)

# Codes that mean "not yet" while what they need replicates (platform facts, 12); the engine knows for how long.
REPLICATING = frozenset(
    {
        "AuthorizationFailed",  # learn.microsoft.com/azure/role-based-access-control/troubleshooting
        "LinkedAuthorizationFailed",
        "PrincipalNotFound",
        "ForbiddenByRbac",  # Key Vault puts it into error.innererror.code
        "AADSTS70021",  # no matching federated identity record found
        "AADSTS700213",  # the same, since it names the subject
        "AADSTS700211",  # the same for the issuer
        "AADSTS70025",  # no federated credential at all: the first one was made a moment ago
        "AADSTS700016",  # an application that was made a moment ago
        "AADSTS7000229",  # its service principal was
        "AADSTS7000215",  # a client secret that was made a moment ago
    }
)
# Answers after which the same request may succeed: RFC 9110, and what Azure's own retry policy takes for passing.
PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504})
_SDKS = ("azure.", "databricks.sdk.", "msal.", "msrest.")
_AADSTS = re.compile(r"AADSTS\d+")
_UNKNOWN_AUTHORITY = re.compile(r"Unable to get authority configuration for (\S+?)\.?\s")  # MSAL's words
_ACTION = re.compile(r"perform action(?:\(s\))? '([^']+)'")
_SCOPE = re.compile(r"scope(?:\(s\))? '([^']+)'")


class NotAllowedYet(NotYet):
    """A right that may still replicate; `action` and `scope` as in Forbidden, which it becomes when it is final."""

    exit_code = 3

    def __init__(
        self, code: str, message: str, *, action: str = "", scope: str = "", **about: Unpack[AboutService]
    ) -> None:
        super().__init__(code, message, **about)
        self.action = action
        self.scope = scope


@contextmanager
def translated(resource: str = "") -> Iterator[None]:
    """Raises what a block of SDK calls raises as a core error about `resource`; programming errors pass."""
    try:
        yield
    except Exception as error:
        known = translate(error, resource)
        if known is None or known is error:
            raise
        raise known from error


def translate(error: Exception, resource: str = "") -> OperationError | None:
    """`error` as a core error; None for an exception that no user, network or service can cause."""
    if isinstance(error, OperationError):
        return error
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None) or 0
    if _is(error, "azure.core.exceptions", "DecodeError", "DeserializationError") or _unreadable(error):
        return _unreadable_answer(error, status, resource)
    if status:
        return _from_response(error, response, status, resource)
    if _is(error, "azure.core.exceptions", "ClientAuthenticationError"):
        return _sign_in_failed(error, resource)
    return _from_connection(error, resource)


def service_error(
    status: int, code: str, message: str, *, resource: str = "", headers: Mapping[str, str] | None = None
) -> OperationError:
    """The core error for an answer of `status` with the service's `code` and `message`.

    401 is NotSignedIn, 403 Forbidden, 404 and 410 NotFound, 409 and 412 Conflict, those of PASSING_STATUS Transient,
    and a code of REPLICATING a NotYet whatever the status. A condition that is not fulfilled stays so: it is no NotYet.
    """
    if code in REPLICATING and "ABAC condition" not in message:
        action, scope = action_and_scope(message)
        return NotAllowedYet(code, message, resource=resource, status=status, action=action, scope=scope)
    if status in PASSING_STATUS:
        wait = retry_after(headers or {})
        return Transient(code, message, resource=resource, status=status, retry_after=wait)
    if status == 401:
        return NotSignedIn(code, message, resource=resource)
    if status == 403:
        action, scope = action_and_scope(message)
        return Forbidden(code, message, resource=resource, status=status, action=action, scope=scope)
    kinds: dict[int, type[ServiceError]] = {404: NotFound, 410: NotFound, 409: Conflict, 412: Conflict}
    return kinds.get(status, ServiceError)(code, message, resource=resource, status=status)


def action_and_scope(message: str) -> tuple[str, str]:
    """The action and the scope that a message of Resource Manager names ("" where it names none)."""
    actions, scopes = _ACTION.findall(message), _SCOPE.findall(message)
    # LinkedAuthorizationFailed names what is allowed first and what lacks last.
    return actions[-1] if actions else "", scopes[-1] if scopes else ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait: `retry-after-ms`, else `Retry-After` as a number or as a date (RFC 9110)."""
    lower = {name.lower(): value for name, value in headers.items()}
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if name in lower and _number(lower[name]) is not None:
            return float(lower[name]) / 1000
    value = lower.get("retry-after", "")
    number = _number(value)
    if number is not None:
        return max(0.0, number)
    when = email.utils.parsedate_tz(value) if value else None
    return max(0.0, email.utils.mktime_tz(when) - time.time()) if when else None


def error_body(text: str) -> tuple[str, str]:
    """Code and message of a JSON error body in the form of ARM, Graph, Key Vault or Entra; ("", "") of any other."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    if isinstance(body.get("error_description"), str):
        message = str(body["error_description"])
        return _aadsts(message) or str(body.get("error", "")), message
    error = body.get("error", body)
    if not isinstance(error, dict):
        return "", ""
    inner = error.get("innererror") or error.get("innerError")
    inner_code = inner.get("code") if isinstance(inner, dict) else None
    code = inner_code if inner_code in REPLICATING else error.get("code")
    return str(code or ""), str(error.get("message") or "")


def _from_response(error: Exception, response: Any, status: int, resource: str) -> OperationError:
    code, message = error_body(_text(response))
    headers = dict(getattr(response, "headers", None) or {})
    message = message or getattr(error, "message", "") or str(error)
    if _aadsts(code):
        return _entra_error(code, message, status, resource, headers)
    return service_error(status, code or f"http-{status}", message, resource=resource, headers=headers)


def _entra_error(
    code: str, message: str, status: int, resource: str, headers: Mapping[str, str] | None = None
) -> OperationError:
    """An error of the token endpoint, which answers 400 or 401 whatever the reason."""
    if code in REPLICATING or status in PASSING_STATUS:
        return service_error(status, code, message, resource=resource, headers=headers)
    return NotSignedIn(code, message, resource=resource)


def _sign_in_failed(error: Exception, resource: str) -> OperationError:
    """azure-identity wraps what happened below it; a lost connection must stay one."""
    cause = error.__cause__
    if isinstance(cause, Exception):
        below = translate(cause, resource)
        if below is not None:
            return below
    message = str(error).removeprefix("Authentication failed: ")
    code = _aadsts(message)
    if code:
        return _entra_error(code, message, 401, resource)
    authority = _UNKNOWN_AUTHORITY.search(message)
    if authority:
        unknown = f"{authority[1]} is no tenant that can be signed in to"
        return NotSignedIn("unknown-tenant", unknown, resource=resource, fix="check the tenant's id, and --cloud")
    return NotSignedIn("sign-in-failed", message, resource=resource)


def _from_connection(error: Exception, resource: str) -> OperationError | None:
    reason = _reason(error)
    if (
        any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))
        or "CERTIFICATE_VERIFY" in reason
    ):
        return ServiceError(
            "certificate-untrusted",
            f"the certificate of the service is not trusted: {reason}",
            resource=resource,
            fix="set REQUESTS_CA_BUNDLE to the certificates of your network's proxy",
        )
    if _timed_out(error):
        return Transient("timeout", f"no answer in time: {reason}", resource=resource)
    if _lost(error):
        return Transient("connection-failed", f"the service cannot be reached: {reason}", resource=resource)
    return None


def _timed_out(error: Exception) -> bool:
    return (
        isinstance(error, TimeoutError)
        or _is(error, "azure.core.exceptions", "ServiceRequestTimeoutError", "ServiceResponseTimeoutError")
        or _is(error, "requests.exceptions", "Timeout")
    )


def _lost(error: Exception) -> bool:
    return (
        isinstance(error, ConnectionError | ssl.SSLError)
        or _is(error, "azure.core.exceptions", "ServiceRequestError", "ServiceResponseError", "StreamClosedError")
        or _is(error, "requests.exceptions", "ConnectionError", "ChunkedEncodingError", "ContentDecodingError")
        or _is(error, "aiohttp.client_exceptions", "ClientError")
        or _is(error, "urllib3.exceptions", "HTTPError")
    )


def _unreadable(error: Exception) -> bool:
    return (
        isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
        or _is(error, "requests.exceptions", "JSONDecodeError")
        or _stumbled(error)
    )


def _stumbled(error: Exception) -> bool:
    """Whether an SDK used the body of an answer that had none: those generated by AutoRest take it to be there."""
    if not isinstance(error, AttributeError | TypeError) or "'NoneType'" not in str(error):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith(_SDKS)


def _unreadable_answer(error: Exception, status: int, resource: str) -> OperationError:
    """Nobody's answer: a proxy's page, an empty one, or one that was cut off. Reading again may help."""
    reason = "it is empty" if _stumbled(error) else _reason(error)
    return Transient(
        "answer-unreadable",
        f"the answer is not what the service sends: {reason}",
        resource=resource,
        status=status,
    )


def _is(error: Exception, module: str, *names: str) -> bool:
    loaded = sys.modules.get(module)
    kinds = tuple(kind for name in names if loaded and isinstance(kind := getattr(loaded, name, None), type))
    return bool(kinds) and isinstance(error, kinds)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = getattr(error, "inner_exception", None)
        nested = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = error.__cause__ or inner or nested or error.__context__


def _reason(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error).strip() or type(error).__name__
    return text.splitlines()[0][:500]


def _text(response: Any) -> str:
    """The body of a response of azure-core (text is a method) or requests (text is a property)."""
    try:
        text = response.text() if callable(response.text) else response.text
    except Exception:  # the body was cut off, not read, or is no text: then it says nothing
        return ""
    return str(text)


def _aadsts(text: str) -> str:
    found = _AADSTS.search(text)
    return found.group(0) if found else ""


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
