"""A signed-in connection: for a command that runs once as for a program that stays open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dbxwizard.core.secret import Secret
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.named_principals import named_principals

if TYPE_CHECKING:
    from dbxwizard.clients.cloud import Cloud
    from dbxwizard.clients.identity import SignedIn
    from dbxwizard.clients.sources import DeviceCode


async def connect(
    cloud: Cloud,
    variables: Mapping[str, str],
    *,
    method: str,
    tenant: str,
    subscription_id: str,
    interactive: bool,
    prompt: Callable[[DeviceCode], None] | None,
    github_token: Secret | None,
) -> Connection:
    """Signs in as `clients.identity.sign_in` does; the connection owns what it holds. Raises NotSignedIn, Transient,
    UsageError.
    """
    from dbxwizard.clients.identity import sign_in

    principals = named_principals(variables)
    signed_in = await sign_in(
        cloud,
        tenant=tenant or None,
        method=method,  # type: ignore[arg-type]  # a choice of the option
        prompt=prompt,
        environ=variables,
        interactive=interactive,
        subscription_id=subscription_id or None,
    )
    try:
        databricks = await _as_databricks(cloud, signed_in, variables)
    except BaseException:
        signed_in.close()
        raise
    return Connection(cloud, signed_in, github_token, databricks_signed_in=databricks, principals=principals)


async def _as_databricks(cloud: Cloud, signed_in: SignedIn, variables: Mapping[str, str]) -> SignedIn | None:
    """The Databricks service principal beside the main one; a person acts as themselves everywhere."""
    from dbxwizard.clients.identity import sign_in

    if signed_in.kind == "user":
        return None
    return await sign_in(cloud, environ=variables, prefixes=("ARM",), interactive=False)
