"""`dbxwizard dev`: a developer's machine beside an environment; a module for each of its actions."""

from __future__ import annotations

from importlib import import_module

from dbxwizard.cli import files
from dbxwizard.cli.commands import DEV_ACTIONS
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.core.errors import UsageError


def run(invocation: Invocation) -> Report:
    """Raises UsageError without an action, or where an option says which environment too little or too often."""
    if not invocation.words:
        raise UsageError("usage", f"dev needs an action: {', '.join(DEV_ACTIONS)}")
    action = invocation.words[0]
    module = import_module(f"dbxwizard.cli.commands.dev_{action}")
    report: Report = module.run(invocation, files.environment(invocation))
    return report
