"""The subject that a job's OpenID Connect token presents.

docs.github.com/actions/reference/security/oidc: repositories made since 2026-07-15, and those that opted in, have
the ids of owner and repository in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from dbxwizard.sandbox.github.access import account, full_name
from dbxwizard.sandbox.store import Document, Store

IMMUTABLE_SINCE = 1_784_073_600.0  # 2026-07-15T00:00:00Z


def prefix(store: Store, repository: Document) -> str:
    """What the subject says of the repository: `repo:OWNER/NAME`, with `@id` behind each name in the immutable form."""
    if not (repository["oidc"]["use_immutable_subject"] or repository["createdAt"] >= IMMUTABLE_SINCE):
        return f"repo:{full_name(repository)}"
    owner = account(store, repository["owner"])
    return f"repo:{owner['login']}@{owner['id']}/{repository['name']}@{repository['id']}"


def subject(store: Store, repository: Document, context: str, claims: Mapping[str, object]) -> str:
    """The subject claim. `context`: `environment:NAME`, `ref:refs/heads/main` or `pull_request`.

    `claims` are the token's others, for repositories whose subject was customised. Raises KeyError for a claim
    that this token doesn't have.
    """
    oidc = repository["oidc"]
    if oidc["use_default"] or not oidc["include_claim_keys"]:
        return f"{prefix(store, repository)}:{context}"
    return ":".join(_part(store, repository, key, context, claims) for key in oidc["include_claim_keys"])


def _part(store: Store, repository: Document, key: str, context: str, claims: Mapping[str, object]) -> str:
    if key == "repo":
        return prefix(store, repository)
    if key == "context":
        return context
    return f"{key}:{str(claims[key]).replace(':', '%3A')}"
