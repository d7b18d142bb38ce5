"""`dbxwizard dev push`: the framework of the working tree on the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from dbxwizard.cli.developing import agreed, targeted, telling, told_as_error
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.result import Status
from dbxwizard.dev import watching
from dbxwizard.dev.pushing import PushedProject, PushPlan, look, push, sources
from dbxwizard.dev.target import Target
from dbxwizard.dev.telling import Tell
from dbxwizard.parameters import Environment


def run(invocation: Invocation, environment: Environment) -> Report:
    return asyncio.run(_run(invocation, environment))


async def _run(invocation: Invocation, environment: Environment) -> Report:
    async with targeted(invocation, environment) as target:
        with telling(invocation) as tell:
            if invocation.flag("watch"):
                await _watch(invocation, target, tell)
            return await _once(invocation, target, tell, lambda plan: _agreed(invocation, plan))


async def _once(invocation: Invocation, target: Target, tell: Tell, may: Callable[[PushPlan], bool]) -> Report:
    clock = SystemClock()
    began = clock.now()
    plan = await look(target)
    if plan.unchanged:
        return _report(invocation, plan, (), 0.0)
    if not may(plan):
        return Report(invocation.command, invocation.run_id, Status.CANCELLED, text=("nothing was changed",), code=130)
    pushed = await push(target, plan, clock=clock, tell=tell)
    return _report(invocation, plan, pushed, clock.now() - began)


def _agreed(invocation: Invocation, plan: PushPlan) -> bool:
    """Asks where the cluster will cost, or others who work on it lose what they have in memory."""
    if plan.starts:
        return agreed(invocation, f"cluster {plan.cluster} is {plan.state}. Start it?")
    if plan.restarts:
        return agreed(invocation, f"cluster {plan.cluster} runs with another wheel. Restart it, for all who use it?")
    return True


async def _watch(invocation: Invocation, target: Target, tell: Tell) -> None:
    """A push for each save, until ctrl+c: what fails is told, and the next save is another try. Asks until somebody has
    agreed once."""
    projects = sources(target)
    allowed = False

    def may(plan: PushPlan) -> bool:
        nonlocal allowed
        may_now = allowed or _agreed(invocation, plan)
        allowed = allowed or (may_now and (plan.starts or plan.restarts))
        return may_now

    async def act() -> None:
        report = await _once(invocation, target, tell, may)
        print("\n".join(report.text), flush=True)
        tell("watching; ctrl+c ends it")

    await watching.on_each_save(lambda: watching.fingerprint(projects), SystemClock(), act, told_as_error)


def _report(invocation: Invocation, plan: PushPlan, pushed: Iterable[PushedProject], seconds: float) -> Report:
    done = tuple(pushed)
    lines = [f"{one.name} {one.version} is on cluster {plan.cluster} ({seconds:.0f} s)" for one in done]
    if any(plan.differs(one.path) for one in done):
        lines.append(
            "`dbxwizard plan` shows it as a difference until the next deploy, which puts the deployed one back."
        )
    return Report(
        invocation.command,
        invocation.run_id,
        Status.SUCCESS if done else Status.UNCHANGED,
        text=tuple(lines) or (f"cluster {plan.cluster} has it already; nothing was sent",),
        extra={
            "cluster": plan.cluster,
            "seconds": round(seconds, 1),
            "wheels": [{"project": one.name, "version": one.version, "path": one.path} for one in done],
        },
    )
