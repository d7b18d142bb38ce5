"""`dbxwizard runs`: the runs of the workflows on GitHub."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from dbxwizard.cli import files
from dbxwizard.cli.checks import WORKFLOW_FILE
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.run_logs import print_logs
from dbxwizard.cli.run_text import budget_line, run_json, run_table
from dbxwizard.cli.run_watch import report_of, watch
from dbxwizard.cli.world import github_opened
from dbxwizard.clients.github import GitHubClient
from dbxwizard.clients.run_types import Run, RunJob, WaitingEnvironment
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import Forbidden, OperationError, UsageError
from dbxwizard.core.result import Status
from dbxwizard.runs.deployed import last_deployed, runs_that_deploy
from dbxwizard.runs.launching import launch, rerun

_RUN = re.compile(r"(?:\S*/actions/runs/)?([0-9]{1,18})(?:/\S*)?")
Action = Callable[[Invocation, GitHubClient], Awaitable[Report]]


def run(invocation: Invocation) -> Report:
    action = invocation.words[0] if invocation.words else ""
    if action not in _ACTIONS:
        raise UsageError(
            "usage",
            f"an action is needed: {', '.join(_ACTIONS)}",
            resource="dbxwizard runs",
            fix="See `dbxwizard runs --help`.",
        )
    _check_words(invocation)
    repository = files.repository(invocation)
    return asyncio.run(_run(invocation, _ACTIONS[action], repository))


def _check_words(invocation: Invocation) -> None:
    """Raises UsageError for a run or a workflow that can't be one, or that is missing, before anything is sent."""
    action, *which = invocation.words
    if action == "launch":
        if not which or not WORKFLOW_FILE.fullmatch(which[0]):
            given = f"{which[0]!r} is none: " if which else ""
            problem = f"{given}a workflow is needed, by the name of its file"
            raise UsageError("usage", problem, resource="dbxwizard runs launch", fix="For example deploy.yml.")
    elif which and action in ("list", "last"):
        raise UsageError("usage", f"unrecognized arguments: {which[0]}", resource=f"dbxwizard runs {action}")
    elif which:
        _run_id(which[0])


async def _run(invocation: Invocation, action: Action, repository: str) -> Report:
    async with github_opened(invocation, repository) as client:
        report = await action(invocation, client)
        if invocation.flag("verbose") and client.runs.budget:
            print(budget_line(client.runs.budget), file=sys.stderr)
        return report


# Looking.


async def _list(invocation: Invocation, client: GitHubClient) -> Report:
    found = await _fitting(invocation, client, int(invocation.text("limit")))
    return Report(
        "runs",
        invocation.run_id,
        Status.UNCHANGED,
        text=tuple(run_table(found, time.time())),
        extra={"runs": [run_json(one) for one in found]},
    )


async def _fitting(invocation: Invocation, client: GitHubClient, limit: int) -> list[Run]:
    """The runs that the filters leave, the newest first."""
    workflow, branch, state = (invocation.text(name) for name in ("workflow", "branch", "state"))
    names = invocation.many("environment")
    if not names:
        return await client.runs.runs(workflow, {"branch": branch, "status": state}, limit=limit)
    return [
        run
        for run in await runs_that_deploy(client.runs, names, limit)
        if workflow in ("", run.workflow) and branch in ("", run.branch) and state in ("", run.status, run.conclusion)
    ]


async def _chosen(invocation: Invocation, client: GitHubClient) -> Run:
    """The run that is named, else the newest that fits. Raises OperationError where there is none."""
    if len(invocation.words) > 1:
        return await client.runs.run(_run_id(invocation.words[1]))
    found = await _fitting(invocation, client, 1)
    if not found:
        raise OperationError("run-not-found", "no run fits", resource=f"GitHub repository {client.name}")
    return found[0]


def _run_id(text: str) -> int:
    found = _RUN.fullmatch(text)
    if not found:
        raise UsageError(
            "run-invalid",
            f"{text!r} is neither the id nor the address of a run",
            resource="dbxwizard runs",
            fix="`dbxwizard runs list` shows the ids.",
        )
    return int(found[1])


async def _watch(invocation: Invocation, client: GitHubClient) -> Report:
    return report_of(invocation, await watch(invocation, client, [await _chosen(invocation, client)]))


async def _logs(invocation: Invocation, client: GitHubClient) -> Report:
    found = await _chosen(invocation, client)
    jobs = await client.runs.jobs(found.id, int(invocation.text("attempt") or 0))
    if invocation.text("job"):
        jobs = [_job(jobs, invocation.text("job"))]
    elif invocation.flag("failed"):
        jobs = [job for job in jobs if job.failed]
    await print_logs(invocation, client, found, jobs)
    return Report("runs", invocation.run_id, Status.UNCHANGED, printed=True)


def _job(jobs: list[RunJob], named: str) -> RunJob:
    """By its id or its name, case aside. Raises UsageError."""
    found = [job for job in jobs if named == str(job.id) or named.lower() == job.name.lower()]
    if len(found) != 1:
        raise UsageError(
            "job-not-found" if not found else "job-ambiguous",
            f"the run has {len(found) or 'no'} jobs {named!r}",
            resource="--job",
            fix=f"It has: {', '.join(f'{job.name} ({job.id})' for job in jobs) or 'none yet'}.",
        )
    return found[0]


async def _last(invocation: Invocation, client: GitHubClient) -> Report:
    names = invocation.many("environment")
    if len(names) != 1:
        raise UsageError("usage", "one environment is needed", resource="dbxwizard runs last", fix="-e NAME")
    found = await last_deployed(client.runs, names[0])
    outputs = {"ref": found.ref, "commit": found.commit} if found else {"ref": "", "commit": ""}
    text = found.ref if found else f"nothing was deployed to {names[0]} yet"
    report = Report("runs", invocation.run_id, Status.UNCHANGED, text=(text,), outputs=outputs)
    return replace(report, extra={"deployed": outputs if found else None})


# Acting.


async def _launch(invocation: Invocation, client: GitHubClient) -> Report:
    ref = invocation.text("ref") or (await client.repository()).default_branch
    started = await launch(client, invocation.words[1], ref, inputs(invocation), SystemClock())
    return await done(invocation, client, started, f"started {started.title}")


def inputs(invocation: Invocation) -> Mapping[str, str]:
    """What --input gives, each of the form NAME=VALUE."""
    return {name: value for name, _, value in (text.partition("=") for text in invocation.many("input"))}


async def done(invocation: Invocation, client: GitHubClient, started: Run, text: str) -> Report:
    """What an action came to; with --follow how the run ends."""
    if invocation.flag("follow"):
        return report_of(invocation, await watch(invocation, client, [started]))
    lines = (f"{text}: {started.html_url}", f"  follow it: dbxwizard runs watch {started.id}")
    return Report(invocation.command, invocation.run_id, Status.SUCCESS, text=lines, extra={"run": run_json(started)})


async def _rerun(invocation: Invocation, client: GitHubClient) -> Report:
    found, named = await _chosen(invocation, client), invocation.text("job")
    if not found.ended:
        raise OperationError(
            "run-not-ended",
            f"the run is still {found.state}",
            resource=found.html_url,
            fix=f"Wait for it (`dbxwizard runs watch {found.id}`), or cancel it.",
        )
    job_id = _job(await client.runs.jobs(found.id), named).id if named else 0
    again = await rerun(client, found, SystemClock(), failed=invocation.flag("failed"), job_id=job_id)
    return await done(invocation, client, again, f"attempt {again.attempt} of {again.title}")


async def _cancel(invocation: Invocation, client: GitHubClient) -> Report:
    found = await _chosen(invocation, client)
    await client.runs.cancel(found.id)
    return await done(invocation, client, found, f"asked to cancel {found.title}")


async def _approve(invocation: Invocation, client: GitHubClient) -> Report:
    return await _review(invocation, client, approve=True)


async def _reject(invocation: Invocation, client: GitHubClient) -> Report:
    return await _review(invocation, client, approve=False)


async def _review(invocation: Invocation, client: GitHubClient, *, approve: bool) -> Report:
    found = await _waiting_run(invocation, client)
    environments = _reviewed(invocation, found, await client.runs.waiting(found.id))
    word = "approved" if approve else "rejected"
    comment = invocation.text("comment") or f"{word.capitalize()} with dbxwizard."
    await client.runs.review(found.id, [one.id for one in environments], approve=approve, comment=comment)
    return await done(invocation, client, found, f"{word} {', '.join(one.name for one in environments)}")


async def _waiting_run(invocation: Invocation, client: GitHubClient) -> Run:
    """The run that is named, else the newest that waits; -e says which environment is meant, not which run."""
    if len(invocation.words) > 1:
        return await client.runs.run(_run_id(invocation.words[1]))
    filters = {"branch": invocation.text("branch"), "status": "waiting"}
    found = await client.runs.runs(invocation.text("workflow"), filters, limit=1)
    if not found:
        raise OperationError(
            "nothing-waits", "no run waits for an approval", resource=f"GitHub repository {client.name}"
        )
    return found[0]


def _reviewed(invocation: Invocation, run: Run, waiting: list[WaitingEnvironment]) -> list[WaitingEnvironment]:
    """The environments that are meant. Raises OperationError for one that does not wait or is another's."""
    asked = {name.lower() for name in invocation.many("environment")}
    found = [one for one in waiting if not asked or one.name.lower() in asked]
    names = ", ".join(one.name for one in waiting) or "nothing"
    if len(found) != (len(asked) or 1):
        problem = "which environment?" if not asked and waiting else "it does not wait for that"
        raise OperationError(
            "nothing-waits", problem, resource=run.html_url, fix=f"The run waits for: {names}. Say it with -e."
        )
    for one in found:
        if not one.may_approve:
            raise Forbidden(
                "review-not-yours",
                f"{one.name} is not yours to review",
                resource=run.html_url,
                fix=f"Ask one of: {', '.join(one.reviewers) or 'its reviewers'}.",
            )
    return found


_ACTIONS: Mapping[str, Action] = {
    "list": _list,
    "watch": _watch,
    "launch": _launch,
    "approve": _approve,
    "reject": _reject,
    "rerun": _rerun,
    "cancel": _cancel,
    "logs": _logs,
    "last": _last,
}
