"""Runs and their jobs as they are kept.

A run is `github.run` under `REPOSITORY/NUMBER`, a job `github.job` under `REPOSITORY/RUN/INDEX`, what a job printed
`_github.log` under `JOB/PART`. States and conclusions: docs.github.com/rest/actions/workflow-runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from dbxwizard.sandbox.actions.workflows.events import Event
from dbxwizard.sandbox.actions.workflows.starting import FOLDER, Assumed, StartedRun, started
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document, Store

_LAST_PART = 999_999
_WAKE = "_github.wake"
LOST = "The self-hosted runner lost communication with the server."


def run_key(run: Document) -> str:
    return f"{run['repository']}/{run['number']:08d}"


def all_runs(store: Store, repository: Document) -> list[Document]:
    """The newest first."""
    return store.all("github.run", f"{repository['id']}/")[::-1]


def head_sha(run: Document) -> str:
    """The commit that a run is about: a pull request's head, not the merge that its jobs check out."""
    pull = run["event"]["payload"].get("pull_request")
    return str(pull["head"]["sha"] if pull else run["sha"])


def find_run(store: Store, repository: Document, run_id: str) -> Document | None:
    return next((run for run in all_runs(store, repository) if str(run["id"]) == run_id), None)


def save_run(store: Store, run: Document, now: float, **changes: Any) -> Document:
    new = {**run, **changes, "updatedAt": now}
    store.put("github.run", run_key(run), new)
    return new


def jobs_of(store: Store, run: Document) -> list[Document]:
    return store.all("github.job", f"{run['repository']}/{run['id']}/")


def save_job(store: Store, job: Document) -> None:
    store.put("github.job", f"{job['repository']}/{job['run']}/{job['index']:04d}", job)


def add_log(store: Store, job_id: int, part: int, text: str) -> None:
    store.put("_github.log", f"{job_id}/{part:06d}", {"text": text})


def log_of(store: Store, job_id: int) -> str:
    return "".join(part["text"] for part in store.all("_github.log", f"{job_id}/"))


def fail_run(store: Store, run: Document, now: float, reason: str) -> Document:
    """Ends a run that nobody carries out any more, with the jobs that had begun."""
    for job in jobs_of(store, run):
        if job["status"] != "completed":
            save_job(store, {**job, "status": "completed", "conclusion": "failure", "completedAt": now})
            add_log(store, job["id"], _LAST_PART, f"##[error]{reason}\n")
    return save_run(store, run, now, status="completed", conclusion="failure", error=reason)


def checks(store: Store, repository: Document, sha: str) -> dict[str, str | None]:
    """How the jobs about a commit ended last, by name; None for one that is under way."""
    runs = [run for run in all_runs(store, repository)[::-1] if head_sha(run) == sha]
    return {job["name"]: job["conclusion"] for run in runs for job in jobs_of(store, run)}


# The files of a commit.


def workflow_files(objects: GitObjects, sha: str) -> dict[str, str]:
    files = objects.files(objects.commit(sha).tree)
    return {
        path: objects.blob(entry.sha).decode("utf-8", "replace")
        for path, entry in files.items()
        if path.startswith(FOLDER)
    }


# What was started.


def event_of(run: Document) -> Event:
    given = {**run["event"], "changed": None if run["event"]["changed"] is None else tuple(run["event"]["changed"])}
    return Event(**given)


def assumed(
    store: Store, repository: Document, run: Mapping[str, Any], results: Mapping[str, str], outputs: Mapping[str, Any]
) -> Assumed:
    """What decides over the jobs of a run, as far as they have ended."""
    found = store.all("github.variable", f"{repository['id']}//")
    variables = {each["name"]: each["value"] for each in found}
    github = {
        "actor": run["actor"],
        "triggering_actor": run["actor"],
        "run_id": str(run["id"]),
        "run_number": str(run["number"]),
        "run_attempt": "1",
        "repository_id": str(repository["id"]),
    }
    return Assumed(results, outputs, variables, github)


def start(context: Context, repository: Document, event: Event, actor: str) -> list[Document]:
    """Makes the runs that an event starts, queued; one that can't start has failed. Raises InputError."""
    files = workflow_files(GitObjects(context.store, repository["id"]), event.sha)
    runs = []
    for found in started(files, event):
        number = len(all_runs(context.store, repository)) + 1
        run_id = int(context.new_id("github.run", f"{repository['id']}/{number}")[:8], 16)
        run = _new_run(context, repository, event, found, number, run_id, actor)
        context.store.put("github.run", run_key(run), run)
        context.store.put(_WAKE, "", {})
        runs.append(run)
    return runs


def take_wake(store: Store) -> bool:
    """Whether runs were queued since this was asked last."""
    return store.delete(_WAKE, "")


def _new_run(
    context: Context, repository: Document, event: Event, found: StartedRun, number: int, run_id: int, actor: str
) -> Document:
    return {
        "id": run_id,
        "repository": repository["id"],
        "fullName": access.full_name(repository),
        "number": number,
        "name": found.name,
        "title": found.title or found.name,
        "path": found.path,
        "event": asdict(event),
        "sha": event.sha,
        "actor": actor,
        "status": "completed" if found.error else "queued",
        "conclusion": "startup_failure" if found.error else None,
        "error": found.error,
        "createdAt": context.now,
        "startedAt": context.now,
        "updatedAt": context.now,
    }
