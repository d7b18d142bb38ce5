"""Starting a workflow by hand, and finding the run that was started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbxwizard.clients.run_types import Run, Workflow
from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import Forbidden, NotFound, OperationError, UsageError
from dbxwizard.runs.inputs import Input, check_inputs, read_inputs

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient

_APPEARS = 60.0  # seconds in which a run that was started is to be seen
_BETWEEN = 1.0  # seconds
_FOLDER = ".github/workflows/"


@dataclass(frozen=True, slots=True)
class Launchable:
    """A workflow that can be started by hand, and what it asks then."""

    workflow: Workflow
    inputs: tuple[Input, ...]


async def launchable(client: GitHubClient, ref: str) -> tuple[Launchable, ...]:
    """The workflows that can be started by hand on a ref, as their files say there."""
    found = []
    for workflow in await client.runs.workflows():
        text = await client.runs.file(workflow.path, ref) if workflow.state == "active" else None
        inputs = read_inputs(text) if text is not None else None
        if inputs is not None:
            found.append(Launchable(workflow, inputs))
    return tuple(found)


async def launch(client: GitHubClient, workflow: str, ref: str, inputs: Mapping[str, str], clock: Clock) -> Run:
    """Starts `workflow` (its file's name) on a branch or tag; the run, once it is to be seen.

    Raises UsageError for what the workflow does not take, ServiceError for what GitHub refuses.
    """
    known = await _inputs_on(client, workflow, ref)
    check_inputs(known, inputs, workflow)
    before = await client.runs.runs(workflow, {"event": "workflow_dispatch"}, limit=1)
    run_id = await client.runs.dispatch(workflow, ref, inputs)
    newest = before[0].number if before else 0
    return await _appeared(client, workflow, run_id, newest, clock)


async def rerun(client: GitHubClient, run: Run, clock: Clock, *, failed: bool = False, job_id: int = 0) -> Run:
    """Runs all jobs of an ended run again, those that failed, or one; the run once its new attempt is to be seen."""
    if job_id:
        await client.runs.rerun_job(job_id)
    else:
        await client.runs.rerun(run.id, failed=failed)
    until = clock.now() + _APPEARS
    while (found := await client.runs.run(run.id)).attempt <= run.attempt:
        if clock.now() >= until:
            raise _not_seen(client, run.workflow)
        await clock.sleep(_BETWEEN)
    return found


async def _inputs_on(client: GitHubClient, workflow: str, ref: str) -> tuple[Input, ...]:
    text = await client.runs.file(_FOLDER + workflow, ref)
    if text is None:
        files = sorted(one.file for one in await client.runs.workflows())
        raise UsageError(
            "workflow-not-found",
            f"{ref} has no workflow {workflow}",
            resource=f"GitHub repository {client.name}",
            fix=f"The default branch has: {', '.join(files) or 'none'}.",
        )
    inputs = read_inputs(text)
    if inputs is None:
        raise UsageError(
            "workflow-not-by-hand",
            f"{workflow} can't be started by hand on {ref}: it has no workflow_dispatch, or is no YAML",
            resource=f"GitHub repository {client.name}",
        )
    return inputs


async def _appeared(client: GitHubClient, workflow: str, run_id: int | None, newest: int, clock: Clock) -> Run:
    """The run of that id; without one, the first by us that is newer than the one of number `newest`."""
    until = clock.now() + _APPEARS
    while True:
        found = await (_by_id(client, run_id) if run_id else _by_number(client, workflow, newest))
        if found is not None:
            return found
        if clock.now() >= until:
            raise _not_seen(client, workflow)
        await clock.sleep(_BETWEEN)


def _not_seen(client: GitHubClient, workflow: str) -> OperationError:
    return OperationError(
        "run-not-seen",
        f"{workflow} was started, but its run is not to be seen",
        resource=f"GitHub repository {client.name}",
        fix=f"Look for it with `dbxwizard runs list --workflow {workflow}`.",
    )


async def _by_id(client: GitHubClient, run_id: int) -> Run | None:
    try:
        return await client.runs.run(run_id)
    except NotFound:
        return None


async def _by_number(client: GitHubClient, workflow: str, newest: int) -> Run | None:
    filters = {"event": "workflow_dispatch", "actor": await _login(client)}
    newer = [run for run in await client.runs.runs(workflow, filters) if run.number > newest]
    return min(newer, key=lambda run: run.number, default=None)


async def _login(client: GitHubClient) -> str:
    """Whom the token speaks for; "" for a job's, which may not ask."""
    try:
        return (await client.token_info()).login
    except Forbidden:
        return ""
