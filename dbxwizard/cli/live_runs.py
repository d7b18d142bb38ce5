"""The live board of runs on a terminal: their jobs and steps with elapsed times, what is waited for, what is left of
GitHub's requests. What has ended stays above it, line by line."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console, ConsoleOptions, Group
from rich.text import Text

from dbxwizard.cli.board import Board
from dbxwizard.cli.run_text import budget_line, described, printed_time, took
from dbxwizard.clients.run_types import RunJob, RunStep, WaitingEnvironment
from dbxwizard.core.events import Event
from dbxwizard.runs.following import (
    ReviewNeeded,
    Snapshot,
    WorkflowJobChanged,
    WorkflowNotSeen,
    WorkflowRunChanged,
)

_SIGNS = {"success": "✓", "skipped": "-", "cancelled": "-", "neutral": "-", "in_progress": "▸", "waiting": "!"}
_STYLES = {"success": "green", "skipped": "dim", "cancelled": "yellow", "in_progress": "bold", "waiting": "yellow"}
_STILL_TO_COME = ("queued", "pending", "requested")


class RunBoard(Board):
    """A context manager. `tell` takes what happened, `show` what there is now."""

    def __init__(self, *, colour: bool) -> None:
        self._runs: dict[int, Snapshot] = {}
        super().__init__(lambda: _Picture(tuple(self._runs.values())), colour=colour)

    def show(self, snapshot: Snapshot) -> None:
        self._runs[snapshot.run.id] = snapshot

    def tell(self, event: Event) -> None:
        line = described(event) if _stays(event) else ""
        if line:
            self.console.print(Text(f"{printed_time(event.at)}  {line}"), soft_wrap=True)


def _stays(event: Event) -> bool:
    """What is under way the board shows; what ended, and what a person has to do, is there to be read later."""
    if isinstance(event, WorkflowJobChanged):
        return event.has_log
    return isinstance(event, WorkflowRunChanged | WorkflowNotSeen | ReviewNeeded)


class _Picture:
    """The runs as they are now, as high as the terminal is."""

    def __init__(self, runs: Sequence[Snapshot]) -> None:
        self._runs = runs

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Group]:
        now = time.time()
        lines = [line for one in self._runs for line in _of_run(replace(one, at=max(now, one.at)))]
        budgets = [one.budget for one in self._runs if one.budget]
        foot = [Text(budget_line(budgets[-1]), style="dim")] if budgets else []
        room = max(console.size.height - len(foot) - 2, 1)
        if len(lines) > room:
            lines = [*lines[: room - 1], Text(f"… {len(lines) - room + 1} more lines", style="dim")]
        for line in (*lines, *foot):
            line.no_wrap, line.overflow = True, "ellipsis"
        yield Group(*lines, *foot)


def _of_run(snapshot: Snapshot) -> Iterator[Text]:
    run = snapshot.run
    seconds = snapshot.elapsed(run.started_at, run.updated_at if run.ended else 0.0)
    yield Text(f"{run.workflow} #{run.number}, {run.title}: {_words(run.state)}  {took(seconds)}", style="bold")
    if run.status == "pending":
        yield Text("  ! waits for another run of its concurrency group", style="yellow")
    for job in snapshot.jobs:
        yield from _of_job(snapshot, job)
    for one in snapshot.waiting:
        waited = took(snapshot.elapsed(one.since, 0.0))
        yield Text(f"  ! {one.name} has waited {waited}: {_what_for(snapshot, one)}", style="yellow")


def _what_for(snapshot: Snapshot, one: WaitingEnvironment) -> str:
    left = one.since + 60 * one.timer - snapshot.at
    if left > 0:
        return f"its timer ends in {took(left)}"
    if one.may_approve:
        return "go on with `dbxwizard runs approve`"
    return f"{', '.join(one.reviewers)} may approve it" if one.reviewers else "its rules are not met yet"


def _of_job(snapshot: Snapshot, job: RunJob) -> Iterator[Text]:
    yield _line("  ", job.state, job.name, snapshot.elapsed(job.started_at, job.ended_at), _why(job))
    if job.status == "in_progress":
        for step in job.steps:
            yield _of_step(snapshot, step)


def _why(job: RunJob) -> str:
    return {"queued": "waits for a runner", "pending": "waits for its turn"}.get(job.status, "")


def _of_step(snapshot: Snapshot, step: RunStep) -> Text:
    return _line("      ", step.state, step.name, snapshot.elapsed(step.started_at, step.ended_at), "")


def _line(indent: str, state: str, name: str, seconds: float, why: str) -> Text:
    sign = "·" if state in _STILL_TO_COME else _SIGNS.get(state, "✗")
    style = "dim" if state in _STILL_TO_COME else _STYLES.get(state, "red")
    told = why or (took(seconds) if seconds else "")
    return Text(f"{indent}{sign} {name}" + (f"  {told}" if told else ""), style=style)


def _words(state: str) -> str:
    return state.replace("_", " ")
