"""Running again: docs.github.com/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.github.runs.attempt import Attempt, Identity, identity
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document

MOST_ATTEMPTS = 51  # the first and 50 more, same page
_LONGEST = 30 * 86_400.0  # seconds after the first one, same page
Which = Callable[[Document], bool]


def rerun(context: Context, run: Document, files: Mapping[str, str], login: str, which: Which | None = None) -> None:
    """Queues another attempt: of all jobs, or of those that `which` names and all that need them. Raises ApiError."""
    _check(context, run)
    before = records.jobs_of(context.store, run)
    again = None if which is None else _with_dependents(context, run, files, {_of(job) for job in before if which(job)})
    if again == set():
        raise ApiError(403, "Forbidden", "This workflow run cannot be retried")
    records.keep_attempt(context.store, run)
    for job in before:
        if again is not None and _of(job) not in again:
            records.save_job(context.store, {**job, "upTo": run["attempt"] + 1})
    records.save_run(
        context.store,
        run,
        context.now,
        attempt=run["attempt"] + 1,
        triggeringActor=login,
        status="queued",
        conclusion=None,
        cancel="",
        error="",
        startedAt=context.now,
    )


def _check(context: Context, run: Document) -> None:
    """In the words that github.com/cli/cli/issues/9989 and github.com/metabase/metabase/pull/70916 quote."""
    reason = ""
    if run["status"] != "completed":
        reason = "This workflow is already running"
    elif context.now > run["createdAt"] + _LONGEST:
        reason = "Unable to retry this workflow run because it was created over a month ago"
    elif run["conclusion"] == "startup_failure" or run["attempt"] >= MOST_ATTEMPTS:
        reason = "This workflow run cannot be retried"
    if reason:
        raise ApiError(403, "Forbidden", reason)


def _of(job: Document) -> Identity:
    return job["key"], tuple(job["combination"])


def _with_dependents(context: Context, run: Document, files: Mapping[str, str], chosen: set[Identity]) -> set[Identity]:
    """With all that needs one of the chosen, directly or not."""
    jobs = Attempt(context, run, files).plan().jobs
    again = set(chosen)
    while True:
        names = {name for job in jobs if identity(job) in again for name in (job.id, *job.within)}
        more = {identity(job) for job in jobs if names.intersection(job.waits)} | again
        if more == again:
            return again
        again = more
