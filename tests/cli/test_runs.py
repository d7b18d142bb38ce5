"""`dbxwizard runs` as its user types it, on the sandbox: what is shown, what is done, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyte
import pytest

from dbxwizard.sandbox import faults
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.github.seed import ACCOUNT_ID
from dbxwizard.sandbox.session import Sandbox
from tests.conftest import new_state
from tests.github.test_runs import ON, PATH, Api, wait
from tests.proof.recording import environment
from tests.reaching import cloud_of, push
from tests.roads import Outcome, Road
from tests.terminal.driving import InTerminal

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


def test_a_look_that_fails_is_told_and_made_again(road: Road) -> None:
    run = runs(road, "launch", "run.yml", "-i", "to=UAT").report["run"]
    with road.store() as store:
        faults.add(store, faults.Fault("status", "github", status=503, path=f"*/actions/runs/{run['id']}/*"))
    watched = runs(road, "watch", str(run["id"]))
    assert (watched.code, watched.report["run"]["state"]) == (0, "success")
    assert "the run can't be seen, again in " in watched.err


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
    none = runs(road, "list", "--branch", "release", "--verbose", form="text")
    assert none.out == "no run fits\n"
    assert re.search(r"GitHub: \d+ of 5000 requests are left until \d\d:\d\d:\d\d", none.err)


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
        (("watch", "1"), "run-not-found", 1),
        (("watch",), "run-not-found", 1),
        (("approve",), "nothing-waits", 1),
        (("list", "--limit", "many"), "option-invalid", 2),
        (("logs", "--attempt", "1"), "run-not-found", 1),
        (("last",), "usage", 2),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_one_error(arguments: tuple[str, ...], code: str, exit_code: int, road: Road) -> None:
    ended = runs(road, *arguments)
    assert (ended.code, [error["code"] for error in ended.errors]) == (exit_code, [code])


def test_without_a_repository_it_is_asked_for(road: Road) -> None:
    assert road.run("runs", "list").errors[0]["code"] == "decision-missing"


GATED = f"""run-name: Deploy ${{{{ inputs.to }}}}
{ON}
jobs:
  deploy:
    runs-on: x
    environment:
      name: ${{{{ inputs.to }}}}
      url: https://github.com/c/d/tree/${{{{ github.sha }}}}?ref=${{{{ github.ref }}}}@${{{{ github.sha }}}}
    steps: [{{name: Deploy, run: echo deployed}}]
"""


@pytest.fixture
def gated(road: Road) -> Iterator[Road]:
    """Production waits for ada, Test for grace; UAT admits the branch release alone."""
    with road.change() as store:
        push(store, {PATH: GATED}, tag="v1")
    with Sandbox(road.state) as sandbox:
        api = Api(replace(cloud_of(sandbox), github_api=sandbox.endpoints().github))
        for name, who in (("Production", ACCOUNT_ID), ("Test", ACCOUNT_ID + 1)):
            assert api.put(f"/environments/{name}", {"reviewers": [{"type": "User", "id": who}]}).status_code == 200
        rules = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}
        assert api.put("/environments/UAT", rules).status_code == 200
        assert api.post("/environments/UAT/deployment-branch-policies", {"name": "release"}).status_code == 200
        yield road


def launched(road: Road, to: str) -> str:
    started = runs(road, "launch", "run.yml", "-i", f"to={to}")
    assert started.code == 0, started.out
    return str(started.report["run"]["id"])


def until_it_waits(road: Road, run: str) -> None:
    while not any(one["id"] == int(run) for one in runs(road, "list", "--state", "waiting").report["runs"]):
        pass


def test_what_waits_is_approved_and_goes_on(gated: Road) -> None:
    run = launched(gated, "Production")
    until_it_waits(gated, run)
    ended = runs(gated, "approve", "-e", "production", "--comment", "fine", "--follow")
    assert (ended.code, ended.report["run"]["state"]) == (0, "success")
    assert ended.report["run"]["id"] == int(run)
    assert runs(gated, "approve", run).errors[0]["code"] == "nothing-waits"


def test_what_waits_is_rejected_and_fails(gated: Road) -> None:
    run = launched(gated, "Production")
    until_it_waits(gated, run)
    ended = runs(gated, "reject", run, "--follow", "--comment", "not today")
    assert (ended.code, ended.report["run"]["state"]) == (1, "failure")
    assert "rejected" in ended.errors[0]["message"]


def test_who_may_not_review_is_told_who_may(gated: Road) -> None:
    run = launched(gated, "Test")
    until_it_waits(gated, run)
    refused = runs(gated, "approve", run)
    assert (refused.code, refused.errors[0]["code"]) == (3, "review-not-yours")
    assert "grace" in refused.errors[0]["fix"]
    assert runs(gated, "approve", run, "-e", "UAT").errors[0]["code"] == "nothing-waits"
    assert runs(gated, "cancel", run, "--follow").code == 130


def test_a_ref_that_an_environment_does_not_admit_is_told_with_those_that_it_does(gated: Road) -> None:
    ended = runs(gated, "launch", "run.yml", "-i", "to=UAT", "--follow")
    assert ended.code == 1
    assert 'Branch "main" is not allowed to deploy to UAT' in ended.errors[0]["message"]
    assert ended.errors[0]["fix"] == "UAT admits release: start it on one of these (`--ref`)."


def test_what_was_deployed_last_and_by_which_runs(gated: Road) -> None:
    assert runs(gated, "last", "-e", "Development").report["deployed"] is None
    runs(gated, "launch", "run.yml", "-i", "to=Development", "--follow")
    second = runs(gated, "launch", "run.yml", "-i", "to=Development", "--ref", "v1", "--follow").report["run"]
    runs(gated, "launch", "run.yml", "-i", "to=Other", "--follow")
    expected = {"ref": f"refs/tags/v1@{second['commit']}", "commit": second["commit"]}
    assert runs(gated, "last", "-e", "Development").report["deployed"] == expected
    output = gated.folder / "output"
    runs(gated, "last", "-e", "Development", form="github", GITHUB_OUTPUT=str(output))
    assert {f"{name}={value}" for name, value in expected.items()} <= set(output.read_text().splitlines())
    found = runs(gated, "list", "-e", "Development", "--branch", "v1").report["runs"]
    assert [run["id"] for run in found] == [second["id"]]
    assert len(runs(gated, "list", "-e", "Development", "-e", "Other").report["runs"]) == 3


def test_a_run_is_run_again_whole_in_part_and_by_job(road: Road) -> None:
    run = str(runs(road, "launch", "run.yml", "-i", "to=wrong", "--follow").report["run"]["id"])
    for options, attempt in (((), 2), (("--failed",), 3), (("--job", "hello"), 4)):
        again = runs(road, "rerun", run, "--follow", *options)
        assert (again.code, again.report["run"]["attempt"], again.report["run"]["state"]) == (1, attempt, "failure")
    first = runs(road, "logs", run, "--attempt", "1", "--job", "hello", form="text")
    assert "hello wrong" in first.out
    assert runs(road, "logs", run, "--attempt", "9").errors[0]["code"] == "http-404"
    cancelled = launched_long(road)
    refused = runs(road, "rerun", cancelled)
    assert (refused.code, refused.errors[0]["code"]) == (1, "run-not-ended")
    runs(road, "cancel", cancelled, "--follow")


def launched_long(road: Road) -> str:
    return str(runs(road, "launch", "long.yml").report["run"]["id"])


def test_ctrl_c_stops_following_and_the_run_goes_on(road: Road, tmp_path: Path) -> None:
    run = launched_long(road)
    command = [sys.executable, "-m", "dbxwizard", "runs", "watch", run, "--repo", "contoso/databricks", "--sandbox"]
    process = subprocess.Popen(
        [*command, "--events", "-"], cwd=tmp_path, env=as_process(road), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, first["event"], first["run"]) == (130, "workflow_run_changed", int(run))
    assert b"it goes on: https://" in err
    assert b"Traceback" not in err
    assert runs(road, "cancel", run, "--follow").code == 130


def as_process(road: Road) -> dict[str, str]:
    state = {"DBXWIZARD_STATE_DIR": str(road.folder / ".state"), "DBXWIZARD_SANDBOX": "1"}
    return environment(**state)


@pytest.mark.parametrize("action", ["logs", "watch"])
def test_a_log_of_50_mb_takes_no_more_memory_than_a_small_one(action: str, road: Road, tmp_path: Path) -> None:
    run = runs(road, "launch", "run.yml", "-i", "to=wrong", "--follow").report["run"]
    job = run["jobs"][0]["id"]

    def peak() -> tuple[int, int]:
        """Bytes that were printed, and the most that the process held in KiB."""
        command = [sys.executable, "-m", "dbxwizard", "runs", action, str(run["id"]), "--repo", "contoso/databricks"]
        with (tmp_path / "out").open("wb") as out:
            process = subprocess.Popen(
                [*command, "--sandbox"], cwd=tmp_path, env=as_process(road), stdout=out, stderr=subprocess.DEVNULL
            )
            _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0  # it was waited for
        return (tmp_path / "out").stat().st_size, used.ru_maxrss

    _, small = peak()
    line = f"{'2026-09-01T08:00:00.0000000Z'} {'x' * 970}\n"
    with road.change() as store:
        for part in range(1, 51):
            records.add_log(store, job, part, 1, line * 1050)
        [(key, body)] = [(key, body) for key, body in store.find("github.job") if body["id"] == job]
        store.put("github.job", key, {**body, "logSize": 0})  # not known beforehand
    printed, large = peak()
    assert (printed > 50_000_000) is (action == "logs")
    assert large - small < 8 * 1024


def test_on_a_terminal_a_board_shows_jobs_steps_what_is_waited_for_and_what_is_left(gated: Road) -> None:
    run = launched(gated, "Production")
    until_it_waits(gated, run)
    command = [sys.executable, "-m", "dbxwizard", "runs", "watch", run, "--repo", "contoso/databricks", "--sandbox"]
    with InTerminal(*command, cwd=gated.folder, **as_process(gated)) as terminal:
        terminal.wait_for(b"go on with `dbxwizard runs approve`")
        picture = drawn(terminal)
        assert any(re.search(r"run.yml #\d+, Deploy Production: waiting", line) for line in picture), picture
        assert any("! deploy" in line for line in picture), picture
        assert any(re.match(r"GitHub: \d+ of 5000 requests are left", line) for line in picture), picture
        assert runs(gated, "approve", run).code == 0
        assert terminal.wait_for_end() == 0
        lines = drawn(terminal)
        terminal.assert_given_back()
    # What has ended stays; the board itself is gone.
    assert sum("deploy: success" in line for line in lines) == 1, lines
    assert any(re.search(r"run.yml #\d+, Deploy Production: success after", line) for line in lines), lines
    assert not any(line.startswith("GitHub:") for line in lines), lines


def drawn(terminal: InTerminal) -> list[str]:
    """What the terminal shows now."""
    screen = pyte.Screen(80, 24)
    pyte.ByteStream(screen).feed(terminal.output)
    return [line.rstrip() for line in screen.display]


def test_a_running_step_is_on_the_board_with_what_came_before_it(road: Road) -> None:
    with road.change() as store:
        steps = "[{name: Begin, run: 'true'}, {name: Sleep, run: sleep 300}, {name: Rest, run: 'true'}]"
        push(store, {".github/workflows/long.yml": f"{ON}jobs: {{a: {{runs-on: x, steps: {steps}}}}}"})
    run = launched_long(road)
    command = [sys.executable, "-m", "dbxwizard", "runs", "watch", run, "--repo", "contoso/databricks", "--sandbox"]
    with InTerminal(*command, cwd=road.folder, **as_process(road)) as terminal:
        terminal.wait_for("▸ Sleep".encode())
        picture = drawn(terminal)
        assert any(line.startswith("  ▸ a") for line in picture), picture
        assert any(line.startswith("      ✓ Begin") for line in picture), picture
        assert any(line == "      · Rest" for line in picture), picture
        terminal.press("\x03")
        assert terminal.wait_for_end() == 130
        terminal.assert_given_back()
    assert b"it goes on: https://" in terminal.output
    assert runs(road, "cancel", run, "--follow").code == 130
