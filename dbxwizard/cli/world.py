"""Opens what a command works on: the sandbox or a real cloud, signed in."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from dbxwizard.cli.commands.sandbox import state_file, undamaged
from dbxwizard.cli.invocation import Invocation, in_ci
from dbxwizard.core.errors import UsageError
from dbxwizard.core.secret import Secret
from dbxwizard.steps.connection import Connection

if TYPE_CHECKING:
    from dbxwizard.clients.cloud import Cloud
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.identity import DeviceCode
    from dbxwizard.sandbox.session import Endpoints


@asynccontextmanager
async def opened(invocation: Invocation, *, subscription_id: str = "") -> AsyncIterator[Connection]:
    """A signed-in connection to the world that the options name. Raises NotSignedIn, Transient, UsageError."""
    from dbxwizard.backend.signing_in import connect
    from dbxwizard.cli.logs import collected

    with collected(invocation.text("log_file")), _terminable(), cloud_of(invocation) as cloud:
        variables = variables_for(cloud, invocation.environ)
        connection = await connect(
            cloud,
            variables,
            method=invocation.text("sign_in"),
            tenant=tenant_for(cloud, invocation, variables),
            subscription_id=subscription_id,
            interactive=invocation.interactive,
            prompt=None if cloud.is_sandbox else _show_code,
            github_token=await github_token(cloud, variables),
        )
        async with connection:
            yield connection


@asynccontextmanager
async def github_opened(invocation: Invocation, repository: str) -> AsyncIterator[GitHubClient]:
    """GitHub alone, for what needs no Azure. Raises NotSignedIn, UsageError."""
    from dbxwizard.cli.logs import collected
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.github_token import require_token

    with collected(invocation.text("log_file")), _terminable(), cloud_of(invocation) as cloud:
        variables = variables_for(cloud, invocation.environ)
        token = require_token(await github_token(cloud, variables), repository)
        async with GitHubClient(cloud, token, repository) as client:
            yield client


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl+C does: everything is put away, the terminal too."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def on_sandbox(invocation: Invocation) -> bool:
    return invocation.flag("sandbox")


@contextmanager
def cloud_of(invocation: Invocation) -> Iterator[Cloud]:
    from dbxwizard.clients.cloud import find_cloud

    if not on_sandbox(invocation):
        name = invocation.text("cloud") if "cloud" in invocation.options else "AzureCloud"
        yield find_cloud(name, github_url=invocation.text("github_url"))
        return
    with attached(invocation) as (endpoints, _):
        yield cloud_at(endpoints)


def cloud_at(endpoints: Endpoints) -> Cloud:
    """The sandbox, as clients see it. Raises Transient while nobody answers."""
    from dbxwizard.clients.cloud import discover

    return discover(
        endpoints.resource_manager,
        ca_bundle=endpoints.authority,
        github_url=endpoints.github,
        federation_issuer=endpoints.oidc,
        package_index=f"{endpoints.packages}/simple",
        is_sandbox=True,
    )


@contextmanager
def attached(invocation: Invocation) -> Iterator[tuple[Endpoints, bool]]:
    """The sandbox that is served at DBXWIZARD_SANDBOX, or the one of the state file, served here if nobody does.

    The second value says whether it is served here.
    """
    from dbxwizard.sandbox.session import Sandbox, locate

    address = invocation.environ.get("DBXWIZARD_SANDBOX", "")
    if address.startswith("http"):
        try:
            found = locate(address)
        except (ValueError, OSError) as error:
            raise UsageError("sandbox-not-found", str(error), resource=address) from error
        yield found, False
        return
    state = state_file(invocation)
    with undamaged(state), Sandbox(state) as sandbox:
        yield sandbox.endpoints(), sandbox.serves


def tenant_for(cloud: Cloud, invocation: Invocation, variables: Mapping[str, str]) -> str:
    """--tenant, or the environment's; on the sandbox not that of a real cloud's sign-in that lies around."""
    if cloud.is_sandbox and not variables and not invocation.values.get("tenant"):
        return ""
    return invocation.text("tenant")


def variables_for(cloud: Cloud, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for signing in. On the sandbox, real credentials that lie around are not sent to it."""
    if not cloud.is_sandbox:
        return dict(environ)
    from dbxwizard.sandbox.tokens import TENANT_ID

    tenants = {environ.get(name) for name in ("AZURE_TENANT_ID", "ARM_TENANT_ID")}
    is_job = environ.get("GITHUB_SERVER_URL") == cloud.github_web  # one that the sandbox runs
    return dict(environ) if is_job or TENANT_ID in tenants else {}


async def github_token(cloud: Cloud, variables: Mapping[str, str]) -> Secret | None:
    if cloud.is_sandbox:
        from dbxwizard.sandbox.github.seed import SANDBOX_TOKEN

        given = variables.get("GH_TOKEN") or variables.get("GITHUB_TOKEN")
        if not given and in_ci(variables):
            return None  # a job has what its workflow gives it; the person's token is the person's
        return Secret(given or SANDBOX_TOKEN)
    from dbxwizard.clients.github_token import find_token

    host = cloud.github_web.removeprefix("https://")
    return await asyncio.to_thread(find_token, variables, host)


def _show_code(code: DeviceCode) -> None:
    import sys

    print(
        f"\nTo sign in, open {code.verification_uri} and enter the code {code.user_code}\n", file=sys.stderr, flush=True
    )
