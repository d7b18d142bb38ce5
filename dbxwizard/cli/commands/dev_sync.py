"""`dbxwizard dev sync`: a folder and a folder of the workspace, kept the same both ways."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dbxwizard.cli.developing import telling, told_as_error, working
from dbxwizard.cli.invocation import Invocation, state_folder
from dbxwizard.cli.report import Report
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import UsageError
from dbxwizard.core.result import Status
from dbxwizard.dev.syncing import Sync, Synced, sync, sync_of, sync_on_save
from dbxwizard.parameters import Environment


def run(invocation: Invocation, environment: Environment) -> Report:
    words = invocation.words[1:]
    folder = Path(words[0]) if words else invocation.root
    if len(words) > 2:
        raise UsageError("usage", "dev sync takes a folder and a path", resource=words[2])
    if not folder.is_dir():
        raise UsageError("not-a-folder", "a folder is needed", resource=str(folder))
    remote = words[1] if len(words) > 1 else ""
    if remote and not remote.startswith("/"):
        raise UsageError("option-invalid", "a path of the workspace begins with /", resource=remote)
    return asyncio.run(_run(invocation, environment, folder.resolve(), remote))


async def _run(invocation: Invocation, environment: Environment, folder: Path, remote: str) -> Report:
    async with working(invocation, environment) as workspace:
        given = await sync_of(workspace, folder, remote, state_folder(invocation.environ))

        def show(done: Synced) -> None:
            print("\n".join(_report(invocation, given, done).text), flush=True)

        with telling(invocation) as tell:
            if invocation.flag("watch"):
                await sync_on_save(given, SystemClock(), show, told_as_error, tell)
            return _report(invocation, given, await sync(given, tell))


def _report(invocation: Invocation, given: Sync, done: Synced) -> Report:
    first, *rest = done.told()
    extra = {
        "folder": str(given.folder),
        "workspace_folder": given.remote,
        "pushed": list(done.pushed),
        "pulled": list(done.pulled),
        "deleted_in_workspace": list(done.deleted_there),
        "deleted_here": list(done.deleted_here),
        "conflicts": dict(done.conflicts),
        "left_out": dict(done.left_out),
    }
    status = Status.SUCCESS if done.changed else Status.UNCHANGED
    text = (f"{given.folder} ↔ {given.remote}: {first}", *rest)
    return Report(invocation.command, invocation.run_id, status, text=text, extra=extra)
