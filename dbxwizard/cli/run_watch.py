"""Follows runs to their ends, tells what happens on the way, and makes a report of how they ended."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.narration import is_live, narrating
from dbxwizard.cli.report import Report
from dbxwizard.cli.run_text import (
    described,
    end_lines,
    failure_errors,
    failure_lines,
    printed_time,
    snapshot_json,
)
from dbxwizard.clients.github import GitHubClient
from dbxwizard.clients.run_types import Run
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import OperationError
from dbxwizard.core.events import Event, Listener
from dbxwizard.core.result import Status
from dbxwizard.runs.digest import Explaining, Failure, explaining, failures
from dbxwizard.runs.following import Snapshot, WorkflowNotSeen, changes, follow
from dbxwizard.runs.pacing import LOCAL, REMOTE

CANCELLED = 130
_FINE = ("success", "neutral", "skipped")


def status_of(state: str) -> Status:
    """What a conclusion of GitHub's is in the contract of our output."""
    if state == "cancelled":
        return Status.CANCELLED
    return Status.SUCCESS if state in _FINE else Status.ERROR


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, and why."""

    snapshot: Snapshot
    failures: tuple[Failure, ...] = ()

    @property
    def status(self) -> Status:
        return status_of(self.snapshot.run.state)

    @property
    def code(self) -> int:
        return {Status.SUCCESS: 0, Status.CANCELLED: CANCELLED}.get(self.status, 1)

    @property
    def errors(self) -> tuple[OperationError, ...]:
        if self.status is not Status.ERROR:
            return ()
        run = self.snapshot.run
        ended = OperationError("workflow-run-failed", f"the run ended as {run.state}", resource=run.html_url)
        return failure_errors(self.failures) or (ended,)


async def watch(
    invocation: Invocation, client: GitHubClient, runs: Sequence[Run], facts: Explaining | None = None
) -> list[Ended]:
    """Follows all of them at once. `facts`: for the reasons of failures, else what GitHub itself can say.

    Raises the core's errors; ctrl+c leaves the runs to go on.
    """
    try:
        with _shown(invocation) as (person, show), narrating(invocation, person=person) as listener:
            followed = (_watch(client, run, listener, show, facts or explaining(client)) for run in runs)
            return list(await asyncio.gather(*followed))
    except asyncio.CancelledError:
        for run in runs:
            print(f"not followed any more; it goes on: {run.html_url}", file=sys.stderr)
        raise


@contextmanager
def _shown(invocation: Invocation) -> Iterator[tuple[Listener, Callable[[Snapshot], None]]]:
    """What tells a person of events, and what shows a run as it is now: a live board on a terminal, else lines."""
    if is_live(invocation):
        from dbxwizard.cli.live_runs import RunBoard

        with RunBoard(colour="NO_COLOR" not in invocation.environ) as board:
            yield board.tell, board.show
    else:
        yield _teller(invocation), lambda _snapshot: None


def _teller(invocation: Invocation) -> Listener:
    def tell(event: Event) -> None:
        line = "" if invocation.flag("quiet") else described(event)
        if line:
            print(f"{printed_time(event.at)}  {line}", file=sys.stderr, flush=True)

    return tell


class _Looks:
    """Tells of those that fail: who watches would else take a run that is not seen for one that stands still."""

    def __init__(self, run: Run, listener: Listener) -> None:
        self._run, self._listener, self._state = run.id, listener, ""

    def answered(self, snapshot: Snapshot, wait: float) -> None:
        self._state = snapshot.run.state

    def failed(self, error: OperationError, wait: float) -> None:
        reason = f"{error.code}: {error.message}"
        now = SystemClock().now()
        self._listener(WorkflowNotSeen(at=now, run=self._run, state=self._state, reason=reason, delay=wait))


async def _watch(
    client: GitHubClient, run: Run, listener: Listener, show: Callable[[Snapshot], None], facts: Explaining
) -> Ended:
    before = None
    pace = LOCAL if client.is_local else REMOTE
    async for snapshot in follow(client.runs, run.id, SystemClock(), pace, looks=_Looks(run, listener)):
        show(snapshot)
        for event in changes(before, snapshot):
            listener(event)
        before = snapshot
    assert before is not None  # noqa: S101 - it yields at least the run's end
    return Ended(before, tuple(await failures(client.runs, before.jobs, facts)))


def report_of(invocation: Invocation, ended: Sequence[Ended]) -> Report:
    """One run: its report; several: the worst of their ends decides."""
    worst = max(ended, key=lambda one: (one.status is Status.ERROR, one.status is Status.CANCELLED))
    lines = [line for one in ended for line in (*failure_lines(one.failures), *end_lines(one.snapshot))]
    shown = [snapshot_json(one.snapshot) for one in ended]
    return Report(
        invocation.command,
        invocation.run_id,
        worst.status,
        errors=tuple(error for one in ended for error in one.errors),
        text=tuple(lines),
        extra={"run": shown[0]} if len(shown) == 1 else {"runs": shown},
        code=worst.code,
        told=True,
    )
