"""Runs, their attempts and their jobs as they are kept.

A run is `github.run` under `REPOSITORY/INDEX`, an attempt that has been followed by another `github.attempt` under
`REPOSITORY/RUN/NUMBER`, a job `github.job` under `REPOSITORY/RUN/INDEX`, what a job printed `_github.log` under
`JOB/PART`. States and conclusions: docs.github.com/rest/actions/workflow-runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from dbxwizard.sandbox.actions.expressions.values import Value
from dbxwizard.sandbox.actions.workflows.events import Event
from dbxwizard.sandbox.actions.workflows.model import Concurrency
from dbxwizard.sandbox.actions.workflows.started_runs import Assumed, StartedRun
from dbxwizard.sandbox.actions.workflows.starting import FOLDER, started
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document, Store

LOST = "The self-hosted runner lost communication with the server."
_LAST_PART = 999_999


def next_number(store: Store, series: str) -> int:
    """1, 2, 3 … of a series; a number that was given is never given again."""
    number: int = (store.get("_github.count", series) or {"last": 0})["last"] + 1
    store.put("_github.count", series, {"last": number})
    return number


# Runs.


def run_key(run: Document) -> str:
    return f"{run['repository']}/{run['index']:08d}"


def all_runs(store: Store, repository: Document) -> list[Document]:
    """The newest first."""
    return store.all("github.run", f"{repository['id']}/")[::-1]


def active_runs(store: Store) -> list[Document]:
    """Those of all repositories that have not ended, the oldest first."""
    found = (store.get("github.run", key) for key, _ in store.find("_github.active"))
    return sorted((run for run in found if run), key=lambda run: (run["createdAt"], run["index"]))


def find_run(store: Store, repository: Document, run_id: str) -> Document | None:
    found = store.get("_github.at", f"run/{repository['id']}/{run_id}")
    return store.get("github.run", found["key"]) if found else None


def save_run(store: Store, run: Document, now: float, **changes: Any) -> Document:
    """Nothing is written where nothing changes."""
    new, key = {**run, **changes}, run_key(run)
    if new == store.get("github.run", key):
        return new
    new["updatedAt"] = now
    store.put("github.run", key, new)
    if new["status"] == "completed":
        store.delete("_github.active", key)
    else:
        store.put("_github.active", key, {})
    return new


def delete_run(store: Store, run: Document) -> None:
    """With all that hangs on it."""
    below = f"{run['repository']}/{run['id']}/"
    for job in store.all("github.job", below):
        store.delete("_github.at", f"job/{run['repository']}/{job['id']}")
        for key, _ in store.walk("_github.log", f"{job['id']}/"):
            store.delete("_github.log", key)
    for kind in ("github.job", "github.attempt", "github.review"):
        for key, _ in store.find(kind, below):
            store.delete(kind, key)
    store.delete("github.run", run_key(run))
    store.delete("_github.at", f"run/{run['repository']}/{run['id']}")


def keep_attempt(store: Store, run: Document) -> None:
    """Keeps the attempt that the run shows now: another follows."""
    store.put("github.attempt", f"{run['repository']}/{run['id']}/{run['attempt']:04d}", run)


def find_attempt(store: Store, run: Document, number: str) -> Document | None:
    if number == str(run["attempt"]):
        return run
    return store.get("github.attempt", f"{run['repository']}/{run['id']}/{number:0>4}")


# Jobs.


def all_jobs(store: Store, run: Document) -> list[Document]:
    """Those of all attempts, in their order."""
    return store.all("github.job", f"{run['repository']}/{run['id']}/")


def jobs_of(store: Store, run: Document) -> list[Document]:
    """Those of the attempt that `run` shows; what was not run again is of an earlier one as well."""
    return [job for job in all_jobs(store, run) if job["attempt"] <= run["attempt"] <= job["upTo"]]


def job_key(job: Document) -> str:
    return f"{job['repository']}/{job['run']}/{job['index']:04d}"


def save_job(store: Store, job: Document) -> None:
    store.put("github.job", job_key(job), job)


def add_job(store: Store, job: Document) -> None:
    save_job(store, job)
    store.put("_github.at", f"job/{job['repository']}/{job['id']}", {"key": job_key(job)})


def find_job(store: Store, repository: Document, job_id: str) -> Document | None:
    found = store.get("_github.at", f"job/{repository['id']}/{job_id}")
    return store.get("github.job", found["key"]) if found else None


def run_of(store: Store, repository: Document, job: Document) -> Document:
    """The run of a job, as the job's last attempt shows it."""
    run = find_run(store, repository, str(job["run"]))
    assert run is not None  # noqa: S101 - jobs go with their run
    return find_attempt(store, run, str(min(job["upTo"], run["attempt"]))) or run


def annotation(message: str, *, level: str = "failure", step: int = 0) -> Document:
    return {"step": step, "level": level, "message": message, "title": "", "path": "", "line": 0}


def checks(store: Store, repository: Document, sha: str) -> dict[str, str | None]:
    """How the jobs about a commit ended last, by name; None for one that is under way."""
    runs = [run for run in all_runs(store, repository)[::-1] if run["headSha"] == sha]
    return {job["name"]: job["conclusion"] for run in runs for job in jobs_of(store, run)}


# What a job printed, in parts.


def add_log(store: Store, job_id: int, part: int, step: int, text: str) -> None:
    """`step`: the number of the step that printed it, 0 for the job itself."""
    store.put("_github.log", f"{job_id}/{part:06d}", {"step": step, "text": text})


def end_log(store: Store, job: Document, text: str) -> None:
    """A last line, of a job that nobody carries out any more."""
    add_log(store, job["id"], _LAST_PART, 0, text)


def log_parts(store: Store, job_id: int) -> Iterator[Document]:
    """One after the other: a log may be larger than what should be in memory."""
    for _, part in store.walk("_github.log", f"{job_id}/"):
        yield part


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


def start(context: Context, repository: Document, event: Event, actor: str) -> list[Document]:
    """Makes the runs that an event starts, queued; one that can't start has failed. Raises InputError.

    Workflows that somebody has disabled start nothing.
    """
    files = workflow_files(GitObjects(context.store, repository["id"]), event.sha)
    return [
        _begin(context, _new_run(context, repository, event, found, actor), files)
        for found in started(files, event)
        if not is_disabled(context.store, repository, found.path)
    ]


def _begin(context: Context, run: Document, files: Mapping[str, str]) -> Document:
    """Its title, its group and whether it can start: what the run itself is counts there too."""
    assumed = Assumed(variables=variables_of(context.store, run["repository"]), github=about(run))
    [found] = started(files, replace(event_of(run), workflow=run["path"]), assumed)
    title = found.title.strip() or _title_of(run["event"]["payload"]) or found.name
    run |= {"title": title, "group": group_of(found.concurrency), "error": found.error}
    ended = {"status": "completed", "conclusion": "startup_failure"} if found.error else {}
    return save_run(context.store, run, context.now, **ended)


def _title_of(payload: Mapping[str, Any]) -> str:
    """What a run is called whose workflow does not say it: a pull request's title, a commit's message
    (docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#run-name); "" for other events."""
    asked = payload.get("pull_request") or payload.get("issue") or {}
    message = (payload.get("head_commit") or {}).get("message", "")
    return str(asked.get("title") or message.partition("\n")[0])


def variables_of(store: Store, repository_id: int) -> dict[str, str]:
    """Those of the repository itself."""
    return {each["name"]: each["value"] for each in store.all("github.variable", f"{repository_id}//")}


def about(run: Document) -> dict[str, Value]:
    """What the `github` context says of a run beyond its event."""
    return {
        "actor": run["actor"],
        "triggering_actor": run["triggeringActor"],
        "run_id": str(run["id"]),
        "run_number": str(run["number"]),
        "run_attempt": str(run["attempt"]),
        "repository_id": str(run["repository"]),
    }


def is_disabled(store: Store, body: Document, path: str) -> bool:
    """Whether somebody has disabled the workflow: it starts nothing then."""
    return store.get("github.disabled", f"{body['id']}/{path}") is not None


def ask_wake(store: Store) -> None:
    """Says that there is something to do for the worker once this transaction has ended."""
    store.put("_github.wake", "", {})


def take_wake(store: Store) -> bool:
    """Whether that was said since this was asked last."""
    return store.delete("_github.wake", "")


def _new_run(context: Context, repository: Document, event: Event, found: StartedRun, actor: str) -> Document:
    index = next_number(context.store, f"run/{repository['id']}")
    run: Document = {
        "id": int(context.new_id("github.run", f"{repository['id']}/{index}")[:8], 16),
        "repository": repository["id"],
        "fullName": access.full_name(repository),
        "index": index,
        "number": next_number(context.store, f"run/{repository['id']}/{found.path}"),
        "attempt": 1,
        "name": found.name,
        "title": "",
        "path": found.path,
        "event": asdict(event),
        "sha": event.sha,
        "headSha": _head_sha(event),
        "group": None,
        "actor": actor,
        "triggeringActor": actor,
        "cancel": "",
        "status": "queued",
        "conclusion": None,
        "error": "",
        "createdAt": context.now,
        "startedAt": context.now,
        "updatedAt": context.now,
    }
    context.store.put("_github.at", f"run/{repository['id']}/{run['id']}", {"key": run_key(run)})
    ask_wake(context.store)
    return run


def group_of(concurrency: Concurrency | None) -> Document | None:
    """A concurrency group as runs and jobs keep it."""
    if concurrency is None:
        return None
    return {
        "name": concurrency.group,
        "cancels": concurrency.cancel_in_progress is True,
        "queue": concurrency.queue,
    }


def _head_sha(event: Event) -> str:
    """The commit that checks belong to: of a pull request the last one of its branch."""
    pull: Any = event.payload.get("pull_request") or {}
    return str((pull.get("head") or {}).get("sha") or event.sha)
