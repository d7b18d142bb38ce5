"""Every option and every file of the user's wrong in every way: one error, the right exit code, nothing sent or lost."""

from __future__ import annotations

import io
import json
import os
import pty
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from dbxwizard.cli.commands import COMMANDS
from dbxwizard.cli.main import run
from dbxwizard.core.options import Kind
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.sandbox.session import Sandbox
from tests.conftest import new_state
from tests.proof.recording import Exchange, environment, recorded

_GIVEN = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)
_COMMANDS: dict[str, tuple[str, ...]] = {
    "setup": ("setup", *_GIVEN),
    "plan": ("plan",),
    "deploy": ("deploy",),
    "status": ("status",),
    "doctor": ("doctor", *_GIVEN),
    "validate": ("validate",),
    "init": ("init",),
}
_TALKING = ("setup", "plan", "deploy", "status", "doctor")  # to services


@dataclass
class Desk:
    """A project that is set up, a served sandbox, and what reached it."""

    folder: Path
    sandbox: Sandbox
    exchanges: list[Exchange]

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def environ(self, **more: str) -> dict[str, str]:
        ours = {
            "DBXWIZARD_STATE_DIR": str(self.folder / "state"),
            "DBXWIZARD_SANDBOX": self.sandbox.endpoints().resource_manager,
        }
        return environment(**(ours | more))

    def run(self, *arguments: str, **environ: str) -> Ended:
        """One command in this process."""
        out, err = io.StringIO(), io.StringIO()
        before, here = len(self.exchanges), Path.cwd()
        os.chdir(self.project)
        try:
            with mock.patch.dict(os.environ, self.environ(**environ), clear=True):
                with redirect_stdout(out), redirect_stderr(err):
                    code = run(arguments)
        finally:
            os.chdir(here)
        return Ended(code, out.getvalue(), err.getvalue(), len(self.exchanges) - before)

    def process(self, *arguments: str, **environ: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dbxwizard", *arguments],
            cwd=self.project,
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


@dataclass
class Ended:
    code: int
    out: str
    err: str
    requests: int

    def is_refused(self, code: int = 2) -> None:
        """One error (or listed problems), nothing sent, no traceback."""
        assert self.code == code, self.out + self.err
        assert self.requests == 0
        assert "error: " in self.err or "1 error" in self.out
        assert "Traceback" not in self.err + self.out


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("bad-input")
    with recorded(new_state(folder / "cloud")) as (sandbox, exchanges):
        desk = Desk(folder, sandbox, exchanges)
        desk.project.mkdir()
        assert desk.run("init").code == 0
        ended = desk.run(*_COMMANDS["setup"])
        assert ended.code == 0, ended.err
        yield desk


@pytest.fixture
def desk(served: Desk) -> Iterator[Desk]:
    """The project comes back as it was."""
    files = {path: path.read_bytes() for path in served.project.rglob("*") if path.is_file() and not path.is_symlink()}
    yield served
    for path in sorted(served.project.rglob("*"), reverse=True):
        if path.is_symlink() or (path.is_file() and path not in files):
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()) and path in files:
            path.rmdir()
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


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
        "port": ("0", "70000", "x"),
        "faults": ("missing", "a-folder", "garbage.bin"),
    }
    for command in COMMANDS:
        for option in command.options:
            values = ("no-such-choice",) if option.kind is Kind.CHOICE else wrong.get(option.key, ())
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
    ("init", "--root", "missing")
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "option"), _cases(), ids=lambda value: " ".join(value) if isinstance(value, tuple) else value
)
def test_a_wrong_value_is_refused_before_anything_is_sent(desk: Desk, command: str, option: tuple[str, ...]) -> None:
    _odd_files(desk.project)
    if (command, *option) in _FINE:
        return
    action = ("serve",) if command == "sandbox" else ("bash",) if command == "completion" else ()
    world = {"DBXWIZARD_SANDBOX": "0"} if option[0] == "--cloud" else {}
    ended = desk.run(*_COMMANDS.get(command, (command,)), *action, *option, **world)
    ended.is_refused()


def test_every_option_with_a_value_has_a_case_or_a_reason() -> None:
    """Names are free text, and the services judge them; --tenant and --github-url name places that sign-in looks at."""
    without = {
        option.key for command in COMMANDS for option in command.options if option.kind in (Kind.TEXT, Kind.MANY)
    }
    without -= {option[0].removeprefix("--").replace("-", "_") for _, option in _cases()}
    assert without == {"tenant", "github_url", "main_spn_name", "databricks_spn_name", "role_name", "adopt", "state"}
