"""Runs for a person to read, and as the JSON that other programs read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from dbxwizard.clients.run_types import Budget, Run
from dbxwizard.core.errors import OperationError
from dbxwizard.core.events import Event
from dbxwizard.runs.digest import Failure
from dbxwizard.runs.following import (
    ReviewNeeded,
    Snapshot,
    WorkflowJobChanged,
    WorkflowNotSeen,
    WorkflowRunChanged,
    WorkflowStepChanged,
)

_HEADS = ("id", "state", "workflow", "branch", "event", "started", "title")
_SECONDS = {"d": 86400, "h": 3600, "min": 60}


def run_table(runs: Sequence[Run], now: float) -> list[str]:
    rows = [
        (str(run.id), run.state, run.workflow, run.branch, run.event, f"{took(now - run.created_at)} ago", run.title)
        for run in runs
    ]
    if not rows:
        return ["no run fits"]
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (_HEADS, *rows)]


def took(seconds: float) -> str:
    """The two largest units: `2 min 5 s`, `3 d 4 h`."""
    left, parts = int(max(seconds, 0)), []
    for unit, size in _SECONDS.items():
        count, left = divmod(left, size)
        parts += [f"{count} {unit}"] if count else []
    return " ".join([*parts, *([f"{left} s"] if left or not parts else [])][:2])


def described(event: Event) -> str:
    """One line about what happened; "" for what nobody needs to be told."""
    match event:
        case WorkflowRunChanged():
            return f"{event.title}: {_words(event.state)}  {event.url}"
        case WorkflowJobChanged():
            return f"{event.job}: {_words(event.state)}" + (f" ({took(event.seconds)})" if event.has_log else "")
        case WorkflowStepChanged():
            ended = f": {_words(event.state)} ({took(event.seconds)})" if event.state != "in_progress" else " …"
            return f"{event.job}: {event.step}{ended}"
        case ReviewNeeded():
            return f"{event.environment} waits: {_what_for(event)}"
        case WorkflowNotSeen():
            return f"the run can't be seen, again in {event.delay:.1f} s, {event.reason}"
        case _:
            return ""


def _words(state: str) -> str:
    return state.replace("_", " ")


def _what_for(event: ReviewNeeded) -> str:
    if not event.reviewers:
        return f"its timer ends after {event.minutes} min" if event.minutes else "its rules are not met yet"
    if event.may_approve:
        return f"`dbxwizard runs approve {event.run} -e {event.environment}` lets it go on"
    return f"{', '.join(event.reviewers)} may approve it"


def failure_lines(failures: Sequence[Failure]) -> Iterator[str]:
    """The failing steps first, each with its error lines and what to do."""
    for failure in failures:
        yield f"{failure.title}: {_words(failure.job.state)}"
        yield from (f"    {line}" for line in failure.lines)
        if failure.subjects:
            yield f"    the job's subject  {failure.subjects.presented}"
            trusted = failure.subjects.trusted or ("(not known here)",)
            yield from (f"    Azure trusts       {subject}" for subject in trusted)
        yield from (f"  → {line}" for line in failure.advice)


def end_lines(snapshot: Snapshot) -> Iterator[str]:
    run = snapshot.run
    seconds = snapshot.elapsed(run.started_at, run.updated_at if run.ended else 0.0)
    again = f", attempt {run.attempt}" if run.attempt > 1 else ""
    yield f"{run.workflow} #{run.number}{again}, {run.title}: {_words(run.state)} after {took(seconds)}"
    yield f"  {run.html_url}"
    if any(job.failed for job in snapshot.jobs):
        yield f"  its logs: dbxwizard runs logs {run.id} --failed"


def failure_errors(failures: Sequence[Failure]) -> tuple[OperationError, ...]:
    return tuple(_error(failure) for failure in failures)


def _error(failure: Failure) -> OperationError:
    message, code = "; ".join(failure.lines[:3]) or f"ended as {failure.job.state}", "workflow-job-failed"
    if failure.subjects:
        trusted = (
            "trusts none like it" if failure.subjects.is_missing else f"trusts {', '.join(failure.subjects.trusted)}"
        )
        trusted = trusted if failure.subjects.trusted else "trusts another one"
        message = f"the job's subject is {failure.subjects.presented}, but Azure {trusted}"
        code = "subject-mismatch"
    return OperationError(code, message, resource=failure.title, fix=" ".join(failure.advice))


def run_json(run: Run) -> dict[str, Any]:
    return {**asdict(run), "workflow": run.workflow, "state": run.state}


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """A run with its jobs, their steps, and what it waits for."""
    jobs = [{**asdict(job), "state": job.state, "has_log": job.has_log} for job in snapshot.jobs]
    budget = asdict(snapshot.budget) if snapshot.budget else None
    waiting = [asdict(one) for one in snapshot.waiting]
    return {**run_json(snapshot.run), "jobs": jobs, "waiting": waiting, "budget": budget}


def budget_line(budget: Budget) -> str:
    return f"GitHub: {budget.remaining} of {budget.limit} requests are left until {printed_time(budget.resets_at)}"


def printed_time(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
