"""Environments, branch policies, plans, and the OIDC subject, through PyGithub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from github import GithubException
from github.EnvironmentDeploymentBranchPolicy import EnvironmentDeploymentBranchPolicyParams
from github.EnvironmentProtectionRuleReviewer import ReviewerParams
from github.NamedUser import NamedUser
from github.Repository import Repository

from dbxwizard.sandbox.github import seed, subjects
from dbxwizard.sandbox.store import Store

CUSTOM = EnvironmentDeploymentBranchPolicyParams(protected_branches=False, custom_branch_policies=True)


def raw(repository: Repository, verb: str, path: str, body: Any = None) -> Any:
    return repository.requester.requestJsonAndCheck(verb, f"{repository.url}{path}", input=body)[1]


def refused(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(GithubException) as caught:
        call()
    return caught.value.status, caught.value.data["message"]


def test_an_environment_is_made_listed_and_removed_with_what_it_holds(repository: Repository, store: Store) -> None:
    environment = repository.create_environment("Development")
    environment.create_variable("A", "1")
    environment.create_secret("B", "2")
    assert [found.name for found in repository.get_environments()] == ["Development"]
    assert repository.get_environment("development").name == "Development"
    repository.delete_environment("Development")
    assert list(repository.get_environments()) == []
    assert (store.all("github.variable"), store.all("github.secret")) == ([], [])


def test_a_name_with_a_slash_is_one_name(repository: Repository) -> None:
    environment = repository.create_environment("prod/eu west")
    environment.create_variable("A", "1")
    assert [variable.name for variable in repository.get_environment("prod/eu west").get_variables()] == ["A"]


def test_writing_replaces_the_whole_environment(repository: Repository) -> None:
    reviewer = ReviewerParams("User", seed.ACCOUNT_ID)
    made = repository.create_environment("Production", 30, [reviewer], True, CUSTOM)
    rules = {rule.type: rule for rule in made.protection_rules}
    assert rules["wait_timer"].wait_timer == 30
    (required,) = rules["required_reviewers"].reviewers or []
    assert isinstance(required.reviewer, NamedUser)
    assert required.reviewer.login == seed.LOGIN
    assert made.deployment_branch_policy.custom_branch_policies
    again = raw(repository, "PUT", "/environments/Production", {})
    assert (again["protection_rules"], again["deployment_branch_policy"]) == ([], None)
    assert again["id"] == made.id


@pytest.mark.parametrize(
    "body",
    [
        {"wait_timer": 43_201},
        {"wait_timer": -1},
        {"reviewers": [{"type": "User", "id": 1}]},
        {"reviewers": [{"type": "User", "id": seed.ACCOUNT_ID}] * 7},
        {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": True}},
    ],
)
def test_impossible_rules_are_refused(body: Any, repository: Repository) -> None:
    assert refused(lambda: raw(repository, "PUT", "/environments/Production", body))[0] == 422
    assert list(repository.get_environments()) == []


def test_branch_policies_need_an_environment_that_has_custom_ones(repository: Repository) -> None:
    repository.create_environment("Production")
    path = "/environments/Production/deployment-branch-policies"
    assert refused(lambda: raw(repository, "POST", path, {"name": "main"}))[0] == 404
    repository.create_environment("Production", deployment_branch_policy=CUSTOM)
    made = raw(repository, "POST", path, {"name": "main"})
    assert (made["name"], made["type"]) == ("main", "branch")
    raw(repository, "PUT", f"{path}/{made['id']}", {"name": "release/*"})
    raw(repository, "POST", path, {"name": "v*", "type": "tag"})
    listed = raw(repository, "GET", path)
    assert [each["name"] for each in listed["branch_policies"]] == ["release/*", "v*"]
    raw(repository, "DELETE", f"{path}/{made['id']}")
    assert raw(repository, "GET", path)["total_count"] == 1
    repository.create_environment("Production")
    assert raw(repository, "GET", path)["total_count"] == 0


# Plans: docs.github.com/actions/reference/environments


def test_on_free_a_private_repository_has_no_environments(
    repository: Repository, change_repository: Any, on_plan: Any
) -> None:
    change_repository(private=True)
    on_plan("free")
    assert refused(lambda: raw(repository, "PUT", "/environments/Development", {}))[0] == 404
    assert refused(lambda: raw(repository, "GET", "/rulesets"))[0] == 403


def test_on_team_a_private_repository_has_policies_and_no_reviewers(
    repository: Repository, change_repository: Any, on_plan: Any
) -> None:
    change_repository(private=True)
    on_plan("team")
    raw(repository, "PUT", "/environments/Development", {"deployment_branch_policy": None})
    # PyGithub names reviewers and timer with their defaults, which is refused already.
    status, message = refused(lambda: repository.create_environment("Development"))
    assert status == 422
    assert message.startswith(
        "Failed to create the environment protection rule. Please ensure the billing plan supports"
    )


def test_a_public_repository_has_all_of_it_on_free(repository: Repository, on_plan: Any) -> None:
    on_plan("free")
    repository.create_environment("Development", 5)
    assert raw(repository, "GET", "/rulesets") == []


# The OIDC subject: docs.github.com/actions/reference/security/oidc

SUBJECT = "/actions/oidc/customization/sub"


def presented(store: Store, context: str = "environment:Production") -> str:
    body = store.get("github.repository", seed.REPOSITORY)
    assert body is not None
    return subjects.subject(store, body, context, {"repository_id": seed.REPOSITORY_ID, "ref": "refs/heads/a:b"})


def test_a_new_repository_presents_the_immutable_subject(repository: Repository, store: Store) -> None:
    answer = raw(repository, "GET", SUBJECT)
    prefix = f"repo:contoso@{seed.OWNER_ID}/databricks@{seed.REPOSITORY_ID}"
    assert (answer["use_default"], answer["use_immutable_subject"]) == (True, False)
    assert answer["sub_claim_prefix"] == prefix
    assert presented(store) == f"{prefix}:environment:Production"


def test_an_older_repository_presents_its_name_until_it_opts_in(
    repository: Repository, store: Store, change_repository: Any
) -> None:
    change_repository(createdAt=subjects.IMMUTABLE_SINCE - 1)
    assert presented(store) == "repo:contoso/databricks:environment:Production"
    raw(repository, "PUT", SUBJECT, {"use_default": True, "use_immutable_subject": True})
    assert presented(store).startswith(f"repo:contoso@{seed.OWNER_ID}/")


def test_a_customised_subject_has_its_claims_in_order(repository: Repository, store: Store) -> None:
    keys = ["repository_id", "context", "ref"]
    raw(repository, "PUT", SUBJECT, {"use_default": False, "include_claim_keys": keys})
    assert raw(repository, "GET", SUBJECT)["include_claim_keys"] == keys
    expected = f"repository_id:{seed.REPOSITORY_ID}:environment:Production:ref:refs/heads/a%3Ab"
    assert presented(store) == expected
    bad = {"use_default": False, "include_claim_keys": ["not a claim"]}
    assert refused(lambda: raw(repository, "PUT", SUBJECT, bad))[0] == 422
