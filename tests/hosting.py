"""A backend in a thread of the test's process: quick to start, and over real pipes, so that all it says is pickled."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from dbxwizard.app import DbxWizard, Opening
from dbxwizard.backend.client import Backend
from dbxwizard.backend.frames import Channel
from dbxwizard.backend.host import serve
from dbxwizard.backend.process import LOG
from dbxwizard.backend.service import Service
from dbxwizard.cli.commands.host import launch
from dbxwizard.cli.logs import collected
from dbxwizard.cli.main import invocation_of
from dbxwizard.core.clock import Clock
from tests.environ import undecided


def _undecided() -> dict[str, str]:
    return undecided("SSH_", "NO_COLOR")


@dataclass
class Hosting:
    """Backends for the project in `folder`, its state in `folder`/.state. `ended` is set when one has ended."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    clock: Clock | None = None

    def connect(self, *options: str) -> Channel:
        """The program's end of a new backend, started with `options` as `dbxwizard host` would be."""
        (their_reading, our_writing), (our_reading, their_writing) = os.pipe(), os.pipe()
        theirs = Channel(os.fdopen(their_reading, "rb"), os.fdopen(their_writing, "wb"))
        thread = threading.Thread(target=self._serve, args=(theirs, options), name="test-backend", daemon=True)
        self.threads.append(thread)
        thread.start()
        return Channel(os.fdopen(our_reading, "rb"), os.fdopen(our_writing, "wb"))

    def _serve(self, channel: Channel, options: tuple[str, ...]) -> None:
        (self.folder / ".state" / LOG).parent.mkdir(parents=True, exist_ok=True)
        start = launch(invocation_of(["host", "--sandbox", "--root", str(self.folder), *options], self._environ()))

        def make(notify: Callable[[str, object], None]) -> Service:
            self.services.append(Service(start, notify, self.clock))
            return self.services[-1]

        with collected(str(start.state_folder / LOG), detailed=True):
            asyncio.run(serve(channel, make))
        self.ended.set()

    def _environ(self) -> dict[str, str]:
        state = {"DBXWIZARD_STATE_DIR": str(self.folder / ".state")}
        return _undecided() | state | dict(self.environ)

    def program(self, *options: str, first: str = "", animated: bool = False) -> DbxWizard:
        """The terminal program on this project, to be driven by a Pilot."""
        opening = Opening(
            arguments=(),
            state_folder=self.folder / ".state",
            first=first,
            sandbox=True,
            read_only="--read-only" in options,
            animated=animated,
        )
        return DbxWizard(opening, lambda: self.connect(*options))

    def join(self) -> None:
        for thread in self.threads:
            thread.join(300)
            assert not thread.is_alive(), "a backend did not end"


@contextmanager
def hosting(folder: Path, **environ: str) -> Iterator[Hosting]:
    """Waits for every backend at the end; those that nobody left are left by their closed pipes."""
    made = Hosting(folder, environ)
    with mock.patch.dict(os.environ, _undecided(), clear=True):
        yield made
        made.join()


def connected(host: Hosting, *options: str) -> Backend:
    """A client of a new backend, in the running loop."""
    backend = Backend()
    backend.connect(host.connect(*options))
    return backend
