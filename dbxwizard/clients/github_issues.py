"""GitHub: issues and comments, on pull requests too: docs.github.com/rest/issues/issues and /comments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dbxwizard.clients.github_connection import required
from dbxwizard.clients.github_repository import RepositoryPart


@dataclass(frozen=True, slots=True)
class Comment:
    """`author`: a login; `by_bot`: that of an app, which is what a workflow's token writes as."""

    id: int
    body: str
    author: str
    by_bot: bool


@dataclass(frozen=True, slots=True)
class Issue(Comment):
    """`id` is its number."""

    title: str


class GitHubIssues(RepositoryPart):
    """Raises as RepositoryPart does."""

    async def comments(self, number: int) -> list[Comment]:
        """Those of an issue or a pull request, the oldest first."""
        found = await self._items(f"/issues/{number}/comments")
        return [Comment(required(each, "id"), str(each.get("body") or ""), *_author(each)) for each in found]

    async def create_comment(self, number: int, body: str) -> None:
        await self._write("POST", f"/issues/{number}/comments", {"body": body}, f"comment on #{number}")

    async def update_comment(self, comment_id: int, body: str) -> None:
        await self._write("PATCH", f"/issues/comments/{comment_id}", {"body": body}, f"comment {comment_id}")

    async def open_issues(self) -> list[Issue]:
        """Without pull requests, which GitHub lists among them."""
        found = await self._items("/issues", query={"state": "open"})
        return [
            Issue(required(each, "number"), str(each.get("body") or ""), *_author(each), required(each, "title"))
            for each in found
            if "pull_request" not in each
        ]

    async def create_issue(self, title: str, body: str) -> None:
        await self._write("POST", "/issues", {"title": title, "body": body}, f"issue {title}")

    async def update_issue(self, number: int, **changes: str) -> None:
        """`changes`: title, body, state (open or closed)."""
        await self._write("PATCH", f"/issues/{number}", changes, f"issue #{number}")


def _author(data: Any) -> tuple[str, bool]:
    user = data.get("user") or {}
    return str(user.get("login") or ""), user.get("type") == "Bot"
