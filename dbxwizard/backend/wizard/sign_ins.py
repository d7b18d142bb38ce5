"""Which sign-ins are at hand, looked up on this machine alone: nothing is sent, no credential is used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dbxwizard.core.errors import OperationError

if TYPE_CHECKING:
    from dbxwizard.clients.cloud import Cloud
    from dbxwizard.clients.sources import Request


@dataclass(frozen=True, slots=True)
class SignInWay:
    """`method`: as `sign_in` takes it; of GitHub where the token is: a variable's name, `gh`, `sandbox` or `paste`.

    `detail`: who, or why it is not there. `asks`: somebody has to do something for it, so nothing is found yet.
    """

    service: Literal["Azure", "GitHub"]
    method: str
    title: str
    found: bool
    detail: str
    asks: bool = False


def sign_in_ways(cloud: Cloud, environ: Mapping[str, str], *, tenant: str = "") -> tuple[SignInWay, ...]:
    """In the order in which they are tried. `environ`: the variables that may be used for this cloud."""
    from dbxwizard.clients.sources import Request

    request = Request(cloud, tenant or None, environ, ("AZURE", "ARM"), None, None, interactive=True)
    return (*_azure(request), *_github(cloud, environ))


def _azure(request: Request) -> Iterator[SignInWay]:
    from dbxwizard.clients.sources import lacking_for_oidc, lacking_for_secret

    lacking = lacking_for_oidc(request)
    yield SignInWay("Azure", "github-oidc", "a job of GitHub Actions", not lacking, lacking or "its own token")
    try:
        lacking = lacking_for_secret(request)
    except OperationError as error:
        lacking = error.message
    named = f"application {request.variable('CLIENT_ID')}" if request.variable("CLIENT_ID") else "AZURE_CREDENTIALS"
    yield SignInWay("Azure", "environment", "the environment's client secret", not lacking, lacking or named)
    if not request.cloud.is_sandbox:
        yield _azure_cli(request)
    yield from _people(request)


def _azure_cli(request: Request) -> SignInWay:
    found, detail = _profile(request)
    return SignInWay("Azure", "azure-cli", "az login", found, detail)


def _profile(request: Request) -> tuple[bool, str]:
    """Whether somebody has signed in, and who; as the Azure CLI's profile has it."""
    from dbxwizard.clients.sources import azure_profile

    path = azure_profile(request.environ)
    if not path.exists():
        return False, "nobody has signed in with az login"
    try:
        entries = json.loads(path.read_text("utf-8-sig"))["subscriptions"]
        chosen = next((one for one in entries if one.get("isDefault")), entries[0] if entries else None)
        return (True, _signed_in(chosen)) if chosen else (False, "nobody has signed in with az login")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False, f"{path} can't be read: run az login again"


def _signed_in(entry: Mapping[str, Any]) -> str:
    return f"{entry['user']['name']}, subscription {entry['name']} in tenant {entry['tenantId']}"


def _people(request: Request) -> Iterator[SignInWay]:
    from dbxwizard.clients.sources import has_display, over_ssh

    possible = has_display(request.environ)
    why = "this is an SSH session: no browser opens here" if over_ssh(request.environ) else "there is no display"
    yield SignInWay("Azure", "browser", "your browser", possible, "opens a page here" if possible else why, asks=True)
    told = "a code that you approve as the sandbox's person", "a code that you enter on another device"
    detail = told[0] if request.cloud.is_sandbox else told[1]
    yield SignInWay("Azure", "device-code", "a device code", found=True, detail=detail, asks=True)


def _github(cloud: Cloud, environ: Mapping[str, str]) -> Iterator[SignInWay]:
    from dbxwizard.clients.github_token import gh_user, token_variable

    host = cloud.github_web.removeprefix("https://")
    variable = token_variable(environ, host)
    detail = "has a token" if variable else "GH_TOKEN and GITHUB_TOKEN are not set"
    yield SignInWay("GitHub", variable or "GH_TOKEN", variable or "GH_TOKEN", bool(variable), detail)
    if cloud.is_sandbox:
        yield SignInWay("GitHub", "sandbox", "the sandbox's own token", found=True, detail="opens the sandbox alone")
        return
    user, has_gh = gh_user(environ, host), shutil.which("gh", path=environ.get("PATH")) is not None
    why = "nobody has signed in with gh auth login" if has_gh else "gh is not installed"
    found = has_gh and bool(user)
    yield SignInWay("GitHub", "gh", "the GitHub CLI", found, f"{user} on {host}" if found else why)
    yield SignInWay("GitHub", "paste", "a token that you paste", found=True, detail="it does not show", asks=True)
