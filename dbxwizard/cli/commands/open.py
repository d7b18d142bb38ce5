"""`dbxwizard` alone: the terminal program, wizard or console."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from dbxwizard.cli import crash
from dbxwizard.cli.invocation import Invocation, forwarded, state_folder
from dbxwizard.cli.terminal import require_terminal
from dbxwizard.core.errors import UsageError

if TYPE_CHECKING:
    from dbxwizard.cli.report import Report


def run(invocation: Invocation) -> Report:
    require_terminal(invocation.environ)
    gc.disable()  # until the first frame: importing makes much and leaves no garbage
    from dbxwizard.app import DbxWizard, Opening

    program = DbxWizard(
        Opening(
            arguments=forwarded(invocation, "host"),
            state_folder=state_folder(invocation.environ),
            first=_first(invocation),
            sandbox=invocation.flag("sandbox"),
            read_only=invocation.flag("read_only"),
            animated=not (invocation.flag("no_animation") or invocation.flag("screen_reader")),
            screen_reader=invocation.flag("screen_reader"),
        )
    )
    code = crash.run(program, state_folder(invocation.environ) / "crashes")
    from dbxwizard.cli.report import Report
    from dbxwizard.core.result import Status

    return Report("open", invocation.run_id, Status.SUCCESS, code=code)


def _first(invocation: Invocation) -> str:
    """The face that was asked for, "" where the state of the project decides."""
    asked = [name for name in ("wizard", "console") if invocation.flag(name)]
    if len(asked) > 1:
        raise UsageError("usage", "--wizard and --console exclude each other", resource="dbxwizard")
    return asked[0] if asked else ""
