"""Why a run on GitHub failed, what it waits for, and how the looks at it go, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from dbxwizard.screens.words import age, of_workflow, shown

if TYPE_CHECKING:
    from dbxwizard.backend.console.github_runs import Budget, Failure, RunLook

_MOST = 12  # error lines of a job


def failure_lines(one: Failure, colours: dict[str, str]) -> Iterator[Text]:
    """The step, its error lines, what to do; both subjects side by side where Azure refused the job's."""
    yield Text.assemble(shown(of_workflow("failure"), colours), (f"  {one.title}", "bold"))
    for line in one.lines[:_MOST]:
        yield Text(f"  {line}")
    for advice in one.advice:
        yield Text(f"  → {advice}", colours.get("success", ""))
    if one.subjects is not None:
        trusted = ", ".join(one.subjects.trusted) or "nothing for this environment"
        yield Text(f"  the job presented  {one.subjects.presented}")
        yield Text(f"  Azure trusts       {trusted}")


def waiting_told(name: str, reviewers: Sequence[str], minutes: int) -> str:
    """An environment whose rules a run waits for."""
    asked = f" for {', '.join(reviewers)}" if reviewers else ""
    timer = f" and {minutes} minutes" if minutes else ""
    return f"! waiting: {name}{asked}{timer}"


def look_told(look: RunLook, now: float) -> str:
    """How old what is shown is, and whether GitHub still answers."""
    if look.error is not None:
        return f"↻ trying again since {age(now - look.failed_at)}"
    told = seen_told(look.seen, look.stale_at, now)
    return told if now > look.stale_at else f"live, {told}"


def seen_told(at: float, stale_at: float, now: float) -> str:
    """How old it is that was seen `at`, and from `stale_at` on that an answer is missing."""
    seen = age(now - at)
    return f"! {seen} stale, no answer yet" if now > stale_at else f"seen {seen} ago"


def trouble_told(look: RunLook, now: float) -> str:
    """Why looks fail, "" where they don't."""
    if look.error is None:
        return ""
    seen = f"last seen {age(now - look.seen)} ago" if look.seen else "not seen yet"
    left = look.due - now
    again = f"trying again in {age(left)}" if left >= 1 else "trying again"
    return f"↻ {seen}, {again}: {look.error.code}: {look.error.message}"


def budget_told(budget: Budget | None) -> list[str]:
    """What is left of the requests that GitHub allows in an hour."""
    return [f"{budget.remaining:,} of {budget.limit:,} requests left"] if budget else []
