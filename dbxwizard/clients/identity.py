"""Signing in to Entra: as a job of GitHub Actions, as a service principal, or as a person."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.credentials import AsyncCredential, CachedCredential, claims_of
from dbxwizard.clients.sources import SOURCES, DeviceCode, Request
from dbxwizard.core.errors import NotSignedIn, OperationError
from dbxwizard.core.secret import Secret

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

__all__ = ["AsyncCredential", "DeviceCode", "SignedIn", "prove_secret", "sign_in", "tenant_of_subscription"]

Method = Literal["auto", "github-oidc", "environment", "azure-cli", "browser", "device-code"]
_PEOPLE = ("browser", "device-code")
_AUTHORIZATION_URI = re.compile(r'authorization_uri="[^"]*/([^/"]+)/?"')


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who acts. `name`: user principal name of a person, the application's display name or id otherwise."""

    credential: TokenCredential
    tenant_id: str
    object_id: str
    name: str
    kind: Literal["user", "servicePrincipal"]
    client_id: str
    method: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.kind})"

    def close(self) -> None:
        if isinstance(self.credential, CachedCredential):
            self.credential.close()


async def sign_in(
    cloud: Cloud,
    *,
    tenant: str | None = None,
    method: Method = "auto",
    prompt: Callable[[DeviceCode], None] | None = None,
    environ: Mapping[str, str] | None = None,
    prefixes: Sequence[str] = ("AZURE", "ARM"),
    interactive: bool | None = None,
    subscription_id: str | None = None,
) -> SignedIn:
    """Signs in by the first way that is open: GitHub Actions' OIDC, the environment's client secret, the Azure CLI's
    sign-in, then the person at this terminal (browser, or device code where no browser can be opened).

    `prefixes`: of the environment variables that name the application (AZURE_CLIENT_ID, ARM_CLIENT_ID …), in their
    order. `prompt` shows a device code, from another thread; on the sandbox it may be missing, then the code is
    approved there. `interactive`: whether a person may be asked (default: stdin is a terminal). `tenant`: default is
    the subscription's, else the home of the person. Raises NotSignedIn, which lists what was looked for; Transient.
    """
    variables = os.environ if environ is None else environ
    asked = sys.stdin.isatty() if interactive is None else interactive
    request = Request(cloud, tenant, variables, tuple(prefixes), prompt, subscription_id, interactive=asked)
    try:
        return await _apart(_sign_in, request, method)
    except asyncio.CancelledError:
        request.given_up.set()
        raise


async def _apart(function: Callable[..., SignedIn], *arguments: object) -> SignedIn:
    """In a thread that nobody waits for in the end: it sleeps between two looks for a device code, wanted or not."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[SignedIn] = loop.create_future()

    def settle(signed_in: SignedIn | None, error: BaseException | None) -> None:
        if future.done():  # given up in between
            if signed_in is not None:
                signed_in.close()
        elif error is not None:
            future.set_exception(error)
        elif signed_in is not None:
            future.set_result(signed_in)

    def run() -> None:
        try:
            outcome: tuple[SignedIn | None, BaseException | None] = (function(*arguments), None)
        except BaseException as error:
            outcome = (None, error)
        with suppress(RuntimeError):  # the loop was closed: nobody is there any more
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="sign-in", daemon=True).start()
    return await future


def _sign_in(request: Request, method: str) -> SignedIn:
    reasons: dict[str, str] = {}
    for name in _order(request) if method == "auto" else (method,):
        found = SOURCES[name](_in_tenant(request) if name in _PEOPLE else request)
        if not isinstance(found, str):
            return _identified(request.cloud, CachedCredential(found), name)
        reasons[name] = found
    raise _nobody(reasons)


def _in_tenant(request: Request) -> Request:
    if request.tenant or not request.subscription_id:
        return request
    return replace(request, tenant=tenant_of_subscription(request.cloud, request.subscription_id))


def _order(request: Request) -> tuple[str, ...]:
    # Who is signed in to the real cloud by `az login` is unknown to the sandbox.
    found = ("github-oidc", "environment") if request.cloud.is_sandbox else ("github-oidc", "environment", "azure-cli")
    is_job = request.environ.get("GITHUB_ACTIONS") == "true"  # where no person is, on the sandbox's GitHub either
    if request.cloud.is_sandbox and request.prompt is None and not is_job:
        return (*found, "device-code")
    return (*found, *_PEOPLE) if request.interactive else found


def _nobody(reasons: Mapping[str, str]) -> NotSignedIn:
    looked = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    return NotSignedIn(
        "not-signed-in",
        f"there is no way to sign in: {looked}",
        fix="run it in a terminal, sign in with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
        "AZURE_CLIENT_SECRET; in GitHub Actions give the job `permissions: id-token: write`",
    )


def _identified(cloud: Cloud, credential: CachedCredential, method: str) -> SignedIn:
    """Who the token for Resource Manager speaks for; this is the first request that the credential makes."""
    try:
        token = credential.get_token(cloud.management_scope).token
    except OperationError:
        credential.close()
        raise
    claims = claims_of(token)
    user = "scp" in claims
    names = ("upn", "unique_name", "email") if user else ("app_displayname", "appid")
    return SignedIn(
        credential=credential,
        tenant_id=_text(claims, "tid"),
        object_id=_text(claims, "oid"),
        name=next((str(claims[name]) for name in names if claims.get(name)), _text(claims, "oid")),
        kind="user" if user else "servicePrincipal",
        client_id=_text(claims, "appid"),
        method=method,
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    if name not in claims:
        raise NotSignedIn("token-unreadable", f"the access token lacks the claim {name!r}: it is no token of Entra's")
    return str(claims[name])


def tenant_of_subscription(cloud: Cloud, subscription_id: str) -> str | None:
    """The tenant that Resource Manager names when it is asked without a token; None when it does not.

    Blocks for its requests (learn.microsoft.com/azure/azure-resource-manager/management, 401 with WWW-Authenticate).
    """
    from dbxwizard.clients.transport import send_at_first

    url = f"{cloud.resource_manager}/subscriptions/{subscription_id}?api-version=2022-12-01"
    base = cloud.resource_manager
    answer = send_at_first(url, ca_bundle=cloud.ca_bundle, direct=cloud.is_sandbox, resource=base)
    found = _AUTHORIZATION_URI.search(answer.headers.get("WWW-Authenticate", ""))
    return found.group(1) if found else None


async def prove_secret(cloud: Cloud, tenant_id: str, client_id: str, secret: Secret) -> None:
    """Signs in with a client secret and forgets the token. Raises NotYet while it replicates, NotSignedIn."""
    from azure.identity import ClientSecretCredential

    from dbxwizard.clients.transport import sync_options

    options = {
        "authority": cloud.authority,
        "disable_instance_discovery": True,
        "retry_total": 0,
        **sync_options(cloud),
    }
    with CachedCredential(ClientSecretCredential(tenant_id, client_id, secret.reveal(), **options)) as credential:
        await asyncio.to_thread(credential.get_token, cloud.management_scope)
