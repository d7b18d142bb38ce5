"""From steps to a report: plan, show, ask, run, keep the history."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from dbxwizard.cli.invocation import Invocation, state_folder
from dbxwizard.cli.narration import narrating
from dbxwizard.cli.output import grouped
from dbxwizard.cli.plan_text import plan_lines
from dbxwizard.cli.report import Report
from dbxwizard.core.engine import CancelToken, SystemClock, run
from dbxwizard.core.events import Listener
from dbxwizard.core.journal import Journal
from dbxwizard.core.plan import Plan, Step, load_saved, make_plan
from dbxwizard.core.result import RunResult, Status

_PLAN_SHOWS_CHANGES = 4


async def plan_only(
    invocation: Invocation,
    steps: Sequence[Step[Any]],
    actor: str,
    tell: Callable[[Plan], Awaitable[None]],
) -> Report:
    """The plan as a report, with each right that lacks as an error; writes nothing but --save FILE, and what `tell`
    tells of it."""
    with narrating(invocation) as listener:
        plan = await _plan(steps, listener, actor)
    _save(invocation.text("save"), plan)
    await tell(plan)
    result = RunResult.of_plan(invocation.command, invocation.run_id, plan)
    lines = plan_lines(plan, requests=invocation.flag("verbose"))
    report = Report.of(result, lines, plan=plan.to_json())
    if plan.changes and not plan.lacking and invocation.flag("detailed_exitcode"):
        return replace(report, code=_PLAN_SHOWS_CHANGES)
    return report


async def apply(invocation: Invocation, steps: Sequence[Step[Any]], actor: str, *, journal_key: str) -> Report:
    """Plans, shows the plan, asks where somebody can be asked, runs; every run is kept in the journal.

    Nothing is written where a right lacks for any of it: half of a plan is nothing that anybody asked for.
    """
    with _journal(invocation, journal_key) as history:
        with narrating(invocation, history) as listener:
            plan = await _plan(steps, listener, actor)
        _require_saved(invocation, plan)
        _show(invocation, plan)
        if plan.obstacles:
            return Report.of(RunResult.refused(invocation.command, invocation.run_id, plan))
        if plan.changes and not _agreed(invocation):
            return Report(
                invocation.command, invocation.run_id, Status.CANCELLED, text=("nothing was changed",), code=130
            )
        with (
            _grouped(invocation, "Run"),
            narrating(invocation, history) as listener,
            _cancelled_by_signal() as cancel,
        ):
            result = await run(
                plan,
                listener=listener,
                clock=SystemClock(),
                cancel=cancel,
                command=invocation.command,
                run_id=invocation.run_id,
            )
    return Report.of(result, _summary(result))


def _save(path: str, plan: Plan) -> None:
    """At once or not at all: a plan that was saved there before is not lost to a full disk."""
    if not path:
        return
    target = Path(path)
    if target.exists() and not target.is_file():  # /dev/stdout and the like
        target.write_text(json.dumps(plan.to_json(), indent=2), encoding="utf-8")
        return
    made = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        made.write_text(json.dumps(plan.to_json(), indent=2), encoding="utf-8")
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)


async def _plan(steps: Sequence[Step[Any]], listener: Listener, actor: str) -> Plan:
    return await make_plan(steps, listener=listener, clock=SystemClock(), actor=actor, lenient=True)


@contextmanager
def _journal(invocation: Invocation, key: str) -> Iterator[Listener]:
    folder = state_folder(invocation.environ) / "runs" / key
    with Journal.open(folder, warn=lambda text: print(f"warning: {text}", file=sys.stderr)) as journal:
        yield journal.listener(invocation.run_id)


def _require_saved(invocation: Invocation, plan: Plan) -> None:
    """With --plan FILE: refuses when the world has moved since that plan was saved."""
    path = invocation.text("plan") if "plan" in invocation.options else ""
    if path:
        plan.require_same(load_saved(Path(path).read_bytes(), file=path))


def _show(invocation: Invocation, plan: Plan) -> None:
    if not invocation.flag("quiet"):
        with _grouped(invocation, "Plan"):
            lines = plan_lines(plan, requests=invocation.flag("verbose"))
            print("\n".join(lines), file=sys.stderr, flush=True)


def _grouped(invocation: Invocation, title: str) -> AbstractContextManager[None]:
    return grouped(title, sys.stderr) if invocation.output == "github" else nullcontext()


def _agreed(invocation: Invocation) -> bool:
    """Somebody said yes: by --yes, by running without a person, or now."""
    if invocation.flag("yes") or not invocation.interactive:
        return True
    print("Apply this plan? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def _cancelled_by_signal() -> Iterator[CancelToken]:
    """Ctrl+C or SIGTERM once: nothing new starts. Twice: stops at once."""
    cancel, loop = CancelToken(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, cancel.cancel)
    try:
        yield cancel
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _summary(result: RunResult) -> tuple[str, ...]:
    lines = [
        f"{environment.name or 'setup'}: {environment.status.value}, {len(environment.changes)} changed"
        for environment in result.environments
    ]
    return (*lines, f"{result.command}: {result.status.value}")
