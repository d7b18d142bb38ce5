"""What setup makes at GitHub so that jobs can sign in: environments, variables, secrets, and Azure's trust in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dbxwizard.clients.github_types import Reviewer
from dbxwizard.core.errors import UsageError
from dbxwizard.core.plan import Inputs, Step
from dbxwizard.core.secret import Secret
from dbxwizard.steps.branching import RELEASE_BRANCH, admitted, plan_environment, planning
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.github.environments import GitHubEnvironmentStep, Protection
from dbxwizard.steps.github.git_token import GitToken
from dbxwizard.steps.github.secrets import GitHubSecretsStep, WantedSecret
from dbxwizard.steps.github.variables import GitHubVariablesStep, Output
from dbxwizard.steps.identity.applications import application_step_id, client_secret_step_id, new_secret_value
from dbxwizard.steps.identity.federation import FederationStep
from dbxwizard.steps.named_principals import variable_of

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.github_types import Repository, TokenInfo
    from dbxwizard.steps.setup_options import Pair, SetupOptions

_REVIEWED = "production"
_MOST_REVIEWERS = 6  # docs.github.com/rest/deployments/environments
_LONGEST_WAIT = 43_200  # minutes: 30 days
_TEAM = "team:"


@dataclass(frozen=True, slots=True)
class Reviewers:
    """Of Production: those that were named, and who is asked where nobody was and nobody is."""

    named: tuple[Reviewer, ...] = ()
    otherwise: Reviewer | None = None


async def reviewers(options: SetupOptions, github: GitHubClient, person: TokenInfo) -> Reviewers:
    """Raises UsageError for a login or a team that GitHub does not know, and for too many."""
    if not options.github_environments or not options.approval:
        return Reviewers()
    named = [await _reviewer(github, one) for one in reviewer_names(options.reviewers)]
    return Reviewers(tuple(named), Reviewer("User", person.id, person.login))


def reviewer_names(given: Sequence[str]) -> tuple[str, ...]:
    """Each once. Raises UsageError for more than GitHub takes."""
    names = tuple(dict.fromkeys(given))
    if len(names) > _MOST_REVIEWERS:
        raise UsageError(
            "reviewers-too-many",
            f"GitHub takes {_MOST_REVIEWERS} required reviewers, and {len(names)} are named",
            resource="--reviewer",
            fix="Name a team (team:ORG/SLUG): each of its members may approve.",
        )
    return names


def wait_minutes(text: str) -> int | None:
    """Of `--wait-minutes`; None where nothing is said. Raises UsageError for what GitHub would not take."""
    if not text:
        return None
    if not text.isdecimal() or len(text) > len(str(_LONGEST_WAIT)) or int(text) > _LONGEST_WAIT:
        raise UsageError(
            "wait-invalid", f"{text!r} is no number of minutes from 0 to {_LONGEST_WAIT}", resource="--wait-minutes"
        )
    return int(text)


async def _reviewer(github: GitHubClient, written: str) -> Reviewer:
    name = written.removeprefix(_TEAM)
    found = await github.reviewer(name) if written.startswith(_TEAM) is ("/" in name) else None
    if found is None:
        raise UsageError(
            "reviewer-unknown",
            f"GitHub has no {'team' if '/' in name else 'user'} {name} that your token may see",
            resource=f"--reviewer {written}",
            fix="Write a user's login, or team:ORG/SLUG as in the team's address (the token then needs read:org).",
        )
    return found


def holders_of(pair: Pair, key: str) -> list[str]:
    """Where the variables and secrets of a service principal are: GitHub environments, or ("") the repository."""
    if not pair.plans:
        return [""]
    names = [one.name for one in pair.environments]
    return list(map(plan_environment, names)) if key == pair.plan else names


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """`git_token`: PAT_GITHUB, for a private repository."""

    options: SetupOptions
    connection: Connection
    github: GitHubClient
    repository: Repository
    git_token: GitToken | None
    reviewers: Reviewers

    async def steps(self, pairs: tuple[Pair, ...]) -> list[Step[Any]]:
        """Environment by environment what its jobs need, and after it the environment whose jobs only look at it."""
        made: list[Step[Any]] = []
        for pair in pairs:
            for holder in holders_of(pair, pair.main):
                deployed = [pair.main, pair.databricks]
                variables = self._variables(*deployed) | self._known(pair, holder, pair.plan)
                made += await self._holder(holder, self._protection(holder), deployed, variables)
                if pair.plans:
                    made += await self._looking(pair, plan_environment(holder))
        return made

    async def _looking(self, pair: Pair, holder: str) -> list[Step[Any]]:
        variables = self._variables(pair.plan, pair.plan) | self._known(pair, holder, pair.main, pair.databricks)
        protection = Protection(planning(self.repository.default_branch))
        return await self._holder(holder, protection, [pair.plan, pair.plan], variables)

    async def _holder(
        self, holder: str, protection: Protection, keys: list[str], variables: Mapping[str, str | Output]
    ) -> list[Step[Any]]:
        """`keys`: who its jobs are in Azure, and who in Databricks."""
        secrets = list(self._secrets(*keys))
        return [
            *([GitHubEnvironmentStep(self.github, holder, protection)] if holder else []),
            GitHubVariablesStep(self.github, holder, variables),
            *([GitHubSecretsStep(self.github, holder, secrets)] if secrets else []),
            *(await self._trust(dict.fromkeys(keys), holder) if self.options.auth == "federated" else []),
        ]

    def _protection(self, environment: str) -> Protection:
        if environment.lower() != _REVIEWED:
            return Protection(admitted(environment))
        asked = self.reviewers
        wait = self.options.wait_minutes if self.options.approval else None
        return Protection(admitted(environment), asked.named, asked.otherwise, wait)

    def _variables(self, main: str, databricks: str) -> dict[str, str | Output]:
        tenant = self.connection.signed_in.tenant_id
        return {
            "AZURE_CLIENT_ID": Output(application_step_id(main), "client_id"),
            "ARM_CLIENT_ID": Output(application_step_id(databricks), "client_id"),
            "AZURE_TENANT_ID": tenant,
            "ARM_TENANT_ID": tenant,
            "AZURE_SUBSCRIPTION_ID": self.options.subscription_id,
        }

    def _known(self, pair: Pair, holder: str, *keys: str) -> dict[str, str | Output]:
        """Who the service principals are that jobs of `holder` do not sign in as: they can't ask the directory."""
        known = keys if pair.plans and holder else ()
        return {variable_of(key): Output(application_step_id(key), "ids") for key in known}

    async def _trust(self, keys: Mapping[str, None], holder: str) -> list[Step[Any]]:
        """In the jobs of a GitHub environment, or in those of the two branches that deploy."""
        if holder:
            return await self._federation(keys, environment=holder)
        branches = dict.fromkeys((self.repository.default_branch, RELEASE_BRANCH))
        return [step for branch in branches for step in await self._federation(keys, branch=branch)]

    async def _federation(
        self, keys: Mapping[str, None], *, environment: str = "", branch: str = ""
    ) -> list[Step[Any]]:
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
            for key in keys
        ]

    def _secrets(self, main: str, databricks: str) -> Iterator[WantedSecret]:
        """The accelerator's names, and for who deploys the token for a private repository."""
        if self.options.auth == "secret":
            tenant = self.connection.signed_in.tenant_id
            yield _from_secret("AZURE_CREDENTIALS", main, partial(self._sdk_auth, main))
            yield _from_secret("ARM_CLIENT_SECRET", databricks, lambda _, secret: secret)
            application = application_step_id(databricks)
            yield WantedSecret(
                "ARM_CLIENT_ID",
                lambda inputs: str(inputs.get(application, "client_id")),
                lambda inputs: Secret(str(inputs.get(application, "client_id"))),
                (application,),
            )
            yield WantedSecret("ARM_TENANT_ID", lambda _: tenant, lambda _: Secret(tenant))
        token = self.git_token
        if token is not None and main != databricks:
            yield WantedSecret("PAT_GITHUB", lambda _: token.version, lambda _: token.value)

    def _sdk_auth(self, key: str, inputs: Inputs, secret: Secret) -> Secret:
        """What `az ad sp create-for-rbac --sdk-auth` printed, which azure/login reads."""
        cloud = self.connection.cloud
        return Secret(
            json.dumps(
                {
                    "clientId": inputs.get(application_step_id(key), "client_id"),
                    "clientSecret": secret.reveal(),
                    "subscriptionId": self.options.subscription_id,
                    "tenantId": self.connection.signed_in.tenant_id,
                    "activeDirectoryEndpointUrl": cloud.authority,
                    "resourceManagerEndpointUrl": f"{cloud.resource_manager}/",
                    "managementEndpointUrl": cloud.management_audience,
                }
            )
        )


def _from_secret(name: str, key: str, value: Any) -> WantedSecret:
    """A GitHub secret made of the client secret of `key`; its version is the credential's key id."""
    step = client_secret_step_id(key)

    def made(inputs: Inputs) -> Secret | None:
        secret = new_secret_value(inputs, step)
        return value(inputs, secret) if secret else None

    return WantedSecret(name, lambda inputs: str(inputs.get(step, "key_id")), made, (step, application_step_id(key)))
