"""What GitHub holds in a new sandbox: an organisation, its two people and a team, and one empty repository."""

from __future__ import annotations

from collections.abc import Mapping

from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.store import Store

OWNER, OWNER_ID = "contoso", 9801001
REPOSITORY, REPOSITORY_ID = "contoso/databricks", 988100001
LOGIN, ACCOUNT_ID = "ada", 9801002
SANDBOX_TOKEN = "ghp_sandbox_ada"  # noqa: S105  opens the sandbox alone
# Somebody else, who may read what is public and be a reviewer of an environment.
REVIEWER, REVIEWER_ID = "grace", 9801003
REVIEWER_TOKEN = "ghp_sandbox_grace"  # noqa: S105  opens the sandbox alone
# Ada alone is in it; it may read the repository, so that it can be a reviewer too.
TEAM, TEAM_ID = "platform", 9804001
# A repository made after 2026-07-15 has the immutable form of the OIDC subject.
CREATED_AT = 1_788_249_600.0  # 2026-09-01T08:00:00Z


def seed(store: Store) -> None:
    for body in (
        {"login": OWNER, "id": OWNER_ID, "type": "Organization", "name": "Contoso", "plan": "enterprise",
         "members": {LOGIN: "admin", REVIEWER: "member"}},
        {"login": LOGIN, "id": ACCOUNT_ID, "type": "User", "name": "Ada Sandbox", "plan": "free",
         "email": "ada@contoso.example"},
        {"login": REVIEWER, "id": REVIEWER_ID, "type": "User", "name": "Grace Sandbox", "plan": "free",
         "email": "grace@contoso.example"},
    ):  # fmt: skip
        store.put("github.account", str(body["login"]), {**body, "createdAt": CREATED_AT})
    store.put("github.repository", REPOSITORY, new_repository(REPOSITORY, REPOSITORY_ID, CREATED_AT))
    store.put(
        "github.team",
        f"{OWNER}/{TEAM}",
        new_team(TEAM, TEAM_ID, {LOGIN: "maintainer"}, repositories={REPOSITORY: "pull"}),
    )
    access.add_token(store, SANDBOX_TOKEN, LOGIN, scopes=("repo", "workflow", "read:org"))
    access.add_token(store, REVIEWER_TOKEN, REVIEWER, scopes=("repo", "workflow"))


def new_team(
    slug: str, number: int, members: Mapping[str, str], *, repositories: Mapping[str, str], privacy: str = "closed"
) -> dict[str, object]:
    """A team's document. `members`: login to `member` or `maintainer`; `repositories`: full name to permission."""
    return {
        "id": number,
        "organisation": OWNER,
        "slug": slug,
        "name": slug.capitalize(),
        "privacy": privacy,
        "members": dict(members),
        "repositories": dict(repositories),
        "createdAt": CREATED_AT,
    }


def new_repository(full_name: str, number: int, created_at: float, *, private: bool = False) -> dict[str, object]:
    """An empty repository's document. `oidc` is what was customised of the subject claim."""
    owner, name = full_name.split("/")
    return {
        "id": number,
        "owner": owner,
        "name": name,
        "private": private,
        "description": None,
        "defaultBranch": "main",
        "createdAt": created_at,
        "updatedAt": created_at,
        "pushedAt": created_at,
        "collaborators": {},
        "oidc": {"use_default": True, "use_immutable_subject": False, "include_claim_keys": []},
    }


def set_plan(store: Store, login: str, plan: str) -> None:
    """Puts an account on `free`, `pro`, `team` or `enterprise`. Called inside a transaction."""
    store.put("github.account", login.lower(), {**access.account(store, login), "plan": plan})
