"""Pull requests and rulesets, through PyGithub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from github import GithubException
from github.PullRequest import PullRequest
from github.Repository import Repository

from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.store import Store


def refused(call: Callable[[], object]) -> tuple[int, Any]:
    with pytest.raises(GithubException) as caught:
        call()
    return caught.value.status, caught.value.data


@pytest.fixture
def branched(repository: Repository) -> Repository:
    """`work` is one commit ahead of `main`."""
    repository.create_file("README.md", "first", "# hi\n")
    repository.create_git_ref("refs/heads/work", repository.get_branch("main").commit.sha)
    repository.create_file("a", "work on a", "a", branch="work")
    return repository


def propose(repository: Repository) -> PullRequest:
    return repository.create_pull("main", "work", title="Work", body="please")


def test_a_pull_request_is_proposed_found_and_merged(branched: Repository, store: Store) -> None:
    made = propose(branched)
    assert (made.number, made.state, made.head.ref, made.base.ref, made.mergeable) == (1, "open", "work", "main", True)
    (found,) = branched.get_pulls(state="open", head="contoso:work", base="main")
    assert (found.number, found.title, found.user.login) == (1, "Work", "ada")
    (shown,) = GitHubService().show(store)["repositories"]
    assert [pull["title"] for pull in shown["pull_requests"]] == ["Work"]
    assert made.merge().merged
    assert branched.get_contents("a")
    assert made.is_merged()
    assert list(branched.get_pulls()) == []
    assert [pull.number for pull in branched.get_pulls(state="closed")] == [1]
    assert len(branched.get_branch("main").commit.parents) == 2


def test_squash_keeps_one_parent(branched: Repository) -> None:
    propose(branched).merge(merge_method="squash")
    assert len(branched.get_branch("main").commit.parents) == 1
    assert refused(lambda: branched.get_pull(1).merge())[0] == 405


def test_what_can_not_be_proposed_is_refused(branched: Repository) -> None:
    propose(branched)
    status, data = refused(lambda: propose(branched))
    assert status == 422
    assert data["errors"][0]["message"] == "A pull request already exists for contoso:work."
    _, data = refused(lambda: branched.create_pull("main", "nowhere", title="x"))
    assert data["errors"] == [{"resource": "PullRequest", "field": "head", "code": "invalid"}]
    branched.create_git_ref("refs/heads/same", branched.get_branch("main").commit.sha)
    _, data = refused(lambda: branched.create_pull("main", "same", title="x"))
    assert data["errors"][0]["message"] == "No commits between main and same"


def test_an_open_one_follows_its_branch_and_a_closed_one_does_not(branched: Repository) -> None:
    made = propose(branched)
    branched.create_file("b", "more", "b", branch="work")
    newest = branched.get_branch("work").commit.sha
    assert branched.get_pull(1).head.sha == newest
    made.edit(state="closed", title="Later")
    branched.create_file("c", "even more", "c", branch="work")
    closed = branched.get_pull(1)
    assert (closed.state, closed.title, closed.head.sha) == ("closed", "Later", newest)
    assert propose(branched).number == 2


def test_both_sides_changing_one_file_is_a_conflict(branched: Repository) -> None:
    branched.create_file("a", "another a", "other", branch="main")
    made = propose(branched)
    assert (made.mergeable, made.mergeable_state) == (False, "dirty")
    assert refused(made.merge)[0] == 405


def ruleset(repository: Repository, *rules: str, **fields: Any) -> Any:
    body = {
        "name": "protect",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [{"type": rule} for rule in rules],
        **fields,
    }
    return repository.requester.requestJsonAndCheck("POST", f"{repository.url}/rulesets", input=body)[1]


def test_a_ruleset_that_demands_pull_requests_blocks_a_push_and_the_first_one_too(repository: Repository) -> None:
    ruleset(repository, "pull_request", "creation")
    status, data = refused(lambda: repository.create_file("README.md", "first", "x"))
    assert status == 409
    assert "Changes must be made through a pull request." in data["message"]


def test_a_ruleset_lets_other_branches_and_merges_pass(branched: Repository) -> None:
    ruleset(branched, "pull_request", "non_fast_forward", "deletion")
    work = branched.get_branch("work").commit.sha
    status, data = refused(lambda: branched.get_git_ref("heads/main").edit(work))
    assert status == 422
    assert data["message"].startswith("Repository rule violations found")
    branched.create_file("b", "more", "b", branch="work")
    branched.create_git_ref("refs/heads/release", branched.get_branch("main").commit.sha)
    assert propose(branched).merge().merged
    assert branched.get_branch("main").protected
    assert not branched.get_branch("work").protected


def test_rulesets_are_kept_changed_and_removed(repository: Repository, store: Store) -> None:
    made = ruleset(repository, "deletion")
    url = f"{repository.url}/rulesets"
    assert refused(lambda: ruleset(repository, "deletion"))[0] == 422
    assert refused(lambda: ruleset(repository, "no_such_rule", name="other"))[0] == 422
    repository.requester.requestJsonAndCheck("PUT", f"{url}/{made['id']}", input={"enforcement": "disabled"})
    listed = repository.requester.requestJsonAndCheck("GET", url)[1]
    assert [(each["name"], each["enforcement"]) for each in listed] == [("protect", "disabled")]
    (shown,) = GitHubService().show(store)["repositories"]
    assert [each["name"] for each in shown["rulesets"]] == ["protect"]
    repository.requester.requestJsonAndCheck("DELETE", f"{url}/{made['id']}")
    assert repository.requester.requestJsonAndCheck("GET", url)[1] == []


def test_who_may_bypass_a_ruleset_does(repository: Repository) -> None:
    actors = [{"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always"}]
    ruleset(repository, "pull_request", "creation", bypass_actors=actors)
    assert repository.create_file("README.md", "first", "x")["commit"].sha
