"""The runs and jobs that paths name."""

from __future__ import annotations

from dbxwizard.sandbox.github import errors
from dbxwizard.sandbox.github.repositories import repository
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document


def found_run(call: Call, name: str = "run") -> tuple[Document, Document]:
    """The repository and its run; as one of its attempts shows it where the path names that. ApiError 404."""
    body = repository(call)
    run = records.find_run(call.store, body, call.params[name])
    if run is not None and "attempt" in call.params:
        run = records.find_attempt(call.store, run, call.params["attempt"])
    if run is None:
        raise errors.not_found()
    return body, run


def found_job(call: Call, name: str = "job") -> tuple[Document, Document, Document]:
    """The repository, the job's run as the job's last attempt shows it, and the job. ApiError 404."""
    body = repository(call)
    job = records.find_job(call.store, body, call.params[name])
    if job is None:
        raise errors.not_found()
    return body, records.run_of(call.store, body, job), job
