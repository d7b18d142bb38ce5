"""The whole road on a sandbox: a project folder and a state, driven through the command line."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dbxwizard.cli.main import run
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.oidc import Job, job_token_request
from dbxwizard.sandbox.github.seed import REPOSITORY, REPOSITORY_ID
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock
from tests.conftest import new_state
from tests.environ import undecided


@dataclass(frozen=True)
class Outcome:
    """What one command came to."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def errors(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.report["errors"]
        return found

    def changes(self) -> dict[str, list[str]]:
        """environment/resource → reasons, of what was changed."""
        return {
            f"{environment['name']}/{change['resource']}": change["reasons"]
            for environment in self.report["environments"]
            for change in environment["changes"]
        }


@dataclass
class Road:
    """A project in `folder`, and the sandbox of `folder`/.state."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / ".state" / "sandbox" / "state.sqlite"

    def run(self, *arguments: str, form: str = "json", **environ: str) -> Outcome:
        """One command in this process, its result in this form."""
        ours = {
            "DBXWIZARD_STATE_DIR": str(self.folder / ".state"),
            "DBXWIZARD_SANDBOX": "1",
            "DBXWIZARD_SANDBOX_RUNTIME": os.environ.get("DBXWIZARD_SANDBOX_RUNTIME", "bare"),
        }
        out, err = io.StringIO(), io.StringIO()
        last = () if arguments[0] == "sandbox" else ("--output", form, "--root", str(self.folder))
        with (
            mock.patch.dict(os.environ, undecided() | ours | self.environ | environ, clear=True),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            at = arguments.index("--") if "--" in arguments else len(arguments)
            code = run([*arguments[:at], *last, *arguments[at:]])
        return Outcome(code, out.getvalue(), err.getvalue())

    def setup(self, *options: str, **environ: str) -> Outcome:
        given = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)
        return self.run("setup", *given, *options, **environ)

    def deploy(self, *options: str, **environ: str) -> Outcome:
        return self.run("deploy", *options, **environ)

    def show(self) -> dict[str, Any]:
        outcome = self.run("sandbox", "show")
        assert outcome.code == 0, outcome.err
        found: dict[str, Any] = json.loads(outcome.out)
        return found

    def writes(self) -> list[str]:
        """Every request so far that changed something: method, host and path."""
        with self.store() as store:
            return [f"{one['method']} {one['host']} {one['path']}" for one in store.requests() if one["write"]]

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = Store(self.state)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def change(self) -> Iterator[Store]:
        """The sandbox's state, to be changed behind everybody's back."""
        with self.store() as store, store.transaction():
            yield store

    def edit(self, environment: str, old: str, new: str) -> None:
        """Replaces a text of an environment file."""
        path = self.folder / "environments" / f"{environment}.json"
        text = path.read_text("utf-8")
        assert old in text, f"{old!r} is not in {path.name}"
        path.write_text(text.replace(old, new), "utf-8")

    def head(self, branch: str = "main") -> str:
        """The newest commit of a branch on the sandbox's GitHub."""
        with self.store() as store:
            found = store.get("github.ref", f"{REPOSITORY_ID}/refs/heads/{branch}")
        return str(found["sha"]) if found else "0" * 40

    def forget_runs(self) -> None:
        shutil.rmtree(self.folder / ".state" / "runs", ignore_errors=True)

    def copy(self, folder: Path) -> Road:
        """Its clusters were used just now: of a state that was made long ago they would end as idle."""
        shutil.copytree(self.folder, folder, symlinks=True)
        road = Road(folder, dict(self.environ))
        with road.change() as store:
            used_at = int(Clock(store).now() * 1000)
            for key, body in list(store.find("databricks.cluster")):
                store.put("databricks.cluster", key, {**body, "last_activity_time": used_at})
        return road

    def job(self, environment: str = "", *, branch: str = "main", **more: str) -> dict[str, str]:
        """The environment variables of a job of GitHub Actions in a GitHub environment, its variables included.

        In none where `environment` is "": it has the repository's variables, and its token names the branch.
        """
        with self.store() as store:
            prefix = f"{REPOSITORY_ID}/{environment.lower()}/"
            variables = {body["name"]: body["value"] for body in store.all("github.variable", prefix)}
        with self.change() as store:
            asking = Job(REPOSITORY, environment=environment, ref=f"refs/heads/{branch}")
            url, token = job_token_request(store, Ports(store), asking)
        actions = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_REF": f"refs/heads/{branch}",
            "GITHUB_REF_NAME": branch,
            "GITHUB_SHA": self.head(branch),
            "ACTIONS_ID_TOKEN_REQUEST_URL": url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token,
        }
        return actions | variables | more


def new_road(folder: Path) -> Road:
    road = Road(folder)
    new_state(folder / ".state")
    outcome = road.run("init")
    assert outcome.code == 0, outcome.out
    road.show()  # fills the sandbox with what a new one has
    return road


@pytest.fixture(scope="session")
def _fresh(tmp_path_factory: pytest.TempPathFactory) -> Road:
    return new_road(tmp_path_factory.mktemp("fresh") / "project")


@pytest.fixture(scope="session")
def _set_up(_fresh: Road, tmp_path_factory: pytest.TempPathFactory) -> Road:
    road = _fresh.copy(tmp_path_factory.mktemp("set-up") / "project")
    outcome = road.setup()
    assert outcome.code == 0, outcome.out
    return road


@pytest.fixture(scope="session")
def _deployed(_set_up: Road, tmp_path_factory: pytest.TempPathFactory) -> Road:
    road = _set_up.copy(tmp_path_factory.mktemp("deployed") / "project")
    outcome = road.deploy("-e", "Development")
    assert outcome.code == 0, outcome.out
    return road


@pytest.fixture
def fresh(_fresh: Road, tmp_path: Path) -> Road:
    """After init."""
    return _fresh.copy(tmp_path / "project")


@pytest.fixture
def set_up(_set_up: Road, tmp_path: Path) -> Road:
    """After setup."""
    return _set_up.copy(tmp_path / "project")


@pytest.fixture
def deployed(_deployed: Road, tmp_path: Path) -> Road:
    """After setup and the deployment of Development by a person."""
    return _deployed.copy(tmp_path / "project")


@pytest.fixture
def another(set_up: Road, tmp_path: Path) -> Callable[[], Road]:
    """More copies of what setup made."""
    made: list[Road] = []

    def copy() -> Road:
        made.append(set_up.copy(tmp_path / f"another-{len(made)}"))
        return made[-1]

    return copy
