"""The deployment environments of the repository: they hold the variables, and the federated credentials name them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import NotFound, OperationError
from dbxwizard.core.plan import Change, Inputs, Progress, Reason, Scope, Step
from dbxwizard.core.requests import Host, Request

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient

# docs.github.com/actions/reference/environments: which plans have them for private repositories.
NO_ENVIRONMENTS = (
    "Make the repository public, move it to a paid plan (Pro and Team have environments), or accept "
    "`--no-github-environments`: variables and secrets of the repository, trust in its branches, no reviewers."
)


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """`settings`: the environment as GitHub shows it; `branches`: the patterns that its custom policies allow."""

    settings: Mapping[str, Any]
    branches: frozenset[str] = frozenset()


class GitHubEnvironmentStep(Step[EnvironmentState]):
    """One environment exists, with all that its people set on it.

    `branches`: patterns of the branches that may deploy, added to those that are there; with none, and where people
    chose "protected branches only", the environment keeps what it has.
    """

    scope = Scope.SETUP

    def __init__(self, client: GitHubClient, environment: str, *, branches: Collection[str] = ()) -> None:
        self.id = environment_step_id(environment)
        self.title = f"GitHub environment {environment}"
        self.environment = environment
        self._client, self._branches = client, tuple(branches)

    async def read(self, inputs: Inputs) -> EnvironmentState | None:
        settings = await self._client.environment(self.environment)
        if settings is None:
            return None
        policies = _has_custom_policies(settings) and self._branches
        branches = await self._client.branch_policies(self.environment) if policies else frozenset()
        return EnvironmentState(settings, branches)

    def diff(self, state: EnvironmentState | None, inputs: Inputs) -> Change:
        if state is None:
            return Change.create(**({"branches": ", ".join(self._branches)} if self._branches else {}))
        missing = self._missing(state)
        if not missing:
            return Change.none()
        before = sorted(state.branches) if _has_custom_policies(state.settings) else ["all"]
        after = sorted({*state.branches, *missing})
        return Change.update([Reason("deployment branches", ", ".join(before), ", ".join(after))])

    def _missing(self, state: EnvironmentState) -> list[str]:
        policy = state.settings.get("deployment_branch_policy")
        if policy and not policy.get("custom_branch_policies"):
            return []
        return [branch for branch in self._branches if branch not in state.branches]

    async def apply(
        self, state: EnvironmentState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        """GitHub replaces the whole environment, so all that is there is sent along."""
        settings = state.settings if state else {}
        if state is None or not _has_custom_policies(settings):
            await self._put(_body(settings, bool(self._branches)))
        for branch in self._missing(state or EnvironmentState({})):
            await self._client.add_branch_policy(self.environment, branch)
        return {}

    def writes(self, state: EnvironmentState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        path = environment_path(self._client.name, self.environment)
        policies = f"{path}/deployment-branch-policies"
        allowed = [
            Request("POST", Host.GITHUB, policies, f"lets the branch {branch} deploy")
            for branch in self._missing(state or EnvironmentState({}))
        ]
        if state is not None and _has_custom_policies(state.settings):
            return tuple(allowed)
        purpose = "changes the environment" if state else f"makes the environment {self.environment}"
        return (Request("PUT", Host.GITHUB, path, purpose), *allowed)

    async def _put(self, body: Mapping[str, object]) -> None:
        try:
            await self._client.put_environment(self.environment, body)
        except NotFound as error:
            raise OperationError(
                "github-no-environments",
                f"GitHub has no environments for this repository: {error.message}",
                resource=self.subject,
                fix=NO_ENVIRONMENTS,
            ) from error


def environment_path(repository: str, environment: str) -> str:
    """The address of an environment; of what the repository itself has for "" (secrets and variables)."""
    return f"/repos/{repository}/environments/{environment}" if environment else f"/repos/{repository}/actions"


def environment_step_id(environment: str) -> str:
    return f"setup/github/environment/{environment.lower()}"


def _has_custom_policies(settings: Mapping[str, Any]) -> bool:
    return bool((settings.get("deployment_branch_policy") or {}).get("custom_branch_policies"))


def _body(settings: Mapping[str, Any], limit_branches: bool) -> dict[str, object]:
    """What to send to keep `settings` as they are, limited to named branches where asked.

    Reviewers and timers are named only where they are set: on plans without them GitHub refuses even their defaults.
    """
    body: dict[str, object] = {"deployment_branch_policy": settings.get("deployment_branch_policy")}
    if limit_branches:
        body["deployment_branch_policy"] = {"protected_branches": False, "custom_branch_policies": True}
    for rule in settings.get("protection_rules", ()):
        if rule["type"] == "wait_timer":
            body["wait_timer"] = rule["wait_timer"]
        elif rule["type"] == "required_reviewers":
            body["prevent_self_review"] = rule.get("prevent_self_review", False)
            body["reviewers"] = [{"type": each["type"], "id": each["reviewer"]["id"]} for each in rule["reviewers"]]
    return body
