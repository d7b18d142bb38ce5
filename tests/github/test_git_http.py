"""Real git against the sandbox's GitHub: clone, fetch and push over HTTPS."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from github.Repository import Repository

from dbxwizard.clients.cloud import Cloud
from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.inspection import reset
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from tests.conftest import new_state
from tests.github.conftest import AddToken, ChangeRepository
from tests.github.test_events import branch, told
from tests.github.test_pulls import ruleset
from tests.github.test_runs import CHECKOUT, wait
from tests.sandbox.wire import Wire

WORKFLOW = "on: {push: {branches: ['**'], tags: ['**']}}\njobs: {a: {runs-on: x, steps: [run: 'true']}}\n"


@pytest.fixture(autouse=True)
def _ended(sandbox: Sandbox) -> Iterator[None]:
    yield
    wait()


class Git:
    """git with a token, in a folder of its own, with nothing of the machine's settings."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self._cloud = cloud
        self._folder = folder
        self.work = folder / "work"

    def address(self, token: str = seed.SANDBOX_TOKEN, repository: str = seed.REPOSITORY) -> str:
        host = urlsplit(self._cloud.github_api).netloc
        return f"https://ada:{token}@{host}/{repository}.git" if token else f"https://{host}/{repository}.git"

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSL_CAINFO": str(self._cloud.ca_bundle),
            "no_proxy": "127.0.0.1",
            **{f"GIT_{who}_{what}": "Ada" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        place = cwd or self.work
        return subprocess.run(["git", *words], check=False, cwd=place, env=environment, capture_output=True, text=True)

    def do(self, *words: str, cwd: Path | None = None) -> str:
        ended = self.run(*words, cwd=cwd)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def clone(self, token: str = seed.SANDBOX_TOKEN, *options: str) -> None:
        self.do("clone", "--quiet", *options, self.address(token), str(self.work), cwd=self._folder)

    def commit(self, path: str, content: str) -> str:
        (self.work / path).parent.mkdir(parents=True, exist_ok=True)
        (self.work / path).write_text(content)
        self.do("add", path)
        self.do("commit", "--quiet", "--message", f"Change {path}")
        return self.do("rev-parse", "HEAD")


@pytest.fixture
def git(cloud: Cloud, tmp_path: Path) -> Git:
    return Git(cloud, tmp_path)


def test_a_clone_has_what_the_api_wrote_and_a_push_brings_what_the_api_shows(
    filled: Repository, git: Git, store: Store
) -> None:
    branch(filled, "feature")
    git.clone()
    assert (git.work / "README.md").read_text() == "# hi\n"
    assert git.do("branch", "--remotes", "--format=%(refname:lstrip=3)").split() == ["HEAD", "feature", "main"]
    sha = git.commit(".github/workflows/a.yml", WORKFLOW)
    git.do("push", "--quiet", "origin", "main")
    assert filled.get_branch("main").commit.sha == sha
    assert told(store, 0) == [("push", "", "refs/heads/main")]
    git.do("tag", "--annotate", "--message", "first", "v1")
    git.do("push", "--quiet", "origin", "v1")
    assert [(tag.name, tag.commit.sha) for tag in filled.get_tags()] == [("v1", sha)]
    run = store.all("github.run")[-1]
    assert (run["event"]["ref"], run["sha"]) == ("refs/tags/v1", sha)
    filled.create_file("later", "Later", "x")
    git.do("pull", "--quiet", "--ff-only")
    assert (git.work / "later").exists()
    git.do("push", "--quiet", "origin", "--delete", "feature", "v1")
    assert [one.name for one in filled.get_branches()] == ["main"]
    assert git.do("fsck", "--full", "--strict", "--no-dangling") == ""


def test_the_first_push_makes_the_default_branch(repository: Repository, git: Git) -> None:
    git.clone()
    git.do("switch", "--quiet", "--create", "trunk")
    git.commit("README.md", "# first\n")
    git.do("push", "--quiet", "origin", "trunk")
    repository.update()
    assert repository.default_branch == "trunk"
    assert git.do("ls-remote", "--symref", "origin", "HEAD").startswith("ref: refs/heads/trunk")


def test_pull_requests_can_be_fetched_but_not_written(filled: Repository, git: Git) -> None:
    head = branch(filled, "feature")
    merge = filled.create_pull("main", "feature", title="Feature").merge_commit_sha
    git.clone(seed.SANDBOX_TOKEN, "--depth", "1")
    git.do("fetch", "--quiet", "origin", "refs/pull/1/head", head, merge)
    assert git.do("show", "--no-patch", "--format=%P", merge).split()[1] == head
    refused = git.run("push", "origin", "HEAD:refs/pull/1/head")
    assert "deny updating a hidden ref" in refused.stderr
    sha = git.commit("more", "x")
    git.do("push", "--quiet", "origin", "HEAD:feature", "--force")
    assert filled.get_pull(1).head.sha == sha


def test_who_has_no_right_is_refused_in_github_s_words(
    filled: Repository, git: Git, add_token: AddToken, change_repository: ChangeRepository, store: Store
) -> None:
    git.clone("")  # public: nobody has to sign in
    sha = git.commit(".github/workflows/a.yml", WORKFLOW)
    reader = add_token("ghp_reader", "grace", scopes=("repo", "workflow"))
    plain = add_token("ghp_plain", scopes=("repo",))
    job = add_token("ghs_job", kind="job", permissions={"contents": "write"}, repositories=[seed.REPOSITORY])
    before = store.keys("github.object")
    for token, words in (
        ("wrong", "Invalid username or token"),
        (reader, "Permission to contoso/databricks.git denied to grace."),
        (plain, "refusing to allow a Personal Access Token to create or update workflow `.github/workflows/a.yml` "
                "without `workflow` scope"),
        (job, "refusing to allow a GitHub App to create or update workflow"),
    ):  # fmt: skip
        refused = git.run("push", git.address(token), "main")
        assert (refused.returncode != 0, words in refused.stderr) == (True, True), refused.stderr
    assert store.keys("github.object") == before
    change_repository(private=True)
    assert "could not read Username" in git.run("fetch", git.address("")).stderr
    assert "Repository not found" in git.run("fetch", git.address(plain, "contoso/nothing")).stderr
    assert filled.get_branch("main").commit.sha != sha


def test_rules_hold_for_each_ref_by_itself(filled: Repository, git: Git) -> None:
    ruleset(filled, "pull_request", "non_fast_forward", "deletion")
    git.clone()
    git.commit("a", "x")
    ended = git.run("push", "origin", "main", "HEAD:work")
    assert "remote: error: GH013: Repository rule violations found for refs/heads/main." in ended.stderr
    assert "remote: - Changes must be made through a pull request." in ended.stderr
    assert "! [remote rejected] main -> main (push declined due to repository rule violations)" in ended.stderr
    assert sorted(one.name for one in filled.get_branches()) == ["main", "work"]
    git.do("commit", "--quiet", "--amend", "--message", "Another")
    assert "non-fast-forward" in git.run("push", "origin", "HEAD:work").stderr
    git.do("push", "--quiet", "--force", "origin", "HEAD:work")
    assert "refusing to delete the current branch" in git.run("push", "origin", "--delete", "main").stderr


def test_a_push_of_a_job_and_of_many_tags_starts_nothing(
    filled: Repository, git: Git, store: Store, add_token: AddToken
) -> None:
    git.clone()
    git.commit(".github/workflows/a.yml", WORKFLOW)
    git.do("push", "--quiet", "origin", "main")
    job = add_token("ghs_job", kind="job", permissions={"contents": "write"}, repositories=[seed.REPOSITORY])
    git.commit("a", "by a job")
    git.do("push", "--quiet", git.address(job), "main")
    for number in range(4):
        git.do("tag", f"v{number}")
    git.do("push", "--quiet", "origin", "--tags")
    assert len(told(store, 0)) == 1


def test_a_job_pushes_with_the_credentials_that_the_checkout_left(filled: Repository, store: Store) -> None:
    text = f"""
on: push
permissions: {{contents: write}}
jobs:
  push:
    runs-on: ubuntu-latest
    steps:
      - uses: {CHECKOUT}
      - run: git push origin HEAD:refs/heads/from-job && git fetch --quiet origin from-job
      - uses: {CHECKOUT}
        with: {{persist-credentials: false, path: second}}
      - run: "! GIT_TERMINAL_PROMPT=0 git push origin HEAD:refs/heads/never"
        working-directory: second
"""
    filled.create_file(".github/workflows/push.yml", "Push from a job", text)
    wait()
    [run] = store.all("github.run")
    [job] = records.jobs_of(store, run)
    assert run["conclusion"] == "success", [part["text"] for part in records.log_parts(store, job["id"])]
    assert sorted(one.name for one in filled.get_branches()) == ["from-job", "main"]


def test_what_is_no_push_is_refused_and_what_is_damaged_changes_nothing(
    filled: Repository, sandbox: Sandbox, store: Store
) -> None:
    wire = Wire(sandbox.state)
    head = filled.get_branch("main").commit.sha
    path = "/contoso/databricks.git/git-receive-pack"
    line = f"{head} {'1' * 40} refs/heads/main\0report-status".encode()
    command = f"{len(line) + 4:04x}".encode() + line + b"0000"
    for body, status in ((b"nonsense", 400), (b"0009x", 400), (b"0000", 200), (command + b"PACKnot", 200)):
        answer = wire.send("POST", "github", path, token=seed.SANDBOX_TOKEN, body=body, headers={"User-Agent": "git"})
        assert answer.status == status
    wire.close()
    assert filled.get_branch("main").commit.sha == head


def test_a_reset_forgets_the_bare_repository(tmp_path: Path) -> None:
    state = new_state(tmp_path / "own")
    with Sandbox(state) as sandbox:
        wire = Wire(sandbox.state)
        refs = "/contoso/databricks/info/refs?service=git-upload-pack"
        assert wire.send("GET", "github", refs, headers={"User-Agent": "git"}).status == 200
        wire.close()
    kept = state.with_name(f"{state.name}.git")
    assert kept.is_dir()
    assert reset(state)
    assert not kept.exists()
