"""Issues and comments, through PyGithub and by a job's token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from github import GithubException
from github.Repository import Repository

from dbxwizard.clients.cloud import Cloud
from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock
from tests.github.conftest import AddToken, Connect
from tests.github.test_events import branch, told
from tests.github.test_pulls import refused
from tests.github.test_runs import Api, wait

WORKFLOW = """
on:
  issues: {types: [opened, closed]}
  issue_comment:
  repository_dispatch: {types: [build]}
jobs: {a: {runs-on: x, steps: [run: 'true']}}
"""


@pytest.fixture(autouse=True)
def _ended(sandbox: Sandbox) -> Iterator[None]:
    yield
    wait()


def test_an_issue_is_opened_changed_closed_and_found(filled: Repository, store: Store) -> None:
    made = filled.create_issue("Drift in UAT", body="It differs.", labels=["drift"])
    assert (made.number, made.user.login, made.state) == (1, "ada", "open")
    assert [label.name for label in made.labels] == ["drift"]
    made.edit(body="It differs more.")
    other = filled.create_issue("Another")
    other.edit(state="closed", state_reason="not_planned")
    assert [issue.number for issue in filled.get_issues()] == [1]
    assert [issue.number for issue in filled.get_issues(state="all", direction="asc")] == [1, 2]
    assert [issue.number for issue in filled.get_issues(state="all", labels=["drift"])] == [1]
    assert (filled.get_issue(1).body, filled.get_issue(2).state_reason) == ("It differs more.", "not_planned")
    other.edit(state="open")
    assert filled.get_issue(2).state_reason == "reopened"
    (shown,) = GitHubService().show(store)["repositories"]
    assert [issue["title"] for issue in shown["issues"]] == ["Drift in UAT", "Another"]


def test_issues_and_pull_requests_share_their_numbers(filled: Repository) -> None:
    branch(filled, "feature")
    assert filled.create_issue("First").number == 1
    pull = filled.create_pull("main", "feature", title="Feature")
    assert pull.number == 2
    pull.create_issue_comment("The plan")
    assert (filled.get_pull(2).comments, filled.get_issue(2).comments) == (1, 1)
    assert [(issue.number, issue.pull_request is not None) for issue in filled.get_issues()] == [(2, True), (1, False)]
    filled.update()
    assert filled.open_issues_count == 2
    assert filled.get_issue(2).get_comments()[0].html_url.endswith("/pull/2#issuecomment-1")


def test_a_comment_is_written_changed_and_removed(filled: Repository, cloud: Cloud, store: Store) -> None:
    issue = filled.create_issue("First")
    first, second = issue.create_comment("one"), issue.create_comment("two")
    with store.transaction():
        Clock(store).advance(3600)
    first.edit("one, better")
    assert [comment.body for comment in issue.get_comments()] == ["one, better", "two"]
    since = datetime.fromtimestamp(Clock(store).now() - 60, UTC)
    assert [comment.id for comment in issue.get_comments(since)] == [first.id]
    assert [comment.id for comment in filled.get_issues_comments(sort="updated")] == [second.id, first.id]
    second.delete()
    assert filled.get_issue(1).comments == 1
    issue.create_comment("three")
    api = Api(cloud)
    answer = api.get("/issues/1/comments", params={"per_page": 1})
    assert 'rel="next"' in answer.headers["Link"]
    again = api.get("/issues/1/comments", params={"per_page": 1}, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_job_writes_as_github_s_bot_with_the_right_that_it_has(
    filled: Repository, connect: Connect, add_token: AddToken
) -> None:
    branch(filled, "feature")
    filled.create_issue("First")
    pull = filled.create_pull("main", "feature", title="Feature")
    scope = {"kind": "job", "repositories": [seed.REPOSITORY]}
    of_pulls = connect(add_token("ghs_pulls", permissions={"pull_requests": "write"}, **scope))
    theirs = of_pulls.get_repo(seed.REPOSITORY)
    made = theirs.get_issue(pull.number).create_comment("The plan")
    assert (made.user.login, made.user.type, made.user.id) == ("github-actions[bot]", "Bot", 41898282)
    made.edit("The plan, again")
    denied = (403, "Resource not accessible by integration")
    assert _words(lambda: theirs.get_issue(1).create_comment("x")) == denied
    assert _words(lambda: theirs.create_issue("x")) == denied
    of_issues = connect(add_token("ghs_issues", permissions={"issues": "write"}, **scope)).get_repo(seed.REPOSITORY)
    assert of_issues.create_issue("Drift").user.type == "Bot"
    assert of_issues.get_issue(pull.number).create_comment("x").user.type == "Bot"
    only_reads = connect(add_token("ghs_reads", permissions={"issues": "read"}, **scope)).get_repo(seed.REPOSITORY)
    assert _words(lambda: only_reads.get_issue(1).create_comment("x")) == denied


def _words(call: object) -> tuple[int, str]:
    status, data = refused(call)  # type: ignore[arg-type]
    return status, data["message"]


def test_who_only_reads_may_ask_and_change_what_is_their_own(
    filled: Repository, connect: Connect, add_token: AddToken
) -> None:
    mine = filled.create_issue("By the owner")
    grace = connect(add_token("ghp_grace", "grace", scopes=("public_repo",))).get_repo(seed.REPOSITORY)
    hers = grace.create_issue("By somebody else")
    hers.edit(title="Better said")
    hers.create_comment("More").edit("Even more")
    assert hers.raw_data["author_association"] == "MEMBER"
    with pytest.raises(GithubException, match="403"):
        grace.get_issue(mine.number).edit(state="closed")
    said = mine.create_comment("By the owner too")
    with pytest.raises(GithubException, match="403"):
        grace.get_issue(mine.number).get_comment(said.id).edit("x")


def test_what_makes_no_sense_is_refused(filled: Repository, cloud: Cloud) -> None:
    issue = filled.create_issue("First")
    for change, status in (
        (lambda: filled.create_issue(" "), 422),
        (lambda: issue.create_comment(" "), 422),
        (lambda: issue.create_comment("x" * 65_537), 422),
        (lambda: issue.edit(state="solved"), 422),
        (lambda: issue.edit(state="closed", state_reason="why not"), 422),
        (lambda: filled.get_issue(9), 404),
        (lambda: issue.get_comment(9), 404),
    ):
        assert refused(change)[0] == status
    for body in ({"event_type": ""}, {"event_type": "x" * 101}, {"event_type": "x", "client_payload": _too_many()}):
        assert Api(cloud).post("/dispatches", body).status_code == 422


def _too_many() -> dict[str, int]:
    return {str(number): number for number in range(11)}


def test_workflows_hear_of_issues_comments_and_dispatches(filled: Repository, store: Store) -> None:
    filled.create_file(".github/workflows/hear.yml", "Hear", WORKFLOW)
    issue = filled.create_issue("First")
    issue.create_comment("x")
    issue.edit(title="Better")
    issue.edit(state="closed")
    filled.create_repository_dispatch("build", {"what": "all"})
    filled.create_repository_dispatch("other")
    assert [(name, action) for name, action, _ in told(store, 0)] == [
        ("issues", "opened"), ("issue_comment", "created"), ("issues", "closed"), ("repository_dispatch", "build"),
    ]  # fmt: skip
    payload = store.all("github.run")[-1]["event"]["payload"]
    assert (payload["client_payload"], payload["repository"]["full_name"]) == ({"what": "all"}, seed.REPOSITORY)
