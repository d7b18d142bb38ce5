"""What a person may do to clusters and jobs from the console: start, stop, restart, run and follow."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import NotFound, OperationError, UsageError
from dbxwizard.core.retry import LONG_AGO, RetryPolicy, patiently
from dbxwizard.core.secret import hide

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient

_ENDED = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR", "BLOCKED")
_SETTLED = ("RUNNING", "TERMINATED", "ERROR", "UNKNOWN")
_PACES = (0.1, 5.0)  # seconds between two looks, at first and at most


@dataclass(frozen=True, slots=True)
class ClusterState:
    """`state` as Databricks says it, with its own words."""

    environment: str
    cluster_id: str
    state: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task of a run, `run_id` its own. `output`: what it left, or its error."""

    key: str
    state: str
    output: str = ""
    run_id: int = 0


@dataclass(frozen=True, slots=True)
class JobRun:
    """`state`: PENDING, RUNNING …, and once it has `ended` SUCCESS, FAILED, CANCELED …; `url` is its page."""

    environment: str
    job_id: int
    run_id: int
    state: str
    message: str = ""
    url: str = ""
    ended: bool = False
    seconds: float = 0.0
    tasks: tuple[TaskState, ...] = ()


async def change_cluster(
    client: WorkspaceClient,
    environment: str,
    cluster_id: str,
    action: str,
    *,
    clock: Clock,
    tell: Callable[[ClusterState], None],
) -> ClusterState:
    """Starts, stops or restarts it and tells each state until it has settled; the last one."""
    act = {"start": client.start_cluster, "stop": client.terminate_cluster, "restart": client.restart_cluster}
    if action not in act:
        raise UsageError("usage", f"a cluster can't be told to {action}", resource=cluster_id)
    await act[action](cluster_id)
    seen, waited = ClusterState(environment, cluster_id, ""), 0.0
    while True:
        found = await client.cluster(cluster_id)
        now = ClusterState(environment, cluster_id, str(found["state"]), str(found.get("state_message", "")))
        if now != seen:
            seen = now
            tell(seen)
        if seen.state in _SETTLED:
            return seen
        waited += await _pause(clock, waited)


async def start_run(client: WorkspaceClient, job_id: int) -> int:
    """A new run; sent twice by an accident of the network it is still one."""
    return await client.run_job(job_id, str(uuid.uuid4()))


async def follow_run(
    client: WorkspaceClient, environment: str, run_id: int, *, clock: Clock, tell: Callable[[JobRun], None]
) -> JobRun:
    """Tells each state of the run until it has ended; the last one, with what its tasks left."""
    await follow_states(client, environment, run_id, clock=clock, tell=tell)
    return await _with_outputs(client, environment, run_id)


async def follow_states(
    client: WorkspaceClient, environment: str, run_id: int, *, clock: Clock, tell: Callable[[JobRun], None]
) -> JobRun:
    """Tells each state of the run until it has ended; the last one. What passes by is waited for."""
    seen: JobRun | None = None
    waited = 0.0

    async def look() -> Mapping[str, Any]:
        return await client.run(run_id)

    while True:
        found = await patiently(look, policy=RetryPolicy(), clock=clock, fresh=lambda: LONG_AGO, retried=_again)
        now = _run(environment, found)
        if now != seen:
            seen = now
            tell(now)
        if now.ended:
            return now
        waited += await _pause(clock, waited)


def _again(_error: OperationError, _delay: float, _attempt: int) -> None:
    """Who watches sees that nothing has happened."""


async def _pause(clock: Clock, waited: float) -> float:
    """A tenth of what was waited already: five minutes cost 100 requests."""
    seconds = min(max(waited / 10, _PACES[0]), _PACES[1])
    await clock.sleep(seconds)
    return seconds


def _run(environment: str, found: Mapping[str, Any], outputs: Mapping[str, str] | None = None) -> JobRun:
    state = found.get("state") or {}
    began, ended = found.get("start_time") or 0, found.get("end_time") or 0
    return JobRun(
        environment,
        int(found.get("job_id") or 0),
        int(found["run_id"]),
        str(state.get("result_state") or state.get("life_cycle_state", "")),
        str(state.get("state_message", "")),
        str(found.get("run_page_url", "")),
        ended=state.get("life_cycle_state") in _ENDED,
        seconds=max(ended - began, 0) / 1000 if ended else 0.0,
        tasks=tuple(_task(one, outputs or {}) for one in found.get("tasks", ())),
    )


def _task(found: Mapping[str, Any], outputs: Mapping[str, str]) -> TaskState:
    state = found.get("state") or {}
    key = str(found.get("task_key", ""))
    word = str(state.get("result_state") or state.get("life_cycle_state", ""))
    return TaskState(key, word, outputs.get(key, ""), int(found.get("run_id") or 0))


async def _with_outputs(client: WorkspaceClient, environment: str, run_id: int) -> JobRun:
    found = await client.run(run_id)
    outputs = {str(task["task_key"]): await _output(client, int(task["run_id"])) for task in found.get("tasks", ())}
    return _run(environment, found, outputs)


async def _output(client: WorkspaceClient, task_run_id: int) -> str:
    """What a task left: its result, its logs or its error; without secrets. Some kinds of task have none."""
    try:
        answer = await client.run_output(task_run_id)
    except NotFound:
        return ""
    except OperationError as error:
        return f"{error.code}: {error.message}"
    result = (answer.get("notebook_output") or {}).get("result", "")
    parts = (result, answer.get("logs", ""), answer.get("error", ""), answer.get("error_trace", ""))
    return hide("\n".join(str(part) for part in parts if part))
