"""What the clients of Resource Manager have in common: one pipeline for every official SDK, and failed deployments."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Iterator
from typing import IO, Any, cast

from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import ContentDecodePolicy, HeadersPolicy, RequestIdPolicy, UserAgentPolicy
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.errors import service_error, translate
from dbxwizard.clients.identity import AsyncCredential, SignedIn
from dbxwizard.clients.transport import CloudTransport
from dbxwizard.core.errors import OperationError, SeveralErrors

Json = dict[str, Any]


def sdk_options(cloud: Cloud, signed_in: SignedIn, transport: CloudTransport) -> dict[str, Any]:
    """Keyword arguments of an azure-mgmt client: where it talks to, as whom, with which policies.

    No retry policy (the engine retries), and not the one that registers providers by itself (a step does).
    """
    credential = AsyncCredential(signed_in.credential)
    policies = [
        RequestIdPolicy(),
        HeadersPolicy(),
        UserAgentPolicy(base_user_agent="dbxwizard"),
        ContentDecodePolicy(),
        AsyncARMChallengeAuthenticationPolicy(credential, cloud.management_scope),
    ]
    return {
        "credential": credential,
        "base_url": cloud.resource_manager,
        "credential_scopes": [cloud.management_scope],
        "transport": transport,
        "policies": policies,
    }


def whole(response: Any, _parsed: Any, _headers: Any) -> Any:
    """For the `cls` argument of an operation: the answer as it came, with fields that the SDK does not know."""
    return response.http_response.json()


async def answered(call: Awaitable[Any]) -> Json:
    """The JSON object that an operation called with `cls=whole` answers."""
    return cast(Json, await call)


def as_body(value: Json) -> IO[bytes]:
    """A body as the SDKs take it beside their models: with fields that they do not know."""
    return io.BytesIO(json.dumps(value).encode())


def deployment_error(error: HttpResponseError, resource: str) -> OperationError:
    """What made a deployment fail, found below the envelopes that it comes in; several causes are SeveralErrors."""
    found = failure(_body(error), error.status_code or 0, resource) or translate(error, resource)
    if found is None:
        raise error
    return found


def failure(error: Json, status: int, resource: str) -> OperationError | None:
    """As `deployment_error`, for an error as an answer has it (a what-if tells of it in its result)."""
    causes = {(code, message): target for code, message, target in _leaves(error)}
    made = [
        service_error(_status_of(code, status), code, message, resource=target or resource)
        for (code, message), target in causes.items()
    ]
    if not made:
        return None
    return made[0] if len(made) == 1 else SeveralErrors(made)


def _status_of(code: str, status: int) -> int:
    """A cause has its own meaning, whatever the status of the answer that tells of it."""
    if status > 400:
        return status
    if code.endswith(("NotFound", "DoesNotExist")):
        return 404
    if code.endswith("AuthorizationFailed"):
        return 403
    return 409 if "Conflict" in code or code.endswith(("Exists", "Taken")) else 400


def _body(error: HttpResponseError) -> Json:
    try:
        found = json.loads(error.response.text()) if error.response is not None else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    inner = found.get("error") or found.get("properties", {}).get("error")
    return inner if isinstance(inner, dict) else {}


def _leaves(error: Json) -> Iterator[tuple[str, str, str]]:
    """Code, message and target of each cause: what has no details below it. A message may be an error as JSON."""
    code, message = str(error.get("code", "")), str(error.get("message", ""))
    nested = _as_error(message)
    details = [entry for entry in error.get("details") or [] if isinstance(entry, dict) and entry.get("code")]
    if nested is not None:
        yield from _leaves(nested)
    elif details:
        for entry in details:
            yield from _leaves(entry)
    elif code:
        # A right that lacks comes without a code of its own: Azure-Samples/azure-search-openai-demo#242.
        missing = "Authorization failed for template resource" in message
        yield "AuthorizationFailed" if missing else code, message, str(error.get("target") or "")


def _as_error(message: str) -> Json | None:
    if not message.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        return None
    inner = found.get("error", found) if isinstance(found, dict) else None
    return inner if isinstance(inner, dict) and "code" in inner else None
