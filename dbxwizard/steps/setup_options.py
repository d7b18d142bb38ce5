"""The decisions of setup, and the service principals that they ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from dbxwizard.core.secret import Secret
from dbxwizard.parameters.model import Environment

MAIN, DATABRICKS, PLAN = "main-spn", "databricks-spn", "plan-spn"
# Asks the person for the token of a repository (OWNER/NAME); None where they give none.
AskToken = Callable[[str], Awaitable[Secret | None]]


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
    plan_name: str = ""
    role_name: str = "DBX_Custom_Role"
    adopt: tuple[str, ...] = ()  # each ID or KEY=ID, see steps.identity.adoption
    publish: bool = True
    github_environments: bool = True  # False: the repository's own variables and secrets, and trust in its branches
    approval: bool = True  # False: nobody is asked before a deployment to Production
    rulesets: bool = True  # False: main and release take what anybody who may push sends
    reviewers: tuple[str, ...] = ()  # of Production: logins, team:ORG/SLUG; none given: who runs setup
    wait_minutes: int | None = None  # before a deployment to Production; None: as it is there
    git_token: Secret | None = None  # PAT_GITHUB, for a private repository
    ask_git_token: AskToken | None = None  # where somebody is there to give it


@dataclass(frozen=True, slots=True)
class Pair:
    """The two service principals that deploy some environments; `prefix` is "" or "<environment>/".

    `plans`: beside them a third one only looks, in GitHub environments of its own.
    """

    prefix: str
    environments: tuple[Environment, ...]
    plans: bool = True

    @property
    def main(self) -> str:
        return f"{self.prefix}{MAIN}"

    @property
    def databricks(self) -> str:
        return f"{self.prefix}{DATABRICKS}"

    @property
    def plan(self) -> str:
        return f"{self.prefix}{PLAN}"

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.main, self.databricks, *([self.plan] if self.plans else []))


def pairs(options: SetupOptions, environments: Sequence[Environment]) -> tuple[Pair, ...]:
    """One pair for all, or one for each environment.

    Without GitHub environments every job of a branch presents the same subject, so none could sign in only to look.
    """
    plans = options.github_environments
    if options.isolation == "environment":
        return tuple(Pair(f"{environment.name}/", (environment,), plans) for environment in environments)
    return (Pair("", tuple(environments), plans),)


def keys_of(made: Sequence[Pair]) -> tuple[str, ...]:
    """Of all applications; those that deploy first, as `--adopt` counts them."""
    deploying = [key for pair in made for key in (pair.main, pair.databricks)]
    return (*deploying, *(pair.plan for pair in made if pair.plans))


def display_name(options: SetupOptions, key: str) -> str:
    """The application's name that was asked for, else one that tells repository and purpose."""
    environment, _, kind = key.rpartition("/")
    asked = {MAIN: options.main_name, DATABRICKS: options.databricks_name, PLAN: options.plan_name}[kind]
    name = asked or f"dbxwizard-{options.repository.replace('/', '-')}-{kind.removesuffix('-spn')}"
    return f"{name}-{environment.lower()}" if environment else name
