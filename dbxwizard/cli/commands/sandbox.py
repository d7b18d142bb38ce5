"""`dbxwizard sandbox serve|reset|show|log`: the embedded cloud by itself."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dbxwizard.cli.commands import SANDBOX_ACTIONS
from dbxwizard.cli.invocation import Invocation, state_folder
from dbxwizard.cli.report import Report
from dbxwizard.core.errors import UsageError
from dbxwizard.core.result import Status
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.inspection import log, reset, show
from dbxwizard.sandbox.ports import LOOPBACK
from dbxwizard.sandbox.session import Endpoints, Sandbox
from dbxwizard.sandbox.store import Store

_MOVED = (
    "on another port than before, which is taken: {}. What keeps an address of theirs, as a connection string\n"
    "in a secret scope or in .env does, has the old one until deploy and dev setup run again."
)


def run(invocation: Invocation) -> Report:
    action = invocation.words[0] if invocation.words else ""
    if not action:
        actions = ", ".join(SANDBOX_ACTIONS)
        raise UsageError("usage", f"an action is needed: {actions}", resource="dbxwizard sandbox")
    if action in ("push", "pr", "tag"):
        from dbxwizard.cli.commands import sandbox_repository

        return sandbox_repository.run(invocation)
    if len(invocation.words) > 1:
        unknown = " ".join(invocation.words[1:])
        raise UsageError("usage", f"unrecognized arguments: {unknown}", resource=f"dbxwizard sandbox {action}")
    state = state_file(invocation)
    known = {"serve": _serve, "reset": _reset, "show": _show, "log": _log}
    with undamaged(state):
        return known[action](invocation, state)


@contextmanager
def undamaged(state: Path) -> Iterator[None]:
    """Raises UsageError where `state` is no state of a sandbox."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise UsageError(
            "sandbox-damaged",
            f"the sandbox's state can't be read: {error}",
            resource=str(state),
            fix="Name another file, or forget this one: dbxwizard sandbox reset.",
        ) from error


def state_file(invocation: Invocation) -> Path:
    """The sandbox's state: --state of `sandbox`, or DBXWIZARD_SANDBOX_STATE, else under the state folder."""
    named = invocation.values.get("state") if invocation.command == "sandbox" else None
    given = named or invocation.environ.get("DBXWIZARD_SANDBOX_STATE")
    return Path(str(given)).expanduser() if given else state_folder(invocation.environ) / "sandbox" / "state.sqlite"


def _show(invocation: Invocation, state: Path) -> Report:
    return _document(invocation, show(state))


def _log(invocation: Invocation, state: Path) -> Report:
    return _document(invocation, log(state))


def _document(invocation: Invocation, data: object) -> Report:
    text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False)
    return Report("sandbox", invocation.run_id, Status.SUCCESS, document=text)


def _reset(invocation: Invocation, state: Path) -> Report:
    try:
        existed = reset(state)
    except Timeout as error:
        raise UsageError(
            "sandbox-in-use", "another process serves this sandbox", resource=str(state), fix="End that process first."
        ) from error
    text = f"forgot {state}" if existed else f"there was nothing at {state}"
    status = Status.SUCCESS if existed else Status.UNCHANGED
    return Report("sandbox", invocation.run_id, status, text=(text,))


def _serve(invocation: Invocation, state: Path) -> Report:
    _configure(invocation, state)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(state) as sandbox:
        print("\n".join(_instructions(sandbox.endpoints())), flush=True)
        if sandbox.moved:
            print(_MOVED.format(", ".join(sandbox.moved)), file=sys.stderr, flush=True)
        print("serving; ctrl+c ends", file=sys.stderr, flush=True)
        stopped.wait()
    return Report("sandbox", invocation.run_id, Status.SUCCESS)


def _configure(invocation: Invocation, state: Path) -> None:
    """Puts port, latency and faults into the state, where the serving process finds them."""
    port, latency = invocation.text("port"), invocation.text("latency")
    file = invocation.text("faults")
    number, rules = _port(port) if port else 0, _read_faults(file) if file else []
    if number:
        _claim_port(state, number)
    store = Store(state)
    try:
        if latency:
            with store.transaction():
                store.put("_setting", "latency", {"profile": latency})
        if file:
            faults.clear(store)
        for rule in rules:
            faults.add(store, rule)
    finally:
        store.close()


def _claim_port(state: Path, number: int) -> None:
    """Lets the resource manager listen there. Whoever serves the sandbox already has decided its ports."""
    state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(f"{state}.lock", timeout=0):
            _check_free(number)
            _write_port(state, number)
    except Timeout as error:
        raise UsageError(
            "sandbox-in-use", "another process serves this sandbox", resource="--port", fix="End that process first."
        ) from error


def _check_free(number: int) -> None:
    """A stored port that is taken is replaced in silence; one that was asked for is not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
        except OSError as error:
            raise UsageError("port-taken", f"{number}: {error.strerror}", resource="--port") from error


def _write_port(state: Path, number: int) -> None:
    store = Store(state)
    try:
        with store.transaction():
            store.put("_port", "arm", {"port": number})
    finally:
        store.close()


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError("option-invalid", f"{text!r} is not a port number", resource="--port")
    return int(text)


def _read_faults(path: str) -> list[faults.Fault]:
    """The rules of a JSON file (a list of objects, see docs/sandbox.md)."""
    try:
        return faults.read(json.loads(Path(path).read_bytes()))
    except OSError as error:
        raise UsageError("faults-unreadable", error.strerror or str(error), resource=path) from error
    except (ValueError, RecursionError) as error:
        raise UsageError("faults-invalid", str(error), resource=path, fix="docs/sandbox.md shows the form.") from error


def _instructions(endpoints: Endpoints) -> list[str]:
    return [
        f"export DBXWIZARD_SANDBOX={endpoints.resource_manager}",
        f"export DBXWIZARD_SANDBOX_STATE={endpoints.state}",
        f"# resource manager  {endpoints.resource_manager}",
        f"# sign-in           {endpoints.login}",
        f"# Microsoft Graph   {endpoints.graph}",
        f"# GitHub            {endpoints.github}",
        f"# certificate authority for other tools: {endpoints.ca_bundle}",
    ]
