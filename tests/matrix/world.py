"""The road that the matrices disturb: one project folder with one environment, `setup`, then `deploy`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from tests.driving import dbxwizard
from tests.matrix.remote import Remote

_SETUP = ("setup", "--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)
_OPERATION = re.compile(r"(/operation(?:Results|Statuses))/[^/]+")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    name: (*words, "--yes", "--verbose", "--output", "json")
    for name, words in (("setup", _SETUP), ("deploy", ("deploy",)))
}


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
        return json.loads(self.out)


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
    """A command of the recorded run: the copies that it began and ended with, what it asked, which readings (service
    and path) have had more than one answer by its end, and the state that it left."""

    command: str
    begins: int
    ends: int
    requests: tuple[Asked, ...]
    changed: frozenset[tuple[str, str]]
    state: dict[str, Any]

    @property
    def changed_readings(self) -> list[Asked]:
        """The readings of which a stale answer exists."""
        return [one for one in self.requests if one.method == "GET" and (one.service, one.path) in self.changed]


class World:
    """A sandbox process, a fork server and a project folder; `reset` puts all of them back to a recorded state."""

    def __init__(self, folder: Path, first_port: int) -> None:
        self._folder = folder
        self.project = folder / "project"
        self.project.mkdir(parents=True)
        done = dbxwizard("init", cwd=self.project)
        assert done.returncode == 0, done.stderr
        for name in ("UAT", "PreProduction", "Production"):
            (self.project / "environments" / f"{name}.json").unlink()
        self._cloud = Remote("sandbox_process", str(folder / "cloud"), str(first_port))
        self._program = Remote("fork_server")
        self._address = self._cloud.call("new")
        self._runs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._program.close()
        self._cloud.close()

    # The recorded run.

    def record(self, command: str) -> Phase:
        """Runs a command undisturbed, and once more: then what was read before its writes has a newer answer."""
        for phase in (command, f"{command} again"):
            self._cloud.call("record", phase=phase, project=str(self.project))
            ended = self.run(command)
            assert ended.code == 0, ended.err
        found = self._cloud.call("recorded")
        asked = [Asked(**request) for request in found["requests"]]
        requests = tuple(request for request in asked if request.phase == command)
        again = [request for request in asked if request.phase == f"{command} again"]
        assert not [request for request in again if request.write], "the second run writes"
        changed = frozenset((service, path) for service, path in found["changed"])
        return Phase(command, requests[0].copy, again[0].copy, requests, changed, self.state())

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
        environ = {"DBXWIZARD_SANDBOX": self._address, "DBXWIZARD_STATE_DIR": str(self._folder / "home")}
        pid = self._program.call(
            "start",
            arguments=COMMANDS[command],
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
        texts = {name: output.with_suffix(f".{name}").read_text("utf-8", "replace") for name in ("out", "err")}
        return Ended(**ended, **texts)
