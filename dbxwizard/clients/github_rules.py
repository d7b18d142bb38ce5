"""Rulesets of a repository: docs.github.com/rest/repos/rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbxwizard.clients.github_connection import required
from dbxwizard.clients.github_repository import RepositoryPart
from dbxwizard.core.errors import Forbidden

Ruleset = Mapping[str, Any]
UPGRADE = "upgrade to github"  # how GitHub's refusal begins where a plan has no rulesets


class GitHubRules(RepositoryPart):
    """As RepositoryPart. Forbidden where the owner's plan has no rulesets for a private repository."""

    async def are_offered(self) -> bool:
        """False where the owner's plan has none for this repository: a private one on Free."""
        try:
            await self._get("/rulesets", {"per_page": "1"})
        except Forbidden as refused:
            return UPGRADE not in refused.message.lower()
        return True

    async def find(self, name: str) -> Ruleset | None:
        """The repository's own ruleset of that name, whole; None when there is none."""
        listed = await self._items("/rulesets", query={"includes_parents": "false"})
        found = next((each for each in listed if required(each, "name") == name), None)
        return await self._get_or_none(f"/rulesets/{required(found, 'id')}") if found else None

    async def create(self, body: Ruleset) -> None:
        await self._write("POST", "/rulesets", dict(body), f"GitHub ruleset {body['name']}")

    async def replace(self, ruleset_id: int, body: Ruleset) -> None:
        await self._write("PUT", f"/rulesets/{ruleset_id}", dict(body), f"GitHub ruleset {body['name']}")
