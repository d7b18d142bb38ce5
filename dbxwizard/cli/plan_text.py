"""A plan for a person to read: by environment, each change with its reasons."""

from __future__ import annotations

from collections.abc import Iterator

from dbxwizard.core.change import Action
from dbxwizard.core.plan import Plan, PlannedStep

_SIGN = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.NONE: " "}
_REASONS_SHOWN = 12


def plan_lines(plan: Plan, *, requests: bool = False) -> tuple[str, ...]:
    """What would change, why, who acts, and what was not checked; `requests`: also what will be sent for it."""
    return tuple(_lines(plan, requests))


def _lines(plan: Plan, requests: bool) -> Iterator[str]:
    groups: dict[str, list[PlannedStep]] = {}
    for planned in plan.steps:
        if planned.changes or planned.not_checked:
            groups.setdefault(planned.step.environment or "setup", []).append(planned)
    for name, steps in groups.items():
        yield f"{name}:"
        for planned in steps:
            yield from _step(planned)
            if requests:
                yield from (f"      > {request}" for request in planned.writes)
    yield _totals(plan)


def _step(planned: PlannedStep) -> Iterator[str]:
    if planned.not_checked:
        yield f"  ? {planned.step.title}: not checked, {planned.not_checked}"
        return
    yield f"  {_SIGN[planned.change.action]} {planned.step.title}"
    lines = planned.change.lines()
    if planned.may_not:
        yield f"      ! {planned.may_not}"
    yield from (f"      {line}" for line in lines[:_REASONS_SHOWN])
    if len(lines) > _REASONS_SHOWN:
        yield f"      and {len(lines) - _REASONS_SHOWN} more"


def _totals(plan: Plan) -> str:
    counts = plan.counts()
    unchecked = f", {len(plan.not_checked)} not checked" if plan.not_checked else ""
    made = ", ".join(f"{counts[action]} to {action.value}" for action in _SIGN if action is not Action.NONE)
    return f"plan: {made}, {counts[Action.NONE]} unchanged{unchecked}; acting as {plan.actor}"
