"""`dbxwizard init`: the files of a new project, none of the user's overwritten; `--update` merges the workflows."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dbxwizard.backend.project_files import write_missing
from dbxwizard.backend.workflows import update as workflow_update
from dbxwizard.backend.workflows.files import REQUIREMENTS, Choices
from dbxwizard.backend.workflows.install_from import UNPUBLISHED, Source, source
from dbxwizard.backend.workflows.sandbox_install import is_open, sandbox_source
from dbxwizard.backend.workflows.update import BASE, Base, FileUpdate, read_base, source_of
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.clients.cloud import is_enterprise_server
from dbxwizard.core.errors import Location, OperationError
from dbxwizard.core.result import Status

_CHOICES = ("auth", "no_github_environments", "github_url")


def run(invocation: Invocation) -> Report:
    """Writes what is missing; with --force also what differs, with --update what is newer in the workflows."""
    base = read_base(invocation.root)
    choices, install = _choices(invocation, base), _source(invocation, base)
    if invocation.flag("update"):
        return _update(invocation, base, choices, install)
    written, kept = write_missing(invocation.root, force=invocation.flag("force"), choices=choices, install=install)
    lines = [f"wrote {len(written)} files into {invocation.root}"] if written else ["everything is there already"]
    lines += [f"kept your {path} (--force overwrites it{_or_merges(path)})" for path in kept if path != BASE]
    lines += _unpublished(install)
    lines += ["next: dbxwizard setup --subscription ID --repo OWNER/NAME"] if written else []
    status = Status.SUCCESS if written else Status.UNCHANGED
    return Report("init", invocation.run_id, status, text=tuple(lines), extra={"written": written, "kept": kept})


def _or_merges(path: str) -> str:
    return ", --update merges" if path.startswith(".github/") else ""


def _unpublished(install: Source) -> list[str]:
    if UNPUBLISHED not in install.lines:
        return []
    where = "dbxwizard init --update --install-from WHEEL says from where"
    return [f"the workflows can't install dbxwizard yet: {where}"]


def _choices(invocation: Invocation, base: Base | None) -> Choices:
    """As they are given; where none is, as they were made before."""
    given = any(invocation.values.get(name) or _by_our_variable(invocation, name) for name in _CHOICES)
    if base and not given:
        return base.choices
    server = is_enterprise_server(invocation.text("github_url"))
    return Choices(invocation.text("auth"), not invocation.flag("no_github_environments"), server)


def _by_our_variable(invocation: Invocation, name: str) -> bool:
    return bool(invocation.environ.get(invocation.options[name].variables[0]))


def _source(invocation: Invocation, base: Base | None) -> Source:
    given = invocation.text("install_from")
    if not given and invocation.flag("sandbox") and is_open(base):
        from dbxwizard.cli.world import cloud_of

        with cloud_of(invocation) as cloud:
            return sandbox_source(cloud)
    return source(given) if given else source_of(base)


def _update(invocation: Invocation, base: Base | None, choices: Choices, install: Source) -> Report:
    root = invocation.root
    found = workflow_update.updates(root, base, choices, install.lines)
    changed = [update for update in found if update.changes]
    shown = [line for update in changed for line in _shown(update)]
    if changed and not _agreed(invocation, shown):
        return Report("init", invocation.run_id, Status.CANCELLED, text=("nothing was changed",), code=130)
    for update in changed:
        workflow_update.write(root, update)
    written = [update.path for update in changed] + workflow_update.write_carried(root, choices, install)
    lines = [*([] if invocation.interactive else shown), *_summary(written), *_unpublished(install)]
    kept = [update.path for update in found if update.unknown or update.conflicts]
    warnings = tuple(warning for update in found for warning in _warnings(update))
    lines += [f"warning: {warning.location or warning.resource}: {warning.message}" for warning in warnings]
    status = Status.SUCCESS if written else Status.UNCHANGED
    extra = {"written": written, "kept": kept}
    return Report("init", invocation.run_id, status, text=tuple(lines), extra=extra, warnings=warnings)


def _shown(update: FileUpdate) -> Sequence[str]:
    """The diff; of the file of hashes only that it changes."""
    diff = update.diff()
    if update.path != REQUIREMENTS:
        return diff
    return (*diff[:2], f"@@ {sum(line.startswith(('+', '-')) for line in diff[2:])} lines of versions and hashes @@")


def _agreed(invocation: Invocation, shown: Sequence[str]) -> bool:
    """Somebody who can be asked sees the diff first."""
    if not invocation.interactive:
        return True
    print("\n".join(shown), file=sys.stderr, flush=True)
    if invocation.flag("yes"):
        return True
    print("Write this? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _summary(written: Sequence[str]) -> list[str]:
    return [f"updated {path}" for path in written] or ["the workflows are up to date"]


def _warnings(update: FileUpdate) -> list[OperationError]:
    if update.unknown:
        return [
            OperationError(
                "workflow-base-unknown",
                "it differs from what is shipped, and nothing tells what init wrote: kept as it is",
                resource=update.path,
                fix="Compare it with what `dbxwizard init` writes into an empty folder.",
            )
        ]
    return [
        OperationError(
            "workflow-conflict",
            f"you and dbxwizard changed the same lines: yours stay; shipped is {_quoted(conflict.theirs)}",
            resource=update.path,
            location=Location(update.path, conflict.line),
            fix="Take over by hand what you want of it.",
        )
        for conflict in update.conflicts
    ]


def _quoted(lines: Sequence[str]) -> str:
    return " / ".join(line.strip() for line in lines) or "nothing"
