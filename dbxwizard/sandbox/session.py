"""Attaching to the sandbox of a state file: the first process serves it, and another takes over when it ends."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from dbxwizard.sandbox import tls
from dbxwizard.sandbox.ports import LOOPBACK, Ports
from dbxwizard.sandbox.server import SandboxServer
from dbxwizard.sandbox.services import all_services
from dbxwizard.sandbox.store import Store

_PATIENCE = 10.0  # seconds that a process which starts to serve may take until it listens


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What a client needs to find the sandbox."""

    resource_manager: str
    login: str
    graph: str
    github: str
    oidc: str
    ca_bundle: Path
    state: Path


class Sandbox:
    """The sandbox of `state`, as a context manager: on entry it is served, here or by another process."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._lock = FileLock(f"{state}.lock", thread_local=False)
        self._server: SandboxServer | None = None
        self._closing = threading.Event()
        self._heir: threading.Thread | None = None
        self._starting = threading.Lock()

    def __enter__(self) -> Self:
        self.state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            self._heir = threading.Thread(target=self._inherit, name="dbxwizard-sandbox-heir", daemon=True)
            self._heir.start()
            self._wait_until_served()
        else:
            self._serve()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._heir is not None:
            self._heir.join()
        with self._starting:
            if self._server is not None:
                self._server.stop()
        if self._lock.is_locked:
            self._lock.release()

    @property
    def serves(self) -> bool:
        """True while this process is the one that serves."""
        return self._server is not None

    def endpoints(self) -> Endpoints:
        store = Store(self.state)
        try:
            url = Ports(store).url
            return Endpoints(
                resource_manager=url("arm"),
                login=url("login"),
                graph=url("graph"),
                github=url("github"),
                oidc=url("oidc"),
                ca_bundle=tls.bundle(self.state.parent),
                state=self.state,
            )
        finally:
            store.close()

    def _serve(self) -> None:
        with self._starting:
            if self._closing.is_set():
                return
            server = SandboxServer(self.state, all_services())
            server.start()
            self._server = server

    def _inherit(self) -> None:
        """Waits for the serving process to end, then serves on the same ports."""
        while not self._closing.is_set():
            with suppress(Timeout):
                self._lock.acquire(timeout=0.1, poll_interval=0.02)
                self._serve()
                return

    def _wait_until_served(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not (self._server or _listens(self.state)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the process that holds {self._lock.lock_file} does not answer")
            time.sleep(0.02)


def _listens(state: Path) -> bool:
    if not state.exists():
        return False
    store = Store(state)
    try:
        port = Ports(store).known().get("arm")
    finally:
        store.close()
    if port is None:
        return False
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
