"""The steps of setup: everything that needs a person's rights, once per repository and subscription."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbxwizard import bundled
from dbxwizard.clients.cloud import PUBLIC_GITHUB
from dbxwizard.core.errors import Forbidden, NotFound, NotSignedIn, OperationError
from dbxwizard.core.plan import Step
from dbxwizard.core.secret import Secret
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.branching import MAIN_BRANCH, RELEASE_BRANCH
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.github.access import has_rulesets, require_environments, require_rights
from dbxwizard.steps.github.git_token import git_token
from dbxwizard.steps.github.publish import PublishStep
from dbxwizard.steps.github.rulesets import GITHUB_ACTIONS, RulesetStep, checks_of
from dbxwizard.steps.github.secrets import secrets_step_id, stored_versions
from dbxwizard.steps.identity.adoption import adopted
from dbxwizard.steps.identity.applications import (
    ApplicationStep,
    ClientSecretStep,
    RetiredSecretsStep,
)
from dbxwizard.steps.identity.principals import group_id
from dbxwizard.steps.parameter_files import ParameterFilesStep, Person, Values
from dbxwizard.steps.pending import Refused
from dbxwizard.steps.setup_github import GitHubSettings, holders_of, reviewers
from dbxwizard.steps.setup_options import Pair, SetupOptions, display_name, keys_of, pairs
from dbxwizard.steps.setup_roles import role_steps

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.github_types import Repository, TokenInfo

GITHUB_STEP_ID = "setup/github"  # where the token may not do what setup needs there
PUBLISHED = (
    "environments",
    "bicep",
    "framework",
    "README.md",
    ".github/dbxwizard",
    ".github/dbxwizard-requirements.txt",
    *(f".github/workflows/{name}" for name in bundled.WORKFLOWS),
)


async def setup_steps(
    options: SetupOptions, environments: Sequence[Environment], connection: Connection
) -> tuple[Step[Any], ...]:
    """All steps of setup. Asks GitHub who calls and what the repository is; raises the core's errors.

    `environments` may have blanks where only setup knows the value. What the caller may not do at GitHub is one step
    that says so, beside those that can do without it.
    """
    adoptions = adopted(options.adopt, keys_of(pairs(options, environments)))
    roles = await role_steps(options, pairs(options, environments), connection)
    try:
        github = connection.github(options.repository)
        repository, person = await github.repository(), await github.token_info()
    except (Forbidden, NotSignedIn, NotFound) as refused:
        return (*roles, *applications(options, environments, connection, adoptions), _refused(options, refused))
    made = _Setup(options, tuple(environments), connection, github, repository, person, adoptions)
    try:
        return (*roles, *await made.steps())
    except (Forbidden, NotSignedIn) as refused:
        identities = applications(options, environments, connection, adoptions)
        return (*roles, *identities, made.parameter_files(), _refused(options, refused))


def applications(
    options: SetupOptions, environments: Sequence[Environment], connection: Connection, adoptions: Mapping[str, str]
) -> Iterator[ApplicationStep]:
    for key in keys_of(pairs(options, environments)):
        yield ApplicationStep(
            connection.graph(),
            key=key,
            display_name=display_name(options, key),
            repository=options.repository,
            adopt=adoptions.get(key, ""),
        )


def _refused(options: SetupOptions, error: OperationError) -> Refused:
    """What needs GitHub: client secrets too, as whether one is stored there decides whether it is made."""
    secrets = "client secrets, and " if options.auth == "secret" else ""
    return Refused(GITHUB_STEP_ID, f"{secrets}what setup makes at GitHub", error)


@dataclass(frozen=True, slots=True)
class _Setup:
    options: SetupOptions
    environments: tuple[Environment, ...]
    connection: Connection
    github: GitHubClient
    repository: Repository
    person: TokenInfo
    adoptions: Mapping[str, str]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return pairs(self.options, self.environments)

    @property
    def root(self) -> Path:
        return self.environments[0].root if self.environments else Path()

    async def steps(self) -> tuple[Step[Any], ...]:
        """All but Azure's roles. Raises Forbidden for what the token may not do."""
        options, environments, github = self.options, self.environments, self.github
        scopes = ("repo", "workflow") if _publishes_workflows(options, environments) else ("repo",)
        require_rights(self.repository, self.person, scopes)
        await require_environments(github, self.repository, options)
        names = [environment.name for environment in environments] if options.github_environments else [""]
        token = await git_token(self.connection, self.repository, names, options.git_token, options.ask_git_token)
        asked = await reviewers(options, github, self.person)
        settings = GitHubSettings(options, self.connection, github, self.repository, token, asked)
        return (
            *self.identities(),
            *await settings.steps(self.pairs),
            *self.files(),
            *(self.rulesets() if await has_rulesets(github, self.repository, options) else ()),
        )

    def identities(self) -> Iterator[Step[Any]]:
        """Applications with their service principals, and client secrets where those were chosen."""
        found = applications(self.options, self.environments, self.connection, self.adoptions)
        for key, application in zip(keys_of(self.pairs), found, strict=True):
            yield application
            if self.options.auth == "secret":
                yield from self._client_secrets(key)

    def _client_secrets(self, key: str) -> Iterator[Step[Any]]:
        holders = holders_of(next(pair for pair in self.pairs if key in pair.keys), key)
        graph, held = self.connection.graph(), partial(self._held, holders)
        yield ClientSecretStep(graph, key=key, held=held)
        stored = [secrets_step_id(holder) for holder in holders]
        yield RetiredSecretsStep(graph, key=key, prove=self._prove, held=held, needs=stored)

    async def _held(self, holders: Sequence[str]) -> Collection[str]:
        """The key ids of the client secrets that every one of `holders` has."""
        found = [set((await stored_versions(self.github, holder)).values()) for holder in holders]
        return set.intersection(*found) if found else set()

    async def _prove(self, client_id: str, secret: Secret) -> None:
        from dbxwizard.clients.identity import prove_secret

        await prove_secret(self.connection.cloud, self.connection.signed_in.tenant_id, client_id, secret)

    def parameter_files(self) -> ParameterFilesStep:
        """The environment files get what only setup knows."""
        values = Values(self.options.subscription_id, self.person.login, self.repository.html_url, self._person)
        return ParameterFilesStep([environment.file for environment in self.environments], values)

    def files(self) -> list[Step[Any]]:
        """They reach the repository."""
        filled: list[Step[Any]] = [self.parameter_files()]
        return [*filled, PublishStep(self.github, self.root, PUBLISHED)] if self.options.publish else filled

    def rulesets(self) -> Iterator[Step[Any]]:
        """Last, as they would keep the first files out."""
        checks, cloud = checks_of(self.root), self.connection.cloud
        integration = GITHUB_ACTIONS if cloud.is_sandbox or cloud.github_web == PUBLIC_GITHUB else 0
        needs = (PublishStep.id,) if self.options.publish else ()
        for branch in (MAIN_BRANCH, RELEASE_BRANCH):
            yield RulesetStep(self.github, branch, checks, integration=integration, needs=needs)

    async def _person(self, written: str) -> Person:
        """Who `me`, `user:NAME` or `group:NAME` is."""
        signed_in = self.connection.signed_in
        if written == "me":
            kind = "User" if signed_in.kind == "user" else "ServicePrincipal"
            name = signed_in.name if signed_in.kind == "user" else signed_in.client_id
            return Person(signed_in.object_id, name, kind)
        if written.startswith("group:"):
            name = written.removeprefix("group:")
            return Person(await group_id(self.connection, name, written), name, "Group")
        found = await self.connection.graph().user(written.removeprefix("user:"))
        if found is None:
            raise OperationError(
                "user-not-found",
                f"the directory has no user {written.removeprefix('user:')}",
                resource=written,
                fix="Write the user's sign-in name (user principal name), or their object id.",
            )
        return Person(found["id"], found["userPrincipalName"])


def _publishes_workflows(options: SetupOptions, environments: Sequence[Environment]) -> bool:
    return options.publish and any((one.root / ".github" / "workflows").is_dir() for one in environments)
