"""`dbxwizard sandbox push|pr|tag`: as the developer of the sandbox's repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbxwizard.sandbox.github.runs.checkout import CHECKOUT
from tests.roads import Outcome, Road

WORKFLOW = f"""
on:
  push: {{tags: ['v*']}}
  pull_request: {{types: [opened, synchronize, closed]}}
jobs:
  check:
    name: Check
    runs-on: ubuntu-latest
    steps:
      - uses: {CHECKOUT}
      - run: test ! -e broken
"""


class Work:
    """A folder with some files, and a sandbox."""

    def __init__(self, folder: Path) -> None:
        self.road = Road(folder)
        self.folder = folder
        self.write(".github/workflows/check.yml", "name: Check\n" + WORKFLOW)
        self.write(".gitignore", ".state/\n*.log\n")
        self.write("src/a.py", "print('a')\n")
        self.write("ignored.log", "x")

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def do(self, *words: str, form: str = "json") -> Outcome:
        return self.road.run("sandbox", *words, "--root", str(self.folder), "--output", form)

    def done(self, *words: str) -> dict[str, Any]:
        outcome = self.do(*words)
        assert outcome.code == 0, outcome.err
        return outcome.report

    def branches(self) -> dict[str, set[str]]:
        (repository,) = [one for one in self.road.show()["repositories"] if one["full_name"] == "contoso/databricks"]
        return {branch["name"]: set(branch["files"]) for branch in repository["branches"]}


@pytest.fixture
def work(tmp_path: Path) -> Work:
    made = Work(tmp_path)
    made.done("push", "--message", "Begin")
    return made


def test_the_folder_is_pushed_as_git_would_see_it(work: Work) -> None:
    assert work.branches() == {"main": {".github/workflows/check.yml", ".gitignore", "src/a.py"}}
    again = work.do("push", form="text")
    assert (again.code, again.out) == (0, "nothing differs\n")
    work.write("src/b.py", "print('b')\n")
    work.write("c.txt", "c")
    work.done("push", "--branch", "feature", "src")
    assert work.branches()["feature"] - work.branches()["main"] == {"src/b.py"}
    (work.folder / "src" / "b.py").unlink()
    work.done("push", "--branch", "feature", "src/b.py")
    assert work.branches()["feature"] == work.branches()["main"]


def test_a_pull_request_goes_its_way_and_says_what_it_starts(work: Work) -> None:
    work.write("broken", "x")
    work.done("push", "--branch", "feature")
    opened = work.done("pr", "open", "--head", "feature", "--title", "Feature")
    assert (opened["pull_request"]["number"], opened["pull_request"]["base"]) == (1, "main")
    [run] = opened["runs"]
    assert (run["event"], run["status"], run["conclusion"]) == ("pull_request", "completed", "failure")
    (work.folder / "broken").unlink()
    [run] = work.done("push", "--branch", "feature", "broken")["runs"]
    assert run["conclusion"] == "success"
    assert "#1 Feature: contoso:feature → main, open" in work.do("pr", "list", form="text").out
    merged = work.do("pr", "merge", form="text")
    assert "merged #1 Feature: contoso:feature → main, merged" in merged.out
    assert "started Check (pull_request) as run " in merged.out
    assert "waiting for what it started" in merged.err
    assert work.do("pr", "list", form="text").out == "no pull request is open\n"
    work.done("push", "--branch", "release")
    work.write("d.txt", "d")
    work.done("push")
    work.done("pr", "open", "--head", "main", "--base", "release")
    assert work.done("pr", "close", "2")["pull_request"]["state"] == "closed"


def test_a_tag_is_put_on_a_branch_and_starts_what_listens_to_it(work: Work) -> None:
    work.write("e.txt", "e")
    commit = work.done("push", "--branch", "release")["commit"]
    tagged = work.done("tag", "v1", "--at", "release")
    assert tagged["commit"] == commit
    assert [run["event"] for run in tagged["runs"]] == ["push"]
    assert work.done("tag", "other")["runs"] == []
    refused = work.do("tag", "v1")
    assert (refused.code, "Reference already exists" in refused.out) == (1, True)
    assert "has no nowhere" in work.do("tag", "v2", "--at", "nowhere").out


def test_somebody_else_proposes_from_a_fork(work: Work) -> None:
    work.write("theirs.txt", "x")
    work.done("push", "--branch", "idea", "--from-fork", "theirs.txt")
    assert set(work.branches()) == {"main"}
    opened = work.done("pr", "open", "--head", "idea", "--from-fork")
    assert opened["pull_request"]["head"] == "grace:idea"
    assert [run["actor"] for run in opened["runs"]] == ["grace"]
    assert work.done("pr", "merge", "1")["pull_request"]["state"] == "merged"
