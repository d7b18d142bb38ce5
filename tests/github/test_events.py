"""What happens to the repository starts the runs that it starts at GitHub, whoever makes it happen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from github.GithubException import GithubException
from github.Repository import Repository

from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.time import Clock
from tests.github.conftest import AddToken, ChangeRepository, Connect
from tests.github.test_runs import wait

WORKFLOW = """
on:
  push: {branches: [main, 'f*'], tags: ['v*']}
  pull_request: {types: [opened, reopened, synchronize, closed, edited]}
  schedule: [{cron: '17 5 * * *'}]
jobs: {tell: {name: Tell, runs-on: ubuntu-latest, steps: [{run: 'true'}]}}
"""


@pytest.fixture(autouse=True)
def _ended(sandbox: Sandbox) -> Iterator[None]:
    yield
    wait()


@pytest.fixture
def listening(filled: Repository) -> Repository:
    """The repository with a workflow that listens to all; what its own push started is over."""
    filled.create_file(".github/workflows/tell.yml", "Listen", WORKFLOW)
    wait()
    return filled


def started(store: Store, since: int = 1) -> list[Document]:
    """The runs after the first `since`, the oldest first."""
    return store.all("github.run")[since:]


def told(store: Store, since: int = 1) -> list[tuple[str, str, str]]:
    return [(run["event"]["name"], run["event"]["action"], run["event"]["ref"]) for run in started(store, since)]


def branch(repository: Repository, name: str, at: str = "main") -> str:
    """A branch with one commit more."""
    repository.create_git_ref(f"refs/heads/{name}", repository.get_branch(at).commit.sha)
    return str(repository.create_file(f"{name}.txt", f"Work on {name}", name, branch=name)["commit"].sha)


def test_a_push_starts_what_listens_at_that_commit(listening: Repository, store: Store) -> None:
    [first] = started(store, 0)
    assert (first["event"]["ref"], first["actor"]) == ("refs/heads/main", "ada")
    sha = branch(listening, "feature")
    assert told(store) == [("push", "", "refs/heads/feature")] * 2
    payload = started(store)[-1]["event"]["payload"]
    assert (payload["after"], payload["head_commit"]["id"], payload["created"]) == (sha, sha, False)
    assert payload["commits"][0]["added"] == ["feature.txt"]
    assert payload["pusher"]["name"] == payload["sender"]["login"] == "ada"
    listening.create_file("quiet", "Nothing to run [skip ci]", "x", branch="feature")
    branch(listening, "other")
    assert len(started(store)) == 2
    listening.create_git_ref("refs/tags/v1", sha)
    listening.create_git_ref("refs/tags/other", sha)
    assert told(store, 3) == [("push", "", "refs/tags/v1")]
    wait()
    assert {run.conclusion for run in listening.get_workflow_runs()} == {"success"}


def test_a_pull_request_starts_runs_at_its_merge_and_at_its_end_on_the_base(
    listening: Repository, store: Store
) -> None:
    head = branch(listening, "feature")
    made = listening.create_pull("main", "feature", title="Feature")
    merge = listening.get_git_ref("pull/1/merge").object.sha
    assert listening.get_git_ref("pull/1/head").object.sha == head
    assert made.merge_commit_sha == merge
    assert [parent.sha for parent in listening.get_commit(merge).parents] == [made.base.sha, head]
    newer = listening.create_file("more", "More", "x", branch="feature")["commit"].sha
    made.edit(title="Better")
    made.edit(state="closed")
    made.edit(state="open")
    assert made.merge().merged
    of_pull = [run for run in started(store) if run["event"]["name"] == "pull_request"]
    assert [run["event"]["action"] for run in of_pull] == [
        "opened", "synchronize", "edited", "closed", "reopened", "closed",
    ]  # fmt: skip
    assert (of_pull[0]["sha"], of_pull[0]["event"]["ref"]) == (merge, "refs/pull/1/merge")
    assert (of_pull[1]["event"]["payload"]["before"], of_pull[1]["event"]["payload"]["after"]) == (head, newer)
    ended = of_pull[-1]["event"]
    pull: Any = ended["payload"]["pull_request"]
    assert (ended["ref"], pull["merged"], pull["merge_commit_sha"]) == ("refs/heads/main", True, of_pull[-1]["sha"])
    assert pull["head"]["repo"]["full_name"] == "contoso/databricks"
    assert told(store)[-1] == ("push", "", "refs/heads/main")
    with pytest.raises(GithubException, match="404"):
        listening.get_git_ref("pull/1/merge")
    shown = listening.get_workflow_run(of_pull[0]["id"])
    assert (shown.head_sha, shown.head_branch, [one.number for one in shown.pull_requests]) == (head, "feature", [1])


def test_a_pull_request_follows_its_base_without_a_run_and_with_a_conflict_it_has_none(
    listening: Repository, store: Store
) -> None:
    branch(listening, "feature")
    made = listening.create_pull("main", "feature", title="Feature")
    before = listening.get_git_ref("pull/1/merge").object.sha
    listening.create_file("else", "Something else", "x", branch="main")
    assert listening.get_git_ref("pull/1/merge").object.sha != before
    listening.create_file("feature.txt", "The same file", "other", branch="main")
    assert listening.get_pull(1).mergeable_state == "dirty"
    with pytest.raises(GithubException, match="404"):
        listening.get_git_ref("pull/1/merge")
    made.edit(state="closed")
    assert [run["event"]["action"] for run in started(store) if run["event"]["name"] == "pull_request"] == ["opened"]


def test_what_reaches_the_base_by_a_push_is_merged_and_what_loses_its_branch_is_closed(listening: Repository) -> None:
    head = branch(listening, "feature")
    branch(listening, "further")
    first = listening.create_pull("main", "feature", title="Feature")
    second = listening.create_pull("main", "further", title="Further")
    listening.get_git_ref("heads/main").edit(head)
    assert listening.get_pull(first.number).merged
    assert listening.get_pull(first.number).merge_commit_sha == head
    listening.get_git_ref("heads/further").delete()
    assert (listening.get_pull(second.number).state, listening.get_pull(second.number).merged) == ("closed", False)


def test_github_s_own_refs_are_nobody_s_to_write(listening: Repository) -> None:
    head = branch(listening, "feature")
    listening.create_pull("main", "feature", title="Feature")
    for refused in (
        lambda: listening.create_git_ref("refs/pull/9/head", head),
        lambda: listening.get_git_ref("pull/1/head").edit(listening.get_branch("main").commit.sha, force=True),
        lambda: listening.get_git_ref("pull/1/head").delete(),
    ):
        with pytest.raises(GithubException, match="Reference update failed"):
            refused()


def test_a_job_s_token_starts_nothing_and_writes_as_github_s_bot(
    listening: Repository, store: Store, add_token: AddToken, connect: Connect
) -> None:
    may = {"contents": "write", "pull_requests": "write"}
    token = add_token("ghs_job", kind="job", permissions=may, repositories=[seed.REPOSITORY])
    theirs = connect(token).get_repo(seed.REPOSITORY)
    branch(theirs, "feature")
    made = theirs.create_pull("main", "feature", title="By a job")
    assert (made.user.login, made.user.type) == ("github-actions[bot]", "Bot")
    assert theirs.get_branch("feature").commit.commit.author.name == "github-actions[bot]"
    made.merge()
    assert started(store) == []


def test_a_fork_s_pull_request_starts_runs_that_may_only_read(
    listening: Repository, store: Store, connect: Connect, add_token: AddToken, change_repository: ChangeRepository
) -> None:
    grace = connect(add_token("ghp_grace", "grace", scopes=("public_repo", "workflow")))
    fork = grace.get_repo(seed.REPOSITORY).create_fork()
    assert (fork.full_name, fork.fork) == ("grace/databricks", True)
    branch(fork, "feature")
    assert started(store) == []
    made = grace.get_repo(seed.REPOSITORY).create_pull("main", "grace:feature", title="From outside")
    assert (made.head.repo.full_name, made.head.label) == ("grace/databricks", "grace:feature")
    [run] = started(store)
    assert (run["event"]["is_from_fork"], run["actor"]) == (True, "grace")
    newest = fork.create_file("more", "More", "x", branch="feature")["commit"].sha
    assert listening.get_git_ref("pull/1/head").object.sha == newest
    assert told(store)[-1] == ("pull_request", "synchronize", "refs/pull/1/merge")
    shown = listening.get_workflow_run(run["id"])
    assert (shown.head_repository.full_name, shown.pull_requests) == ("grace/databricks", [])
    change_repository(private=True)
    fork.create_file("even-more", "Even more", "x", branch="feature")
    assert len(started(store)) == 2
    change_repository(private=False)
    with pytest.raises(GithubException, match="404"):
        grace.get_repo(seed.REPOSITORY).get_pull(1).merge()
    assert made.head.ref == "feature"


def test_a_schedule_is_due_by_the_sandbox_s_clock_on_the_default_branch(
    listening: Repository, store: Store, sandbox: Sandbox
) -> None:
    clock = Clock(store)
    with store.transaction():
        clock.advance(24 * 3600)
    sandbox.settle()
    [run] = started(store)
    assert (run["event"]["name"], run["event"]["cron"], run["actor"]) == ("schedule", "17 5 * * *", "ada")
    assert (run["sha"], run["createdAt"] % 86400) == (listening.get_branch("main").commit.sha, 5 * 3600 + 17 * 60)
    with store.transaction():
        clock.advance(30 * 24 * 3600)
    sandbox.settle()
    assert len(started(store)) == 2
    listening.delete_file(
        ".github/workflows/tell.yml",
        "Stop",
        listening.get_contents(".github/workflows/tell.yml").sha,  # type: ignore[union-attr]
    )
    with store.transaction():
        clock.advance(3 * 24 * 3600)
    sandbox.settle()
    assert len(started(store)) == 2
