"""The steps of setup: everything that needs a person's rights, once per repository and subscription."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbxwizard import bundled
from dbxwizard.core.errors import OperationError
from dbxwizard.core.plan import Inputs, Step
from dbxwizard.core.secret import Secret
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.adoption import adopted
from dbxwizard.steps.applications import (
    ApplicationStep,
    ClientSecretStep,
    RetiredSecretsStep,
    application_step_id,
    client_secret_step_id,
    new_secret_value,
)
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.federation import FederationStep
from dbxwizard.steps.git_token import AskToken, GitToken, git_token
from dbxwizard.steps.github_access import require_environments, require_rights
from dbxwizard.steps.github_environments import GitHubEnvironmentStep
from dbxwizard.steps.github_secrets import GitHubSecretsStep, WantedSecret, secrets_step_id, stored_versions
from dbxwizard.steps.github_variables import GitHubVariablesStep, Output
from dbxwizard.steps.parameter_files import ParameterFilesStep, Person, Values
from dbxwizard.steps.principals import group_id
from dbxwizard.steps.publish import RELEASE_BRANCH, PublishStep
from dbxwizard.steps.setup_roles import role_steps

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.github_types import Repository

MAIN, DATABRICKS = "main-spn", "databricks-spn"
PUBLISHED = (
    "environments",
    "bicep",
    "framework",
    "README.md",
    ".github/dbxwizard",
    ".github/dbxwizard-requirements.txt",
    *(f".github/workflows/{name}" for name in bundled.WORKFLOWS),
)


@dataclass(frozen=True, slots=True)
class SetupOptions:
    """The decisions of setup; only subscription and repository have no default."""

    subscription_id: str
    repository: str  # OWNER/NAME
    auth: str = "federated"  # or secret
    isolation: str = "shared"  # or environment
    owner: bool = False
    main_name: str = ""
    databricks_name: str = ""
    role_name: str = "DBX_Custom_Role"
    adopt: tuple[str, ...] = ()  # each ID or KEY=ID, see steps.adoption
    publish: bool = True
    github_environments: bool = True  # False: the repository's own variables and secrets, and trust in its branches
    git_token: Secret | None = None  # PAT_GITHUB, for a private repository
    ask_git_token: AskToken | None = None  # where somebody is there to give it


@dataclass(frozen=True, slots=True)
class Pair:
    """The two service principals of some environments; `prefix` is "" or "<environment>/"."""

    prefix: str
    environments: tuple[Environment, ...]

    @property
    def main(self) -> str:
        return f"{self.prefix}{MAIN}"

    @property
    def databricks(self) -> str:
        return f"{self.prefix}{DATABRICKS}"


def pairs(environments: Sequence[Environment], isolation: str) -> tuple[Pair, ...]:
    """One pair for all, or one for each environment."""
    if isolation == "environment":
        return tuple(Pair(f"{environment.name}/", (environment,)) for environment in environments)
    return (Pair("", tuple(environments)),)


def display_name(options: SetupOptions, key: str) -> str:
    """The application's name that was asked for, else one that tells repository and purpose."""
    environment, _, kind = key.rpartition("/")
    asked = options.main_name if kind == MAIN else options.databricks_name
    name = asked or f"dbxwizard-{options.repository.replace('/', '-')}-{kind.removesuffix('-spn')}"
    return f"{name}-{environment.lower()}" if environment else name


async def setup_steps(
    options: SetupOptions, environments: Sequence[Environment], connection: Connection
) -> tuple[Step[Any], ...]:
    """All steps of setup. Asks GitHub who calls and what the repository is; raises the core's errors.

    `environments` may have blanks where only setup knows the value.
    """
    adoptions = adopted(options.adopt, _keys(pairs(environments, options.isolation)))
    github = connection.github(options.repository)
    repository = await github.repository()
    person = await github.token_info()
    require_rights(
        repository, person, ("repo", "workflow") if _publishes_workflows(options, environments) else ("repo",)
    )
    await require_environments(github, repository, options)
    names = [environment.name for environment in environments] if options.github_environments else [""]
    token = await git_token(connection, repository, names, options.git_token, options.ask_git_token)
    made = _Setup(options, tuple(environments), connection, github, repository, person.login, token, adoptions)
    steps = [*await role_steps(options, made.pairs, connection), *made.identities(), *await made.github_steps()]
    return (*steps, *made.files())


@dataclass(frozen=True, slots=True)
class _Setup:
    options: SetupOptions
    environments: tuple[Environment, ...]
    connection: Connection
    github: GitHubClient
    repository: Repository
    git_username: str
    git_token: GitToken | None
    adoptions: Mapping[str, str]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return pairs(self.environments, self.options.isolation)

    def identities(self) -> Iterator[Step[Any]]:
        """Applications with their service principals, and client secrets where those were chosen."""
        graph = self.connection.graph()
        for key in _keys(self.pairs):
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
        holders = self._holders(next(pair for pair in self.pairs if key in (pair.main, pair.databricks)))
        graph, held = self.connection.graph(), partial(self._held, holders)
        yield ClientSecretStep(graph, key=key, held=held)
        stored = [secrets_step_id(holder) for holder in holders]
        yield RetiredSecretsStep(graph, key=key, prove=self._prove, held=held, needs=stored)

    def _holders(self, pair: Pair) -> list[str]:
        """Where the variables and secrets of a pair are: its GitHub environments, or ("") the repository."""
        return [one.name for one in pair.environments] if self.options.github_environments else [""]

    async def _held(self, holders: Sequence[str]) -> Collection[str]:
        """The key ids of the client secrets that every one of `holders` has."""
        found = [set((await stored_versions(self.github, holder)).values()) for holder in holders]
        return set.intersection(*found) if found else set()

    async def _prove(self, client_id: str, secret: Secret) -> None:
        from dbxwizard.clients.identity import prove_secret

        await prove_secret(self.connection.cloud, self.connection.signed_in.tenant_id, client_id, secret)

    async def github_steps(self) -> list[Step[Any]]:
        """GitHub environments with their variables and secrets, and the trust of the applications in them."""
        steps: list[Step[Any]] = []
        for pair in self.pairs:
            for holder in self._holders(pair):
                steps += [GitHubEnvironmentStep(self.github, holder)] if holder else []
                steps.append(GitHubVariablesStep(self.github, holder, self._variables(pair)))
                secrets = list(self._secrets(pair))
                steps += [GitHubSecretsStep(self.github, holder, secrets)] if secrets else []
                if self.options.auth == "federated":
                    steps += await self._trust(pair, holder)
        return steps

    def _variables(self, pair: Pair) -> dict[str, str | Output]:
        tenant = self.connection.signed_in.tenant_id
        return {
            "AZURE_CLIENT_ID": Output(application_step_id(pair.main), "client_id"),
            "ARM_CLIENT_ID": Output(application_step_id(pair.databricks), "client_id"),
            "AZURE_TENANT_ID": tenant,
            "ARM_TENANT_ID": tenant,
            "AZURE_SUBSCRIPTION_ID": self.options.subscription_id,
        }

    async def _trust(self, pair: Pair, holder: str) -> list[Step[Any]]:
        """In the jobs of a GitHub environment, or in those of the two branches that deploy."""
        if holder:
            return await self._federation(pair, environment=holder)
        branches = dict.fromkeys((self.repository.default_branch, RELEASE_BRANCH))
        return [step for branch in branches for step in await self._federation(pair, branch=branch)]

    async def _federation(self, pair: Pair, *, environment: str = "", branch: str = "") -> list[Step[Any]]:
        subject, cloud = await self.github.subject(environment, branch=branch), self.connection.cloud
        return [
            FederationStep(
                self.connection.graph(),
                key=key,
                environment=environment,
                branch=branch,
                subject=subject,
                issuer=cloud.federation_issuer,
                audience=cloud.federation_audience,
            )
            for key in (pair.main, pair.databricks)
        ]

    def _secrets(self, pair: Pair) -> Iterator[WantedSecret]:
        """The accelerator's names, and the token for a private repository."""
        if self.options.auth == "secret":
            tenant = self.connection.signed_in.tenant_id
            yield _from_secret("AZURE_CREDENTIALS", pair.main, partial(self._sdk_auth, pair))
            yield _from_secret("ARM_CLIENT_SECRET", pair.databricks, lambda _, secret: secret)
            application = application_step_id(pair.databricks)
            yield WantedSecret(
                "ARM_CLIENT_ID",
                lambda inputs: str(inputs.get(application, "client_id")),
                lambda inputs: Secret(str(inputs.get(application, "client_id"))),
                (application,),
            )
            yield WantedSecret("ARM_TENANT_ID", lambda _: tenant, lambda _: Secret(tenant))
        token = self.git_token
        if token is not None:
            yield WantedSecret("PAT_GITHUB", lambda _: token.version, lambda _: token.value)

    def _sdk_auth(self, pair: Pair, inputs: Inputs, secret: Secret) -> Secret:
        """What `az ad sp create-for-rbac --sdk-auth` printed, which azure/login reads."""
        cloud = self.connection.cloud
        return Secret(
            json.dumps(
                {
                    "clientId": inputs.get(application_step_id(pair.main), "client_id"),
                    "clientSecret": secret.reveal(),
                    "subscriptionId": self.options.subscription_id,
                    "tenantId": self.connection.signed_in.tenant_id,
                    "activeDirectoryEndpointUrl": cloud.authority,
                    "resourceManagerEndpointUrl": f"{cloud.resource_manager}/",
                    "managementEndpointUrl": cloud.management_audience,
                }
            )
        )

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
        root = self.environments[0].root if self.environments else Path()
        return [*steps, PublishStep(self.github, root, PUBLISHED)] if self.options.publish else steps

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


def _keys(made: Sequence[Pair]) -> list[str]:
    return [key for pair in made for key in (pair.main, pair.databricks)]


def _from_secret(name: str, key: str, value: Any) -> WantedSecret:
    """A GitHub secret made of the client secret of `key`; its version is the credential's key id."""
    step = client_secret_step_id(key)

    def made(inputs: Inputs) -> Secret | None:
        secret = new_secret_value(inputs, step)
        return value(inputs, secret) if secret else None

    return WantedSecret(name, lambda inputs: str(inputs.get(step, "key_id")), made, (step, application_step_id(key)))
