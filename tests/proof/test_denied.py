"""Each file that is read or written, by somebody who may not, or on a full disk: one error or warning, nothing lost.

Who runs the tests as root gives up the capability that passes over permissions; a full disk is a limit on what a
process may write (RLIMIT_FSIZE), which every write meets.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.proof.conftest import GIVEN, Desk
from tests.proof.recording import Finished, watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="capabilities and the limit are Linux's")

# capabilities(7): CAP_DAC_OVERRIDE is bit 1, CAP_DAC_READ_SEARCH bit 2; capset(2) takes two sets of three words.
_NOBODY_SPECIAL = """
import ctypes, os
if os.geteuid() == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    for word in (0, 1):  # effective and permitted
        sets[word] &= ~0b110
    assert libc.capset(header, sets) == 0, os.strerror(ctypes.get_errno())
"""
_FULL_DISK = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
"""
_PLAN = ("plan", "-e", "Development")


def denied(desk: Desk, *arguments: str, **environ: str) -> Finished:
    return watched(arguments, cwd=desk.project, environ=desk.environ(**environ), script=_NOBODY_SPECIAL)


def full(desk: Desk, *arguments: str, **environ: str) -> Finished:
    return watched(arguments, cwd=desk.project, environ=desk.environ(**environ), script=_FULL_DISK)


@contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    before = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(before)


def errors(found: Finished) -> list[str]:
    """The errors that were told, a listed problem among them."""
    lines = (found.out + found.err).decode().splitlines()
    return [one for one in lines if one.startswith("error: ") or ":1:1: " in one]


def is_one_error(found: Finished, *codes: int) -> None:
    assert found.code in codes, found.out + found.err
    assert len(errors(found)) == 1, found.out + found.err
    assert b"Traceback" not in found.out + found.err
    assert b"internal-error" not in found.err


@pytest.mark.parametrize("path", ["environments/Development.json", "environments", "bicep/main.json"])
@pytest.mark.parametrize("command", [_PLAN, ("setup", *GIVEN)], ids=lambda one: one[0])
def test_what_may_not_be_read_stops_all_before_anything_is_sent(
    desk: Desk, path: str, command: tuple[str, ...]
) -> None:
    before = len(desk.exchanges)
    with mode(desk.project / path, 0):
        found = denied(desk, *command)
    if (command[0], path) == ("setup", "bicep/main.json"):  # to be published
        is_one_error(found, 1, 2)
        return
    is_one_error(found, 2)
    hosts = {one.request.host for one in desk.exchanges[before:] if one.request.method != "GET"}
    assert hosts <= {"login"}


@pytest.mark.parametrize("option", ["--save", "--events", "--log-file"])
def test_where_nothing_may_be_written(desk: Desk, option: str) -> None:
    shut = desk.project / "shut"
    shut.mkdir()
    before = len(desk.exchanges)
    with mode(shut, 0o500):
        is_one_error(denied(desk, *_PLAN, option, "shut/file"), 2)
    assert len(desk.exchanges) == before
    shut.rmdir()


def test_environment_files_that_may_not_be_written(desk: Desk) -> None:
    path = desk.project / "environments" / "Development.json"
    text = path.read_text().replace('"Location": "uksouth"', '"Location": "uksouth" // mine')
    blank = text.replace(text.split('"SubscriptionId": "')[1][:36], "<>")
    path.write_text(blank)
    with mode(path.parent, 0o500):
        is_one_error(denied(desk, "setup", *GIVEN, "--no-publish"), 1)
    assert path.read_text() == blank
    is_one_error(full(desk, "setup", *GIVEN, "--no-publish"), 1)
    assert path.read_text() == blank
    assert sorted(one.name for one in path.parent.iterdir() if one.name.startswith(".")) == []


@pytest.mark.parametrize("run", [denied, full])
def test_init_that_may_not_write(desk: Desk, tmp_path: Path, run: Callable[..., Finished]) -> None:
    target = tmp_path / "new"
    target.mkdir()
    with mode(target, 0o500 if run is denied else 0o700):
        is_one_error(run(desk, "init", "--root", str(target)), 1, 2)


@pytest.mark.parametrize("run", [denied, full])
def test_the_journal_is_no_condition(desk: Desk, tmp_path: Path, run: Callable[..., Finished]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with mode(home, 0o500 if run is denied else 0o700):
        found = run(desk, "setup", *GIVEN, "--no-publish", DBXWIZARD_STATE_DIR=str(home))
    assert found.code == 0, found.err
    assert errors(found) == []
    assert found.err.count(b"warning: ") == 1, found.err


@pytest.mark.parametrize("variable", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
@pytest.mark.parametrize("run", [denied, full])
def test_what_the_runner_reads_is_no_condition(
    desk: Desk, tmp_path: Path, run: Callable[..., Finished], variable: str
) -> None:
    file = tmp_path / "runner"
    file.touch(0o400 if run is denied else 0o600)
    found = run(desk, "validate", "--output", "github", **{variable: str(file)})
    assert found.code == 0, found.err
    assert f"warning: {variable} was not written".encode() in found.err
    assert errors(found) == []


def test_a_wheel_that_there_is_no_room_for(desk: Desk) -> None:
    found = full(desk, "deploy", "-e", "Development")
    is_one_error(found, 1)
    assert b"framework" in found.err
    again = desk.run("deploy", "-e", "Development")
    assert again.code == 0, again.err
