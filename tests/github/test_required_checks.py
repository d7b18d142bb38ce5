"""Rulesets that demand checks: nothing is merged or pushed before the jobs of that name have passed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from github.PullRequest import PullRequest
from github.Repository import Repository

from dbxwizard.sandbox.github.runs.checkout import CHECKOUT
from dbxwizard.sandbox.session import Sandbox
from tests.github.conftest import AddToken, Connect
from tests.github.test_events import branch
from tests.github.test_pulls import refused
from tests.github.test_runs import wait

WORKFLOW = f"""
on: pull_request
jobs:
  a: {{name: Tests, runs-on: x, steps: [{{uses: "{CHECKOUT}"}}, {{run: test ! -e broken}}]}}
  b: {{name: Never needed, if: false, runs-on: x, steps: [{{run: 'false'}}]}}
"""


@pytest.fixture(autouse=True)
def _ended(sandbox: Sandbox) -> Iterator[None]:
    yield
    wait()


def demand(repository: Repository, *checks: str, strict: bool = False, **fields: Any) -> None:
    rules = [
        {
            "type": "required_status_checks",
            "parameters": {
                "strict_required_status_checks_policy": strict,
                "required_status_checks": [{"context": name} for name in checks],
            },
        }
    ]
    body = {
        "name": "checks",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["refs/heads/main"], "exclude": []}},
        "rules": rules,
        **fields,
    }
    repository.requester.requestJsonAndCheck("POST", f"{repository.url}/rulesets", input=body)


@pytest.fixture
def proposed(filled: Repository) -> PullRequest:
    """A pull request whose check is still to fail."""
    filled.create_file(".github/workflows/tests.yml", "Test", WORKFLOW)
    branch(filled, "feature")
    filled.create_file("broken", "Break it", "x", branch="feature")
    return filled.create_pull("main", "feature", title="Feature")


def words(call: Any) -> tuple[int, str]:
    status, data = refused(call)
    return status, data["message"]


def test_a_merge_waits_for_the_checks(filled: Repository, proposed: PullRequest) -> None:
    demand(filled, "Tests", "Never needed")
    wait()
    violation = "Repository rule violations found\n\n"
    assert words(proposed.merge) == (405, f'{violation}Required status check "Tests" is failing.\n\n')
    assert filled.get_pull(1).mergeable_state == "blocked"
    sha = filled.get_contents("broken", ref="feature").sha  # type: ignore[union-attr]
    filled.delete_file("broken", "Mend it", sha, branch="feature")
    wait()
    assert filled.get_pull(1).mergeable_state == "clean"
    assert filled.get_pull(1).merge().merged


def test_checks_that_nobody_has_run_are_expected_of_pushes_too(filled: Repository, proposed: PullRequest) -> None:
    demand(filled, "Tests", "Lint", "Types")
    wait()
    status, message = words(proposed.merge)
    assert (status, "3 of 3 required status checks are expected." in message) == (405, True)
    status, message = words(lambda: filled.create_file("more", "More", "x"))
    assert (status, "required status checks are expected" in message) == (409, True)
    filled.create_file("more", "More", "x", branch="feature")


def test_a_strict_policy_wants_the_newest_base(filled: Repository, proposed: PullRequest) -> None:
    wait()
    filled.create_file("else", "Something else", "x")
    demand(filled, "Never needed", strict=True)
    assert "out of date" in words(proposed.merge)[1]


def test_who_may_bypass_for_pull_requests_does(filled: Repository, proposed: PullRequest) -> None:
    actors = [{"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "pull_request"}]
    demand(filled, "Nobody runs this", bypass_actors=actors)
    assert words(lambda: filled.create_file("more", "More", "x"))[0] == 409
    assert proposed.merge().merged


def test_approvals_are_asked_for_and_tags_have_rules_of_their_own(
    filled: Repository, proposed: PullRequest, connect: Connect, add_token: AddToken
) -> None:
    demands = {
        "required_approving_review_count": 2,
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_review_thread_resolution": False,
    }
    reviews = [{"type": "pull_request", "parameters": demands}]
    demand(filled, rules=reviews)
    assert "At least 2 approving review" in words(proposed.merge)[1]
    names = {"ref_name": {"include": ["refs/tags/v*"], "exclude": []}}
    rules = [{"type": "creation"}, {"type": "deletion"}, {"type": "update"}]
    head = filled.get_branch("main").commit.sha
    filled.create_git_ref("refs/tags/v1", head)
    demand(filled, name="tags", target="tag", conditions=names, rules=rules)
    assert words(lambda: filled.create_git_ref("refs/tags/v2", head))[0] == 422
    assert words(filled.get_git_ref("tags/v1").delete)[0] == 422
    filled.create_git_ref("refs/tags/other", head)
