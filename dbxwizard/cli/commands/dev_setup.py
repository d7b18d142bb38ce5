"""`dbxwizard dev setup`: this machine beside an environment."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence

from dbxwizard.cli.invocation import Invocation, state_folder
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import on_sandbox, opened
from dbxwizard.core.errors import OperationError, UsageError, each_error
from dbxwizard.core.result import ChangeResult, EnvironmentResult, Status
from dbxwizard.deployed import Deployed
from dbxwizard.dev import setup
from dbxwizard.dev.profiles import config_for
from dbxwizard.dev.setup import Change, SetupPlan, Wish
from dbxwizard.parameters import Environment


def run(invocation: Invocation, environment: Environment) -> Report:
    """Raises UsageError, and the core's errors where nothing was changed yet."""
    if len(invocation.words) > 1:
        raise UsageError("usage", f"dev setup takes no words: {' '.join(invocation.words[1:])}")
    if invocation.flag("watch"):
        raise UsageError("usage", "dev setup takes no --watch", resource="--watch", fix="dev push and dev sync do")
    return asyncio.run(_run(invocation, environment))


async def _run(invocation: Invocation, environment: Environment) -> Report:
    wish = Wish(
        invocation.root,
        config_for(invocation.environ, state_folder(invocation.environ), sandbox=on_sandbox(invocation)),
        invocation.environ,
        invocation.text("auth"),
        invocation.text("cluster"),
    )
    async with opened(invocation, subscription_id=environment.subscription_id) as connection:
        facts = await setup.read_facts(wish, Deployed(environment, connection))
        plan = await setup.plan(wish, facts)
        _show(invocation, plan)
        if plan.touching and not _agreed(invocation, plan.touching):
            return _report(invocation, plan, [], Status.CANCELLED)
        return await _apply(invocation, plan)


def _show(invocation: Invocation, plan: SetupPlan) -> None:
    """What changes; of what somebody else wrote also how."""
    if invocation.flag("quiet"):
        return
    for change in plan.changes:
        _tell(f"{change.action} {change.name}: {'; '.join(change.reasons)}")
        if change.yours:
            _tell("\n".join(f"    {line}" for line in change.diff()))


def _agreed(invocation: Invocation, touching: Sequence[Change]) -> bool:
    """Raises UsageError where nobody can be asked."""
    if invocation.flag("yes"):
        return True
    names = ", ".join(change.name for change in touching)
    if not invocation.interactive:
        raise UsageError(
            "decision-missing",
            f"dev setup would change what you wrote: {names}",
            resource=names,
            fix="Say --yes, or run it in a terminal: it shows what would change, and asks.",
        )
    print(f"Change what you wrote ({names})? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def _apply(invocation: Invocation, plan: SetupPlan) -> Report:
    done: list[Change] = []
    tell = (lambda _text: None) if invocation.flag("quiet") else _tell
    try:
        await setup.apply(plan, tell, done.append)
    except OperationError as error:
        return _report(invocation, plan, done, Status.PARTIAL if done else Status.ERROR, error)
    return _report(invocation, plan, done, Status.SUCCESS if done else Status.UNCHANGED)


def _report(
    invocation: Invocation, plan: SetupPlan, done: Sequence[Change], status: Status, error: OperationError | None = None
) -> Report:
    changes = tuple(ChangeResult(change.name, change.action, change.reasons) for change in done)
    return Report(
        invocation.command,
        invocation.run_id,
        status,
        (EnvironmentResult(plan.environment, status, changes),),
        each_error(error) if error else (),
        tuple(_lines(plan, done, status)),
        {"runtime": plan.runtime, "python": plan.python.version, "profile": plan.profile, "notes": list(plan.notes)},
        code=130 if status is Status.CANCELLED else None,
    )


def _lines(plan: SetupPlan, done: Sequence[Change], status: Status) -> Iterator[str]:
    if status is Status.CANCELLED:
        yield "nothing was changed"
        return
    yield from (f"wrote {change.name}" for change in done)
    yield from (f"note: {note}" for note in plan.notes)
    if status in (Status.SUCCESS, Status.UNCHANGED):
        cluster = plan.target.cluster.get("cluster_name", plan.target.cluster_id)
        now = "everything is as it should be" if status is Status.UNCHANGED else "this machine is ready"
        yield f"{now}: Python {plan.python.version}, Databricks Runtime {plan.runtime}, cluster {cluster}"
        yield f"next: dbxwizard dev check -e {plan.environment}"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
