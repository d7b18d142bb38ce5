"""Files and commits: the contents API, the git data API, branches and comparison, through PyGithub."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from github import GithubException, InputGitAuthor, InputGitTreeElement
from github.Commit import Commit
from github.ContentFile import ContentFile
from github.Repository import Repository

from dbxwizard.sandbox.github.objects import blob_sha

EMPTY = (409, "Git Repository is empty.")


def refused(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(GithubException) as caught:
        call()
    return caught.value.status, caught.value.data["message"]


def head(repository: Repository, branch: str = "main") -> str:
    return repository.get_branch(branch).commit.sha


# An empty repository: github.com/github/rest-api-description/issues/637


def test_in_an_empty_repository_the_git_data_api_answers_409(repository: Repository) -> None:
    element = InputGitTreeElement("a", "100644", "blob", content="x")
    assert refused(lambda: repository.create_git_blob("x", "utf-8")) == EMPTY
    assert refused(lambda: repository.create_git_tree([element])) == EMPTY
    assert refused(lambda: repository.get_git_ref("heads/main")) == EMPTY
    assert refused(lambda: repository.get_git_tree("main")) == EMPTY
    assert refused(lambda: list(repository.get_commits())) == EMPTY


def test_an_empty_repository_has_no_branches_and_no_contents(repository: Repository) -> None:
    assert list(repository.get_branches()) == []
    assert refused(lambda: repository.get_branch("main")) == (404, "Branch not found")
    assert refused(lambda: repository.get_contents("README.md")) == (404, "This repository is empty.")


def test_the_contents_api_makes_the_first_commit(repository: Repository) -> None:
    made = repository.create_file("docs/a.md", "first", b"\xff\x00", branch="main")
    content, commit = made["content"], made["commit"]
    assert isinstance(content, ContentFile)
    assert isinstance(commit, Commit)
    assert content.path == "docs/a.md"
    assert commit.parents == []
    assert [branch.name for branch in repository.get_branches()] == ["main"]
    assert refused(lambda: repository.create_file("b", "second", "x", branch="other"))[0] == 404


# Contents


def test_a_file_is_changed_and_removed_with_its_sha(filled: Repository) -> None:
    first = filled.get_contents("README.md")
    assert not isinstance(first, list)
    assert (first.decoded_content, first.sha) == (b"# hi\n", blob_sha(b"# hi\n"))
    filled.update_file("README.md", "second", "# ho\n", first.sha)
    assert refused(lambda: filled.update_file("README.md", "third", "# he\n", first.sha)) == (
        409,
        f"README.md does not match {first.sha}",
    )
    assert refused(lambda: filled.create_file("README.md", "third", "# he\n"))[0] == 422
    second = filled.get_contents("README.md")
    assert not isinstance(second, list)
    filled.delete_file("README.md", "gone", second.sha)
    assert refused(lambda: filled.get_contents("README.md")) == (404, "Not Found")
    assert [commit.commit.message for commit in filled.get_commits()] == ["gone", "second", "first"]


def test_a_folder_lists_what_is_in_it(filled: Repository) -> None:
    filled.create_file("docs/deep/a.md", "second", "a")
    listed = filled.get_contents("docs")
    assert isinstance(listed, list)
    assert [(each.type, each.path) for each in listed] == [("dir", "docs/deep")]
    assert refused(lambda: filled.create_file("docs", "third", "x"))[0] == 422


@pytest.mark.parametrize("path", [".git/config", "a//b", "a%2F..%2Fb"])
def test_malformed_paths_are_refused(path: str, filled: Repository) -> None:
    url = f"{filled.url}/contents/{path}"
    body = {"message": "x", "content": base64.b64encode(b"x").decode()}
    assert refused(lambda: filled.requester.requestJsonAndCheck("PUT", url, input=body))[0] == 422


# Git data


def commit(repository: Repository, message: str, elements: list[Any], parent: str) -> str:
    start = repository.get_git_commit(parent)
    tree = repository.create_git_tree(elements, start.tree)
    return repository.create_git_commit(message, tree, [start]).sha


def test_a_tree_takes_contents_modes_objects_and_removals(filled: Repository) -> None:
    blob = filled.create_git_blob(base64.b64encode(b"\xff").decode(), "base64")
    elements = [
        InputGitTreeElement("bin/run", "100755", "blob", content="#!/bin/sh\n"),
        InputGitTreeElement("link", "120000", "blob", content="bin/run"),
        InputGitTreeElement("raw", "100644", "blob", sha=blob.sha),
        InputGitTreeElement("README.md", "100644", "blob", sha=None),
    ]
    sha = commit(filled, "second", elements, head(filled))
    filled.get_git_ref("heads/main").edit(sha)
    entries = filled.get_git_tree("main", recursive=True).tree
    assert [(each.mode, each.path) for each in entries] == [
        ("040000", "bin"),
        ("100755", "bin/run"),
        ("120000", "link"),
        ("100644", "raw"),
    ]
    link = filled.get_contents("link")
    assert not isinstance(link, list)
    assert link.type == "symlink"


def test_impossible_trees_and_commits_are_refused(filled: Repository) -> None:
    def tree(**item: Any) -> Callable[[], object]:
        body = {"tree": [{"path": "a", "mode": "100644", **item}]}
        return lambda: filled.requester.requestJsonAndCheck("POST", f"{filled.url}/git/trees", input=body)

    missing = "0" * 40
    assert refused(tree(sha=missing)) == (422, f"tree.sha {missing} is not a valid blob")
    assert refused(tree(mode="777", content="x"))[0] == 422
    assert refused(tree(path=".git/config", content="x"))[0] == 422
    assert refused(tree(sha=missing, content="x"))[0] == 422
    assert refused(tree()) == (422, "Must supply either tree.sha or tree.content")
    body: dict[str, Any] = {"message": "x", "tree": missing}
    url = f"{filled.url}/git/commits"
    assert refused(lambda: filled.requester.requestJsonAndCheck("POST", url, input=body)) == (
        422,
        "Tree SHA does not exist",
    )


def test_the_same_commit_has_the_same_sha(filled: Repository) -> None:
    tree = filled.get_git_tree("main")
    when = InputGitAuthor("Ada", "ada@contoso.example", "2026-09-01T10:00:00+02:00")
    first, second = (filled.create_git_commit("same", tree, [], when, when) for _ in range(2))
    assert first.sha == second.sha
    assert first.author.date == datetime(2026, 9, 1, 8, tzinfo=UTC)


def test_refs_move_forward_unless_forced(filled: Repository) -> None:
    start = head(filled)
    element = InputGitTreeElement("a", "100644", "blob", content="x")
    later = commit(filled, "second", [element], start)
    ref = filled.create_git_ref("refs/heads/release/1", later)
    assert refused(lambda: filled.create_git_ref("refs/heads/release/1", start)) == (422, "Reference already exists")
    assert refused(lambda: filled.create_git_ref("refs/heads/x", "0" * 40)) == (422, "Object does not exist")
    assert refused(lambda: ref.edit(start)) == (422, "Update is not a fast forward")
    ref.edit(start, force=True)
    assert head(filled, "release/1") == start
    assert refused(lambda: filled.create_git_ref("refs/heads/release", start)) == (422, "Reference update failed")
    assert [found.ref for found in filled.get_git_matching_refs("heads/rel")] == ["refs/heads/release/1"]
    ref.delete()
    assert [branch.name for branch in filled.get_branches()] == ["main"]


def test_the_default_branch_stays(filled: Repository) -> None:
    assert refused(lambda: filled.get_git_ref("heads/main").delete())[0] == 422
    filled.create_git_ref("refs/heads/trunk", head(filled))
    filled.edit(default_branch="trunk")
    assert filled.default_branch == "trunk"
    assert refused(lambda: filled.edit(default_branch="nowhere"))[0] == 422


def test_tags_point_at_commits(filled: Repository) -> None:
    filled.create_git_ref("refs/tags/v1", head(filled))
    assert [(tag.name, tag.commit.sha) for tag in filled.get_tags()] == [("v1", head(filled))]
    assert filled.get_contents("README.md", ref="v1")


def test_comparison_says_what_is_ahead_and_behind(filled: Repository) -> None:
    filled.create_git_ref("refs/heads/work", head(filled))
    filled.create_file("a", "ahead", "x", branch="work")
    filled.create_file("b", "behind", "y", branch="main")
    compared = filled.compare("main", "work")
    assert (compared.status, compared.ahead_by, compared.behind_by) == ("diverged", 1, 1)
    assert [commit.commit.message for commit in compared.commits] == ["ahead"]
    assert [(file.filename, file.status) for file in compared.files] == [("a", "added")]
    assert filled.compare("main", "main").status == "identical"


# Workflows: github.com/github/docs/pull/4770

WORKFLOW = ".github/workflows/deploy.yml"


def test_workflow_files_need_a_right_of_their_own(
    filled: Repository, connect: Any, add_token: Any, change_repository: Any
) -> None:
    element = InputGitTreeElement(WORKFLOW, "100644", "blob", content="on: push\n")
    classic = connect(add_token("classic", scopes=["repo"])).get_repo(filled.full_name)
    rights = {"contents": "write"}
    fine = connect(add_token("fine", kind="fine-grained", permissions=rights)).get_repo(filled.full_name)
    assert refused(lambda: classic.create_git_tree([element])) == (404, "Not Found")
    assert refused(lambda: classic.create_file(WORKFLOW, "x", "on: push\n")) == (404, "Not Found")
    denied = (403, "Resource not accessible by personal access token")
    assert refused(lambda: fine.create_git_tree([element])) == denied
    filled.create_file(
        WORKFLOW, "second", "name: Deploy\non: workflow_dispatch\njobs: {a: {runs-on: x, steps: [run: x]}}\n"
    )
    # Carrying a workflow along is no change of it.
    other = InputGitTreeElement("a", "100644", "blob", content="x")
    assert classic.create_git_tree([other], filled.get_git_tree("main")).sha


def test_workflows_of_the_default_branch_are_listed(filled: Repository) -> None:
    filled.create_file(
        WORKFLOW, "second", "name: Deploy\non: workflow_dispatch\njobs: {a: {runs-on: x, steps: [run: x]}}\n"
    )
    (workflow,) = filled.get_workflows()
    assert (workflow.name, workflow.path, workflow.state) == ("Deploy", WORKFLOW, "active")
    assert filled.get_workflow("deploy.yml").id == workflow.id
    assert list(filled.get_workflow_runs()) == []
    assert list(workflow.get_runs()) == []
    assert refused(lambda: filled.get_workflow_run(1)) == (404, "Not Found")
