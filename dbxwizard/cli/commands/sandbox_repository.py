"""`dbxwizard sandbox push|pr|tag`: what a developer does to the sandbox's repository, and what it starts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from dbxwizard.cli.developer import Developer, Proposal, developer
from dbxwizard.cli.invocation import Invocation, state_folder
from dbxwizard.cli.report import Report
from dbxwizard.cli.run_text import run_json
from dbxwizard.cli.world import attached, cloud_at
from dbxwizard.clients.run_types import Run
from dbxwizard.core.errors import UsageError
from dbxwizard.core.result import Status
from dbxwizard.steps.github.publish_files import LocalFile, collect

# What was done, in words and as data; no words where there was nothing to do.
Done = tuple[str, dict[str, object]]
Action = Callable[[Invocation, Developer], Awaitable[Done]]


def run(invocation: Invocation) -> Report:
    return asyncio.run(_run(invocation, _action(invocation)))


def _action(invocation: Invocation) -> Action:
    what, *words = invocation.words
    if what == "pr" and words and words[0] in _PULL_REQUESTS:
        return _PULL_REQUESTS[words[0]]
    if what == "pr":
        raise _missing(f"what to do is needed: {', '.join(_PULL_REQUESTS)}", "dbxwizard sandbox pr")
    return {"push": _push, "tag": _tag}[what]


def _missing(message: str, resource: str) -> UsageError:
    return UsageError("usage", message, resource=resource, fix="See `dbxwizard sandbox --help`.")


async def _run(invocation: Invocation, action: Action) -> Report:
    with attached(invocation) as (endpoints, serves):
        outside = invocation.flag("from_fork")
        async with developer(cloud_at(endpoints), invocation.text("repo"), outside=outside) as person:
            before = {run.id for run in await person.runs()}
            words, data = await action(invocation, person)
            started = [run for run in await person.runs() if run.id not in before]
            if started and serves:
                started = await _wait(invocation, person, started)
    lines = [*([words] if words else ["nothing differs"]), *(_line(run) for run in started)]
    is_done = bool(words) and invocation.words[:2] != ("pr", "list")
    status = Status.SUCCESS if is_done else Status.UNCHANGED
    extra = {**data, "runs": [run_json(run) for run in started]}
    return Report("sandbox", invocation.run_id, status, text=tuple(lines), extra=extra)


async def _wait(invocation: Invocation, person: Developer, started: list[Run]) -> list[Run]:
    """Runs live in the process that serves the sandbox, and that is this one."""
    if not invocation.flag("quiet"):
        note = "waiting for what it started: nobody else serves this sandbox (`dbxwizard sandbox serve` would)"
        print(note, file=sys.stderr, flush=True)
    return await person.ended(started)


def _line(run: Run) -> str:
    return f"started {run.name} ({run.event}) as run {run.id}: {run.state}"


async def _push(invocation: Invocation, person: Developer) -> Done:
    paths = invocation.words[1:]
    files = await asyncio.to_thread(_files, invocation, paths)
    commit = await person.push(files, invocation.text("branch"), invocation.text("message"), paths)
    where = invocation.text("branch") or "the default branch"
    return (f"pushed {commit[:7]} to {where}" if commit else "", {"commit": commit})


def _files(invocation: Invocation, paths: tuple[str, ...]) -> list[LocalFile]:
    """What is published of the folder, without our own state where it lies there."""
    root = invocation.root
    unknown = [path for path in paths if Path(path).is_absolute() or ".." in Path(path).parts]
    if unknown:
        raise UsageError("option-invalid", f"{unknown[0]} is no path below {root}", resource="PATH")
    own = state_folder(invocation.environ).resolve()
    found = collect(root, [Path(path).as_posix() for path in paths] or [""])
    for reason in found.left_out:
        print(f"left out: {reason}", file=sys.stderr)
    return [file for file in found.files if not (root / file.path).resolve().is_relative_to(own)]


async def _tag(invocation: Invocation, person: Developer) -> Done:
    if len(invocation.words) != 2:
        raise _missing("one NAME is needed", "dbxwizard sandbox tag")
    name = invocation.words[1]
    commit = await person.tag(name, invocation.text("at"))
    return f"tagged {commit[:7]} as {name}", {"commit": commit}


async def _open(invocation: Invocation, person: Developer) -> Done:
    head = invocation.text("head")
    if not head:
        raise _missing("--head is needed", "dbxwizard sandbox pr open")
    return _told("opened", await person.propose(head, invocation.text("base"), invocation.text("title")))


async def _merge(invocation: Invocation, person: Developer) -> Done:
    return _told("merged", await person.merge(_number(invocation)))


async def _close(invocation: Invocation, person: Developer) -> Done:
    return _told("closed", await person.withdraw(_number(invocation)))


async def _list(_invocation: Invocation, person: Developer) -> Done:
    found = await person.proposals()
    lines = "\n".join(str(one) for one in found) or "no pull request is open"
    return lines, {"pull_requests": [_json(one) for one in found]}


def _number(invocation: Invocation) -> str:
    return invocation.words[2] if len(invocation.words) > 2 else ""


def _told(done: str, proposal: Proposal) -> Done:
    return f"{done} {proposal}", {"pull_request": _json(proposal)}


def _json(proposal: Proposal) -> dict[str, object]:
    names = ("number", "title", "head", "base", "state")
    return {**{name: getattr(proposal, name) for name in names}, "html_url": proposal.address}


_PULL_REQUESTS: dict[str, Action] = {"open": _open, "merge": _merge, "list": _list, "close": _close}
