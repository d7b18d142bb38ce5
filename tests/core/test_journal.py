"""The history of runs: it survives what stops a run, and never stops one."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.core.errors import OperationError
from dbxwizard.core.events import PlanFailed, RunFinished, RunStarted, StepInfo
from dbxwizard.core.journal import FILE_NAME, Journal
from dbxwizard.core.secret import Secret

SCRIPT = """
import sys
from pathlib import Path
from dbxwizard.core.events import RunFinished, RunStarted, StepInfo
from dbxwizard.core.journal import Journal

folder, run_id, events, end = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
warnings = []
journal = Journal.open(folder, warn=warnings.append)
tell = journal.listener(run_id)
tell(RunStarted(at=1.0, run_id=run_id, command="deploy", actor="me", steps=2, changes=1))
for number in range(events):
    tell(StepInfo(at=2.0, step="a", title="a", environment="", text=str(number)))
if end == "end":
    tell(RunFinished(at=3.0, run_id=run_id, status="success"))
    journal.close()
print(len(journal.events(run_id)), warnings, flush=True)
sys.stdin.read()
"""


def started(run_id: str, at: float = 1.0) -> RunStarted:
    return RunStarted(at=at, run_id=run_id, command="deploy", actor="me", steps=2, changes=1)


def info(text: str) -> StepInfo:
    return StepInfo(at=2.0, step="a", title="a", environment="", text=text)


def child(folder: Path, run_id: str, events: int, end: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, str(folder), run_id, str(events), end]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def journal(tmp_path: Path, warnings: list[str]) -> Any:
    with Journal.open(tmp_path / "state", warn=warnings.append) as opened:
        yield opened
    assert warnings == []


async def test_a_run_and_its_events_are_kept(journal: Journal, world: Any, tmp_path: Path) -> None:
    tell = journal.listener("run-1")
    world.add("a", wants={"password": Secret("s3cr3t-value")})
    plan = await world.plan()
    world.events = type("Both", (list,), {"append": lambda _self, event: tell(event)})()
    await world.run(plan)
    (run,) = journal.runs()
    assert (run.run_id, run.command, run.actor, run.status) == ("run-1", "deploy", "a person", "success")
    assert (run.steps, run.changes, run.ended) == (1, 1, world.clock.now())
    kinds = [event["event"] for event in journal.events("run-1")]
    assert kinds == ["run_started", "step_started", "step_finished", "run_finished"]
    journal.close()
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir() if path.is_file())
    assert b"s3cr3t-value" not in written
    assert b"password" in written


def test_a_killed_run_is_interrupted_and_its_events_are_there(journal: Journal, tmp_path: Path) -> None:
    process = child(tmp_path / "state", "killed", 20)
    assert process.stdout
    assert process.stdout.readline() == "21 []\n"
    assert [(run.run_id, run.status) for run in journal.runs()] == [("killed", "running")]
    process.send_signal(signal.SIGKILL)
    process.wait()
    (run,) = journal.runs()
    assert (run.status, run.ended, run.command) == ("interrupted", None, "deploy")
    assert [event.get("text") for event in journal.events("killed")] == [None, *map(str, range(20))]


def test_processes_may_write_at_the_same_time(journal: Journal, tmp_path: Path) -> None:
    processes = [child(tmp_path / "state", f"run-{number}", 200, "end") for number in range(4)]
    for process in processes:
        out, _ = process.communicate()
        assert out == "202 []\n"
    assert sorted((run.run_id, run.status) for run in journal.runs()) == [(f"run-{n}", "success") for n in range(4)]


def test_processes_may_make_the_journal_at_the_same_time(tmp_path: Path) -> None:
    processes = [child(tmp_path / "new", f"run-{number}", 1, "end") for number in range(4)]
    assert {process.communicate()[0] for process in processes} == {"3 []\n"}


def test_a_plan_alone_is_planned_and_a_failed_one_an_error(journal: Journal, new_world: Callable[[], Any]) -> None:
    async def fail(_work: Any) -> None:
        raise OperationError("bad", "no")

    for run_id, reading in (("good", []), ("bad", [fail])):
        world, tell = new_world(), journal.listener(run_id)
        world.add("a", reading=reading)
        world.events = type("Both", (list,), {"append": lambda _self, event, tell=tell: tell(event)})()
        try:
            asyncio.run(world.plan())
        except OperationError:
            world.clock.advance(1)
    assert {run.run_id: run.status for run in journal.runs()} == {"good": "planned", "bad": "error"}


def test_newest_runs_come_first_and_only_so_many(journal: Journal) -> None:
    for number in range(5):
        journal.listener(f"run-{number}")(started(f"run-{number}", at=float(number)))
    assert [run.run_id for run in journal.runs(limit=2)] == ["run-4", "run-3"]


@pytest.mark.parametrize(("bounds", "kept"), [({"keep_runs": 2}, 2), ({"keep_events": 25}, 2), ({"keep_events": 1}, 1)])
def test_old_runs_are_removed(tmp_path: Path, warnings: list[str], bounds: dict[str, int], kept: int) -> None:
    with Journal.open(tmp_path, warn=warnings.append) as journal:
        for number in range(4):
            tell = journal.listener(f"run-{number}")
            tell(started(f"run-{number}", at=float(number)))
            for text in range(10):
                tell(info(str(text)))
    with Journal.open(tmp_path, warn=warnings.append, **bounds) as journal:
        journal.listener("new")
        assert [run.run_id for run in journal.runs()] == ["run-3", "run-2"][:kept]
        assert journal.events("run-0") == ()
        assert len(journal.events("run-3")) == 11
    assert warnings == []


def test_the_listener_does_not_wait_for_the_disk(journal: Journal, tmp_path: Path) -> None:
    tell = journal.listener("run-1")
    tell(started("run-1"))
    assert journal.events("run-1")
    other = sqlite3.connect(tmp_path / "state" / FILE_NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for text in range(100):
        tell(info(str(text)))
    other.execute("COMMIT")
    other.close()
    assert len(journal.events("run-1")) == 101


def a_file_in_place_of_the_folder(path: Path) -> None:
    path.write_text("not a folder")


def a_folder_in_place_of_the_file(path: Path) -> None:
    (path / FILE_NAME).mkdir(parents=True)


def garbage(path: Path) -> None:
    path.mkdir()
    (path / FILE_NAME).write_bytes(b"garbage" * 1000)


def a_newer_version(path: Path) -> None:
    path.mkdir()
    with sqlite3.connect(path / FILE_NAME) as database:
        database.execute("PRAGMA user_version = 99")


def another_database(path: Path) -> None:
    path.mkdir()
    with sqlite3.connect(path / FILE_NAME) as database:
        database.execute("PRAGMA user_version = 1")


BROKEN = [a_file_in_place_of_the_folder, a_folder_in_place_of_the_file, garbage, a_newer_version, another_database]


@pytest.mark.parametrize("breaking", BROKEN)
def test_a_broken_journal_is_one_warning_and_the_run_goes_on(
    tmp_path: Path, warnings: list[str], breaking: Callable[[Path], None]
) -> None:
    folder = tmp_path / "state"
    breaking(folder)
    with Journal.open(folder, warn=warnings.append) as journal:
        tell = journal.listener("run-1")
        tell(started("run-1"))
        tell(RunFinished(at=2.0, run_id="run-1", status="success"))
        assert journal.runs() == ()
        assert journal.events("run-1") == ()
    assert len(warnings) == 1
    assert str(folder) in warnings[0]


def test_a_journal_that_breaks_during_a_run_is_one_warning(tmp_path: Path, warnings: list[str]) -> None:
    with Journal.open(tmp_path, warn=warnings.append) as journal:
        tell = journal.listener("run-1")
        tell(started("run-1"))
        assert journal.runs()
        with sqlite3.connect(tmp_path / FILE_NAME) as database:
            database.execute("DROP TABLE events")
        for text in range(3):
            tell(info(str(text)))
            journal.runs()
    assert len(warnings) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_full_disk_is_one_warning(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
    process = subprocess.run(
        [sys.executable, "-c", limit + SCRIPT, str(tmp_path), "run-1", "5000", "end"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.count("can't be used, going on without it") == 1
    assert process.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="users of a process are POSIX")
def test_a_folder_that_may_not_be_written_is_one_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    nobody = "import os, dbxwizard.core.journal\nif os.geteuid() == 0: os.seteuid(65534)\n"
    process = subprocess.run(
        [sys.executable, "-c", nobody + SCRIPT, str(tmp_path / "state"), "run-1", "5", "end"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    tmp_path.chmod(0o700)
    assert process.stdout.count("can't be used, going on without it") == 1
    assert process.stderr == ""


def test_the_folder_is_for_its_owner_alone(journal: Journal, tmp_path: Path) -> None:
    assert journal.runs() == ()
    if sys.platform != "win32":
        assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_closing_twice_and_listening_again_is_fine(journal: Journal) -> None:
    journal.listener("run-1")(started("run-1"))
    journal.close()
    journal.close()
    journal.listener("run-2")(PlanFailed(at=5.0, errors=1))
    assert [run.run_id for run in journal.runs()] == ["run-2", "run-1"]
    assert [thread.name for thread in threading.enumerate()].count("journal") == 1
