"""The threads in which runs are carried out, as long as there is something to do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from dbxwizard.sandbox.actions.running.process import Stop
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.github.runs.attempt import Attempt, advance_all
from dbxwizard.sandbox.github.runs.endings import end_job
from dbxwizard.sandbox.github.runs.execution import carry_out, clear_held
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.outside import context_of
from dbxwizard.sandbox.store import Document, Store

MOST_JOBS = 4  # at once, of all runs
_MOST_COMMITS = 20  # of which workflow files are kept in memory
_LOG = logging.getLogger(__name__)


class Worker:
    """Belongs to the process that serves: one thread decides what comes next, and one runs each job."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._has_news = False
        self._is_closing = False
        self._running: dict[int, tuple[threading.Thread, Stop]] = {}
        self._read: dict[tuple[int, str], Mapping[str, str]] = {}

    def wake(self, state: Path) -> None:
        """Looks for what there is to do once the transaction in which this is called has ended."""
        with self._changed:
            self._has_news = True
            self._changed.notify()
            if self._thread is None and not self._is_closing:
                self._thread = threading.Thread(target=self._work, args=(state,), name="dbxwizard-runner", daemon=True)
                self._thread.start()

    def resume(self, context: Context) -> None:
        """Takes up what an earlier process left: jobs that it had begun have lost their runner."""
        clear_held(context.store)
        for run in records.active_runs(context.store):
            for job in records.jobs_of(context.store, run):
                if job["status"] == "in_progress":
                    records.end_log(context.store, job, f"##[error]{records.LOST}\n")
                    end_job(context, run, job, "failure", reason=records.LOST)
        if records.active_runs(context.store):
            self.wake(context.store.path)

    def close(self) -> None:
        """Ends what runs; its jobs stay as they are, without their runner."""
        with self._changed:
            self._is_closing = True
            for _, stop in self._running.values():
                stop.set()
            self._changed.notify()
            thread = self._thread
        if thread:
            thread.join()

    def _files(self, store: Store, run: Document) -> Mapping[str, str]:
        """The workflow files of a run's commit, which are kept: reading a whole tree takes 10 ms and more."""
        key = run["repository"], run["sha"]
        found = self._read.get(key)
        if found is None:
            found = records.workflow_files(GitObjects(store, run["repository"]), run["sha"])
            self._read = {**dict(list(self._read.items())[-_MOST_COMMITS:]), key: found}
        return found

    # The thread.

    def _work(self, state: Path) -> None:
        with closing(Store(state)) as store:
            while self._goes_on():
                self._begin(store, self._decide(store))
        for thread, _ in list(self._running.values()):
            thread.join()

    def _goes_on(self) -> bool:
        """Waits until something has happened; False where nothing runs and nobody has asked meanwhile."""
        with self._changed:
            while not self._has_news and self._running and not self._is_closing:
                self._changed.wait()
            if self._is_closing:
                return False
            if not self._has_news:
                self._thread = None
                return False
            self._has_news = False
            return True

    def _decide(self, store: Store) -> list[Document]:
        """Lets all runs go as far as they go; the jobs that may begin now, which are in progress from here on."""
        self._advance(store)
        with store.transaction():
            jobs = [job for run in records.active_runs(store) for job in records.jobs_of(store, run)]
            for job in jobs:
                running = self._running.get(job["id"]) if job["cancel"] else None
                if running:
                    running[1].set()
            waiting = [job for job in jobs if job["status"] == "queued"]
            context = context_of(store)
            ready = waiting[: MOST_JOBS - len(self._running)]
            begun = [{**job, "status": "in_progress", "startedAt": context.now} for job in ready]
            for job in begun:
                records.save_job(store, job)
            if begun:
                advance_all(context, self._files)
        return begun

    def _advance(self, store: Store) -> None:
        try:
            with store.transaction():
                advance_all(context_of(store), self._files)
        except Exception:  # a defect of ours: the run that has it says so, and others go on
            _LOG.debug("runs", exc_info=True)
            self._advance_each(store)

    def _advance_each(self, store: Store) -> None:
        for run in records.active_runs(store):
            try:
                with store.transaction():
                    Attempt(context_of(store), run, self._files(store, run)).advance()
            except Exception as error:
                message = f"The sandbox has a defect: {type(error).__name__}."
                with store.transaction():
                    Attempt(context_of(store), run, {}).fail(message)

    def _begin(self, store: Store, jobs: list[Document]) -> None:
        for job in jobs:
            stop = Stop()
            name = f"dbxwizard-job-{job['id']}"
            thread = threading.Thread(target=self._run, args=(store.path, job, stop), name=name, daemon=True)
            with self._changed:
                self._running[job["id"]] = thread, stop
                if self._is_closing:
                    stop.set()
            thread.start()

    def _run(self, state: Path, job: Document, stop: Stop) -> None:
        try:
            carry_out(state, job, self._files, stop, lambda: self._is_closing)
        except Exception as error:  # a defect of ours: the job says so, and others go on
            _LOG.debug("job %s", job["id"], exc_info=True)
            self._fail(state, job, f"The sandbox has a defect: {type(error).__name__}.")
        finally:
            with self._changed:
                del self._running[job["id"]]
                self._has_news = True
                self._changed.notify()

    @staticmethod
    def _fail(state: Path, job: Document, reason: str) -> None:
        with closing(Store(state)) as store, store.transaction():
            known = records.find_job(store, {"id": job["repository"]}, str(job["id"]))
            run = records.find_run(store, {"id": job["repository"]}, str(job["run"]))
            if known and run and known["status"] != "completed":
                end_job(context_of(store), run, known, "failure", reason=reason)
