"""The end of a job, and what its deployment is said to be meanwhile."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github.runs import concurrency, deployments, records
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document

# What a deployment becomes with its job; one that never began is gone for good all the same.
_STATES = {"success": "success", "failure": "failure", "cancelled": "error", "skipped": "error"}


def end_job(
    context: Context,
    run: Document,
    job: Document,
    conclusion: str,
    *,
    result: str = "",
    reason: str = "",
    url: str = "",
    **changes: Any,
) -> Document:
    """Writes down that a job has ended, and makes room for the next one of its group.

    `result` is what other jobs see, where it is not the `conclusion`; `reason` becomes an annotation; `url` is the
    environment's.
    """
    annotations = [*job["annotations"], *([records.annotation(reason)] if reason else [])]
    ended = {
        **job,
        "annotations": annotations,
        **changes,
        "status": "completed",
        "conclusion": conclusion,
        "result": result or conclusion,
        "completedAt": context.now,
    }
    ended["steps"] = [step for step in ended["steps"] if step["status"] != "queued"]  # never begun
    records.save_job(context.store, ended)
    concurrency.leave(context.store, job["repository"], job["group"], f"job/{records.job_key(job)}")
    if job["deployment"] is not None:
        deployed(context, run, ended, _STATES[conclusion], url=url)
    return ended


def deployed(context: Context, run: Document, job: Document, state: str, *, url: str = "") -> int:
    """Says how it stands with the deployment of a job, which is made where there is none; its id."""
    found = None
    if job["deployment"] is not None:
        found = deployments.find_deployment(context.store, job["repository"], str(job["deployment"]))
    if found is None:
        found = deployments.add_deployment(context, job["repository"], _new(run, job))
    server = context.url("github")
    log = f"{server}/{run['fullName']}/actions/runs/{run['id']}/job/{job['id']}"
    fields = {"state": state, "creator": run["actor"], "logUrl": log, "environmentUrl": url}
    deployments.add_status(context, found, fields)
    number: int = found["id"]
    return number


def _new(run: Document, job: Document) -> Document:
    event = run["event"]
    ref = event["head"] if event["name"].startswith("pull_request") and event["head"] else event["ref"]
    return {
        "run": run["id"],
        "job": job["id"],
        "sha": run["headSha"],
        "ref": ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
        "task": "deploy",
        "payload": {},
        "environment": job["environment"],
        "description": None,
        "creator": run["actor"],
        "transient": False,
        "production": False,
    }
