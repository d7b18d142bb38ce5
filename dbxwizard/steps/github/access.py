"""What the GitHub token has to be able to do, asked before anything is made anywhere."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from dbxwizard.core.errors import Forbidden, UsageError
from dbxwizard.steps.github.environments import NO_ENVIRONMENTS, no_approval

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.github_types import Repository, TokenInfo
    from dbxwizard.steps.setup_options import SetupOptions


def require_rights(repository: Repository, token: TokenInfo, scopes: Collection[str]) -> None:
    """Raises Forbidden where the token's user does not administer the repository, or the token lacks one of `scopes`.

    GitHub itself would say "Not Found" of either, and half-way. A fine-grained token does not tell what it may.
    """
    lacking = [scope for scope in scopes if token.scopes is not None and scope not in token.scopes]
    if lacking:
        held = ", ".join(sorted(token.scopes or ()))
        raise Forbidden(
            "github-token-scope",
            f"the GitHub token lacks the scope `{lacking[0]}`; it has {held or 'none'}",
            resource=repository.full_name,
            fix="Give it with `gh auth refresh --scopes repo,workflow`, or make a token with these scopes.",
            status=403,
        )
    if not repository.may_administer:
        raise Forbidden(
            "github-not-administrator",
            f"{token.login} does not administer {repository.full_name}",
            resource=repository.full_name,
            fix="Setup needs admin rights on the repository: ask its owner for them, or have the owner run setup.",
            status=403,
        )


async def require_environments(github: GitHubClient, repository: Repository, options: SetupOptions) -> None:
    """Raises UsageError where the plan is seen to have no environments, or no reviewers, and nobody accepted that."""
    if not options.github_environments:
        if options.isolation == "environment":
            raise _no_isolation(repository)
        return
    plan = await _plan(github) if repository.private else ""
    if plan == "free":
        raise UsageError(
            "github-no-environments",
            "a private repository on GitHub Free has no environments",
            resource=repository.full_name,
            fix=NO_ENVIRONMENTS,
        )
    if plan in ("pro", "team") and options.approval:
        raise no_approval(repository.full_name, f"a private one on the plan {plan} has none")


async def has_rulesets(github: GitHubClient, repository: Repository, options: SetupOptions) -> bool:
    """Whether rulesets are wanted; doing without GitHub environments is doing without these on the same plan."""
    if not options.rulesets:
        return False
    return options.github_environments or not repository.private or await _plan(github) != "free"


async def _plan(github: GitHubClient) -> str:
    """ "" for a paid one that the token may not see: on Free rulesets are refused."""
    return await github.plan() or ("" if await github.rules.are_offered() else "free")


def _no_isolation(repository: Repository) -> UsageError:
    return UsageError(
        "isolation-without-environments",
        "without GitHub environments every job of a branch presents the same subject, so it could sign in as any pair",
        resource=repository.full_name,
        fix="Use `--isolation shared` with `--no-github-environments`.",
    )
