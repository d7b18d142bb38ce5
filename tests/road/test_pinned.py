"""What the workflows deploy: a commit of a branch or a tag, and Azure's resources only where their files changed."""

from __future__ import annotations

import json
import subprocess

import pytest

from dbxwizard.steps.deploy_plan import checked_out
from dbxwizard.steps.git_ref import GitRef
from tests.roads import Road

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "ref", "pinned"),
    [
        (f"refs/heads/main@{COMMIT}", GitRef("branch", "main", COMMIT), GitRef("commit", COMMIT)),
        (f"refs/tags/v1@{COMMIT}", GitRef("tag", "v1", COMMIT), GitRef("tag", "v1", COMMIT)),
        (f"a@b@{COMMIT}", GitRef("branch", "a@b", COMMIT), GitRef("commit", COMMIT)),
        ("a@b", GitRef("branch", "a@b"), GitRef("branch", "a@b")),
        (COMMIT, GitRef("commit", COMMIT), GitRef("commit", COMMIT)),
    ],
)
def test_a_ref_may_say_the_commit_that_is_meant(text: str, ref: GitRef, pinned: GitRef) -> None:
    assert GitRef.parse(text) == ref
    assert ref.pinned == pinned


def test_a_commit_of_a_branch_pins_the_jobs_and_sets_the_folder_to_the_branch(deployed: Road) -> None:
    head = deployed.head()
    pinned = ("-e", "Development", "--ref", f"refs/heads/main@{head}")
    assert deployed.deploy(*pinned).code == 0
    shown = json.dumps(deployed.show())
    assert f'"git_commit": "{head}"' in shown
    assert '"git_branch"' not in shown
    before = deployed.writes()
    assert deployed.deploy(*pinned).report["status"] == "unchanged"
    assert deployed.writes() == before


def git(road: Road, *arguments: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    done = subprocess.run(["git", *who, *arguments], cwd=road.folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def committed(deployed: Road) -> Road:
    """What was deployed, in a repository of git's; Development's storage was then changed by somebody."""
    (deployed.folder / ".gitignore").write_text(".state/\n")
    git(deployed, "init", "--quiet", "--initial-branch", "main")
    git(deployed, "add", "--all")
    git(deployed, "commit", "--quiet", "--message", "deployed")
    with deployed.change() as store:
        found = dict(store.find("arm.resource"))
        key, body = next(one for one in found.items() if one[1]["type"].lower() == "microsoft.storage/storageaccounts")
        store.put("arm.resource", key, {**body, "properties": {**body["properties"], "minimumTlsVersion": "TLS1_0"}})
    return deployed


def deployed_since(road: Road, since: str) -> list[str]:
    """Why the Azure resources of Development were changed."""
    found = road.deploy("-e", "Development", "--ref", f"refs/heads/main@{road.head()}", DBXWIZARD_SINCE=since)
    assert found.code == 0, found.out
    return next((why for what, why in found.changes().items() if "resource group" in what), [])


def test_what_did_not_change_since_is_left_alone(committed: Road) -> None:
    assert deployed_since(committed, git(committed, "rev-parse", "HEAD")) == []


def test_a_change_of_the_file_or_of_the_template_brings_the_resources_back(committed: Road) -> None:
    since = git(committed, "rev-parse", "HEAD")
    with (committed.folder / "bicep" / "main.bicep").open("a") as file:
        file.write("// more\n")
    git(committed, "commit", "--quiet", "--all", "--message", "more")
    assert any("minimumTlsVersion" in why for why in deployed_since(committed, since))


@pytest.mark.parametrize("since", ["", COMMIT])
def test_without_a_commit_that_git_knows_all_is_looked_at(since: str, committed: Road) -> None:
    assert any("minimumTlsVersion" in why for why in deployed_since(committed, since))


def test_what_is_missing_is_made_all_the_same(committed: Road) -> None:
    with committed.change() as store:
        key = next(
            key for key, body in store.find("arm.resource") if body["type"].lower() == "microsoft.insights/components"
        )
        store.delete("arm.resource", key)
    assert deployed_since(committed, git(committed, "rev-parse", "HEAD")) != []


def test_a_new_repository_of_gits_means_main_and_one_with_commits_its_branch(set_up: Road) -> None:
    git(set_up, "init", "--quiet", "--initial-branch", "master")
    assert checked_out(set_up.folder, {}) == GitRef("branch", "main")
    git(set_up, "commit", "--quiet", "--allow-empty", "--message", "mine")
    assert checked_out(set_up.folder, {}) == GitRef("branch", "master")
    git(set_up, "worktree", "add", "--quiet", "-b", "feature", "beside")
    assert checked_out(set_up.folder / "beside" / "environments", {}) == GitRef("branch", "feature")


def test_a_branch_that_github_lacks_is_named_before_anything_is_written(deployed: Road) -> None:
    before = deployed.writes()
    refused = deployed.deploy("-e", "Development", "--ref", "unpushed")
    assert [(one["code"], one["fix"]) for one in refused.report["errors"]] == [
        ("branch-unknown", "Push it, or deploy another: --ref main")
    ]
    assert (refused.code, deployed.writes()) == (2, before)
