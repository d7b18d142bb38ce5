"""Workflows on a schedule: due by the sandbox's clock, from the files of the default branch alone.

docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule. What was missed while
nothing ran is made up for once, not once for each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from dbxwizard.sandbox.actions.workflows.cron import parse_cron
from dbxwizard.sandbox.actions.workflows.events import schedule
from dbxwizard.sandbox.actions.workflows.model import Schedule
from dbxwizard.sandbox.actions.workflows.problems import WorkflowError
from dbxwizard.sandbox.actions.workflows.reading import read_workflow
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.http import Context, TaskContext
from dbxwizard.sandbox.store import Document

TASK = "github.schedule"
_KIND = "_github.schedule"


def plan(context: Context, body: Document, objects: GitObjects, actor: str) -> None:
    """Looks up when the default branch's workflows are due next. `actor`: who changed that branch."""
    key = str(body["id"])
    moments = {} if body.get("parent") else _next(objects, body, context.clock.now())
    if not moments:
        context.store.delete(_KIND, key)
        return
    at = min(moments.values())
    due = sorted(f"{path} {cron}" for (path, cron), moment in moments.items() if moment == at)
    planned = {"at": at, "due": due, "actor": actor}
    if context.store.get(_KIND, key) != planned:
        context.store.put(_KIND, key, planned)
        context.store.schedule(at, TASK, {"repository": body["id"], "at": at})


def _next(objects: GitObjects, body: Document, now: float) -> dict[tuple[str, str], float]:
    """When each expression of each workflow comes next, in epoch seconds."""
    moment = datetime.fromtimestamp(now, UTC)
    found: dict[tuple[str, str], float] = {}
    for path, one in _schedules(objects, body):
        cron = parse_cron(one.cron)
        at = cron.next_after(moment, one.timezone) if cron else None
        if at is not None:
            found[path, one.cron] = at.timestamp()
    return found


def _schedules(objects: GitObjects, body: Document) -> Iterator[tuple[str, Schedule]]:
    head = objects.ref(f"refs/heads/{body['defaultBranch']}")
    for path, text in records.workflow_files(objects, head).items() if head else ():
        try:
            trigger = read_workflow(path, text).triggers.get("schedule")
        except WorkflowError:
            continue
        for one in trigger.schedules if trigger else ():
            yield path, one


def fire(context: TaskContext, task: Document) -> None:
    """The moment has come; one that a later push has replaced does nothing."""
    body = access.repository_by_id(context.store, task["repository"])
    planned = context.store.get(_KIND, str(task["repository"]))
    if body is None or planned is None or planned["at"] != task["at"]:
        return
    objects = GitObjects(context.store, body["id"])
    head = objects.ref(f"refs/heads/{body['defaultBranch']}")
    for due in planned["due"]:
        path, _, cron = due.partition(" ")
        event = replace(
            schedule(cron, body["defaultBranch"]), workflow=path, sha=head or "", repository=access.full_name(body)
        )
        records.start(context, body, event, planned["actor"])
    plan(context, body, objects, planned["actor"])
