"""The ways to a credential. Each gives one, or says in a few words why it can't."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dbxwizard.clients.cloud import Cloud
from dbxwizard.core.errors import NotSignedIn, UsageError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_JOB = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
_SANDBOX_PERSON = "ada@contoso.example"
_RETRIES = 2  # nobody stands behind the first sign-in and tries again, as the engine does for the rest


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person has to do on another device until `expires_at`."""

    verification_uri: str
    user_code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """What `identity.sign_in` was asked for. `given_up`: nobody wants it any more, so no further request is sent."""

    cloud: Cloud
    tenant: str | None
    environ: Mapping[str, str]
    prefixes: tuple[str, ...]
    prompt: Callable[[DeviceCode], None] | None
    subscription_id: str | None
    interactive: bool
    given_up: threading.Event = field(default_factory=threading.Event)

    def variable(self, name: str) -> str:
        """The first of `AZURE_<name>`, `ARM_<name>` … that is set; "" when none is."""
        return next((value for prefix in self.prefixes if (value := self.environ.get(f"{prefix}_{name}"))), "")

    def options(self) -> dict[str, Any]:
        """What every credential of azure-identity gets."""
        from dbxwizard.clients.transport import sync_options

        return {
            "authority": self.cloud.authority,
            # Entra's list of authorities that it knows is at login.microsoftonline.com, and has the public ones alone.
            "disable_instance_discovery": not self.cloud.authority.startswith("https://login.microsoftonline."),
            "retry_total": _RETRIES,
            "raw_request_hook": self._end_when_given_up,  # MSAL asks after a device code until it expires
            **sync_options(self.cloud),
        }

    def _end_when_given_up(self, _: object) -> None:
        if self.given_up.is_set():
            raise NotSignedIn("sign-in-given-up", "the sign-in was given up")


def github_oidc(request: Request) -> TokenCredential | str:
    """A job's own token for each sign-in: an assertion lives for minutes, a deployment longer."""
    if lacking := lacking_for_oidc(request):
        return lacking
    from azure.identity import ClientAssertionCredential

    url, bearer = (request.environ[name] for name in _JOB)

    def assertion() -> str:
        return job_token(request.cloud, url, bearer)

    tenant, client_id = request.tenant or request.variable("TENANT_ID"), request.variable("CLIENT_ID")
    return ClientAssertionCredential(tenant, client_id, assertion, **request.options())


def lacking_for_oidc(request: Request) -> str:
    """Why this is no job that can sign in; "" where it can."""
    if not all(request.environ.get(name) for name in _JOB):
        return f"{' and '.join(_JOB)} are not set"
    if not (request.tenant or request.variable("TENANT_ID")) or not request.variable("CLIENT_ID"):
        return _not_set(request, ("TENANT_ID", "CLIENT_ID"))
    return ""


def job_token(cloud: Cloud, url: str, bearer: str) -> str:
    """A new OpenID Connect token of the GitHub Actions job that `url` and `bearer` were given to."""
    from dbxwizard.clients.transport import get_json

    answer = get_json(
        f"{url}{'&' if '?' in url else '?'}audience={quote(cloud.federation_audience, safe='')}",
        ca_bundle=cloud.ca_bundle,
        direct=cloud.is_sandbox,
        headers={"Authorization": f"Bearer {bearer}", "Accept": "application/json"},
        resource="GitHub Actions' token",
    )
    value = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(value, str):
        raise NotSignedIn("github-oidc", "GitHub's answer has no token in it", resource="GitHub Actions' token")
    return value


def environment(request: Request) -> TokenCredential | str:
    """A client secret: of the variables, or of AZURE_CREDENTIALS, the JSON that `az ad sp create-for-rbac` prints."""
    if lacking := lacking_for_secret(request):
        return lacking
    from azure.identity import ClientSecretCredential

    tenant, client_id, secret = _client_secret(request)
    return ClientSecretCredential(tenant, client_id, secret, **request.options())


def lacking_for_secret(request: Request) -> str:
    """Why the environment has no client secret to sign in with; "" where it has."""
    complete = all(_client_secret(request))
    return "" if complete else _not_set(request, ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))


def _client_secret(request: Request) -> tuple[str, str, str]:
    """Tenant, client id and secret. AZURE_CREDENTIALS comes before ARM_…, which is the Databricks service principal."""
    environ, tenant = request.environ, request.tenant or request.variable("TENANT_ID")
    for prefix in request.prefixes:
        if environ.get(f"{prefix}_CLIENT_SECRET"):
            client_id = environ.get(f"{prefix}_CLIENT_ID") or request.variable("CLIENT_ID")
            return tenant, client_id, environ[f"{prefix}_CLIENT_SECRET"]
        if prefix == "AZURE" and environ.get("AZURE_CREDENTIALS"):
            given = _azure_credentials(environ["AZURE_CREDENTIALS"])
            return request.tenant or given["tenantId"], given["clientId"], given["clientSecret"]
    return tenant, request.variable("CLIENT_ID"), ""


def _azure_credentials(text: str) -> dict[str, str]:
    names = ("tenantId", "clientId", "clientSecret")
    try:
        given = json.loads(text)
        return {name: str(given[name]) for name in names}
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            "azure-credentials",
            f"AZURE_CREDENTIALS is not the JSON object with {', '.join(names)} that it has to be",
        ) from error


def _not_set(request: Request, names: tuple[str, ...]) -> str:
    missing = [name for name in names if not request.variable(name)]
    return f"{', '.join(f'{request.prefixes[0]}_{name}' for name in missing)} not set"


def azure_cli(request: Request) -> TokenCredential | str:
    """Who has signed in with `az login`, through the Azure CLI's own library."""
    if not azure_profile(request.environ).exists():
        return "nobody has signed in with az login"
    from azure.cli.core import get_default_cli  # type: ignore[import-untyped]
    from azure.cli.core._profile import Profile  # type: ignore[import-untyped]
    from knack.util import CLIError  # type: ignore[import-untyped]

    cli = get_default_cli()
    if cli.cloud.endpoints.resource_manager.rstrip("/") != request.cloud.resource_manager:
        return f"az is signed in to another cloud ({cli.cloud.name})"
    profile = Profile(cli_ctx=cli)
    try:
        return _profile_credential(profile, request, CLIError)
    except CLIError as error:
        return str(error)


def azure_profile(environ: Mapping[str, str]) -> Path:
    """Where the Azure CLI keeps who has signed in, and to which subscriptions."""
    return Path(environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure") / "azureProfile.json"


def _profile_credential(profile: Any, request: Request, unknown: type[Exception]) -> TokenCredential | str:
    """For the wanted subscription where the profile has it, else for its current one."""
    try:
        credential, _, tenant = profile.get_login_credentials(subscription_id=request.subscription_id)
    except unknown:
        credential, _, tenant = profile.get_login_credentials()
    if request.tenant and tenant.lower() != request.tenant.lower():
        return f"az is signed in to the tenant {tenant}"
    found: TokenCredential = credential
    return found


def browser(request: Request) -> TokenCredential | str:
    """Authorization code with PKCE: the browser comes back to a port on localhost."""
    if not has_display(request.environ):
        return "no browser can be opened here"
    from azure.identity import InteractiveBrowserCredential

    return InteractiveBrowserCredential(tenant_id=request.tenant or "organizations", **request.options())


def over_ssh(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def has_display(environ: Mapping[str, str]) -> bool:
    if over_ssh(environ):
        return False
    return sys.platform in ("darwin", "win32") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def device_code(request: Request) -> TokenCredential | str:
    """A code that is entered on another device. Many tenants do not let it in (AADSTS53003)."""
    prompt = request.prompt
    if prompt is None and not request.cloud.is_sandbox:
        return "nobody is there to be shown a device code"
    from azure.identity import DeviceCodeCredential

    def show(uri: str, code: str, expires_at: datetime) -> None:
        given = DeviceCode(uri, code, expires_at)
        prompt(given) if prompt else approve_in_sandbox(request.cloud, uri, code)

    tenant = request.tenant or "organizations"
    return DeviceCodeCredential(tenant_id=tenant, prompt_callback=show, **request.options())


def approve_in_sandbox(cloud: Cloud, verification_uri: str, user_code: str) -> None:
    """Does what the person would do on the sandbox's page; blocks for one request. Raises UsageError elsewhere."""
    from dbxwizard.clients.transport import require_success, send

    if not cloud.is_sandbox:
        raise UsageError("sandbox-only", "a real sign-in is approved by its person alone", resource=verification_uri)
    form = {"user_code": user_code, "upn": _SANDBOX_PERSON}
    url = f"{verification_uri}/approve"
    require_success(send("POST", url, ca_bundle=cloud.ca_bundle, direct=True, form=form), url)


SOURCES: Mapping[str, Callable[[Request], TokenCredential | str]] = {
    "github-oidc": github_oidc,
    "environment": environment,
    "azure-cli": azure_cli,
    "browser": browser,
    "device-code": device_code,
}
