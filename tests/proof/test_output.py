"""The output as other programs read it: keys, exit codes, events, GitHub's commands. A change here breaks somebody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from tests.conftest import new_state
from tests.proof.recording import Finished, environment, recorded, watched

_ENVELOPE = {"schema_version", "command", "run_id", "status", "environments", "errors"}
_GIVEN = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)
_PLAN = ("plan", "-e", "Development")


class Desk:
    """Runs commands of one project on one sandbox."""

    def __init__(self, folder: Path, address: str) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        self._environ = environment(DBXWIZARD_STATE_DIR=str(folder / "state"), DBXWIZARD_SANDBOX=address)

    def run(self, *arguments: str, **environ: str) -> Finished:
        return watched(arguments, cwd=self.project, environ=self._environ | environ)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """After init and setup."""
    folder = tmp_path_factory.mktemp("output")
    with recorded(new_state(folder / "cloud")) as (sandbox, _):
        made = Desk(folder, sandbox.endpoints().resource_manager)
        assert made.run("init").code == 0
        assert made.run("setup", *_GIVEN).code == 0
        yield made


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (_PLAN, {"plan"}),
        (("setup", *_GIVEN), set()),
        (("status",), set()),
        (("doctor",), {"checks"}),
        (("validate",), set()),
        (("init",), {"written", "kept"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_json_is_one_object_with_these_keys(desk: Desk, arguments: tuple[str, ...], more: set[str]) -> None:
    ended = desk.run(*arguments, "--output", "json")
    report = json.loads(ended.out)
    assert ended.code == 0
    assert set(report) - {"warnings"} == _ENVELOPE | more
    assert (report["schema_version"], report["command"]) == (1, arguments[0])
    assert report["status"] in ("success", "unchanged")
    for one in report["environments"]:
        assert set(one) == {"name", "status", "changes", "outputs"}
        for change in one["changes"]:
            assert set(change) == {"resource", "action", "reasons"}
            assert change["action"] in ("create", "update", "delete")


def test_errors_have_these_keys_and_a_place_in_their_file(desk: Desk) -> None:
    (desk.project / "wrong.json").write_text('{"Environment": "X"}')
    report = json.loads(desk.run("validate", "wrong.json", "--output", "json").out)
    assert report["status"] == "error"
    for error in report["errors"]:
        assert set(error) == {"code", "resource", "message", "fix", "location"}
        assert set(error["location"]) == {"file", "line", "column"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("validate",), 0),
        (_PLAN, 0),
        ((*_PLAN, "--detailed-exitcode"), 4),
        (("setup", *_GIVEN), 0),
        (("plan", "--scope", "setup", *_GIVEN, "--detailed-exitcode"), 0),
        (("deploy", "--nonsense"), 2),
        (("deploy", "-e", "Nowhere"), 2),
        (("status", "--sign-in", "environment"), 3),
    ],
)
def test_exit_codes_are_an_api(desk: Desk, arguments: tuple[str, ...], code: int) -> None:
    ended = desk.run(*arguments)
    assert ended.code == code, ended.err.decode()


def test_events_are_one_object_a_line(desk: Desk) -> None:
    ended = desk.run(*_PLAN, "--events", "events.jsonl", "--output", "json")
    events = [json.loads(line) for line in (desk.project / "events.jsonl").read_text().splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["plan_started", "plan_ready"]
    assert set(events[0]) == {"event", "at", "steps"}
    assert set(events[-1]) == {"event", "at", "changes", "not_checked", "digest"}
    read = [one for one in events if one["event"] == "step_read"]
    keys = {"event", "at", "step", "title", "environment", "action", "reasons", "note", "not_checked"}
    assert all(set(one) == keys for one in read)
    assert len(json.loads(ended.out)["environments"][0]["changes"]) == events[-1]["changes"]


def test_events_may_share_stdout_with_the_result(desk: Desk) -> None:
    ended = desk.run(*_PLAN, "--events", "-", "--quiet")
    lines = ended.out.decode().splitlines()
    assert json.loads(lines[0])["event"] == "plan_started"
    assert lines[-1].startswith("plan: ")


def test_stdout_holds_the_data_and_stderr_the_rest(desk: Desk) -> None:
    quiet, plain = (desk.run(*_PLAN, *more, "--output", "json") for more in (("--quiet",), ("--verbose",)))
    assert quiet.err == b""
    assert b"read, create" in plain.err
    assert {key: value for key, value in json.loads(quiet.out).items() if key != "run_id"} == {
        key: value for key, value in json.loads(plain.out).items() if key != "run_id"
    }


def test_quiet_still_says_what_is_wrong(desk: Desk) -> None:
    ended = desk.run("deploy", "-e", "Nowhere", "--quiet")
    assert ended.err.startswith(b"error: ")
    assert ended.out == b""


def test_in_actions_the_runner_is_told_in_its_own_way(desk: Desk) -> None:
    (desk.project / "wrong.json").write_text('{"Environment": "50% X",\n "Locatoin": "uksouth"}')
    files = {name: str(desk.project / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    ended = desk.run("validate", "wrong.json", GITHUB_ACTIONS="true", CI="true", **files)
    out = ended.out.decode()
    assert ended.code == 2
    assert "::error file=wrong.json,line=2,col=2,title=unknown-key::" in out
    assert out.count("::group::") == out.count("::endgroup::") == 1
    outputs = dict(line.split("=", 1) for line in Path(files["GITHUB_OUTPUT"]).read_text().splitlines())
    assert set(outputs) == {"status", "run_id"}
    assert outputs["status"] == "error"
    assert "### dbxwizard validate: error" in Path(files["GITHUB_STEP_SUMMARY"]).read_text()


def test_the_summary_of_a_job_lists_every_change(desk: Desk) -> None:
    summary = desk.project / "summary.md"
    ended = desk.run(*_PLAN, "--output", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert ended.code == 0
    changes = json.loads(desk.run(*_PLAN, "--output", "json").out)["environments"][0]["changes"]
    rows = [line for line in summary.read_text().splitlines() if line.startswith("| Development |")]
    assert len(rows) == len(changes) > 0
