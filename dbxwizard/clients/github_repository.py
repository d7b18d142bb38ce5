"""Requests below one repository, for the modules that each know a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from dbxwizard.clients.github_connection import GitHubConnection
from dbxwizard.core.errors import NotFound, UsageError


class RepositoryPart:
    """Of the repository `OWNER/NAME`. Raises the errors of core.errors; UsageError for a name that can't be one."""

    def __init__(self, connection: GitHubConnection, repository: str) -> None:
        owner, slash, name = repository.partition("/")
        if not (owner and slash and name) or "/" in name:
            raise UsageError(
                "repository-invalid",
                f"{repository!r} is not of the form OWNER/NAME",
                fix="Say it as in the address of the repository: https://github.com/OWNER/NAME.",
            )
        self.name = repository
        self._root = f"/repos/{quote(owner)}/{quote(name)}"
        self._resource = f"GitHub repository {repository}"
        self._connection = connection

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        answer = await self._connection.call("GET", self._root + path, resource=self._resource, query=query)
        return answer.data

    async def _get_or_none(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        try:
            return await self._get(path, query)
        except NotFound:
            return None

    async def _items(self, path: str, *, field: str = "", query: Mapping[str, Any] | None = None) -> list[Any]:
        return await self._connection.items(self._root + path, resource=self._resource, field=field, query=query)

    async def _write(self, verb: str, path: str, body: object = None, resource: str = "") -> Any:
        answer = await self._connection.call(verb, self._root + path, resource=resource or self._resource, body=body)
        return answer.data
