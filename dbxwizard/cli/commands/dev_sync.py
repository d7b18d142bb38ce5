"""`dbxwizard dev sync`: a folder and a folder of the workspace, kept the same both ways."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path

from dbxwizard.cli.developing import telling, working
from dbxwizard.cli.invocation import Invocation, state_folder
from dbxwizard.cli.output import error_line
from dbxwizard.cli.report import Report
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.core.result import Status
from dbxwizard.dev import watching
from dbxwizard.dev.local_files import local_files
from dbxwizard.dev.own_files import home
from dbxwizard.dev.syncing import Sync, Synced, sync
from dbxwizard.dev.telling import Tell, count
from dbxwizard.parameters import Environment

_LOOK_THERE = 15.0  # seconds between two looks at the workspace while watching


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
        remote = remote.removeprefix("/Workspace").rstrip("/") or f"{await home(workspace)}/{folder.name}"
        key = hashlib.sha256("\0".join((workspace.url, remote, str(folder))).encode()).hexdigest()[:16]
        given = Sync(workspace, folder, remote, state_folder(invocation.environ) / "sync" / f"{key}.json")
        with telling(invocation) as tell:
            if invocation.flag("watch"):
                await _watch(invocation, given, tell)
            return _report(invocation, given, await sync(given, tell))


async def _watch(invocation: Invocation, given: Sync, tell: Tell) -> None:
    """A sync for each save, and now and then one for what others saved, until ctrl+c; what fails is told."""

    def look() -> watching.Fingerprint:
        return watching.fingerprint(lambda: (given.folder / path for path in local_files(given.folder)))

    async for _ in watching.changes(look, SystemClock(), every=_LOOK_THERE):
        try:
            done = await sync(given, tell)
        except OperationError as error:
            print(error_line(error), file=sys.stderr, flush=True)
            continue
        if done.changed:
            print("\n".join(_report(invocation, given, done).text), flush=True)


def _report(invocation: Invocation, given: Sync, done: Synced) -> Report:
    numbers = (
        (done.pushed, "to the workspace"),
        (done.pulled, "from the workspace"),
        (done.deleted_there, "deleted in the workspace"),
        (done.deleted_here, "deleted here"),
    )
    parts = [f"{count(len(paths), 'file')} {words}" for paths, words in numbers if paths]
    lines = [f"{given.folder} ↔ {given.remote}: {', '.join(parts) or 'nothing to do'}"]
    lines += [f"conflict: {path}; the workspace's version is {kept}" for path, kept in done.conflicts.items()]
    lines += [f"left out: {path}: {why}" for path, why in done.left_out.items()]
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
    return Report(invocation.command, invocation.run_id, status, text=tuple(lines), extra=extra)
