"""Every option and file of the user's wrong in every way: one error, the right exit code, nothing sent or lost."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbxwizard.cli.commands import SHOWN
from dbxwizard.core.options import Kind
from tests.proof.conftest import COMMANDS, Desk
from tests.proof.recording import watched

_HUGE = "9" * 5000  # more digits than Python makes a number of
_TALKING = ("setup", "plan", "deploy", "status", "doctor")  # to services


def _cases() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every option of every command that takes a value, with values that can't be right."""
    wrong = {
        "subscription": ("not-a-guid", ""),
        "repo": ("noslash", "a/b/c", "/", "owner/"),
        "environment": ("Nowhere", ""),
        "root": ("a-file", "missing", "broken-link"),
        "plan": ("missing.json", "a-folder", "garbage.bin", "broken-link"),
        "save": ("missing/plan.json", "a-folder", "a-file/x"),
        "log_file": ("missing/x.log", "a-folder", "a-file/x", "nul\0name"),
        "events": ("missing/x.jsonl", "a-folder", "a-file/x"),
        "cloud": ("NoSuchCloud",),
        "ref": ("two words", "-x", "a..b", "~"),
        "since": ("main", "-x", "two words"),
        "port": ("0", "70000", "x"),
        "faults": ("missing", "a-folder", "garbage.bin"),
        "host": ("0.0.0.0", "no host"),
        "sessions": ("0", "101", "many"),
        "tls_cert": ("missing", "garbage.bin"),  # each needs the other
        "tls_key": ("missing", "garbage.bin"),
        "install_from": ("missing.whl", "a-folder", "garbage.bin"),
        "plan_spn_name": ("", " ", "x" * 257),
        "main_spn_name": ("", "x" * 257),
        "databricks_spn_name": ("", "x" * 257),
        "role_name": ("", "x" * 513),
        "reviewer": ("", "two words", "team:", "team:data", "contoso/data", "team:a/b/c", "x" * 200),
        "wait_minutes": ("", "soon", "-1", "1.5", "43201", _HUGE),
        "prove_sign_in": ("", "soon", "-1", "3601", _HUGE),
        "plan comment": ("", "0", "-1", "the newest", _HUGE),
        "runs comment": ("", " ", "x" * 65_537),
        "workflow": ("", "deploy", "a/deploy.yml", "../deploy.yml", "x" * 300 + ".yml"),
        "branch": ("", "two words", "-x", "a..b"),
        "limit": ("", "0", "many", "1001", _HUGE),
        "input": ("", "environment", "=UAT"),
        "job": ("", " "),
        "attempt": ("", "0", "first", _HUGE),
        "message": ("", " ", "x" * 65_537),
        "title": ("", " ", "x" * 257),
        "head": ("", "two words", "a..b"),
        "base": ("", "two words", "a..b"),
        "at": ("", "two words", "a..b"),
        "within": ("", "yesterday", "0h", "-1h", "731d", "9" * 5000 + "d"),
        "commit": ("", "main", "abc", "a" * 65),
        "job_run": ("", "0", "newest", _HUGE),
    }
    for command in SHOWN:
        for option in command.options:
            values = wrong.get(f"{command.name} {option.key}") or wrong.get(option.key, ())
            values = ("no-such-choice",) if option.kind is Kind.CHOICE else values
            for value in values:
                yield command.name, (f"--{option.name}", value)


def _odd_files(folder: Path) -> None:
    (folder / "a-folder").mkdir(exist_ok=True)
    (folder / "a-file").write_text("text")
    (folder / "garbage.bin").write_bytes(bytes(range(256)) * 8)
    (folder / "broken-link").symlink_to("nowhere")


# What is no mistake: these give what was asked for in another way.
_FINE = {
    ("setup", "--environment", ""), ("plan", "--environment", ""),
    ("init", "--root", "missing"), ("serve", "--port", "0"),
}  # fmt: skip


# What the commands of several actions need beside the option that is tried: the action that takes it.
_ACTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "runs": {
        "--input": ("launch", "deploy.yml"),
        "--job": ("logs",),
        "--attempt": ("logs",),
        "--comment": ("approve",),
    },
    "sandbox": {
        **dict.fromkeys(("--branch", "--message"), ("push",)),
        **dict.fromkeys(("--head", "--base", "--title"), ("pr", "open")),
        "--at": ("tag", "v1"),
    },
}
_OTHERWISE: dict[str, tuple[str, ...]] = {
    "runs": ("list",),
    "sandbox": ("serve",),
    "completion": ("bash",),
    "dev": ("check",),
}


def _named(value: object) -> str:
    return " ".join(value)[:60] if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize(("command", "option"), _cases(), ids=_named)
def test_a_wrong_value_is_refused_before_anything_is_sent(desk: Desk, command: str, option: tuple[str, ...]) -> None:
    _odd_files(desk.project)
    if (command, *option) in _FINE:
        return
    action = _ACTIONS.get(command, {}).get(option[0]) or _OTHERWISE.get(command, ())
    world = {"DBXWIZARD_SANDBOX": "0"} if option[0] == "--cloud" else {}
    ended = desk.run(*COMMANDS.get(command, (command,)), *action, *option, **world)
    ended.is_refused()
    assert len(ended.err) < 2000  # of a huge value no more than its beginning is repeated


def test_too_many_reviewers_are_refused_before_anything_is_sent(desk: Desk) -> None:
    named = [word for number in range(7) for word in ("--reviewer", f"somebody-{number}")]
    desk.run(*COMMANDS["setup"], *named).is_refused()


@pytest.mark.parametrize(
    "words",
    [("launch",), ("launch", "deploy"), ("watch", "main"), ("approve", _HUGE), ("list", "17"), ("last", "UAT")],
    ids=_named,
)
def test_a_run_or_a_workflow_that_can_be_none_is_refused_before_anything_is_sent(
    desk: Desk, words: tuple[str, ...]
) -> None:
    desk.run("runs", *words).is_refused()


def test_every_option_with_a_value_has_a_case_or_a_reason() -> None:
    """--tenant and --github-url name places that sign-in looks at, --adopt and --cluster what the services know."""
    without = {option.key for command in SHOWN for option in command.options if option.kind in (Kind.TEXT, Kind.MANY)}
    without -= {option[0].removeprefix("--").replace("-", "_") for _, option in _cases()}
    assert without == {"tenant", "github_url", "adopt", "cluster"}


@pytest.mark.parametrize("command", _TALKING)
def test_a_file_of_the_project_that_cannot_be_read_stops_all(desk: Desk, command: str) -> None:
    path = desk.project / "environments" / "UAT.json"
    for wrong in (b"\xff\xfe\x00", b"{" * 100_000, b"[]", b""):
        path.write_bytes(wrong)
        ended = desk.run(*COMMANDS[command])
        if command != "doctor":  # which says what is there
            ended.is_refused()
        assert "Traceback" not in ended.err + ended.out
    assert path.read_bytes() == b""


@pytest.mark.parametrize("command", ["setup", "plan", "deploy", "status"])
def test_a_folder_or_a_dead_link_in_place_of_a_file_stops_all(desk: Desk, command: str) -> None:
    path = desk.project / "environments" / "UAT.json"
    path.unlink()
    path.mkdir()
    desk.run(*COMMANDS[command]).is_refused()
    path.rmdir()
    path.symlink_to("nowhere")
    desk.run(*COMMANDS[command]).is_refused()


def test_an_environment_is_named_in_any_case_and_any_number_of_times(desk: Desk) -> None:
    ended = desk.run("plan", "-e", "development", "-e", "DEVELOPMENT", "--output", "json")
    assert ended.code == 0, ended.err
    assert [one["name"] for one in json.loads(ended.out)["environments"]] == ["Development"]


@pytest.mark.parametrize("saved", ['{"schema_version": 99}', "{}", "[1]", '{"schema_version": 1, "steps": "no"}'])
def test_a_plan_that_is_none_of_ours_is_refused(desk: Desk, saved: str) -> None:
    (desk.project / "saved.json").write_text(saved)
    desk.run("deploy", "--plan", "saved.json").is_refused()


def test_an_edited_plan_is_refused_before_anything_is_written(desk: Desk) -> None:
    assert desk.run("plan", "-e", "Development", "--save", "saved.json").code == 0
    saved = desk.project / "saved.json"
    saved.write_text(saved.read_text().replace('"create"', '"delete"', 1))
    ended = desk.run("deploy", "-e", "Development", "--plan", "saved.json")
    assert ended.code in (1, 2)
    assert "plan" in ended.err


@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1:1", "https://example.org:443", "https://127.0.0.1", "http://127.0.0.1:80", "https://["],
)
def test_a_sandbox_that_is_none_is_refused(desk: Desk, address: str) -> None:
    desk.run("status", DBXWIZARD_SANDBOX=address).is_refused()


@pytest.mark.parametrize(
    "content", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 4096], ids=["text", "damaged"]
)
def test_a_damaged_sandbox_is_one_error(desk: Desk, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.sqlite").write_bytes(content)
    for arguments in (("status",), ("sandbox", "show"), ("sandbox", "log")):
        ended = desk.run(*arguments, DBXWIZARD_SANDBOX="1", DBXWIZARD_SANDBOX_STATE=str(tmp_path / "state.sqlite"))
        ended.is_refused(ended.code or 1)
        assert "internal-error" not in ended.err
    assert (tmp_path / "state.sqlite").read_bytes() == content


def test_a_state_folder_that_is_a_file_is_one_warning(desk: Desk, tmp_path: Path) -> None:
    """The history of runs is a convenience: a run does without."""
    (tmp_path / "file").write_text("in the way")
    ended = desk.run("deploy", "-e", "Development", DBXWIZARD_STATE_DIR=str(tmp_path / "file"))
    assert ended.code == 0, ended.err
    assert ended.err.count("warning: ") == 1
    assert (tmp_path / "file").read_text() == "in the way"


def test_proxies_and_authorities_of_the_environment_do_not_reach_the_sandbox(desk: Desk) -> None:
    ended = desk.run(
        "status", HTTPS_PROXY="http://127.0.0.1:1", ALL_PROXY="nonsense", REQUESTS_CA_BUNDLE="/missing.pem",
        CURL_CA_BUNDLE="/missing.pem", SSL_CERT_FILE="/missing.pem",
    )  # fmt: skip
    assert ended.code == 0, ended.err


def test_in_ci_everything_that_is_undecided_is_one_error(desk: Desk) -> None:
    ended = desk.run("setup", CI="true")
    ended.is_refused()
    assert "--subscription" in ended.err
    assert "--repo" in ended.err


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_stop_a_command(desk: Desk, closed: str) -> None:
    command = f"exec {sys.executable} -m dbxwizard status -e Development {closed}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=desk.project, env=desk.environ(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_traceback(desk: Desk) -> None:
    command = f"{sys.executable} -m dbxwizard sandbox log | head -c 1"
    environ = desk.environ(DBXWIZARD_SANDBOX_STATE=str(desk.sandbox.state))
    done = subprocess.run(["bash", "-c", command], cwd=desk.project, env=environ, capture_output=True, check=False)
    assert done.stderr == b""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_characters_that_the_terminal_lacks_do_not_stop_a_command(desk: Desk, encoding: str) -> None:
    (desk.project / "environments" / "UAT.json").write_text('{"Ünïcode→": 1}', encoding="utf-8")
    for form in ("text", "json"):
        process = desk.process("validate", "--output", form, PYTHONIOENCODING=encoding, LC_ALL="C", PYTHONUTF8="0")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 2
        assert b"Traceback" not in err
    assert "Ünïcode→" in json.dumps(json.loads(out), ensure_ascii=False)


@pytest.mark.parametrize(
    "more", [{"TERM": "dumb"}, {"NO_COLOR": "1", "COLUMNS": "9", "LINES": "2"}, {"TERM": "nonsense"}]
)
def test_any_terminal_will_do(desk: Desk, more: dict[str, str]) -> None:
    code, shown = _on_terminal(desk, ["plan", "-e", "Development"], more)
    assert code == 0, shown
    assert b"Traceback" not in shown
    if "NO_COLOR" in more:
        assert b"\x1b[3" not in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_130_and_gives_the_terminal_back(desk: Desk, number: signal.Signals) -> None:
    code, shown = _on_terminal(desk, ["plan"], {"TERM": "xterm"}, kill=(b"reading", number))
    assert code == 130, shown
    assert b"Traceback" not in shown
    assert shown.count(b"\x1b[?25h") >= shown.count(b"\x1b[?25l")  # the cursor is shown again


_DISK_FULL_WHEN_SAVING = """
import resource, signal
import dbxwizard.cli.execution as execution
save = execution._save
def on_a_full_disk(path, plan):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    save(path, plan)
execution._save = on_a_full_disk
"""


def test_a_full_disk_does_not_lose_the_plan_that_was_saved_before(desk: Desk) -> None:
    saved = desk.project / "saved.json"
    saved.write_text("what was there before")
    arguments = ["plan", "-e", "Development", "--save", "saved.json"]
    ended = watched(arguments, cwd=desk.project, environ=desk.environ(), script=_DISK_FULL_WHEN_SAVING)
    assert ended.code == 1
    assert b"Traceback" not in ended.err
    assert ended.err.count(b"\nerror: ") + ended.err.startswith(b"error: ") == 1
    assert saved.read_text() == "what was there before"
    assert not list(desk.project.glob(".saved*"))


@pytest.mark.parametrize("option", ["--events", "--log-file"])
def test_a_run_does_not_depend_on_who_listens(desk: Desk, option: str) -> None:
    """/dev/full takes nothing, as a full disk."""
    mode = Path("/dev/full").stat().st_mode
    ended = desk.run("plan", "-e", "Development", option, "/dev/full")
    assert ended.code == 0, ended.err
    assert ended.err.count("warning: /dev/full") == 1
    assert Path("/dev/full").stat().st_mode == mode


def _on_terminal(
    desk: Desk, arguments: list[str], more: dict[str, str], kill: tuple[bytes, signal.Signals] | None = None
) -> tuple[int, bytes]:
    """Runs one command on a terminal of its own; sends a signal once a text was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(desk.project)
        os.execve(sys.executable, [sys.executable, "-m", "dbxwizard", *arguments], desk.environ(**more))
    shown = b""
    try:
        while chunk := os.read(terminal, 65536):
            shown += chunk
            if kill and kill[0] in shown:
                os.kill(pid, kill[1])
                kill = None
    except OSError:  # how Linux says that the other side of a terminal has gone
        pass
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown
