"""GitHub: the workflows of a repository, their runs, jobs and logs, and the deployments that they make."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any
from urllib.parse import quote

from dbxwizard.clients.github_connection import required
from dbxwizard.clients.github_repository import RepositoryPart
from dbxwizard.clients.run_types import (
    Annotation,
    Budget,
    Deployment,
    DeploymentStatus,
    Run,
    RunJob,
    RunStep,
    WaitingEnvironment,
    Workflow,
)
from dbxwizard.core.errors import NotFound, ServiceError

_DETAILS = "return_run_details"


class GitHubRuns(RepositoryPart):
    """What is asked again and again while a run is followed is asked conditionally; `budget` says what is left of the
    hour. Raises as RepositoryPart does."""

    @property
    def budget(self) -> Budget | None:
        """None before the first answer, and where GitHub sets no limit (an Enterprise Server may not)."""
        return self._connection.budget

    # Runs: docs.github.com/rest/actions/workflow-runs.

    async def runs(self, workflow: str = "", filters: Mapping[str, str] | None = None, *, limit: int = 30) -> list[Run]:
        """The newest first. `workflow`: id or file name. `filters`: branch, event, actor, status (a status or a
        conclusion), head_sha, created (`>=2026-09-01T08:00:00Z`); "" for any."""
        below = f"/actions/workflows/{quote(workflow, safe='')}/runs" if workflow else "/actions/runs"
        query = {name: value for name, value in (filters or {}).items() if value}
        found = await self._watched_items(below, field="workflow_runs", query=query, most=limit)
        return [_run(each) for each in found]

    async def run(self, run_id: int) -> Run:
        try:
            return _run(await self._watched(f"/actions/runs/{run_id}"))
        except NotFound as error:
            words, fix = f"there is no run {run_id}", "`dbxwizard runs list` shows those that there are."
            raise NotFound("run-not-found", words, resource=error.resource, fix=fix, status=error.status) from error

    async def cancel(self, run_id: int) -> None:
        """Raises Conflict for a run that has ended."""
        await self._write("POST", f"/actions/runs/{run_id}/cancel")

    async def rerun(self, run_id: int, *, failed: bool = False) -> None:
        """All jobs again, or those that failed and what needs them, at the same commit. Forbidden: it has not ended."""
        await self._write("POST", f"/actions/runs/{run_id}/{'rerun-failed-jobs' if failed else 'rerun'}")

    async def rerun_job(self, job_id: int) -> None:
        """One job again, and what needs it."""
        await self._write("POST", f"/actions/jobs/{job_id}/rerun")

    # Jobs and their logs: docs.github.com/rest/actions/workflow-jobs.

    async def jobs(self, run_id: int, attempt: int = 0) -> list[RunJob]:
        """Those of an attempt; 0: of the newest."""
        below = f"/actions/runs/{run_id}" + (f"/attempts/{attempt}" if attempt else "") + "/jobs"
        return [_job(each) for each in await self._watched_items(below, field="jobs")]

    async def job(self, job_id: int) -> RunJob:
        return _job(await self._watched(f"/actions/jobs/{job_id}"))

    async def log(self, job_id: int) -> AsyncGenerator[bytes] | None:
        """The pieces of a job's log; None until the job has ended. Whoever stops before the end closes it."""
        pieces = self._connection.download(f"{self._root}/actions/jobs/{job_id}/logs", resource=self._resource)
        try:
            first = await anext(pieces, b"")
        except NotFound:
            return None
        return _after(first, pieces)

    async def annotations(self, job_id: int) -> list[Annotation]:
        """What a job's commands said. A job is a check run of the same id: docs.github.com/rest/checks/runs."""
        found = await self._items(f"/check-runs/{job_id}/annotations")
        return [
            Annotation(
                str(each.get("annotation_level") or ""),
                str(each.get("title") or ""),
                str(each.get("message") or ""),
                str(each.get("path") or ""),
                int(each.get("start_line") or 0),
            )
            for each in found
        ]

    # Workflows: docs.github.com/rest/actions/workflows.

    async def workflows(self) -> list[Workflow]:
        found = await self._watched_items("/actions/workflows", field="workflows")
        return [
            Workflow(required(each, "id"), required(each, "name"), required(each, "path"), required(each, "state"))
            for each in found
        ]

    async def file(self, path: str, ref: str) -> str | None:
        """A text file at a branch, tag or commit; None where there is none."""
        data = await self._get_or_none(f"/contents/{quote(path)}", {"ref": ref})
        if not isinstance(data, dict) or data.get("encoding") != "base64":
            return None
        return base64.b64decode(required(data, "content")).decode("utf-8", "replace")

    async def dispatch(self, workflow: str, ref: str, inputs: Mapping[str, object]) -> int | None:
        """Starts a workflow by hand on a branch or tag; the id of its run, None where this GitHub does not tell it."""
        below = f"/actions/workflows/{quote(workflow, safe='')}/dispatches"
        body = {"ref": ref, "inputs": dict(inputs)}
        try:
            data = await self._write("POST", below, {**body, _DETAILS: True})
        except ServiceError as error:
            if _DETAILS not in error.message:
                raise
            data = await self._write("POST", below, body)  # a GitHub Enterprise Server that does not know it yet
        return int(data["workflow_run_id"]) if data else None

    # Deployments: docs.github.com/rest/actions/workflow-runs and /deployments.

    async def waiting(self, run_id: int) -> list[WaitingEnvironment]:
        """The environments whose rules the run waits for."""
        found = await self._watched(f"/actions/runs/{run_id}/pending_deployments")
        return [_waiting(each) for each in found]

    async def review(self, run_id: int, environments: Sequence[int], *, approve: bool, comment: str) -> None:
        """Approves or rejects the deployment of the run to `environments`, by their ids."""
        state = "approved" if approve else "rejected"
        body = {"environment_ids": list(environments), "state": state, "comment": comment}
        await self._write("POST", f"/actions/runs/{run_id}/pending_deployments", body)

    async def deployments(self, environment: str = "", *, limit: int = 30) -> list[Deployment]:
        """The newest first."""
        query = {"environment": environment} if environment else {}
        found = await self._watched_items("/deployments", query=query, most=limit)
        return [
            Deployment(
                required(each, "id"),
                required(each, "environment"),
                required(each, "ref"),
                required(each, "sha"),
                _login(each.get("creator")),
                _time(each.get("created_at")),
            )
            for each in found
        ]

    async def deployment_statuses(self, deployment_id: int) -> list[DeploymentStatus]:
        """The newest first."""
        found = await self._watched_items(f"/deployments/{deployment_id}/statuses")
        return [
            DeploymentStatus(
                required(each, "state"),
                str(each.get("environment_url") or ""),
                str(each.get("log_url") or ""),
                _time(each.get("created_at")),
            )
            for each in found
        ]

    # Requests that are sent again and again.

    async def _watched(self, path: str) -> Any:
        return (await self._connection.watched(self._root + path, resource=self._resource)).data

    async def _watched_items(
        self, path: str, *, field: str = "", query: Mapping[str, Any] | None = None, most: int | None = None
    ) -> list[Any]:
        return await self._connection.items(
            self._root + path, resource=self._resource, field=field, query=query, most=most, watched=True
        )


async def _after(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


def _time(text: object) -> float:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) and text else 0.0


def _login(account: object) -> str:
    return str(account.get("login") or "") if isinstance(account, dict) else ""


def _run(data: Any) -> Run:
    return Run(
        id=required(data, "id"),
        number=required(data, "run_number"),
        attempt=int(data.get("run_attempt") or 1),
        name=str(data.get("name") or ""),
        title=str(data.get("display_title") or ""),
        path=required(data, "path"),
        event=required(data, "event"),
        status=required(data, "status"),
        conclusion=str(data.get("conclusion") or ""),
        branch=str(data.get("head_branch") or ""),
        commit=required(data, "head_sha"),
        actor=_login(data.get("triggering_actor") or data.get("actor")),
        created_at=_time(required(data, "created_at")),
        started_at=_time(data.get("run_started_at") or data.get("created_at")),
        updated_at=_time(required(data, "updated_at")),
        html_url=required(data, "html_url"),
    )


def _job(data: Any) -> RunJob:
    return RunJob(
        id=required(data, "id"),
        run_id=required(data, "run_id"),
        attempt=int(data.get("run_attempt") or 1),
        name=required(data, "name"),
        status=required(data, "status"),
        conclusion=str(data.get("conclusion") or ""),
        started_at=_time(data.get("started_at")),
        ended_at=_time(data.get("completed_at")),
        html_url=str(data.get("html_url") or ""),
        steps=tuple(_step(each) for each in data.get("steps") or ()),
    )


def _step(data: Any) -> RunStep:
    return RunStep(
        required(data, "number"),
        required(data, "name"),
        required(data, "status"),
        str(data.get("conclusion") or ""),
        _time(data.get("started_at")),
        _time(data.get("completed_at")),
    )


def _waiting(data: Any) -> WaitingEnvironment:
    environment = required(data, "environment")
    reviewers = [each.get("reviewer") or {} for each in data.get("reviewers") or ()]
    return WaitingEnvironment(
        id=required(environment, "id"),
        name=required(environment, "name"),
        may_approve=bool(data.get("current_user_can_approve")),
        reviewers=tuple(str(each.get("login") or each.get("slug") or "") for each in reviewers),
        timer=int(data.get("wait_timer") or 0),
        since=_time(data.get("wait_timer_started_at")),
    )
