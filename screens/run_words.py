"""Why a run on GitHub failed, and what it waits for, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from dbxwizard.screens.words import of_workflow, shown

if TYPE_CHECKING:
    from dbxwizard.backend.github_runs import Failure

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
