"""The secrets of one Key Vault, through azure-keyvault-secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from azure.keyvault.secrets import SecretProperties
from azure.keyvault.secrets.aio import SecretClient

from dbxwizard.clients.client import Client
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.credentials import AsyncCredential
from dbxwizard.clients.errors import translated
from dbxwizard.clients.identity import SignedIn
from dbxwizard.clients.transport import CloudTransport
from dbxwizard.core.errors import NotFound
from dbxwizard.core.secret import Secret


@dataclass(frozen=True, slots=True)
class VaultSecret:
    """The newest version of a secret. `expires` in epoch seconds, None when it does not."""

    value: Secret
    tags: Mapping[str, str] = field(default_factory=dict)
    expires: float | None = None


class VaultClient(Client):
    """An asynchronous context manager; `vault_uri` as the vault's resource says it."""

    def __init__(self, cloud: Cloud, signed_in: SignedIn, vault_uri: str) -> None:
        self._uri = vault_uri
        self._client = SecretClient(
            vault_url=vault_uri,
            credential=AsyncCredential(signed_in.credential),
            transport=CloudTransport(cloud),
            # The SDK compares the challenge's resource with the vault's host name, which on the sandbox is an address.
            verify_challenge_resource=not cloud.is_sandbox,
            retry_total=0,
        )

    async def close(self) -> None:
        await self._client.close()

    async def get_secret(self, name: str) -> VaultSecret | None:
        """None when there is no such secret, or it is deleted. Raises the core's errors."""
        try:
            with translated(f"secret {name} in {self._uri}"):
                found = await self._client.get_secret(name)
        except NotFound:
            return None
        expires = found.properties.expires_on
        return VaultSecret(Secret(found.value or ""), _tags(found.properties), expires.timestamp() if expires else None)

    async def version_tags(self, name: str) -> list[dict[str, str]]:
        """The tags of each version of a secret, in no order."""
        with translated(f"secret {name} in {self._uri}"):
            listed = [one async for one in self._client.list_properties_of_secret_versions(name)]
        return [_tags(one) for one in listed]

    async def set_secret(
        self, name: str, value: Secret, *, tags: Mapping[str, str] | None = None, expires: float | None = None
    ) -> None:
        """Adds a version. Conflict: a secret of that name is deleted but not purged."""
        expires_on = datetime.fromtimestamp(expires, UTC) if expires is not None else None
        with translated(f"secret {name} in {self._uri}"):
            await self._client.set_secret(name, value.reveal(), tags=dict(tags or {}), expires_on=expires_on)


def _tags(properties: SecretProperties) -> dict[str, str]:
    return {str(key): str(value) for key, value in (properties.tags or {}).items()}
