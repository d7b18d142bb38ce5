"""The roads that the matrices disturb: one project folder with one environment, `setup`, then `deploy`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.sandbox.tokens import TENANT_ID
from tests.driving import dbxwizard
from tests.environ import NO_PROOF
from tests.matrix.remote import Remote

_OPERATION = re.compile(r"(/operation(?:Results|Statuses))/[^/]+")
# What the service chooses anew, or computes from names that another road has otherwise.
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,40}|(?<=/)\d+(?=/|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Road:
    """What the commands are told. `token`: PAT_GITHUB, for a private repository that has a commit already; with ""
    it is public and empty."""

    name: str
    setup: tuple[str, ...] = ()
    deploy: tuple[str, ...] = ()
    token: str = ""

    def words(self, command: str) -> list[str]:
        to = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY, *self.setup)
        return [command, *(to if command == "setup" else self.deploy), "--yes", "--verbose", "--output", "json"]


# A person with federated credentials, as by default; and all that goes another way: service principals of the one
# environment that sign in with client secrets, to a repository that somebody uses, with a token in the Key Vault.
ROADS = (
    Road("by default"),
    Road(
        "with secrets",
        ("--auth", "secret", "--isolation", "environment"),
        ("--auth", "secret"),
        "github_pat_11MATRIX00reads0one0repository",
    ),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code (negative: the signal), what it printed, and the processor time it took."""

    code: int
    out: str
    err: str
    cpu: float
    hung: bool

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the recorded run. `copy`: the number of the copy that holds the state before it."""

    phase: str
    service: str
    method: str
    path: str
    route: str
    status: int
    write: bool
    copy: int

    @property
    def kind(self) -> str:
        """What is the same of it on another road: the path without what is computed from names."""
        return f"{self.phase} {self.service} {self.method} {_ID.sub('*', self.path)}"

    @property
    def at(self) -> dict[str, str]:
        """The part of a fault rule that matches it."""
        return {"service": self.service, "method": self.method, "path": _literally(self.path)}

    def __str__(self) -> str:
        return f"{self.phase} {self.service} {self.method} {self.path}"


def _literally(path: str) -> str:
    """As a shell pattern; the name of an asynchronous operation is another one in each run."""
    literal = "".join(f"[{character}]" if character in "*?[" else character for character in path)
    return _OPERATION.sub(r"\1/*", literal)


@dataclass(frozen=True, slots=True)
class Phase:
    """A command of a recorded run: the copies that it began and ended with, what it asked, which readings (service
    and path) have had more than one answer by its end, and the state that it left."""

    road: str
    command: str
    begins: int
    ends: int
    requests: tuple[Asked, ...]
    changed: frozenset[tuple[str, str]]
    state: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.command} {self.road}"

    @property
    def writes(self) -> list[Asked]:
        return [request for request in self.requests if request.write]

    @property
    def changed_readings(self) -> list[Asked]:
        """The readings of which a stale answer exists."""
        return [one for one in self.requests if one.method == "GET" and (one.service, one.path) in self.changed]


class World:
    """A sandbox process and a project folder, and the fork server, which all worlds share; `reset` puts the first two
    back to a recorded state."""

    def __init__(self, folder: Path, program: Remote, first_port: int, road: Road) -> None:
        self._folder, self._program, self._road = folder, program, road
        self.project = folder / "project"
        self.project.mkdir(parents=True)
        done = dbxwizard("init", cwd=self.project)
        assert done.returncode == 0, done.stderr
        for name in ("UAT", "PreProduction", "Production"):
            (self.project / "environments" / f"{name}.json").unlink()
        self._cloud = Remote("sandbox_process", str(folder / "cloud"), str(first_port))
        self._address = self._cloud.call("new", token=road.token)
        self._service_principals: Mapping[str, str] = {}
        self._runs = 0
        if road.token:
            self._keep_a_token()

    def _keep_a_token(self) -> None:
        """A secret scope takes the access token from the Key Vault."""
        path = self.project / "environments" / "Development.json"
        text = path.read_text("utf-8")
        key = '"appi_ik": "application-insights.connection-string"'
        assert key in text
        path.write_text(text.replace(key, f'{key}, "token": "key-vault:dbkstoken"'), "utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._cloud.close()

    # The recorded run.

    def record(self, command: str) -> Phase:
        """Runs a command undisturbed, and once more: then what was read before its writes has a newer answer."""
        for phase in (command, f"{command} again"):
            self._cloud.call("record", phase=phase, project=str(self.project))
            ended = self.run(command)
            assert ended.code == 0, ended.err
        found = self._cloud.call("recorded")
        self._sign_in(self._cloud.call("service_principals"))
        asked = [Asked(**request) for request in found["requests"]]
        requests = tuple(request for request in asked if request.phase == command)
        again = [request for request in asked if request.phase == f"{command} again"]
        assert not [request for request in again if request.write], "the second run writes"
        # A stale answer can be given to what is asked once more, and only to that.
        changed = frozenset((service, path) for service, path in found["changed"]) & {
            (request.service, request.path) for request in again
        }
        return Phase(self._road.name, command, requests[0].copy, again[0].copy, requests, changed, self.state())

    def _sign_in(self, made: Mapping[str, Sequence[str]]) -> None:
        """From now on the service principals act, with the client secrets that setup has made them."""
        if made:
            main = next(pair for name, pair in made.items() if "-main" in name)
            databricks = next(pair for name, pair in made.items() if "-databricks-databricks" in name)
            credentials = {"clientId": main[0], "clientSecret": main[1], "tenantId": TENANT_ID}
            self._service_principals = {
                "AZURE_CREDENTIALS": json.dumps(credentials),
                "ARM_CLIENT_ID": databricks[0],
                "ARM_CLIENT_SECRET": databricks[1],
                "ARM_TENANT_ID": TENANT_ID,
            }

    # A case.

    def reset(self, number: int, fault: Mapping[str, Any] | None = None) -> None:
        """The sandbox and the parameter files as they were in copy `number`; no journal."""
        files = json.loads((self._folder / "cloud" / "copies" / f"{number}.json").read_text("utf-8"))
        for path in (self.project / "environments").iterdir():
            path.unlink()
        for name, text in files.items():
            (self.project / "environments" / name).write_text(text, encoding="utf-8")
        shutil.rmtree(self._folder / "home", ignore_errors=True)
        self._address = self._cloud.call("restore", number=number, fault=fault)

    def fault(self, **rule: Any) -> None:
        self._cloud.call("fault", rule=rule)

    def mend(self) -> int:
        return int(self._cloud.call("mend"))

    def state(self) -> dict[str, Any]:
        """What `sandbox show` prints, every document's key, and the parameter files."""
        files = {path.name: path.read_text("utf-8") for path in (self.project / "environments").iterdir()}
        return {**self._cloud.call("show"), "files": files}

    # The program.

    def run(self, command: str, *, request_timeout: int | None = None) -> Ended:
        return self.finish(self.begin(command, request_timeout=request_timeout))

    def begin(self, command: str, *, request_timeout: int | None = None) -> tuple[int, Path]:
        """Starts the command in a process of its own."""
        started = self.prepare(command, request_timeout=request_timeout)
        self.go(started)
        return started

    def prepare(self, command: str, *, request_timeout: int | None = None) -> tuple[int, Path]:
        """As `begin`, but the process waits for `go`."""
        self._runs += 1
        output = self._folder / f"run-{self._runs % 8}"
        environ = {"DBXWIZARD_SANDBOX": self._address, "DBXWIZARD_STATE_DIR": str(self._folder / "home"), **NO_PROOF}
        environ |= {"PAT_GITHUB": self._road.token} if self._road.token else {}
        environ |= self._service_principals if command == "deploy" else {}
        pid = self._program.call(
            "start",
            arguments=self._road.words(command),
            folder=str(self.project),
            environ=environ,
            output=str(output),
            request_timeout=request_timeout,
        )
        return pid, output

    def go(self, started: tuple[int, Path]) -> None:
        self._program.call("go", pid=started[0])

    def finish(self, started: tuple[int, Path]) -> Ended:
        pid, output = started
        ended = self._program.call("wait", pid=pid)
        out, err = (output.with_suffix(f".{name}").read_text("utf-8", "replace") for name in ("out", "err"))
        return Ended(out=out, err=err, **ended)
