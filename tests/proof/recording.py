"""A sandbox that keeps every request with its answer, and commands as processes that are watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from dbxwizard.sandbox import server
from dbxwizard.sandbox.github.seed import SANDBOX_TOKEN
from dbxwizard.sandbox.http import Request, Response, Service
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.tokens import TENANT_ID
from tests.environ import undecided


@dataclass(frozen=True)
class Exchange:
    """One request and what the service answered."""

    request: Request
    status: int
    answer: bytes


@contextmanager
def recorded(state: Path) -> Iterator[tuple[Sandbox, list[Exchange]]]:
    """The sandbox of `state`, served here; the list grows with every request that reaches a service."""
    exchanges: list[Exchange] = []
    handle = server._Frontend._handle

    def keeping(frontend: server._Frontend, service: Service, request: Request) -> Response:
        response = handle(frontend, service, request)
        answer = response.encoded() if response.stream is None else b""  # what is streamed can be read but once
        exchanges.append(Exchange(request, response.status, answer))
        return response

    with mock.patch.object(server._Frontend, "_handle", keeping), Sandbox(state) as sandbox:
        yield sandbox, exchanges


def environment(**more: str) -> dict[str, str]:
    """This process's environment without anything that decides for the program."""
    return undecided() | more


@contextmanager
def opened(state: Path) -> Iterator[Store]:
    """The store of a sandbox that is served elsewhere."""
    store = Store(state)
    try:
        yield store
    finally:
        store.close()


def secret_job(state: Path, exchanges: Sequence[Exchange]) -> dict[str, str]:
    """The environment of a job that signs in with the accelerator's client secrets, as a recorded setup made them."""
    clients = {
        one.request.path.split("/")[-2]: json.loads(one.answer)["secretText"]
        for one in exchanges
        if one.request.path.endswith("/addPassword") and one.status == 200
    }
    with opened(state) as store:
        applications = [body for body in store.all("directory.application") if body["id"] in clients]
    main = next(body for body in applications if any(tag.endswith("main-spn") for tag in body["tags"]))
    databricks = next(body for body in applications if any(tag.endswith("databricks-spn") for tag in body["tags"]))
    credentials = {"clientId": main["appId"], "clientSecret": clients[main["id"]], "tenantId": TENANT_ID}
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "AZURE_CREDENTIALS": json.dumps(credentials),
        "ARM_CLIENT_ID": databricks["appId"],
        "ARM_CLIENT_SECRET": clients[databricks["id"]],
        "ARM_TENANT_ID": TENANT_ID,
        "GH_TOKEN": SANDBOX_TOKEN,
    }


@dataclass(frozen=True)
class Child:
    """A process below a command: its arguments, and its environment as it started."""

    arguments: str
    environ: str


@dataclass
class Finished:
    """What a command came to, and every process that was seen below it."""

    code: int
    out: bytes
    err: bytes
    children: set[Child] = field(default_factory=set)
    own_arguments: str = ""
    temporary: dict[str, bytes] = field(default_factory=dict)  # every file that was seen below TMPDIR, the newest of it


def watched(arguments: Sequence[str], *, cwd: Path, environ: Mapping[str, str], script: str = "") -> Finished:
    """Runs one command as a process. `script`: what it does before (to provoke what no user can)."""
    start = ["-c", f"{script}\nimport sys\nfrom dbxwizard.cli.main import run\nsys.exit(run(sys.argv[1:]))"]
    command = [sys.executable, *(start if script else ["-m", "dbxwizard"]), *arguments]
    process = subprocess.Popen(
        command, cwd=cwd, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    finished = Finished(0, b"", b"")
    ended = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(process.pid, finished, ended, Path(environ.get("TMPDIR", "/nowhere")))
    )
    watcher.start()
    try:
        finished.out, finished.err = process.communicate(timeout=200)
    finally:
        process.kill()
        ended.set()
        watcher.join()
    finished.code = process.returncode
    return finished


def _watch(pid: int, finished: Finished, ended: threading.Event, temporary: Path) -> None:
    """Looks every 5 ms at all processes below `pid` and at its temporary files."""
    while not ended.wait(0.005):
        for folder, _, names in os.walk(temporary):  # which passes over what goes away meanwhile
            for name in names:
                _keep(Path(folder, name), finished.temporary)
        finished.own_arguments = _read(pid, "cmdline") or finished.own_arguments
        for child in _below(pid):
            arguments = _read(child, "cmdline")
            if arguments and arguments != finished.own_arguments:  # between fork and exec it is still its parent
                finished.children.add(Child(arguments, _read(child, "environ")))


def _keep(path: Path, into: dict[str, bytes]) -> None:
    with suppress(OSError):
        if str(path) not in into or path.stat().st_size != len(into[str(path)]):
            into[str(path)] = path.read_bytes()


def _below(pid: int) -> Iterator[int]:
    """Each thread lists what it has started; looking through all processes takes the processor from the program."""
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            for child in map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text("ascii").split()):
                yield child
                yield from _below(child)


def _read(pid: int, name: str) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes().decode("utf-8", "replace").replace("\0", " ")
    return ""
