"""Plans and runs steps as the program does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dbxwizard.core.engine import ManualClock, SystemClock, run
from dbxwizard.core.events import Event
from dbxwizard.core.plan import Plan, Step, make_plan
from dbxwizard.core.result import RunResult
from dbxwizard.core.retry import RetryPolicy


def _ignore(_event: Event) -> None:
    return None


async def planned(*steps: Step[Any]) -> Plan:
    return await make_plan(steps, listener=_ignore, clock=SystemClock(), actor="ada")


async def applied(steps: Sequence[Step[Any]], clock: ManualClock | None = None) -> RunResult:
    """Plans and applies; with a clock of its own waiting costs no time."""
    used = clock or SystemClock()
    policy = RetryPolicy()
    plan = await make_plan(steps, listener=_ignore, clock=used, actor="ada", retry=policy)
    return await run(plan, listener=_ignore, clock=used, retry=policy)


def fields(plan: Plan) -> dict[str, list[str]]:
    """Of each step that would change: the fields."""
    return {item.step.id: [reason.field for reason in item.change.reasons] for item in plan.changes}
