"""The thread in which runs are carried out, one after the other, as long as there are queued ones."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from pathlib import Path

from dbxwizard.sandbox.actions.running.process import Stop
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.github.runs.execution import Execution
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.time import Clock

_LOG = logging.getLogger(__name__)


class Worker:
    """Belongs to the process that serves; a run that another process had begun has lost its runner."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._again = False
        self._current: tuple[int, Stop] | None = None
        self._closing = threading.Event()

    def wake(self, state: Path) -> None:
        """Looks for queued runs once the transaction in which this is called has ended."""
        with self._guard:
            if self._closing.is_set() or (self._thread and self._thread.is_alive()):
                self._again = True
                return
            self._again = True
            self._thread = threading.Thread(target=self._work, args=(state,), name="dbxwizard-runner", daemon=True)
            self._thread.start()

    def runs(self, run_id: int) -> bool:
        """Whether it is this process that carries the run out."""
        return self._current is not None and self._current[0] == run_id

    def cancel(self, run_id: int) -> bool:
        """False where the run is not under way."""
        current = self._current
        if current is None or current[0] != run_id:
            return False
        current[1].set()
        return True

    def close(self) -> None:
        """Ends what runs; the run stays as it is, without its runner."""
        self._closing.set()
        current = self._current
        if current:
            current[1].set()
        if self._thread:
            self._thread.join()

    def _work(self, state: Path) -> None:
        with closing(Store(state)) as store:
            while run := self._next(store):
                self._carry_out(store, run)

    def _next(self, store: Store) -> Document | None:
        """The oldest queued run; the thread ends where there is none and nobody has asked meanwhile."""
        while not self._closing.is_set():
            with self._guard:
                self._again = False
            with store.transaction():
                queued = [run for run in store.all("github.run") if run["status"] == "queued"]
            if queued:
                return min(queued, key=lambda run: (run["createdAt"], run["number"]))
            with self._guard:
                if not self._again:
                    self._thread = None
                    return None
        return None

    def _carry_out(self, store: Store, run: Document) -> None:
        stop = Stop()
        self._current = (run["id"], stop)
        try:
            Execution(store, run, stop, self._closing.is_set).go()
        except Exception as error:  # a defect of ours: the run says so, and those behind it go on
            _LOG.debug("run %s", run["id"], exc_info=True)
            message = f"The sandbox has a defect: {type(error).__name__}."
            with store.transaction():
                found = store.get("github.run", records.run_key(run)) or run
                records.fail_run(store, found, Clock(store).now(), message)
        finally:
            self._current = None
