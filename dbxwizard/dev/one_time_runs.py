"""A run without a job (docs.databricks.com/api/azure/workspace/jobs/submit): begun, followed, cancelled, read."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import NotFound, OperationError
from dbxwizard.core.secret import hide
from dbxwizard.dev.notebook_output import printed
from dbxwizard.dev.telling import Tell
from dbxwizard.workspace_actions import JobRun, follow_states

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient
    from dbxwizard.dev.target import Target

_KEY = "dbxwizard"  # of the only task
# How a run says with which code its Python process ended: sys.exit raises, os._exit and signals end the process.
_EXIT = re.compile(r"^SystemExit: (\d+)\b|exited with exit code (\d+)")


@dataclass(frozen=True, slots=True)
class RunEnd:
    """`state`: SUCCESS, FAILED, CANCELED … or UNKNOWN for one that could not be followed. `output`: what it printed, as
    far as the API gives it out; `result`: what a notebook was left with; `error` without its `trace`; all without
    secrets."""

    run_id: int
    state: str
    url: str = ""
    seconds: float = 0.0
    output: str = ""
    truncated: bool = False
    result: str | None = None
    error: str = ""
    trace: str = ""

    @property
    def exit_code(self) -> int:
        """0, what its code gave to sys.exit, or 1; 130 where it was cancelled."""
        if self.state in ("SUCCESS", "CANCELED"):
            return 0 if self.state == "SUCCESS" else 130
        found = _EXIT.search(self.error)
        code = int(next(filter(None, found.groups()), "1")) if found else 1
        return code if 0 < code < 256 else 1


async def run_once(target: Target, name: str, task: Mapping[str, Any], *, clock: Clock, tell: Tell) -> RunEnd:
    """Runs a task (as jobs/submit has it) on the cluster, which starts by that. One that is cancelled cancels the run.

    Raises the core's errors for what keeps it from being begun or followed.
    """
    workspace = target.workspace
    body = {"task_key": _KEY, "existing_cluster_id": target.cluster_id, **task}
    begun = asyncio.ensure_future(workspace.submit_run(name, [body], str(uuid.uuid4())))
    try:
        run_id = await asyncio.shield(begun)
        ended = await follow_states(
            workspace, target.environment.name, run_id, clock=clock, tell=lambda state: tell(_line(state))
        )
    except asyncio.CancelledError:
        run_id = await begun  # it may be on its way: what has begun is to be cancelled
        await workspace.cancel_run(run_id)
        tell(f"run {run_id} was cancelled")
        raise
    end = RunEnd(run_id, ended.state, ended.url, ended.seconds, error=ended.message)
    task_run = ended.tasks[0].run_id if ended.tasks else run_id
    return await _with_output(workspace, end, task_run, is_notebook="notebook_task" in task)


def _line(state: JobRun) -> str:
    """The address is told once, with the first state."""
    first = f": {state.url}" if state.state in ("PENDING", "QUEUED") and state.url else ""
    return f"run {state.run_id} {state.state}{first}"


async def _with_output(workspace: WorkspaceClient, end: RunEnd, task_run: int, *, is_notebook: bool) -> RunEnd:
    """A run that never began has no output; the end of the run does not depend on it."""
    try:
        answer = await workspace.run_output(task_run)
        shown = printed(await workspace.run_pages(task_run)) if is_notebook else str(answer.get("logs", ""))
    except NotFound:
        return end
    except OperationError as error:
        return replace(end, error=end.error or f"its output can't be read: {error.code}: {error.message}")
    notebook = answer.get("notebook_output") or {}
    return replace(
        end,
        output=hide(shown),
        truncated=bool(answer.get("logs_truncated") or notebook.get("truncated")),
        result=hide(str(notebook["result"])) if "result" in notebook else None,
        error=hide(str(answer.get("error") or (end.error if end.state != "SUCCESS" else ""))),
        trace=hide(str(answer.get("error_trace", ""))),
    )
