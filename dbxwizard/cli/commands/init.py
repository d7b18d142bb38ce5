"""`dbxwizard init`: the files of a new project, none of the user's overwritten."""

from __future__ import annotations

from dbxwizard.backend.project import write_missing
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.core.result import Status


def run(invocation: Invocation) -> Report:
    """Writes what is missing; with --force also what differs."""
    root = invocation.root
    written, kept = write_missing(root, force=invocation.flag("force"))
    lines = [f"wrote {len(written)} files into {root}"] if written else ["everything is there already"]
    lines += [f"kept your {path} (--force overwrites it)" for path in kept]
    lines += ["next: dbxwizard setup --subscription ID --repo OWNER/NAME"] if written else []
    status = Status.SUCCESS if written else Status.UNCHANGED
    return Report("init", invocation.run_id, status, text=tuple(lines), extra={"written": written, "kept": kept})
