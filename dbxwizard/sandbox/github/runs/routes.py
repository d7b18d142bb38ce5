"""Runs through the API: started by hand, shown, cancelled, run again, reviewed; logs of jobs that have ended.

docs.github.com/rest/actions/workflows, /workflow-runs and /workflow-jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dbxwizard.sandbox.actions.workflows.events import Event, dispatch
from dbxwizard.sandbox.actions.workflows.inputs import InputError
from dbxwizard.sandbox.actions.workflows.problems import WorkflowError
from dbxwizard.sandbox.actions.workflows.reading import read_workflow
from dbxwizard.sandbox.github import access, errors
from dbxwizard.sandbox.github.actions import find_workflow
from dbxwizard.sandbox.github.objects import GitObjects, utc
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import git, repository
from dbxwizard.sandbox.github.runs import logs, records, reruns, reviews
from dbxwizard.sandbox.github.runs.paths import found_job, found_run
from dbxwizard.sandbox.github.runs.views import head_branch, shown_job, shown_run
from dbxwizard.sandbox.github.runs.worker import Worker
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_DISPATCH_BODY = {"ref": str, "inputs?": dict, "return_run_details?": bool}
_RERUN_BODY = {"enable_debug_logging?": bool}
_ALWAYS_DETAILED = "2026-03-10"  # since that version the answer always names the run


class RunRoutes:
    """The routes, with the worker that carries runs out."""

    def __init__(self, service: Service) -> None:
        self.worker = Worker()
        root, read, write = "/repos/{owner}/{repo}/actions", "actions:read", "actions:write"
        run, attempt = root + "/runs/{run}", root + "/runs/{run}/attempts/{attempt}"
        route = service.route
        route("POST", root + "/workflows/{workflow}/dispatches", action=write, body=_DISPATCH_BODY)(self._dispatch)
        route("GET", root + "/workflows/{workflow}/runs", action=read)(_list_of_workflow)
        route("GET", root + "/runs", action=read)(_list)
        route("GET", run, action=read)(_get)
        route("DELETE", run, action=write)(_delete)
        route("GET", run + "/jobs", action=read)(_jobs)
        route("GET", run + "/logs", action=read)(_archive)
        route("GET", run + "/artifacts", action=read)(_artifacts)
        route("GET", attempt, action=read)(_get)
        route("GET", attempt + "/jobs", action=read)(_jobs)
        route("GET", attempt + "/logs", action=read)(_archive)
        route("POST", run + "/cancel", action=write)(self._cancel)
        route("POST", run + "/force-cancel", action=write)(self._force_cancel)
        route("POST", run + "/rerun", action=write, body=_RERUN_BODY)(self._rerun)
        route("POST", run + "/rerun-failed-jobs", action=write, body=_RERUN_BODY)(self._rerun_failed)
        route("GET", run + "/pending_deployments", action=read)(_pending)
        # Who only reads may be a reviewer; what the token may do the handler looks at.
        pending, action = run + "/pending_deployments", "deployments:read"
        route("POST", pending, action=action, body=reviews.REVIEW_BODY)(self._review)
        route("GET", run + "/approvals", action=read)(_approvals)
        job, again = root + "/jobs/{job}", {**_RERUN_BODY, "enable_debugger?": bool}
        route("GET", job, action=read)(_job)
        route("GET", job + "/logs", action=read)(_log)
        route("POST", job + "/rerun", action=write, body=again)(self._rerun_job)
        service.task("github.run.look")(lambda context, _: self.worker.wake(context.store.path))

    def _dispatch(self, call: Call) -> Response:
        workflow = find_workflow(call)
        body, objects = git(call)
        event = _event(call, objects, workflow["path"])
        if workflow["state"] != "active":
            raise errors.unprocessable("Cannot trigger a 'workflow_dispatch' on a disabled workflow")
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

    def _cancel(self, call: Call) -> Response:
        return self._end(call, "asked")

    def _force_cancel(self, call: Call) -> Response:
        return self._end(call, "forced")

    def _end(self, call: Call, how: str) -> Response:
        _, run = found_run(call)
        if run["status"] == "completed":
            raise ApiError(409, "Conflict", "Cannot cancel a workflow run that is completed.")
        reason = f"The run was canceled by @{call.principal.login}."
        records.save_run(call.store, run, call.now, cancel=how, error=reason)
        records.ask_wake(call.store)
        return Response(202, {})

    def _rerun(self, call: Call) -> Response:
        return self._again(call, *found_run(call), None)

    def _rerun_failed(self, call: Call) -> Response:
        return self._again(call, *found_run(call), lambda job: job["conclusion"] in ("failure", "cancelled"))

    def _rerun_job(self, call: Call) -> Response:
        body, _, asked = found_job(call)
        run = records.find_run(call.store, body, str(asked["run"]))
        assert run is not None  # noqa: S101 - jobs go with their run
        return self._again(call, body, run, lambda job: job["id"] == asked["id"])

    def _again(self, call: Call, body: Document, run: Document, which: Callable[[Document], bool] | None) -> Response:
        files = records.workflow_files(GitObjects(call.store, body["id"]), run["sha"])
        reruns.rerun(call, run, files, call.principal.login, which)
        records.ask_wake(call.store)
        return Response(201, {})

    def _review(self, call: Call) -> Response:
        body, run = found_run(call)
        access.require_token(call, body, "deployments", "write")
        answer = reviews.review(call, body, run)
        records.ask_wake(call.store)
        return answer


def _list(call: Call) -> Response:
    return _page(call, "")


def _list_of_workflow(call: Call) -> Response:
    return _page(call, find_workflow(call)["path"])


def _page(call: Call, path: str) -> Response:
    body, asked = repository(call), call.query
    found = [
        run
        for run in records.all_runs(call.store, body)
        if path in ("", run["path"])
        and asked.get("event", "") in ("", run["event"]["name"])
        and asked.get("status", "") in ("", run["status"], run["conclusion"])
        and asked.get("head_sha", "") in ("", run["headSha"])
        and asked.get("actor", "").lower() in ("", run["actor"])
        and asked.get("branch", "") in ("", head_branch(run))
        and asked.get("check_suite_id", "") in ("", str(run["id"]))
        and _lies_in(utc(run["createdAt"]), asked.get("created", ""))
    ]
    return page(call, found, show=lambda run: shown_run(call, body, run), wrap="workflow_runs")


def _lies_in(moment: str, dates: str) -> bool:
    """Whether a moment lies in a range of dates as searches have them.

    docs.github.com/search-github/getting-started-with-searching-on-github/understanding-the-search-syntax:
    `>=2026-01-01`, `<…`, `2026-01-01..2026-01-31`, `2026-01-01..*`, or one date, which is the whole of its day.
    """
    first, dots, last = dates.partition("..")
    if dots:
        return (first == "*" or moment >= first) and (last == "*" or moment[: len(last)] <= last)
    for sign in (">=", "<=", ">", "<"):
        if dates.startswith(sign):
            date = dates.removeprefix(sign)
            part = moment[: len(date)]
            return {">=": part >= date, "<=": part <= date, ">": part > date, "<": part < date}[sign]
    return moment.startswith(dates)


def _get(call: Call) -> Response:
    return Response(200, shown_run(call, *found_run(call)))


def _delete(call: Call) -> Response:
    """Only one that has ended (github.com/cli/cli/issues/6460)."""
    _, run = found_run(call)
    if run["status"] != "completed":
        raise ApiError(403, "Forbidden", "Could not delete the workflow run")
    records.delete_run(call.store, run)
    return Response(204)


def _jobs(call: Call) -> Response:
    """`filter=all`: of all attempts, else of the latest; of the attempt that the path names, of that one."""
    body, run = found_run(call)
    is_all = call.query.get("filter") == "all" and "attempt" not in call.params
    jobs = records.all_jobs(call.store, run) if is_all else records.jobs_of(call.store, run)
    return page(call, jobs, show=lambda job: shown_job(call, body, run, job), wrap="jobs")


def _archive(call: Call) -> Response:
    """The address of an archive with the logs of all jobs; 404 until the run has ended."""
    _, run = found_run(call)
    jobs = [job for job in records.jobs_of(call.store, run) if logs.has_log(call.store, job)]
    if run["status"] != "completed" or not jobs:
        raise errors.not_found()
    return Response(302, None, {"Location": logs.address(call, jobs, as_archive=True)})


def _artifacts(call: Call) -> Response:
    """None: the sandbox plays no action that makes one."""
    found_run(call)
    return page(call, [], wrap="artifacts")


def _pending(call: Call) -> Response:
    return reviews.pending(call, *found_run(call))


def _approvals(call: Call) -> Response:
    return reviews.approvals(call, *found_run(call))


def _job(call: Call) -> Response:
    return Response(200, shown_job(call, *found_job(call)))


def _log(call: Call) -> Response:
    """The address of the log, which needs no token and is good for a minute; 404 until the job has ended."""
    _, _, job = found_job(call)
    if not logs.has_log(call.store, job):
        raise errors.not_found()
    return Response(302, None, {"Location": logs.address(call, [job], as_archive=False)})


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
