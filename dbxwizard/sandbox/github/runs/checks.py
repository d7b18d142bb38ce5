"""Checks of a commit: each job is a check run, each run a check suite. docs.github.com/rest/checks, and
docs.github.com/rest/commits/statuses for the combined status, of which there is none without commit statuses.
"""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github import errors, views
from dbxwizard.sandbox.github.objects import utc
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import git
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.github.runs.deployment_views import APP_ID, actions_app
from dbxwizard.sandbox.github.runs.paths import found_job, found_run
from dbxwizard.sandbox.github.runs.views import head_branch, head_commit, pull_requests
from dbxwizard.sandbox.http import Call, Response, Service
from dbxwizard.sandbox.store import Document, Store


def register(service: Service) -> None:
    root, read = "/repos/{owner}/{repo}", "checks:read"
    service.route("GET", root + "/commits/{sha...}/check-runs", action=read)(_runs_of_commit)
    service.route("GET", root + "/commits/{sha...}/check-suites", action=read)(_suites_of_commit)
    service.route("GET", root + "/commits/{sha...}/status", action="statuses:read")(_status)
    service.route("GET", root + "/check-runs/{check}", action=read)(_run)
    service.route("GET", root + "/check-runs/{check}/annotations", action=read)(_annotations)
    service.route("GET", root + "/check-suites/{suite}", action=read)(_suite)
    service.route("GET", root + "/check-suites/{suite}/check-runs", action=read)(_runs_of_suite)


def _suites(store: Store, body: Document, sha: str) -> list[Document]:
    """The runs of a commit, the newest first."""
    return [run for run in records.all_runs(store, body) if run["headSha"] == sha]


def _checks(store: Store, body: Document, sha: str) -> list[tuple[Document, Document]]:
    """The jobs of a commit with their runs, the newest first."""
    return [(run, job) for run in _suites(store, body, sha) for job in reversed(records.all_jobs(store, run))]


def _commit(call: Call) -> tuple[Document, str]:
    """The repository and the commit in the path, which may be named by a branch or a tag."""
    body, objects = git(call)
    sha = objects.resolve(call.params["sha"])
    if sha is None or objects.kind(sha) != "commit":
        raise errors.unprocessable(f"No commit found for SHA: {call.params['sha']}")
    return body, sha


def _runs_of_commit(call: Call) -> Response:
    body, sha = _commit(call)
    return _page_of_runs(call, body, _checks(call.store, body, sha))


def _runs_of_suite(call: Call) -> Response:
    body, run = found_run(call, "suite")
    return _page_of_runs(call, body, [(run, job) for job in reversed(records.all_jobs(call.store, run))])


def _page_of_runs(call: Call, body: Document, checks: list[tuple[Document, Document]]) -> Response:
    """`filter=latest`, the default, leaves out what was run again."""
    asked = call.query
    found = [
        (run, job)
        for run, job in checks
        if asked.get("check_name", job["name"]) == job["name"]
        and asked.get("status", job["status"]) == job["status"]
        and asked.get("app_id", str(APP_ID)) == str(APP_ID)
        and (asked.get("filter") == "all" or job["upTo"] == run["attempt"])
    ]
    return page(call, found, show=lambda check: _shown_run(call, body, *check), wrap="check_runs")


def _shown_run(call: Call, body: Document, run: Document, job: Document) -> dict[str, Any]:
    api, number = views.api(call, body), job["id"]
    html = f"{views.web(call, body)}/actions/runs/{run['id']}/job/{number}"
    return {
        "id": number,
        "node_id": views.node_id("CheckRun", number),
        "name": job["name"],
        "head_sha": run["headSha"],
        "external_id": "",
        "url": f"{api}/check-runs/{number}",
        "html_url": html,
        "details_url": html,
        "status": job["status"],
        "conclusion": job["conclusion"],
        "started_at": utc(job["startedAt"]),
        "completed_at": utc(job["completedAt"]) if job["completedAt"] else None,
        "output": {
            "title": None,
            "summary": None,
            "text": None,
            "annotations_count": len(job["annotations"]),
            "annotations_url": f"{api}/check-runs/{number}/annotations",
        },
        "check_suite": {"id": run["id"]},
        "app": actions_app(call),
        "pull_requests": pull_requests(call, body, run),
    }


def _run(call: Call) -> Response:
    return Response(200, _shown_run(call, *found_job(call, "check")))


def _annotations(call: Call) -> Response:
    body, run, job = found_job(call, "check")
    return page(call, [_shown_annotation(call, body, run, each) for each in job["annotations"]])


def _shown_annotation(call: Call, body: Document, run: Document, found: Document) -> dict[str, Any]:
    """One that names no file belongs to `.github`, as GitHub has it (github.com/cli/cli/pull/3012)."""
    path = found["path"] or ".github"
    line = found["line"] or 1
    return {
        "path": path,
        "start_line": line,
        "end_line": line,
        "start_column": None,
        "end_column": None,
        "annotation_level": found["level"],
        "title": found["title"],
        "message": found["message"],
        "raw_details": "",
        "blob_href": f"{views.web(call, body)}/blob/{run['headSha']}/{path}",
    }


def _suites_of_commit(call: Call) -> Response:
    body, sha = _commit(call)
    asked = call.query.get("app_id", str(APP_ID)) == str(APP_ID)
    found = _suites(call.store, body, sha) if asked else []
    return page(call, found, show=lambda run: _shown_suite(call, body, run), wrap="check_suites")


def _suite(call: Call) -> Response:
    return Response(200, _shown_suite(call, *found_run(call, "suite")))


def _shown_suite(call: Call, body: Document, run: Document) -> dict[str, Any]:
    url = f"{views.api(call, body)}/check-suites/{run['id']}"
    commit = head_commit(call, body, run)
    return {
        "id": run["id"],
        "node_id": views.node_id("CheckSuite", run["id"]),
        "head_branch": head_branch(run),
        "head_sha": run["headSha"],
        "status": run["status"],
        "conclusion": run["conclusion"],
        "url": url,
        "before": None,
        "after": run["headSha"],
        "pull_requests": pull_requests(call, body, run),
        "app": actions_app(call),
        "repository": views.repository(call, body),
        "created_at": utc(run["createdAt"]),
        "updated_at": utc(run["updatedAt"]),
        "head_commit": commit,
        "latest_check_runs_count": len(records.jobs_of(call.store, run)),
        "check_runs_url": f"{url}/check-runs",
    }


def _status(call: Call) -> Response:
    body, sha = _commit(call)
    url = f"{views.api(call, body)}/commits/{sha}"
    return Response(
        200,
        {
            "state": "pending",
            "statuses": [],
            "sha": sha,
            "total_count": 0,
            "repository": views.repository(call, body),
            "commit_url": url,
            "url": f"{url}/status",
        },
    )
