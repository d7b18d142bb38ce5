"""Carries out the tasks of runs, as long as there are some: a thread for each run that is under way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from dbxwizard.sandbox.actions.running.process import Stop
from dbxwizard.sandbox.databricks import run_checks
from dbxwizard.sandbox.databricks.execution.tasks import TaskEnd, execute
from dbxwizard.sandbox.databricks.state import WorkspaceState, milliseconds
from dbxwizard.sandbox.outside import context_of
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.time import Clock

OUTPUT = "_databricks.output"  # by workspace and the task's run id
LOST = "The driver of the cluster was lost: the sandbox's process ended while the task ran."
_LOG = logging.getLogger(__name__)


class Driver:
    """Belongs to the process that serves. A run is `executing` from when its turn comes until its tasks have ended."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[int, tuple[threading.Thread, Stop]] = {}
        self._is_closing = False

    def begin(self, state: WorkspaceState, run: Document) -> None:
        """Within the transaction that made the run `executing`; it begins once that has ended."""
        stop = Stop()
        about = (state.store.path, state.workspace_id, run["run_id"], stop)
        thread = threading.Thread(target=self._work, args=about, name=f"dbxwizard-run-{run['run_id']}", daemon=True)
        with self._changed:
            if not self._is_closing:
                self._running[run["run_id"]] = thread, stop
                thread.start()

    def cancel(self, run_id: int) -> None:
        with self._changed:
            if run_id in self._running:
                self._running[run_id][1].set()

    def close(self) -> None:
        """Ends what runs; it is told as lost when the next process takes over."""
        with self._changed:
            self._is_closing = True
            threads = list(self._running.values())
        for _, stop in threads:
            stop.set()
        for thread, _ in threads:
            thread.join()

    def _work(self, path: Path, workspace_id: str, run_id: int, stop: Stop) -> None:
        try:
            with closing(Store(path)) as store:
                self._carry_out(WorkspaceState(store, workspace_id), run_id, stop)
        except Exception:  # a defect of ours: what is left of the run is told as lost when the sandbox starts again
            _LOG.exception("run %s", run_id)
        finally:
            with self._changed:
                del self._running[run_id]

    def _carry_out(self, state: WorkspaceState, run_id: int, stop: Stop) -> None:
        from dbxwizard.sandbox.databricks import runs

        with state.store.transaction():  # waits for the one that began it
            run = state.get("run", run_id)
        ended: dict[str, Document] = {}
        for task in run_checks.in_order(run) if run else ():
            end = self._end_of(state, run or {}, task, ended, stop)
            if self._is_closing:
                return
            with state.store.transaction():
                run = state.get("run", run_id)
                if run is None or run["life_cycle_state"] != "RUNNING":
                    return  # it was cancelled, or its workspace is gone
                run = _with(state, run, task["task_key"], end)
                state.put("run", run_id, run)
                ended = {one["task_key"]: one for one in run["tasks"] if one["result_state"]}
        with state.store.transaction():
            run = state.get("run", run_id)
            if run is not None and run["life_cycle_state"] == "RUNNING":
                runs.finish_tasks(context_of(state.store), state, run)

    @staticmethod
    def _end_of(
        state: WorkspaceState, run: Document, task: Document, ended: dict[str, Document], stop: Stop
    ) -> TaskEnd:
        needs = [need["task_key"] for need in task.get("depends_on", [])]
        if any(ended[need]["result_state"] != "SUCCESS" for need in needs):
            return TaskEnd("UPSTREAM_FAILED")
        try:
            if problem := run_checks.problem(state, run, task):
                return TaskEnd("FAILED", error=problem)
            return execute(state, run, task, stop)
        except Exception as error:  # a defect of ours: the task says so
            _LOG.debug("run %s", run["run_id"], exc_info=True)
            return TaskEnd("FAILED", error=f"The sandbox has a defect: {type(error).__name__}.")


def _with(state: WorkspaceState, run: Document, key: str, end: TaskEnd) -> Document:
    """The run with the end of one of its tasks, whose output is kept beside it."""
    task = next(one for one in run["tasks"] if one["task_key"] == key)
    output = {"logs": end.logs, "truncated": end.truncated, "trace": end.trace, "notebook": end.notebook}
    output["cells"] = list(end.cells)
    state.store.put(OUTPUT, f"{state.workspace_id}/{task['run_id']}", output)
    now = milliseconds(Clock(state.store).now())
    changed = {**task, "result_state": end.result, "message": end.error, "end_time": now}
    return {**run, "tasks": [changed if one is task else one for one in run["tasks"]]}


def output_of(state: WorkspaceState, task: Document) -> Document:
    return state.store.get(OUTPUT, f"{state.workspace_id}/{task['run_id']}") or {}


def lost(state: WorkspaceState) -> Iterator[Document]:
    """The runs whose process ended with that of an earlier sandbox."""
    return (run for run in state.all("run") if run["life_cycle_state"] == "RUNNING" and run.get("executing"))
