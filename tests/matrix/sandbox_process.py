"""The sandbox in a process of its own, which can be put back to any state that it was recorded in."""

from __future__ import annotations

import copy
import json
import os
import shutil
import socket
import sqlite3
import sys
from itertools import count
from pathlib import Path
from typing import Any

from dbxwizard import bundled
from dbxwizard.sandbox import faults, ports, server
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.seed import REPOSITORY_ID
from dbxwizard.sandbox.http import Request, Response, Service
from dbxwizard.sandbox.services import all_services
from dbxwizard.sandbox.session import locate
from dbxwizard.sandbox.store import Store, is_internal
from tests.matrix.remote import serve
from tests.reaching import make_private, push

# A commit's name holds its time, and GitHub forgets objects that no branch leads to; `show` has the branches. A token
# that was made again has another id; `show` has whose they are.
_NOT_COMPARED = frozenset({"github.object", "databricks.token"})


class Recording:
    """Every request, and a copy of the state (the parameter files too) before the first and after each write."""

    def __init__(self, folder: Path, project: Path, state: Path) -> None:
        self.folder, self._project, self._state = folder, project, state
        self.phase = ""
        self.requests: list[dict[str, Any]] = []
        self.client_secrets: dict[str, str] = {}  # by the object id of their application, which are shown only once
        self.copies = 0

    def copy(self) -> None:
        target = self.folder / f"{self.copies}.sqlite"
        with sqlite3.connect(self._state) as source, sqlite3.connect(target) as kept:
            kept.execute("PRAGMA synchronous = OFF")  # no copy outlives the machine
            source.backup(kept)
        source.close()
        kept.close()
        files = {path.name: path.read_text("utf-8") for path in (self._project / "environments").glob("*.json")}
        (self.folder / f"{self.copies}.json").write_text(json.dumps(files), encoding="utf-8")
        self.copies += 1

    def note(self, service: Service, request: Request, response: Response, *, write: bool) -> None:
        matched = service.match(request)
        self.requests.append(
            {
                "phase": self.phase,
                "service": service.name,
                "method": request.method,
                "path": request.path,
                "route": f"{service.name} {matched[0].name}" if matched else "",
                "status": response.status,
                "write": write,
                "copy": self.copies - 1,
            }
        )
        if request.path.endswith("/addPassword") and response.status == 200:
            self.client_secrets[request.path.split("/")[-2]] = response.body["secretText"]
        if write:
            self.copy()


class Frontend(server._Frontend):
    """The sandbox's own, which tells the recording what it has answered."""

    recording: Recording | None = None
    latest: Frontend | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        Frontend.latest = self

    def _handle(self, service: Service, request: Request) -> Response:
        response = super()._handle(service, request)
        if self.recording:
            self.recording.note(service, request, response, write=self.store.changed)
        return response


class Process:
    """The calls. One sandbox at a time, always at the same place, so that addresses and certificates stay."""

    def __init__(self, folder: Path, first_port: int) -> None:
        self._state = folder / "sandbox" / "state.sqlite"
        self._copies = folder / "copies"
        self._copies.mkdir(parents=True)
        self._server: server.SandboxServer | None = None
        self._answers: dict[int, Any] = {}  # by the number of the copy after a phase
        self._recording: Recording | None = None
        self._free = count(first_port)
        ports._bind = self._bind
        vars(server)["_Frontend"] = Frontend

    def _bind(self, port: int) -> socket.socket:
        """As the sandbox's own, but from a range that the system gives to nobody else: addresses stay as recorded."""
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while True:
            candidate = port or next(self._free)
            try:
                made.bind((ports.LOOPBACK, candidate))
                break
            except OSError:
                if port:
                    raise
        made.listen(128)
        made.setblocking(False)
        return made

    def new(self, token: str) -> str:
        """A new sandbox in which nothing takes time; its address. With a token the repository has a commit and is
        private, and the token reads it."""
        store = Store(self._state)
        with store.transaction():
            store.put("_setting", "latency", {"profile": "zero"})
        address = self._serve()
        locate(address)  # fills the sandbox with what a new one has
        with store.transaction():
            for name in bundled.WORKFLOWS:  # what they run beside a case would not end with it
                store.put("github.disabled", f"{REPOSITORY_ID}/.github/workflows/{name}", {})
            if token:
                make_private(store, token)
                push(store, {"notes.md": "older than dbxwizard"})
        store.close()
        return address

    def restore(self, number: int, fault: dict[str, Any] | None) -> str:
        """The sandbox as it was in copy `number`; after a phase it remembers too what it had answered until then."""
        self.close()
        for suffix in ("-wal", "-shm"):
            self._state.with_name(self._state.name + suffix).unlink(missing_ok=True)
        # A new file in its place: SQLite knows a file again that was written over, and with it locks that are gone.
        fresh = self._state.with_name("fresh.sqlite")
        shutil.copyfile(self._copies / f"{number}.sqlite", fresh)
        fresh.replace(self._state)
        if fault:
            self.fault(fault)
        address = self._serve()
        assert Frontend.latest is not None
        if number in self._answers:
            Frontend.latest._answers = copy.deepcopy(self._answers[number])
        return address

    def _serve(self) -> str:
        self._server = server.SandboxServer(self._state, all_services())
        self._server.start()
        assert Frontend.latest is not None
        return Frontend.latest.ports.url("arm")

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
        self._server = None

    def fault(self, rule: dict[str, Any]) -> None:
        store = Store(self._state)
        faults.add(store, Fault(**rule))
        store.close()

    def mend(self) -> int:
        """Takes all faults away; how many requests they have hit."""
        store = Store(self._state)
        hits: int = sum(max(0, body["seen"] - body["skip"]) for body in store.all("_fault"))
        faults.clear(store)
        store.close()
        return hits

    def record(self, phase: str, project: str) -> None:
        """From now on requests belong to `phase`."""
        self._recording = self._recording or Recording(self._copies, Path(project), self._state)
        self._recording.phase = phase
        self._recording.copy()
        Frontend.recording = self._recording

    def recorded(self) -> dict[str, Any]:
        """Ends the recording for now: all requests in their order; service and path of the readings that changed."""
        assert self._recording is not None
        assert Frontend.latest is not None
        Frontend.recording = None
        answers = copy.deepcopy(Frontend.latest._answers)
        self._answers[self._recording.copies - 1] = answers
        changed = [(key[0].split(":")[0], key[1]) for key, kept in answers._kept.items() if len(kept) > 1]
        return {"requests": self._recording.requests, "changed": changed}

    def service_principals(self) -> dict[str, list[str]]:
        """Client id and client secret of each application, by its name."""
        assert self._recording is not None
        store = Store(self._state)
        applications = {body["id"]: body for body in store.all("directory.application")}
        store.close()
        return {
            applications[one]["displayName"]: [applications[one]["appId"], secret]
            for one, secret in self._recording.client_secrets.items()
        }

    def show(self) -> dict[str, Any]:
        """What `sandbox show` prints, and the keys of all documents, so that what it does not list is compared too."""
        assert Frontend.latest is not None
        assert self._server is not None
        locate(Frontend.latest.ports.url("arm"))  # lets happen what is due
        store = Store(self._state)
        shown = [service.show(store) for service in self._server.services.values()]
        rows = store._connection.execute("SELECT kind, key FROM documents ORDER BY kind, key").fetchall()
        named = _key_ids(store)
        store.close()
        compared = {kind for kind, _ in rows if not is_internal(kind)} - _NOT_COMPARED
        found = {
            **{name: entries for section in shown for name, entries in section.items()},
            "documents": [f"{kind} {key}" for kind, key in rows if kind in compared],
        }
        text = json.dumps(found)
        for key_id, name in named.items():
            text = text.replace(key_id, name)
        renamed: dict[str, Any] = json.loads(text)
        return renamed

    def calls(self) -> dict[str, Any]:
        names = ("new", "restore", "close", "fault", "mend", "record", "recorded", "service_principals", "show")
        return {name: getattr(self, name) for name in names}


def _key_ids(store: Store) -> dict[str, str]:
    """What stands for the id of each client secret: one that was made again is as good."""
    return {
        password["keyId"]: f"client secret {number} of {body['displayName']}"
        for body in store.all("directory.application")
        for number, password in enumerate(body["passwordCredentials"])
    }


if __name__ == "__main__":
    process = Process(Path(sys.argv[1]), int(sys.argv[2]))
    serve(process.calls())
    process.close()
    os._exit(0)
