"""`dbxwizard` alone: the terminal program, wizard or console."""

from __future__ import annotations

import sys

from dbxwizard.cli.invocation import Invocation, forwarded, state_folder
from dbxwizard.cli.report import Report
from dbxwizard.core.errors import UsageError
from dbxwizard.core.result import Status


def run(invocation: Invocation) -> Report:
    _require_terminal(invocation)
    from dbxwizard.app import DbxWizard, Opening

    program = DbxWizard(
        Opening(
            arguments=forwarded(invocation, "host"),
            state_folder=state_folder(invocation.environ),
            first=_first(invocation),
            sandbox=invocation.flag("sandbox"),
            read_only=invocation.flag("read_only"),
            animated=not invocation.flag("no_animation"),
        )
    )
    program.run()
    return Report("open", invocation.run_id, Status.SUCCESS, code=program.return_code or 0)


def _first(invocation: Invocation) -> str:
    """The face that was asked for, "" where the state of the project decides."""
    asked = [name for name in ("wizard", "console") if invocation.flag(name)]
    if len(asked) > 1:
        raise UsageError("usage", "--wizard and --console exclude each other", resource="dbxwizard")
    return asked[0] if asked else ""


def _require_terminal(invocation: Invocation) -> None:
    # Textual draws on stderr.
    if not (sys.stdin.isatty() and sys.stderr.isatty()) or invocation.environ.get("TERM", "dumb") == "dumb":
        raise UsageError(
            "no-terminal",
            "the terminal program needs a terminal that can place characters",
            resource="dbxwizard",
            fix="Without one use the commands: dbxwizard --help.",
        )
