"""Attaching to the sandbox of a state file: the first process serves it, and another takes over when it ends."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from dbxwizard.sandbox import tls
from dbxwizard.sandbox.ports import LOOPBACK, Ports
from dbxwizard.sandbox.server import CONTROL, SandboxServer
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
    packages: str
    ca_bundle: Path
    state: Path

    @property
    def authority(self) -> Path:
        """The sandbox's own authority alone: many clients read their file for each connection, the bundle in 28 ms."""
        return self.state.parent / "ca.pem"

    @classmethod
    def of(cls, hosts: Mapping[str, str], ca_bundle: Path, state: Path) -> Self:
        return cls(
            resource_manager=hosts["arm"],
            login=hosts["login"],
            graph=hosts["graph"],
            github=hosts["github"],
            oidc=hosts["oidc"],
            packages=hosts["packages"],
            ca_bundle=ca_bundle,
            state=state,
        )


def locate(address: str) -> Endpoints:
    """The sandbox that is served at `address` (any of its hosts).

    Its certificate authority comes from itself, so only loopback is asked. Raises ValueError for another host,
    OSError when nobody answers there.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" or parts.hostname not in (LOOPBACK, "localhost") or not parts.port:
        raise ValueError(f"{address!r} is not the https address of a sandbox on this machine")
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reads no authorities, which takes 25 ms
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    connection = HTTPSConnection(LOOPBACK, parts.port, timeout=_PATIENCE, context=trusting)
    try:
        connection.request("GET", CONTROL)
        found = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    state = Path(found["state"])
    return Endpoints.of(found["hosts"], tls.bundle(state.parent), state)


class Sandbox:
    """The sandbox of `state`, as a context manager: on entry it is served, here or by another process."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._lock = FileLock(f"{state}.lock", thread_local=False)
        self._server: SandboxServer | None = None
        self._closing = threading.Event()
        self._heir: threading.Thread | None = None
        self._starting = threading.Lock()
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self.state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            self._heir = threading.Thread(target=self._inherit, name="dbxwizard-sandbox-heir", daemon=True)
            self._heir.start()
            self._wait_until_served()
        else:
            self._serve_or_release()
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

    @property
    def moved(self) -> tuple[str, ...]:
        """Hosts that this process serves on another port than the one before it, which somebody else had taken."""
        return self._server.moved if self._server else ()

    def wait_until_serving(self) -> None:
        """Returns once this process serves. Raises TimeoutError while another one keeps doing so."""
        self._wait_for(lambda: self._server is not None)

    def endpoints(self) -> Endpoints:
        with closing(Store(self.state)) as store:
            ports = Ports(store)
            hosts = {name: ports.url(name) for name in ports.known()}
        return Endpoints.of(hosts, tls.bundle(self.state.parent), self.state)

    def settle(self) -> None:
        """Lets everything happen that is due by now."""
        locate(self.endpoints().resource_manager)

    def _serve(self) -> None:
        with self._starting:
            if self._closing.is_set():
                return
            server = SandboxServer(self.state, all_services())
            server.start()
            self._server = server

    def _serve_or_release(self) -> None:
        """A state that can't be served must not look as if somebody served it."""
        try:
            self._serve()
        except BaseException:
            self._lock.release()
            raise

    def _inherit(self) -> None:
        """Waits for the serving process to end, then serves on the same ports."""
        while not self._closing.is_set():
            with suppress(Timeout):
                self._lock.acquire(timeout=0.1, poll_interval=0.02)
                try:
                    self._serve_or_release()
                except Exception as error:  # raised where somebody waits; else the requests fail
                    self._failure = error
                return

    def _wait_until_served(self) -> None:
        self._wait_for(lambda: self._server is not None or _listens(self.state))

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            if self._failure is not None:
                raise self._failure
            if time.monotonic() > deadline:
                raise TimeoutError(f"the process that holds {self._lock.lock_file} does not answer")
            time.sleep(0.02)


def _listens(state: Path) -> bool:
    if not state.exists():
        return False
    with closing(Store(state)) as store:
        port = Ports(store).known().get("arm")
    if port is None:
        return False
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
