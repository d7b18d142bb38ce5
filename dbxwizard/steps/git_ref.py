"""What of a repository is deployed: a branch, a tag or a commit."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class GitRef:
    """`at`: the commit of a branch or tag that is meant, "" for whatever it names when it is used."""

    kind: Literal["branch", "tag", "commit"]
    name: str
    at: str = ""

    @classmethod
    def parse(cls, text: str) -> GitRef:
        """`refs/heads/…` and a plain name are branches, `refs/tags/…` and `tags/…` tags, 40 hex digits a commit.

        A branch or tag may end in `@` and the commit that is meant.
        """
        named, _, commit = text.rpartition("@")
        if named and _COMMIT.fullmatch(commit):
            return replace(cls.parse(named), at=commit)
        for prefix in ("refs/tags/", "tags/"):
            if text.startswith(prefix):
                return cls("tag", text.removeprefix(prefix))
        if _COMMIT.fullmatch(text):
            return cls("commit", text)
        return cls("branch", text.removeprefix("refs/heads/").removeprefix("heads/"))

    @property
    def pinned(self) -> GitRef:
        """What runs the same code for ever, as far as this says it: a branch's commit, a tag."""
        return GitRef("commit", self.at) if self.kind == "branch" and self.at else self

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


# The commit that a ref of a repository (by its address) names now; None where nobody can say.
ResolveCommit = Callable[[str, GitRef], Awaitable[str | None]]
