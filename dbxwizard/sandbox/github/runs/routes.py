"""Runs through the API: started by hand, shown, cancelled; logs of jobs that have ended.

docs.github.com/rest/actions/workflows, /workflow-runs and /workflow-jobs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dbxwizard.sandbox.actions.workflows.events import Event, dispatch
from dbxwizard.sandbox.actions.workflows.inputs import InputError
from dbxwizard.sandbox.actions.workflows.problems import WorkflowError
from dbxwizard.sandbox.actions.workflows.reading import read_workflow
from dbxwizard.sandbox.github import access, errors
from dbxwizard.sandbox.github.actions import find_workflow
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import git, repository
from dbxwizard.sandbox.github.runs import logs, records
from dbxwizard.sandbox.github.runs.views import shown_job, shown_run
from dbxwizard.sandbox.github.runs.worker import Worker
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_DISPATCH_BODY = {"ref": str, "inputs?": dict, "return_run_details?": bool}
_ALWAYS_DETAILED = "2026-03-10"  # since that version the answer always names the run


class RunRoutes:
    """The routes, with the worker that carries runs out."""

    def __init__(self, service: Service) -> None:
        self.worker = Worker()
        root, read, write = "/repos/{owner}/{repo}/actions", "actions:read", "actions:write"
        route = service.route
        route("POST", root + "/workflows/{workflow}/dispatches", action=write, body=_DISPATCH_BODY)(self._dispatch)
        route("GET", root + "/workflows/{workflow}/runs", action=read)(self._of_workflow)
        route("GET", root + "/runs", action=read)(self._list)
        route("GET", root + "/runs/{run}", action=read)(self._get)
        route("GET", root + "/runs/{run}/jobs", action=read)(self._jobs)
        route("POST", root + "/runs/{run}/cancel", action=write)(self._cancel)
        route("GET", root + "/jobs/{job}", action=read)(self._job)
        route("GET", root + "/jobs/{job}/logs", action=read)(self._logs)

    def _dispatch(self, call: Call) -> Response:
        workflow = find_workflow(call)
        body, objects = git(call)
        event = _event(call, objects, workflow["path"])
        try:
            [run] = records.start(call, body, event, call.principal.login)
        except InputError as error:
            raise errors.unprocessable(str(error)) from error
        is_newer = call.request.headers.get("x-github-api-version") == _ALWAYS_DETAILED
        if not (is_newer or call.body.get("return_run_details")):
            return Response(204)
        shown = shown_run(call, body, run)
        details = {"workflow_run_id": run["id"], "run_url": shown["url"], "html_url": shown["html_url"]}
        return Response(200, details)

    def _settled(self, call: Call, body: Document) -> list[Document]:
        """The runs; one that nobody carries out any more has lost its runner."""
        found = records.all_runs(call.store, body)
        for at, run in enumerate(found):
            if run["status"] == "in_progress" and not self.worker.runs(run["id"]):
                found[at] = records.fail_run(call.store, run, call.now, records.LOST)
        if any(run["status"] == "queued" for run in found):
            self.worker.wake(call.store.path)
        return found

    def _list(self, call: Call) -> Response:
        return self._page(call, "")

    def _of_workflow(self, call: Call) -> Response:
        return self._page(call, find_workflow(call)["path"])

    def _page(self, call: Call, path: str) -> Response:
        body, asked = repository(call), call.query
        found = [
            run
            for run in self._settled(call, body)
            if path in ("", run["path"])
            and asked.get("event", "") in ("", run["event"]["name"])
            and asked.get("status", "") in ("", run["status"], run["conclusion"])
            and asked.get("head_sha", "") in ("", records.head_sha(run))
            and asked.get("actor", "") in ("", run["actor"])
            and asked.get("branch", "") in ("", run["event"]["head"], run["event"]["ref"].partition("refs/heads/")[2])
        ]
        return page(call, [shown_run(call, body, run) for run in found], wrap="workflow_runs")

    def _found(self, call: Call) -> tuple[Document, Document]:
        body = repository(call)
        run = next((run for run in self._settled(call, body) if str(run["id"]) == call.params["run"]), None)
        if run is None:
            raise errors.not_found()
        return body, run

    def _get(self, call: Call) -> Response:
        return Response(200, shown_run(call, *self._found(call)))

    def _jobs(self, call: Call) -> Response:
        body, run = self._found(call)
        jobs = records.jobs_of(call.store, run)
        return page(call, [shown_job(call, body, run, job) for job in jobs], wrap="jobs")

    def _cancel(self, call: Call) -> Response:
        _, run = self._found(call)
        if run["status"] == "completed":
            raise ApiError(409, "Conflict", "Cannot cancel a workflow run that is completed.")
        if not self.worker.cancel(run["id"]):
            records.save_run(call.store, run, call.now, status="completed", conclusion="cancelled")
        return Response(202, {})

    def _found_job(self, call: Call) -> tuple[Document, Document, Document]:
        body = repository(call)
        for run in self._settled(call, body):
            for job in records.jobs_of(call.store, run):
                if str(job["id"]) == call.params["job"]:
                    return body, run, job
        raise errors.not_found()

    def _job(self, call: Call) -> Response:
        return Response(200, shown_job(call, *self._found_job(call)))

    def _logs(self, call: Call) -> Response:
        """The address of the log, which needs no token and is good for a minute; 404 until the job has ended."""
        _, _, job = self._found_job(call)
        if job["status"] != "completed" or job["conclusion"] == "skipped":
            raise errors.not_found()
        return Response(302, None, {"Location": logs.address(call, job["id"])})


def _event(call: Call, objects: GitObjects, path: str) -> Event:
    """The start by hand that a body asks for, of a workflow that the ref has. Raises ApiError."""
    ref = _full_ref(objects, call.body["ref"])
    sha = objects.ref(ref) if ref else None
    if not ref or sha is None:
        raise errors.unprocessable(f"No ref found for: {call.body['ref']}")
    text = records.workflow_files(objects, sha).get(path)
    try:
        triggers = read_workflow(path, text).triggers if text is not None else {}
    except WorkflowError as error:
        raise errors.unprocessable(f"failed to parse workflow: {str(error).splitlines()[0]}") from error
    if "workflow_dispatch" not in triggers:
        raise errors.unprocessable("Workflow does not have 'workflow_dispatch' trigger")
    inputs: dict[str, Any] = call.body.get("inputs") or {}
    return replace(dispatch(path, ref, inputs), sha=sha, repository=access.full_name(repository(call)))


def _full_ref(objects: GitObjects, ref: str) -> str:
    """The branch or tag that is meant; "" where there is none."""
    names = (ref,) if ref.startswith("refs/") else (f"refs/heads/{ref}", f"refs/tags/{ref}")
    return next((name for name in names if objects.ref(name) is not None), "")
