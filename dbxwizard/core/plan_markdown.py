"""A plan as Markdown, to be copied into a pull request or a ticket."""

from __future__ import annotations

from collections.abc import Iterator

from dbxwizard.core.advice import advise
from dbxwizard.core.change import Action, Reason
from dbxwizard.core.markdown import code, words
from dbxwizard.core.plan import Plan, PlannedStep
from dbxwizard.core.requests import Request

_ORDER = (Action.CREATE, Action.UPDATE, Action.DELETE)


def plan_markdown(plan: Plan, longest: int | None = None) -> str:
    """Counts, then a list for each environment: what changes, the reason per field, the requests; no secret.

    `longest`: characters, for who takes no more; what is left out is said.
    """
    text = "\n".join(_lines(plan)) + "\n"
    if longest is None or len(text) <= longest:
        return text
    return text[:longest].rpartition("\n")[0] + "\n\nThe rest is left out: it is too long.\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield "# Plan"
    yield ""
    yield _totals(plan)
    groups: dict[str, list[PlannedStep]] = {}
    for planned in plan.steps:
        if planned.changes or planned.not_checked:
            groups.setdefault(planned.step.environment or "setup", []).append(planned)
    if plan.lacking:
        yield from ("", "## Rights that lack", "")
        yield from (f"- {words(error.message)} → {words(advise(error))}" for error in plan.lacking)
    for name, steps in groups.items():
        yield from ("", f"## {words(name)}", "")
        for planned in steps:
            yield from _step(planned)


def _totals(plan: Plan) -> str:
    counts = plan.counts()
    unchecked = f", {len(plan.not_checked)} not checked" if plan.not_checked else ""
    made = ", ".join(f"{counts[action]} to {action.value}" for action in _ORDER)
    return f"{made}, {counts[Action.NONE]} unchanged{unchecked}; acting as {words(plan.actor)}."


def _step(planned: PlannedStep) -> Iterator[str]:
    if planned.not_checked:
        yield f"- **not checked** {words(planned.step.title)}: {words(planned.not_checked)}"
        return
    yield f"- **{planned.change.action.value}** {words(planned.step.title)}"
    if planned.may_not:
        yield f"  - **not allowed**: {words(planned.may_not)}"
    yield from (f"  - {_reason(reason)}" for reason in planned.change.reasons)
    if planned.change.note:
        yield f"  - {words(planned.change.note)}"
    yield from (f"  - {_request(request)}" for request in planned.writes)


def _reason(reason: Reason) -> str:
    before, after = map(code, reason.sides())
    return f"{code(reason.field)}: {before} → {after}"


def _request(request: Request) -> str:
    where_needed = " where needed" if request.optional else ""
    what = code(f"{request.method} {request.path}")
    return f"{what} ({request.host.display_name}): {words(request.purpose)}{where_needed}"
