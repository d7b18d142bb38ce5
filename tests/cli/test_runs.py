"""`dbxwizard runs` as its user types it, on the sandbox: what is shown, what is done, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbxwizard.sandbox.session import Sandbox
from tests.conftest import new_state
from tests.github.test_runs import ON, PATH, wait
from tests.reaching import push
from tests.roads import Outcome, Road

WORKFLOW = f"""name: Greet
run-name: Greet ${{{{ inputs.to }}}}
{ON}
jobs:
  hello:
    runs-on: x
    env: {{TO: '${{{{ inputs.to }}}}'}}
    steps:
      - run: echo "hello $TO"
      - {{name: End, run: 'echo "::group::All"; echo "::error::it is $TO"; echo "::endgroup::"; test "$TO" != wrong'}}
  after: {{needs: hello, runs-on: x, steps: [{{name: Think, run: echo one; echo two}}]}}
"""
LONG = f"{ON}jobs: {{a: {{runs-on: x, steps: [{{name: Sleep, run: sleep 300}}]}}}}"


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    """A sandbox that this process serves, with two workflows in its repository; no project is needed."""
    road = Road(tmp_path)
    new_state(tmp_path / ".state")
    with Sandbox(road.state):
        with road.change() as store:
            push(store, {PATH: WORKFLOW, ".github/workflows/long.yml": LONG})
        yield road
        wait()


def runs(road: Road, *arguments: str, form: str = "json", **environ: str) -> Outcome:
    return road.run("runs", *arguments, "--repo", "contoso/databricks", form=form, **environ)


def test_a_launched_run_is_followed_to_its_end(road: Road) -> None:
    ended = runs(road, "launch", "run.yml", "-i", "to=UAT", "--follow")
    assert ended.code == 0, ended.out + ended.err
    run = ended.report["run"]
    assert (run["state"], run["title"], run["workflow"]) == ("success", "Greet UAT", "run.yml")
    assert [(job["name"], job["state"]) for job in run["jobs"]] == [("hello", "success"), ("after", "success")]
    assert "hello: End: success" in ended.err
    assert "after: Think: success" in ended.err
    [listed] = runs(road, "list").report["runs"]
    assert listed["id"] == run["id"]


def test_a_failed_run_says_why_and_ends_with_1(road: Road) -> None:
    ended = runs(road, "launch", "run.yml", "-i", "to=wrong", "--follow")
    assert (ended.code, ended.report["status"]) == (1, "error")
    [error] = ended.errors
    assert (error["code"], error["resource"]) == ("workflow-job-failed", "hello / End")
    assert error["message"] == "it is wrong; Process completed with exit code 1."
    run = ended.report["run"]
    watched = runs(road, "watch", str(run["id"]))
    assert (watched.code, watched.errors) == (1, ended.errors)
    read = runs(road, "watch", run["html_url"], form="text")
    assert read.out.splitlines()[:3] == [
        "hello / End: failure", "    it is wrong", "    Process completed with exit code 1.",
    ]  # fmt: skip
    assert f"dbxwizard runs logs {run['id']} --failed" in read.out


def test_runs_are_listed_with_filters(road: Road) -> None:
    for to in ("UAT", "wrong"):
        runs(road, "launch", "run.yml", "-i", f"to={to}", "--follow")
    for options, expected in (
        ((), ["Greet wrong", "Greet UAT"]),
        (("--state", "failure"), ["Greet wrong"]),
        (("--workflow", "run.yml", "--branch", "main", "--limit", "1"), ["Greet wrong"]),
        (("--workflow", "long.yml"), []),
        (("--branch", "release"), []),
    ):
        assert [run["title"] for run in runs(road, "list", *options).report["runs"]] == expected
    table = runs(road, "list", form="text").out.splitlines()
    assert table[0].split() == ["id", "state", "workflow", "branch", "event", "started", "title"]
    assert table[1].split()[1:5] == ["failure", "run.yml", "main", "workflow_dispatch"]
    assert runs(road, "list", "--branch", "release", form="text").out == "no run fits\n"


def test_logs_of_all_of_one_and_of_the_failed_jobs(road: Road) -> None:
    run = str(runs(road, "launch", "run.yml", "-i", "to=UAT", "--follow").report["run"]["id"])
    both = runs(road, "logs", run, form="text").out
    assert both.index("=== hello: success") < both.index("hello UAT") < both.index("=== after: success")
    assert "\nAll\nerror: it is UAT\n" in both
    one = runs(road, "logs", "--job", "AFTER", form="text").out
    assert one.splitlines()[-2:] == ["one", "two"]
    lines = [json.loads(line) for line in runs(road, "logs", run, "--job", "after").out.splitlines()]
    assert (lines[-1]["job"], lines[-1]["text"]) == ("after", "two")
    assert lines[-1]["at"] > 1.7e9
    assert runs(road, "logs", run, "--failed").errors[0]["code"] == "log-not-there"
    assert runs(road, "logs", run, "--job", "gone").errors[0]["code"] == "job-not-found"


def test_words_of_others_are_no_commands_inside_github_actions(road: Road) -> None:
    runs(road, "launch", "run.yml", "-i", "to=wrong", "--follow")
    for action in ("logs", "watch"):
        lines = runs(road, action, form="github").out.splitlines()
        start = next(at for at, line in enumerate(lines) if line.startswith("::stop-commands::"))
        end = lines.index(f"::{lines[start].removeprefix('::stop-commands::')}::")
        assert any("it is wrong" in line for line in lines[start:end])


def test_a_run_is_cancelled_and_ends_with_130(road: Road) -> None:
    started = runs(road, "launch", "long.yml")
    assert (started.code, started.report["status"]) == (0, "success")
    run = str(started.report["run"]["id"])
    assert runs(road, "logs", run).errors[0]["code"] == "log-not-there"
    ended = runs(road, "cancel", "--follow", run)
    assert (ended.code, ended.report["status"], ended.report["run"]["state"]) == (130, "cancelled", "cancelled")
    again = runs(road, "cancel", run)
    assert (again.code, again.errors[0]["code"]) == (1, "github-conflict")


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        ((), "usage", 2),
        (("launch",), "usage", 2),
        (("launch", "gone.yml"), "workflow-not-found", 2),
        (("launch", "run.yml", "-i", "to"), "option-invalid", 2),
        (("launch", "run.yml", "-i", "from=a"), "input-invalid", 2),
        (("launch", "run.yml", "--ref", "nowhere"), "workflow-not-found", 2),
        (("watch", "last"), "run-invalid", 2),
        (("watch", "1"), "http-404", 1),
        (("watch",), "run-not-found", 1),
        (("approve",), "nothing-waits", 1),
        (("list", "--limit", "many"), "option-invalid", 2),
        (("last",), "usage", 2),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_one_error(arguments: tuple[str, ...], code: str, exit_code: int, road: Road) -> None:
    ended = runs(road, *arguments)
    assert (ended.code, [error["code"] for error in ended.errors]) == (exit_code, [code])


def test_without_a_repository_it_is_asked_for(road: Road) -> None:
    assert road.run("runs", "list").errors[0]["code"] == "decision-missing"
