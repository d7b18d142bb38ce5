"""Publishing: the first commit, the pull request, what is left out, and what is never touched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from github.Repository import Repository

from dbxwizard.clients.github import GitHubClient
from dbxwizard.core.plan import Action
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.store import Store
from dbxwizard.steps.github.publish import SETUP_BRANCH, PublishStep
from dbxwizard.steps.github.publish_files import LARGEST, collect

from .conftest import Apply, plan_of, reasons, writes

PATHS = ("README.md", "environments", "framework", ".github/workflows", "missing")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, text in {
        "README.md": "# Project\n",
        "environments/Development.json": "{}\n",
        "framework/run.sh": "#!/bin/sh\n",
        "framework/data.bin": "\udcff",
        ".github/workflows/deploy.yml": "name: Deploy\non: push\n",
        "notes.txt": "not ours",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    (root / "framework/run.sh").chmod(0o755)
    (root / "framework/README.md").symlink_to("../README.md")
    return root


@pytest.fixture
def step(client: GitHubClient, folder: Path) -> PublishStep:
    return PublishStep(client, folder, PATHS, needs=())


def branches(store: Store) -> dict[str, Any]:
    (repository,) = GitHubService().show(store)["repositories"]
    return {branch["name"]: branch for branch in repository["branches"]}


OURS = {
    ".github/workflows/deploy.yml": "100644",
    "README.md": "100644",
    "environments/Development.json": "100644",
    "framework/README.md": "120000",
    "framework/data.bin": "100644",
    "framework/run.sh": "100755",
}


def modes(branch: Any) -> dict[str, str]:
    return {path: entry.split()[0] for path, entry in branch["files"].items()}


async def test_an_empty_repository_gets_the_files_and_release(step: PublishStep, store: Store, apply: Apply) -> None:
    (planned,) = (await plan_of(step)).steps
    assert planned.change.action is Action.CREATE
    assert [reason.field for reason in planned.change.reasons] == ["branch main", "branch release"]
    await apply(step)
    found = branches(store)
    assert set(found) == {"main", "release"}
    assert modes(found["main"]) == OURS
    assert {**found["release"], "name": "main"} == found["main"]
    assert found["main"]["messages"] == ["Set up Databricks with dbxwizard", "Start the repository (dbxwizard)"]


async def test_a_second_run_writes_nothing(step: PublishStep, store: Store, apply: Apply) -> None:
    await apply(step)
    before = writes(store)
    await apply(step)
    assert writes(store) == before


async def test_two_sandboxes_show_the_same(
    step: PublishStep, store: Store, apply: Apply, repository: Repository
) -> None:
    await apply(step)
    first = GitHubService().show(store)
    with store.transaction():
        for kind in ("github.ref", "github.object"):
            for key, _ in store.find(kind):
                store.delete(kind, key)
    await apply(step)
    assert GitHubService().show(store) == first


async def test_a_single_file_needs_a_single_commit(
    client: GitHubClient, folder: Path, store: Store, apply: Apply
) -> None:
    step = PublishStep(client, folder, ["README.md"], needs=())
    await apply(step)
    assert [len(branch["messages"]) for branch in branches(store).values()] == [1, 1]
    assert reasons(await plan_of(step)) == []


@pytest.mark.parametrize("failing", range(5))
async def test_whatever_write_fails_the_next_run_ends_the_same(
    failing: int, step: PublishStep, store: Store, apply: Apply
) -> None:
    """The five writes: first file, tree, commit, default branch, release; each answers 422 once after its work."""
    verbs = ("PUT", "POST", "POST", "PATCH", "POST")
    skip = sum(1 for verb in verbs[:failing] if verb == verbs[failing])
    # The blob of the file that is no text is the first POST.
    skip += verbs[failing] == "POST"
    faults.add(store, Fault("status", method=verbs[failing], status=422, when="after", skip=skip))
    with pytest.raises(AssertionError, match="github-refused"):
        await apply(step)
    await apply(step)
    found = branches(store)
    assert modes(found["main"]) == OURS
    assert found["release"]["messages"] == found["main"]["messages"]
    assert len(found["main"]["messages"]) == 2


async def test_a_repository_with_files_gets_a_pull_request(
    step: PublishStep, repository: Repository, store: Store, apply: Apply
) -> None:
    repository.create_file("README.md", "mine", "mine\n")
    repository.create_file("src/app.py", "mine", "pass\n")
    assert [reason.split(":")[0] for reason in reasons(await plan_of(step))] == list(OURS)
    result = await apply(step)
    outputs = result.environments[0].outputs["setup/publish"]
    (pull,) = repository.get_pulls()
    assert outputs == {"branch": "main", "pull_request": pull.html_url}
    assert (pull.head.ref, pull.base.ref) == (SETUP_BRANCH, "main")
    assert modes(branches(store)[SETUP_BRANCH]) == {**OURS, "src/app.py": "100644"}
    assert modes(branches(store)["main"]) == {"README.md": "100644", "src/app.py": "100644"}


async def test_an_open_pull_request_is_waited_for_and_then_release_made(
    step: PublishStep, repository: Repository, store: Store, apply: Apply
) -> None:
    repository.create_file("LICENSE", "mine", "mine\n")
    await apply(step)
    before = writes(store)
    (planned,) = (await plan_of(step)).steps
    assert (planned.change.action, planned.change.note.split(":")[0]) == (Action.NONE, "waits for pull request #1")
    await apply(step)
    assert writes(store) == before
    repository.get_pull(1).merge()
    assert reasons(await plan_of(step)) == ["branch release: absent → main"]
    await apply(step)
    assert branches(store)["release"]["tree"] == branches(store)["main"]["tree"]


async def test_an_open_pull_request_goes_on_and_keeps_what_people_added(
    step: PublishStep, folder: Path, repository: Repository, store: Store, apply: Apply
) -> None:
    repository.create_file("LICENSE", "mine", "mine\n")
    await apply(step)
    repository.create_file("review.md", "a remark", "x", branch=SETUP_BRANCH)
    (folder / "environments/Development.json").write_text('{"a": 1}\n')
    await apply(step)
    assert [pull.number for pull in repository.get_pulls(state="all")] == [1]
    messages = branches(store)[SETUP_BRANCH]["messages"]
    assert messages == ["Set up Databricks with dbxwizard", "a remark", "Set up Databricks with dbxwizard", "mine"]
    assert reasons(await plan_of(step)) == []


async def test_a_branch_left_over_starts_again(
    step: PublishStep, folder: Path, repository: Repository, store: Store, apply: Apply
) -> None:
    repository.create_file("LICENSE", "mine", "mine\n")
    await apply(step)
    repository.get_pull(1).merge(merge_method="squash", commit_title="merged")
    await apply(step)
    (folder / "README.md").write_text("# New\n")
    assert [reason.split(":")[0] for reason in reasons(await plan_of(step))] == ["README.md"]
    await apply(step)
    (pull,) = repository.get_pulls()
    assert (pull.number, pull.mergeable) == (2, True)
    assert len(branches(store)[SETUP_BRANCH]["messages"]) == 3


async def test_a_branch_without_its_pull_request_gets_one(
    step: PublishStep, repository: Repository, store: Store, apply: Apply
) -> None:
    repository.create_file("LICENSE", "mine", "mine\n")
    faults.add(store, Fault("status", method="POST", path="*/pulls", status=422))
    with pytest.raises(AssertionError, match="github-refused"):
        await apply(step)
    branch = branches(store)[SETUP_BRANCH]
    await apply(step)
    assert branches(store)[SETUP_BRANCH] == branch
    assert [pull.number for pull in repository.get_pulls()] == [1]


async def test_a_missing_executable_bit_is_a_difference(step: PublishStep, folder: Path, apply: Apply) -> None:
    await apply(step)
    (folder / "framework/run.sh").chmod(0o644)
    assert reasons(await plan_of(step)) == ["framework/run.sh: mode 100755 → mode 100644"]


async def test_a_default_branch_that_is_missing_is_an_error(
    step: PublishStep, repository: Repository, change_repository: Any, apply: Apply
) -> None:
    repository.create_file("README.md", "mine", "x")
    change_repository(defaultBranch="trunk")
    with pytest.raises(Exception, match="default-branch-missing"):
        await apply(step)


async def test_the_local_folder_is_never_touched(step: PublishStep, folder: Path, apply: Apply) -> None:
    def seen() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    before = seen()
    await apply(step)
    assert seen() == before


# What is published


def collected(folder: Path, *paths: str) -> list[str]:
    return [file.path for file in collect(folder, paths or [""]).files]


def test_gitignore_is_followed_as_git_does(folder: Path) -> None:
    (folder / ".gitignore").write_text("*.bin\n# a comment\n/notes.txt\nbuild/\n!framework/keep.bin\ndocs/**/x?.md\n")
    (folder / "framework/.gitignore").write_text("run.[st]h\n\\#odd\n")
    for name in (
        "framework/keep.bin",
        "build/a",
        "docs/x1.md",
        "docs/a/b/x2.md",
        "docs/y.md",
        "sub/notes.txt",
        "framework/#odd",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    expected = [
        ".github/workflows/deploy.yml",
        ".gitignore",
        "README.md",
        "docs/y.md",
        "environments/Development.json",
        "framework/.gitignore",
        "framework/README.md",
        "framework/keep.bin",
        "sub/notes.txt",
    ]
    assert collected(folder) == expected
    assert collected(folder, "framework") == ["framework/.gitignore", "framework/README.md", "framework/keep.bin"]


def test_what_no_repository_should_hold_is_left_out(folder: Path) -> None:
    for name in (".git/config", "framework/__pycache__/a.pyc", "framework/a.pyc", ".venv/bin/python"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    assert not [path for path in collected(folder) if "pyc" in path or path.startswith((".git/", ".venv"))]


def test_large_files_and_links_to_outside_are_named(folder: Path) -> None:
    with (folder / "framework/huge").open("wb") as file:
        file.truncate(LARGEST + 1)
    (folder / "framework/outside").symlink_to("/etc/hostname")
    (folder / "framework/up").symlink_to("../../elsewhere")
    os.mkfifo(folder / "framework/pipe")
    assert collect(folder, ["framework"]).left_out == (
        "framework/huge (larger than 10 MB)",
        "framework/outside (a link to outside the folder)",
        "framework/pipe (not a regular file)",
        "framework/up (a link to outside the folder)",
    )
