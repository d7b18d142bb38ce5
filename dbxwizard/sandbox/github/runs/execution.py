"""Carries out one job, in a thread and with a connection to the state of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from dbxwizard.sandbox.actions.expressions.errors import ExpressionError
from dbxwizard.sandbox.actions.expressions.evaluate import Scope, expand
from dbxwizard.sandbox.actions.expressions.values import Value
from dbxwizard.sandbox.actions.running.job import JobEnd, run_job
from dbxwizard.sandbox.actions.running.process import Stop
from dbxwizard.sandbox.actions.workflows.started_runs import StartedJob
from dbxwizard.sandbox.github import access, bare
from dbxwizard.sandbox.github.runs import given, records
from dbxwizard.sandbox.github.runs.attempt import Attempt
from dbxwizard.sandbox.github.runs.checkout import CHECKOUT, checkout
from dbxwizard.sandbox.github.runs.endings import deployed, end_job
from dbxwizard.sandbox.github.runs.reporting import Reporter
from dbxwizard.sandbox.github.runs.setup_python import SETUP_PYTHON, setup_python
from dbxwizard.sandbox.outside import context_of
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.time import Clock

_PREFIX = "dbxwizard-job-"  # of the folders of jobs
Files = Callable[[Store, Document], Mapping[str, str]]


def carry_out(state: Path, job: Document, files: Files, stop: Stop, is_closing: Callable[[], bool]) -> None:
    """Runs the steps of a job that is in progress, and writes down its end unless the server ends before it."""
    with closing(Store(state)) as store:
        JobExecution(store, job, files, stop, is_closing).go()


def clear_held(store: Store) -> None:
    """Takes back what jobs held whose server was killed. Called inside a transaction."""
    for job, held in store.find("_github.held"):
        if Path(held["folder"]).name.startswith(_PREFIX):
            shutil.rmtree(held["folder"], ignore_errors=True)
        _release(store, job)


def _release(store: Store, job: str) -> None:
    """A job's tokens open nothing any more."""
    held = store.get("_github.held", job) or {"documents": []}
    for kind, key in held["documents"]:
        store.delete(kind, key)
    store.delete("_github.held", job)


class JobExecution:
    """One job, from its first step to its end."""

    def __init__(self, store: Store, job: Document, files: Files, stop: Stop, is_closing: Callable[[], bool]) -> None:
        self._store = store
        self._stop = stop
        self._is_closing = is_closing
        with store.transaction():
            repository = {"id": job["repository"]}
            run = records.find_run(store, repository, str(job["run"]))
            assert run is not None  # noqa: S101 - a run that is under way is not deleted
            self._run = run
            self._started = Attempt(context_of(store), run, files(store, run)).started(job)
        self._contexts: Mapping[str, Value] = {}
        self._reporter = Reporter(store, Clock(store), job, is_closing)

    def go(self) -> None:
        with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder:
            end = self._execute(self._started, Path(folder))
        self._reporter.flush()
        if self._is_closing():
            return
        with self._store.transaction():
            self._end(end)

    def _end(self, end: JobEnd) -> None:
        job, reporter = self._reporter.job, self._reporter
        known = records.find_job(self._store, {"id": job["repository"]}, str(job["id"])) or job
        forgiven = end.result == "failure" and self._is_forgiven()
        end_job(
            context_of(self._store),
            self._run,
            {**job, "cancel": known["cancel"]},
            end.result,
            result="success" if forgiven else "",
            reason=known["cancel"] if end.result == "cancelled" else "",
            url=end.environment_url,
            outputs=dict(end.outputs),
            logSize=reporter.size,
        )

    def _is_forgiven(self) -> bool:
        """Whether the workflow goes on although the job failed."""
        said = self._started.job.continue_on_error
        try:
            return (expand(said, Scope(self._contexts)) if isinstance(said, str) else said) is True
        except ExpressionError:
            return False

    def _execute(self, job: StartedJob, folder: Path) -> JobEnd:
        with self._store.transaction():
            context = context_of(self._store)
            own = given.give(context, self._run, job)
            held = {"folder": str(folder), "documents": own.documents()}
            self._store.put("_github.held", str(self._reporter.job["id"]), held)
            if self._reporter.job["deployment"] is not None:
                deployed(context, self._run, self._reporter.job, "in_progress")
        try:
            plan = given.job_plan(context, self._run, job, own, folder)
            self._contexts = {name: value for name, value in plan.contexts.items() if name != "secrets"}
            with self._store.transaction():
                repository = access.repository_by_id(self._store, self._run["repository"])
                assert repository is not None  # noqa: S101 - nothing deletes one
                place = bare.synced(self._store, repository)
            actions = {CHECKOUT: checkout(place, self._run["sha"], own.token), SETUP_PYTHON: setup_python}
            return run_job(plan, folder, self._reporter, self._stop, actions)
        except ExpressionError as error:
            self._reporter.line(0, f"##[error]{error}")
            return JobEnd("failure", {})
        finally:
            with self._store.transaction():
                _release(self._store, str(self._reporter.job["id"]))
