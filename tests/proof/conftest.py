"""A desk to work at wrongly: a project that is set up, a served sandbox, and what reached it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from dbxwizard.cli.main import run
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.sandbox.session import Sandbox
from tests.conftest import new_state
from tests.proof.recording import Exchange, environment, recorded

GIVEN = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)
COMMANDS: dict[str, tuple[str, ...]] = {
    "setup": ("setup", *GIVEN),
    "plan": ("plan",),
    "deploy": ("deploy",),
    "status": ("status",),
    "doctor": ("doctor", *GIVEN),
    "validate": ("validate",),
    "init": ("init",),
}


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
            ours = mock.patch.dict(os.environ, self.environ(**environ), clear=True)
            with ours, redirect_stdout(out), redirect_stderr(err):
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
        ended = desk.run(*COMMANDS["setup"])
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
