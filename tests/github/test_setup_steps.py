"""Environments, variables and secrets through the engine: made, left alone, and mended where they drifted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from github.EnvironmentDeploymentBranchPolicy import EnvironmentDeploymentBranchPolicyParams
from github.EnvironmentProtectionRuleReviewer import ReviewerParams
from github.Repository import Repository

from dbxwizard.clients.github import GitHubClient
from dbxwizard.clients.github_types import RefPattern, Reviewer
from dbxwizard.core.plan import Action, Change, Inputs, Progress, Scope, Step
from dbxwizard.core.secret import Secret
from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.github.values import open_secrets
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock
from dbxwizard.steps.github.environments import GitHubEnvironmentStep, Protection
from dbxwizard.steps.github.secrets import (
    NOTE,
    GitHubSecretsStep,
    WantedSecret,
    stored_versions,
)
from dbxwizard.steps.github.variables import GitHubVariablesStep, Output

from .conftest import Apply, plan_of, reasons, writes


@dataclass
class Application(Step[Mapping[str, object]]):
    """Stands for the steps that make an application and its secret: its outputs are known once it was applied."""

    id: str = "setup/application/main-spn"
    title: str = "Application"
    scope: Scope = Scope.SETUP
    made: bool = False
    new: dict[str, object] = field(default_factory=dict)
    known: dict[str, object] = field(default_factory=dict)

    async def read(self, inputs: Inputs) -> Mapping[str, object] | None:
        return self.known if self.made else None

    def diff(self, state: Mapping[str, object] | None, inputs: Inputs) -> Change:
        return Change.none() if state is not None else Change.create()

    async def apply(
        self, state: Mapping[str, object] | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        self.made = True
        return {**self.known, **self.new}

    def outputs(self, state: Mapping[str, object], inputs: Inputs) -> Mapping[str, object]:
        return self.known


def shown(store: Store, name: str = "Development") -> Any:
    (repository,) = GitHubService().show(store)["repositories"]
    return next(each for each in repository["environments"] if each["name"] == name)


# Environments


async def test_an_environment_is_made_once(client: GitHubClient, store: Store, apply: Apply) -> None:
    step = GitHubEnvironmentStep(client, "Development")
    await apply(step)
    assert shown(store)["deployment_branch_policy"] is None
    before = writes(store)
    await apply(step)
    assert writes(store) == before


MAIN, RELEASE, TAGS = RefPattern("branch", "main"), RefPattern("branch", "release"), RefPattern("tag", "v*")
ADA, GRACE = Reviewer("User", seed.ACCOUNT_ID, "ada"), Reviewer("User", 9801003, "grace")


def production(client: GitHubClient, *refs: RefPattern, **more: Any) -> GitHubEnvironmentStep:
    return GitHubEnvironmentStep(client, "Production", Protection(refs, **more))


async def test_refs_are_admitted_and_what_people_set_stays(
    client: GitHubClient, repository: Repository, store: Store, apply: Apply
) -> None:
    repository.create_environment("Production", 30, [ReviewerParams("User", seed.ACCOUNT_ID)], True)
    step = production(client, MAIN, TAGS, default_reviewer=GRACE)
    assert reasons(await plan_of(step)) == ["deployment branches and tags: all → branch main, tag v*"]
    await apply(step)
    found = shown(store, "Production")
    assert (found["wait_timer"], found["prevent_self_review"]) == (30, True)
    assert found["reviewers"] == [{"type": "User", "id": seed.ACCOUNT_ID}]
    assert found["branch_policies"] == ["branch main", "tag v*"]
    assert reasons(await plan_of(step)) == []


async def test_exactly_the_refs_are_admitted_and_what_goes_is_told(
    client: GitHubClient, repository: Repository, store: Store, apply: Apply
) -> None:
    await apply(production(client, MAIN, RefPattern("branch", "hotfix/*")))
    step = production(client, MAIN, RELEASE)
    told = "deployment branches and tags: branch hotfix/*, branch main → branch main, branch release"
    assert [
        one.replace("branch main, branch hotfix/*", "branch hotfix/*, branch main")
        for one in reasons(await plan_of(step))
    ] == [told]
    before = len(writes(store))
    await apply(step)
    assert len(writes(store)) == before + 2  # one is admitted, one no longer; the environment itself is as it was
    assert shown(store, "Production")["branch_policies"] == ["branch main", "branch release"]


async def test_protected_branches_give_way_and_that_is_told(
    client: GitHubClient, repository: Repository, apply: Apply
) -> None:
    policy = EnvironmentDeploymentBranchPolicyParams(protected_branches=True, custom_branch_policies=False)
    repository.create_environment("Production", deployment_branch_policy=policy)
    step = production(client, MAIN)
    assert reasons(await plan_of(step)) == ["deployment branches and tags: protected branches → branch main"]
    await apply(step)
    assert reasons(await plan_of(step)) == []


async def test_whoever_runs_setup_reviews_where_nobody_does(client: GitHubClient, store: Store, apply: Apply) -> None:
    step = production(client, TAGS, default_reviewer=ADA, wait_minutes=5)
    assert reasons(await plan_of(step))[1:] == ["required reviewers: absent → ada", "wait timer (minutes): absent → 5"]
    await apply(step)
    found = shown(store, "Production")
    assert (found["reviewers"], found["wait_timer"]) == ([{"type": "User", "id": seed.ACCOUNT_ID}], 5)
    assert not found["prevent_self_review"]
    assert reasons(await plan_of(step)) == []


async def test_named_reviewers_come_to_those_that_are_there(client: GitHubClient, store: Store, apply: Apply) -> None:
    await apply(production(client, TAGS, default_reviewer=ADA))
    step = production(client, TAGS, reviewers=(GRACE,), default_reviewer=ADA, wait_minutes=0)
    assert reasons(await plan_of(step)) == ["required reviewers: ada → ada, grace"]
    await apply(step)
    assert [one["id"] for one in shown(store, "Production")["reviewers"]] == [ADA.id, GRACE.id]
    assert reasons(await plan_of(production(client, TAGS))) == []


async def test_a_team_reviews_once_it_may_read_the_repository(client: GitHubClient, store: Store, apply: Apply) -> None:
    team = Reviewer("Team", 7, "contoso/data")
    with store.transaction():
        store.put("github.team", "contoso/data", seed.new_team("data", 7, {"grace": "member"}, repositories={}))
    step = production(client, TAGS, reviewers=(team,))
    with pytest.raises(AssertionError, match="did not take as required reviewers: contoso/data"):
        await apply(step)  # which says what went wrong
    given = {seed.REPOSITORY: "pull"}
    with store.transaction():
        store.put("github.team", "contoso/data", seed.new_team("data", 7, {"grace": "member"}, repositories=given))
    await apply(step)
    assert shown(store, "Production")["reviewers"] == [{"type": "Team", "id": 7}]
    assert reasons(await plan_of(step)) == []


async def test_on_a_plan_without_reviewers_nothing_of_them_is_sent(
    client: GitHubClient, store: Store, apply: Apply, change_repository: Any, on_plan: Any
) -> None:
    change_repository(private=True)
    on_plan("team")
    await apply(production(client, MAIN))
    assert shown(store, "Production")["branch_policies"] == ["branch main"]


async def test_on_a_plan_without_environments_the_error_says_so(
    client: GitHubClient, apply: Apply, change_repository: Any, on_plan: Any
) -> None:
    change_repository(private=True)
    on_plan("free")
    with pytest.raises(AssertionError, match="github-no-environments"):
        await apply(GitHubEnvironmentStep(client, "Development"))


# Variables


def with_variables(client: GitHubClient, application: Application) -> list[Step[Any]]:
    values: dict[str, str | Output] = {
        "AZURE_CLIENT_ID": Output(application.id, "client_id"),
        "AZURE_TENANT_ID": "tenant",
    }
    return [
        application,
        GitHubEnvironmentStep(client, "Development"),
        GitHubVariablesStep(client, "Development", values),
    ]


async def test_variables_come_from_what_was_made(client: GitHubClient, store: Store, apply: Apply) -> None:
    steps = with_variables(client, Application(known={"client_id": "1234"}))
    plan = await plan_of(*steps)
    assert [planned.change.action for planned in plan.steps] == [Action.CREATE] * 3
    await apply(*steps)
    assert shown(store)["variables"] == {"AZURE_CLIENT_ID": "1234", "AZURE_TENANT_ID": "tenant"}
    before = writes(store)
    await apply(*steps)
    assert writes(store) == before


async def test_a_changed_variable_is_named_and_mended_alone(
    client: GitHubClient, repository: Repository, store: Store, apply: Apply
) -> None:
    steps = with_variables(client, Application(known={"client_id": "1234"}))
    await apply(*steps)
    environment = repository.get_environment("Development")
    environment.get_variable("AZURE_TENANT_ID").edit("other")
    environment.create_variable("MINE", "stays")
    assert reasons(await plan_of(*steps)) == ["AZURE_TENANT_ID: other → tenant"]
    before = len(writes(store))
    await apply(*steps)
    assert [request["path"].rsplit("/", 1)[-1] for request in writes(store)[before:]] == ["AZURE_TENANT_ID"]
    assert shown(store)["variables"]["MINE"] == "stays"


async def test_variables_of_the_repository_need_no_environment(
    client: GitHubClient, store: Store, apply: Apply
) -> None:
    step = GitHubVariablesStep(client, "", {"AZURE_TENANT_ID": "tenant"})
    assert (step.id, step.needs) == ("setup/github/variables/repository", ())
    await apply(step)
    (repository,) = GitHubService().show(store)["repositories"]
    assert repository["variables"] == {"AZURE_TENANT_ID": "tenant"}


# Secrets

CREDENTIAL = "setup/client-secret/main-spn"


def credential(value: str = "first value", key_id: str = "key-1") -> Application:
    return Application(id=CREDENTIAL, new={"_client_secret": Secret(value)}, known={"key_id": key_id})


def from_credential(name: str, step_id: str, text: str = "{}") -> WantedSecret:
    """A secret made of a credential's value, as long as that is known."""

    def value(inputs: Inputs) -> Secret | None:
        try:
            made = inputs.get(step_id, "_client_secret")
        except KeyError:
            return None
        return Secret(text.replace("{}", made.reveal())) if isinstance(made, Secret) else None

    return WantedSecret(name, lambda inputs: str(inputs.get(step_id, "key_id")), value, (step_id,))


def given(name: str, value: str, version: str) -> WantedSecret:
    return WantedSecret(name, lambda _: version, lambda _: Secret(value))


def with_secrets(client: GitHubClient, made: Application, *more: WantedSecret) -> list[Step[Any]]:
    secrets = [
        from_credential("AZURE_CREDENTIALS", made.id, '{"clientSecret": "{}"}'),
        from_credential("ARM_CLIENT_SECRET", made.id),
        given("ARM_TENANT_ID", "t", "t"),
        *more,
    ]
    return [made, GitHubEnvironmentStep(client, "Development"), GitHubSecretsStep(client, "Development", secrets)]


def opened(store: Store) -> dict[str, str]:
    with store.transaction():
        return open_secrets(store, seed.REPOSITORY_ID, "Development")


async def test_secrets_are_written_sealed_and_noted_by_their_version(
    client: GitHubClient, store: Store, apply: Apply
) -> None:
    await apply(*with_secrets(client, credential()))
    assert opened(store) == {
        "AZURE_CREDENTIALS": '{"clientSecret": "first value"}',
        "ARM_CLIENT_SECRET": "first value",
        "ARM_TENANT_ID": "t",
    }
    note = json.loads(shown(store)["variables"][NOTE])
    assert note["ARM_CLIENT_SECRET"] == "key-1"
    assert "first value" not in json.dumps(GitHubService().show(store))


async def test_a_second_run_writes_nothing_though_nobody_knows_the_value(
    client: GitHubClient, store: Store, apply: Apply
) -> None:
    made = credential()
    await apply(*with_secrets(client, made))
    before = writes(store)
    await apply(*with_secrets(client, made))
    assert writes(store) == before
    assert (await stored_versions(client, "Development"))["ARM_CLIENT_SECRET"] == "key-1"


async def test_a_new_credential_is_written_with_all_that_holds_it(
    client: GitHubClient, store: Store, apply: Apply
) -> None:
    await apply(*with_secrets(client, credential()))
    steps = with_secrets(client, credential("second value", "key-2"))
    await apply(*steps)
    assert opened(store)["ARM_CLIENT_SECRET"] == "second value"
    assert "second value" in opened(store)["AZURE_CREDENTIALS"]
    assert (await stored_versions(client, "Development"))["ARM_CLIENT_SECRET"] == "key-2"


async def test_what_somebody_else_wrote_is_told_and_replaced(
    client: GitHubClient, repository: Repository, store: Store, apply: Apply
) -> None:
    await apply(*with_secrets(client, credential()))
    Clock(store).advance(60)
    repository.get_environment("Development").create_secret("ARM_CLIENT_SECRET", "mine")
    assert "ARM_CLIENT_SECRET" not in await stored_versions(client, "Development")
    made = credential("again", "key-1")
    made.made = True  # the same credential, whose value is known
    made.known |= made.new
    (reason,) = reasons(await plan_of(*with_secrets(client, made)))
    assert reason.startswith("ARM_CLIENT_SECRET: written by somebody else at 20")
    Clock(store).advance(60)
    before = len(writes(store))
    await apply(*with_secrets(client, made))
    assert opened(store)["ARM_CLIENT_SECRET"] == "again"
    paths = [(request["method"], request["path"].rsplit("/", 1)[-1]) for request in writes(store)[before:]]
    assert paths == [("PUT", "ARM_CLIENT_SECRET"), ("PATCH", NOTE)]
    assert reasons(await plan_of(*with_secrets(client, made))) == []


async def test_a_secret_that_is_gone_is_written_again(
    client: GitHubClient, repository: Repository, store: Store, apply: Apply
) -> None:
    made = credential()
    await apply(*with_secrets(client, made))
    repository.get_environment("Development").delete_secret("ARM_TENANT_ID")
    assert reasons(await plan_of(*with_secrets(client, made))) == ["ARM_TENANT_ID: absent → version t"]
    await apply(*with_secrets(client, made))
    assert opened(store)["ARM_TENANT_ID"] == "t"


async def test_a_value_that_nobody_knows_is_an_error_that_says_what_to_do(
    client: GitHubClient, repository: Repository, apply: Apply
) -> None:
    made = credential()
    await apply(*with_secrets(client, made))
    repository.get_environment("Development").delete_secret("ARM_CLIENT_SECRET")
    with pytest.raises(AssertionError, match="secret-value-unknown"):
        await apply(*with_secrets(client, made))


async def test_a_note_that_somebody_spoiled_is_written_anew(
    client: GitHubClient, repository: Repository, store: Store, apply: Apply
) -> None:
    made = credential()
    await apply(*with_secrets(client, made))
    for text in ("no json", "[]", '{"ARM_TENANT_ID": 7}'):
        repository.get_environment("Development").get_variable(NOTE).edit(text)
        again = credential()
        assert "ARM_TENANT_ID: not written by dbxwizard → version t" in reasons(
            await plan_of(*with_secrets(client, Application(id=CREDENTIAL, made=True, known={"key_id": "key-1"})))
        )
        await apply(*with_secrets(client, again))
        assert (await stored_versions(client, "Development"))["ARM_TENANT_ID"] == "t"


async def test_secrets_of_the_repository_need_no_environment(client: GitHubClient, store: Store, apply: Apply) -> None:
    def step(value: str, version: str) -> GitHubSecretsStep:
        return GitHubSecretsStep(client, "", [given("PAT_GITHUB", value, version)])

    assert (step("one", "1").id, step("one", "1").needs) == ("setup/github/secrets/repository", ())
    await apply(step("one", "1"))
    assert reasons(await plan_of(step("one", "1"))) == []
    assert reasons(await plan_of(step("two", "2"))) == ["PAT_GITHUB: version 1 → version 2"]
    await apply(step("two", "2"))
    with store.transaction():
        assert open_secrets(store, seed.REPOSITORY_ID) == {"PAT_GITHUB": "two"}
