"""What the GitHub client gives back and takes, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Repository:
    """`full_name` as GitHub spells it: the OIDC subject is case sensitive. `may_administer`: by the token's user."""

    id: int
    full_name: str
    owner_id: int
    owner_type: str  # Organization or User
    private: bool
    default_branch: str
    html_url: str
    clone_url: str
    may_administer: bool

    @property
    def owner(self) -> str:
        return self.full_name.split("/")[0]


@dataclass(frozen=True, slots=True)
class ListedRepository:
    """As a list of repositories has it. `pushed_at` as GitHub writes a time, "" where nobody pushed."""

    full_name: str
    private: bool
    archived: bool
    may_administer: bool
    description: str
    pushed_at: str


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """`id` of the account; `scopes` is None for a fine-grained token; `expires_at` as GitHub writes it, "" for one that
    doesn't expire."""

    login: str
    id: int
    scopes: frozenset[str] | None
    expires_at: str


@dataclass(frozen=True, slots=True)
class RefPattern:
    """Branches or tags that may deploy to an environment, by a pattern of their names."""

    type: Literal["branch", "tag"]
    name: str

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody who may approve deployments. `name`: a login, or ORG/SLUG of a team."""

    type: Literal["User", "Team"]
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Variable:
    """`updated_at` as GitHub writes a time: `2026-09-01T08:00:00Z`."""

    value: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Head:
    """The newest commit of a branch."""

    commit: str
    tree: str
    message: str
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file in a tree. `mode`: 100644, 100755 (executable), 120000 (symbolic link) or 160000 (submodule)."""

    mode: str
    sha: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write. `mode` as in TreeFile."""

    path: str
    mode: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PullRequest:
    number: int
    html_url: str
