"""The steps of setup: everything that needs a person's rights, once per repository and subscription."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbxwizard import bundled
from dbxwizard.clients.cloud import PUBLIC_GITHUB
from dbxwizard.core.errors import Forbidden, OperationError
from dbxwizard.core.plan import Step
from dbxwizard.core.secret import Secret
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.adoption import adopted
from dbxwizard.steps.applications import (
    ApplicationStep,
    ClientSecretStep,
    RetiredSecretsStep,
)
from dbxwizard.steps.branching import MAIN_BRANCH, RELEASE_BRANCH
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.git_token import git_token
from dbxwizard.steps.github_access import has_rulesets, require_environments, require_rights
from dbxwizard.steps.github_rulesets import GITHUB_ACTIONS, RulesetStep, checks_of
from dbxwizard.steps.github_secrets import secrets_step_id, stored_versions
from dbxwizard.steps.parameter_files import ParameterFilesStep, Person, Values
from dbxwizard.steps.pending import NotChecked
from dbxwizard.steps.principals import group_id
from dbxwizard.steps.publish import PublishStep
from dbxwizard.steps.setup_github import GitHubSettings, holders_of, reviewers
from dbxwizard.steps.setup_options import Pair, SetupOptions, display_name, keys_of, pairs
from dbxwizard.steps.setup_roles import role_steps

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.github_types import Repository

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
    options: SetupOptions, environments: Sequence[Environment], connection: Connection, *, looking: bool = False
) -> tuple[Step[Any], ...]:
    """All steps of setup. Asks GitHub who calls and what the repository is; raises the core's errors.

    `environments` may have blanks where only setup knows the value. `looking`: for a plan alone; what the caller has no
    right to at GitHub is then one step that says so, and the others go on.
    """
    adoptions = adopted(options.adopt, keys_of(pairs(options, environments)))
    github = connection.github(options.repository)
    repository = await github.repository()
    person = await github.token_info()
    scopes = ("repo", "workflow") if _publishes_workflows(options, environments) else ("repo",)
    try:
        require_rights(repository, person, scopes)
    except Forbidden as refused:
        if not looking:
            raise
        made = _Setup(options, tuple(environments), connection, github, repository, person.login, adoptions)
        roles = await role_steps(options, made.pairs, connection)
        return (*roles, *made.identities(), NotChecked(refused.message, "GitHub"))
    await require_environments(github, repository, options)
    names = [environment.name for environment in environments] if options.github_environments else [""]
    token = await git_token(connection, repository, names, options.git_token, options.ask_git_token)
    made = _Setup(options, tuple(environments), connection, github, repository, person.login, adoptions)
    settings = GitHubSettings(options, connection, github, repository, token, await reviewers(options, github, person))
    return (
        *await role_steps(options, made.pairs, connection),
        *made.identities(),
        *await settings.steps(made.pairs),
        *made.files(),
        *(made.rulesets() if await has_rulesets(github, repository, options) else ()),
    )


@dataclass(frozen=True, slots=True)
class _Setup:
    options: SetupOptions
    environments: tuple[Environment, ...]
    connection: Connection
    github: GitHubClient
    repository: Repository
    git_username: str
    adoptions: Mapping[str, str]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return pairs(self.options, self.environments)

    @property
    def root(self) -> Path:
        return self.environments[0].root if self.environments else Path()

    def identities(self) -> Iterator[Step[Any]]:
        """Applications with their service principals, and client secrets where those were chosen."""
        graph = self.connection.graph()
        for key in keys_of(self.pairs):
            yield ApplicationStep(
                graph,
                key=key,
                display_name=display_name(self.options, key),
                repository=self.options.repository,
                adopt=self.adoptions.get(key, ""),
            )
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

    def files(self) -> list[Step[Any]]:
        """The environment files get what only setup knows, and reach the repository."""
        values = Values(
            self.options.subscription_id,
            self.git_username,
            self.repository.html_url,
            self._person,
        )
        paths = [environment.file for environment in self.environments]
        steps: list[Step[Any]] = [ParameterFilesStep(paths, values)]
        return [*steps, PublishStep(self.github, self.root, PUBLISHED)] if self.options.publish else steps

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
