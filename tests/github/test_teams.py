"""Teams: who sees them, and how they review deployments.

docs.github.com/rest/teams/teams and docs.github.com/rest/deployments/environments.
"""

from __future__ import annotations

from typing import Any

import pytest
from github import Github, UnknownObjectException
from github.EnvironmentProtectionRuleReviewer import ReviewerParams
from github.GithubException import GithubException
from github.Repository import Repository

from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.store import Store
from tests.github.conftest import AddToken, Connect
from tests.github.test_runs import Api, put, wait
from tests.github.test_runs_environments import DEPLOY, now

pytestmark = pytest.mark.usefixtures("ended")


def put_team(store: Store, slug: str, number: int, **more: Any) -> None:
    with store.transaction():
        store.put("github.team", f"contoso/{slug}", seed.new_team(slug, number, **more))


def test_a_team_is_shown_to_the_members_of_its_organisation(
    connect: Connect, add_token: AddToken, repository: Repository
) -> None:
    team = connect().get_organization("contoso").get_team_by_slug("Platform")
    assert (team.id, team.slug, team.privacy, team.permission) == (seed.TEAM_ID, "platform", "closed", "pull")
    assert team.organization.login == "contoso"
    reads = add_token("ghp_of_grace", seed.REVIEWER, scopes=("read:org",))
    assert connect(reads).get_organization("contoso").get_team_by_slug("platform").id == seed.TEAM_ID


def _refused(github: Github, slug: str = "platform") -> int:
    with pytest.raises(GithubException) as refused:
        github.get_organization("contoso").get_team_by_slug(slug)
    return refused.value.status


def test_without_the_right_to_see_members_there_is_no_team(
    connect: Connect, add_token: AddToken, store: Store, repository: Repository
) -> None:
    assert _refused(connect(add_token("ghp_less", scopes=("repo", "workflow")))) == 404
    assert _refused(connect(add_token("github_pat_none", kind="fine-grained"))) == 403
    sees = connect(add_token("github_pat_members", kind="fine-grained", permissions={"members": "read"}))
    assert sees.get_organization("contoso").get_team_by_slug("platform").id == seed.TEAM_ID
    assert _refused(sees, "nobody") == 404
    # A secret team is shown to its own members and to the organisation's owners.
    put_team(store, "board", 7, members={}, repositories={}, privacy="secret")
    assert _refused(connect(add_token("ghp_of_grace", seed.REVIEWER, scopes=("read:org",))), "board") == 404
    assert connect().get_organization("contoso").get_team_by_slug("board").privacy == "secret"


def test_a_team_gives_its_members_rights(connect: Connect, store: Store, filled: Repository) -> None:
    with pytest.raises(UnknownObjectException):
        connect(seed.REVIEWER_TOKEN).get_repo(seed.REPOSITORY).create_file("a.txt", "no", "x")
    put_team(store, "writers", 7, members={seed.REVIEWER: "member"}, repositories={seed.REPOSITORY: "push"})
    theirs = connect(seed.REVIEWER_TOKEN).get_repo(seed.REPOSITORY)
    assert theirs.permissions.push
    assert not theirs.permissions.admin
    theirs.create_file("a.txt", "yes", "x")


def test_a_team_without_the_repository_is_left_out_without_a_word(store: Store, repository: Repository) -> None:
    put_team(store, "others", 7, members={seed.REVIEWER: "member"}, repositories={})
    named = [ReviewerParams("Team", seed.TEAM_ID), ReviewerParams("Team", 7)]
    made = repository.create_environment("UAT", reviewers=named)
    [rule] = [one for one in made.protection_rules if one.type == "required_reviewers"]
    assert [(one.type, one.reviewer.id) for one in rule.reviewers or []] == [("Team", seed.TEAM_ID)]
    with pytest.raises(GithubException) as unknown:
        repository.create_environment("UAT", reviewers=[ReviewerParams("Team", 8)])
    assert unknown.value.status == 422


def test_a_member_of_the_team_approves(api: Api, cloud: Any, store: Store, filled: Repository) -> None:
    put_team(store, "approvers", 7, members={seed.REVIEWER: "member"}, repositories={seed.REPOSITORY: "pull"})
    environment = api.put("/environments/UAT", {"reviewers": [{"type": "Team", "id": 7}]}).json()["id"]
    put(filled, DEPLOY)
    run = api.run()
    waiting = f"/actions/runs/{run['id']}/pending_deployments"
    [asked] = api.get(waiting).json()
    assert [one["reviewer"]["slug"] for one in asked["reviewers"]] == ["approvers"]
    assert asked["current_user_can_approve"] is False  # ada owns the organisation, and is not in the team
    said = {"environment_ids": [environment], "state": "approved", "comment": ""}
    assert api.post(waiting, said).status_code == 403
    assert Api(cloud, seed.REVIEWER_TOKEN).post(waiting, said).status_code == 200
    wait()
    assert now(api, run)["conclusion"] == "success"
