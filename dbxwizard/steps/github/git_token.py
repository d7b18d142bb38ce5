"""PAT_GITHUB: the token with which Databricks reads a private repository; federation does not reach there.

A fine-grained token with read-only Contents of the one repository. What is noted of it is a fingerprint and the day on
which it expires, never the token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbxwizard.core.errors import Forbidden, NotFound, NotSignedIn, UsageError
from dbxwizard.core.secret import Secret

if TYPE_CHECKING:
    from dbxwizard.clients.github_types import Repository
    from dbxwizard.steps.connection import Connection
    from dbxwizard.steps.setup_options import AskToken

NAME = "PAT_GITHUB"
_FINGERPRINT = 12  # hex digits; tokens are random, so these tell nothing of one


@dataclass(frozen=True, slots=True)
class GitToken:
    """`expires`: a day as 2027-01-31, "" for a token that does not expire or does not say."""

    value: Secret
    expires: str

    @property
    def version(self) -> str:
        """What is noted beside the secret: it tells one token from the next, and when this one ends."""
        digest = hashlib.sha256(self.value.reveal().encode()).hexdigest()[:_FINGERPRINT]
        return f"{digest} until {self.expires}" if self.expires else digest


async def git_token(
    connection: Connection,
    repository: Repository,
    environments: Sequence[str],
    given: Secret | None,
    ask: AskToken | None,
) -> GitToken | None:
    """The token to store: the one given, else, where a private repository lacks one, the one that is asked for.

    None where none is needed, or all `environments` have one. Raises UsageError where there is nobody to ask, and for
    a token that does not read the repository.
    """
    token = given
    if token is None and repository.private and not await _is_stored(connection, repository, environments):
        token = await ask(repository.full_name) if ask else None
        if not token:
            raise _missing(repository)
    return await _checked(connection, repository, token) if token else None


async def _is_stored(connection: Connection, repository: Repository, environments: Sequence[str]) -> bool:
    """Whether every environment has the secret, of its own or of the repository; whoever put it there."""
    github = connection.github(repository.full_name)
    if NAME in await github.secrets():
        return True
    try:
        return all([NAME in await github.secrets(environment) for environment in environments])
    except NotFound:
        return False


async def _checked(connection: Connection, repository: Repository, token: Secret) -> GitToken:
    from dbxwizard.clients.github import GitHubClient

    async with GitHubClient(connection.cloud, token, repository.full_name) as github:
        try:
            await github.repository()
            found = await github.token_info()
        except (NotSignedIn, NotFound, Forbidden) as error:
            raise UsageError(
                "git-token-refused",
                f"the token does not read {repository.full_name}: {error.message}",
                resource=NAME,
                fix="Make a fine-grained token with read-only Contents of this repository.",
            ) from error
    return GitToken(token, found.expires_at[:10])


def _missing(repository: Repository) -> UsageError:
    return UsageError(
        "decision-missing",
        f"{repository.full_name} is private: the Databricks service principal needs a token to read it",
        resource=NAME,
        fix="Make a fine-grained token with read-only Contents of this repository, and set it as PAT_GITHUB.",
    )
