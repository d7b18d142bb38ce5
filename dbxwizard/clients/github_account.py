"""GitHub as the holder of a token sees it: who they are, and which repositories they have."""

from __future__ import annotations

from dbxwizard.clients.client import Client
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.github_connection import GitHubConnection, required
from dbxwizard.clients.github_types import ListedRepository, TokenInfo
from dbxwizard.core.secret import Secret


class GitHubAccount(Client):
    """Raises the errors of core.errors."""

    def __init__(self, cloud: Cloud, token: Secret) -> None:
        self._connection = GitHubConnection(cloud, token)

    async def close(self) -> None:
        await self._connection.close()

    async def token_info(self) -> TokenInfo:
        return await token_info(self._connection)

    async def repositories(self) -> list[ListedRepository]:
        """Those of the person, those that they work in, and those of their organisations."""
        found = await self._connection.items("/user/repos", resource="GitHub repositories")
        return [
            ListedRepository(
                full_name=required(each, "full_name"),
                private=required(each, "private"),
                archived=bool(each.get("archived")),
                may_administer=bool(each.get("permissions", {}).get("admin")),
                description=str(each.get("description") or ""),
                pushed_at=str(each.get("pushed_at") or ""),
            )
            for each in found
        ]


async def token_info(connection: GitHubConnection) -> TokenInfo:
    """Who the token speaks for, and what its answer says of it."""
    answer = await connection.call("GET", "/user", resource="GitHub token")
    scopes = answer.headers.get("x-oauth-scopes")
    names = None if scopes is None else frozenset(name.strip() for name in scopes.split(",") if name.strip())
    expires_at = answer.headers.get("github-authentication-token-expiration", "")
    return TokenInfo(required(answer.data, "login"), required(answer.data, "id"), names, expires_at)
