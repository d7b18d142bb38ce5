"""The deployment environments of the repository: they hold the variables, and the federated credentials name them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dbxwizard.clients.github_types import RefPattern, Reviewer
from dbxwizard.core.errors import NotFound, OperationError, ServiceError, UsageError
from dbxwizard.core.plan import Action, Change, Inputs, Progress, Reason, Scope, Step
from dbxwizard.core.requests import Host, Request
from dbxwizard.steps.branching import environment_of

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient

# docs.github.com/actions/reference/environments: which plans have them for private repositories.
NO_ENVIRONMENTS = (
    "Make the repository public, move it to a paid plan (Pro and Team have environments), or accept "
    "`--no-github-environments`: variables and secrets of the repository, trust in its branches, no reviewers, no "
    "rulesets."
)
NO_APPROVAL = (
    "Make the repository public, move it to GitHub Enterprise, or accept `--no-approval`: a tag deploys Production at "
    "once, without reviewers and without a wait timer."
)
_PLAN_WORDS = "billing plan"


@dataclass(frozen=True, slots=True)
class Protection:
    """Who may deploy to an environment. What is None or empty is left as people have it.

    `refs`: exactly the branches and tags that may. `reviewers` are added to those that are there; `default_reviewer`
    only where there are none. `wait_minutes`: the wait timer.
    """

    refs: tuple[RefPattern, ...] = ()
    reviewers: tuple[Reviewer, ...] = ()
    default_reviewer: Reviewer | None = None
    wait_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """`settings`: the environment as GitHub shows it; `refs`: what its custom policies admit, and their ids."""

    settings: Mapping[str, Any]
    refs: Mapping[RefPattern, int] = field(default_factory=dict)

    @property
    def limit(self) -> str:
        """How branches and tags are limited: `custom`, `protected branches`, or `all`."""
        policy = self.settings.get("deployment_branch_policy") or {}
        return "custom" if policy.get("custom_branch_policies") else "protected branches" if policy else "all"

    @property
    def reviewers(self) -> tuple[Reviewer, ...]:
        rule = self._rule("required_reviewers")
        return tuple(_reviewer(each) for each in rule.get("reviewers", ()))

    @property
    def wait_minutes(self) -> int:
        return int(self._rule("wait_timer").get("wait_timer", 0))

    @property
    def prevent_self_review(self) -> bool:
        return bool(self._rule("required_reviewers").get("prevent_self_review", False))

    def _rule(self, kind: str) -> Mapping[str, Any]:
        rules = self.settings.get("protection_rules", ())
        return next((rule for rule in rules if rule["type"] == kind), {})


_NOTHING = EnvironmentState({})


class GitHubEnvironmentStep(Step[EnvironmentState]):
    """One environment exists, with `protection`; everything else that its people set on it stays."""

    scope = Scope.SETUP

    def __init__(self, client: GitHubClient, holder: str, protection: Protection | None = None) -> None:
        """`holder`: the name of the GitHub environment."""
        self.id = environment_step_id(holder)
        self.title = f"GitHub environment {holder}"
        self.environment = environment_of(holder)
        self.holder = holder
        self._client, self._wanted = client, protection or Protection()

    async def read(self, inputs: Inputs) -> EnvironmentState | None:
        settings = await self._client.environment(self.holder)
        if settings is None:
            return None
        state = EnvironmentState(settings)
        if not self._wanted.refs or state.limit != "custom":
            return state
        return EnvironmentState(settings, await self._client.deployment_refs(self.holder))

    def diff(self, state: EnvironmentState | None, inputs: Inputs) -> Change:
        reasons = tuple(self._reasons(state or _NOTHING))
        return Change.update(reasons) if state else Change(Action.CREATE, reasons)

    def _reasons(self, state: EnvironmentState) -> Iterator[Reason]:
        made = not state.settings
        if self._missing(state) or self._surplus(state):
            before = _listed(state.refs) if state.limit == "custom" else state.limit
            yield Reason("deployment branches and tags", None if made else before, _listed(self._wanted.refs))
        wanted = self._reviewers(state)
        if wanted != state.reviewers:
            before = ", ".join(one.name for one in state.reviewers)
            yield Reason("required reviewers", before or None, ", ".join(one.name for one in wanted))
        if self._wait(state) != state.wait_minutes:
            yield Reason("wait timer (minutes)", state.wait_minutes or None, self._wait(state))

    def _missing(self, state: EnvironmentState) -> list[RefPattern]:
        return [one for one in self._wanted.refs if one not in state.refs]

    def _surplus(self, state: EnvironmentState) -> list[RefPattern]:
        return [one for one in state.refs if one not in self._wanted.refs]

    def _reviewers(self, state: EnvironmentState) -> tuple[Reviewer, ...]:
        found, known = state.reviewers, {(one.type, one.id) for one in state.reviewers}
        asked = self._wanted.reviewers
        if not found and not asked and self._wanted.default_reviewer:
            asked = (self._wanted.default_reviewer,)
        return (*found, *(one for one in asked if (one.type, one.id) not in known))

    def _wait(self, state: EnvironmentState) -> int:
        wanted = self._wanted.wait_minutes
        return state.wait_minutes if wanted is None else wanted

    def _must_put(self, state: EnvironmentState | None) -> bool:
        """Whether the environment itself is written, besides its list of branches and tags."""
        if state is None:
            return True
        rules = self._reviewers(state) != state.reviewers or self._wait(state) != state.wait_minutes
        return rules or bool(self._wanted.refs and state.limit != "custom")

    async def apply(
        self, state: EnvironmentState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        """GitHub replaces the whole environment, so all that is there is sent along.

        What is new is admitted before what is not wanted goes.
        """
        found = state or _NOTHING
        if self._must_put(state):
            self._check_reviewers(found, EnvironmentState(await self._put(self._body(found))))
        for refs in self._missing(found):
            await self._client.admit(self.holder, refs)
        for refs in self._surplus(found):
            await self._client.admit_no_longer(self.holder, found.refs[refs])
        return {}

    def writes(self, state: EnvironmentState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        path, found = environment_path(self._client.name, self.holder), state or _NOTHING
        policies = f"{path}/deployment-branch-policies"
        purpose = "changes the environment" if state else f"makes the environment {self.holder}"
        admit = (Request("POST", Host.GITHUB, policies, f"lets the {one} deploy") for one in self._missing(found))
        refuse = (
            Request("DELETE", Host.GITHUB, f"{policies}/{found.refs[one]}", f"lets the {one} deploy no longer")
            for one in self._surplus(found)
        )
        put = [Request("PUT", Host.GITHUB, path, purpose)] if self._must_put(state) else []
        return (*put, *admit, *refuse)

    def _body(self, state: EnvironmentState) -> dict[str, object]:
        """What to send to keep what is set, and to have what is wanted.

        Reviewers and timers are named only where they are set: on plans without them GitHub refuses even their
        defaults.
        """
        body: dict[str, object] = {"deployment_branch_policy": state.settings.get("deployment_branch_policy")}
        if self._wanted.refs:
            body["deployment_branch_policy"] = {"protected_branches": False, "custom_branch_policies": True}
        if self._wait(state) or state.wait_minutes:
            body["wait_timer"] = self._wait(state)
        if reviewers := self._reviewers(state):
            body["prevent_self_review"] = state.prevent_self_review
            body["reviewers"] = [{"type": one.type, "id": one.id} for one in reviewers]
        return body

    def _check_reviewers(self, before: EnvironmentState, made: EnvironmentState) -> None:
        """Raises OperationError where GitHub left somebody out, which it does without a word."""
        known = {(one.type, one.id) for one in made.reviewers}
        lacking = ", ".join(one.name for one in self._reviewers(before) if (one.type, one.id) not in known)
        if lacking:
            raise OperationError(
                "reviewers-left-out",
                f"GitHub did not take as required reviewers: {lacking}",
                resource=self.subject,
                fix=f"Give them at least the role Read in {self._client.name} (settings, collaborators and teams; a "
                "team needs it where the repository is public too), and run setup again.",
            )

    async def _put(self, body: Mapping[str, object]) -> Mapping[str, Any]:
        try:
            return await self._client.put_environment(self.holder, body)
        except NotFound as error:
            raise OperationError(
                "github-no-environments",
                f"GitHub has no environments for this repository: {error.message}",
                resource=self.subject,
                fix=NO_ENVIRONMENTS,
            ) from error
        except ServiceError as error:
            if _PLAN_WORDS not in error.message.lower():
                raise
            raise no_approval(self.subject, error.message) from error


def no_approval(resource: str, detail: str) -> UsageError:
    """Where the plan has no required reviewers and no wait timers, and nobody accepted to do without."""
    return UsageError(
        "github-no-approval",
        f"GitHub has no required reviewers for this repository: {detail}",
        resource=resource,
        fix=NO_APPROVAL,
    )


def _listed(refs: Iterable[RefPattern]) -> str:
    return ", ".join(sorted(map(str, refs))) or "none"


def _reviewer(found: Mapping[str, Any]) -> Reviewer:
    """As GitHub shows one in an environment."""
    who = found["reviewer"]
    return Reviewer(found["type"], who["id"], str(who.get("login") or who.get("slug") or who["id"]))


def environment_path(repository: str, environment: str) -> str:
    """The address of an environment; of what the repository itself has for "" (secrets and variables)."""
    return f"/repos/{repository}/environments/{environment}" if environment else f"/repos/{repository}/actions"


def environment_step_id(environment: str) -> str:
    return f"setup/github/environment/{environment.lower()}"
