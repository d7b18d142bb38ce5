"""The runs of one project: those that this backend makes, and those of the journal that others make or made."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dbxwizard.backend.run_log import log_event
from dbxwizard.backend.views import EventBatch
from dbxwizard.core.cancel import CancelToken
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.engine import new_run_id, run
from dbxwizard.core.errors import OperationError
from dbxwizard.core.events import Event, Listener, fan_out
from dbxwizard.core.journal import KEPT_RUNS, Journal, JournalRun
from dbxwizard.core.plan import Plan
from dbxwizard.core.result import RunResult

_LOG = logging.getLogger(__name__)
_PATIENCE = 0.5  # seconds that somebody who asks for events waits for the next one


def journal_key(tenant_id: str, subscription_id: str, repository: str) -> str:
    """The folder of a history: one per tenant, subscription and repository."""
    parts = (tenant_id, subscription_id, repository)
    return hashlib.sha256("\n".join(parts).lower().encode()).hexdigest()[:16]


@dataclass(slots=True)
class _OwnRun:
    """A run of this process; `events` as they are told, `news` is set with each."""

    cancel: CancelToken = field(default_factory=CancelToken)
    events: list[dict[str, object]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[RunResult] | None = None

    def note(self, event: Event) -> None:
        self.events.append(event.to_json())
        self.news.set()

    @property
    def ended(self) -> bool:
        return self.task is not None and self.task.done()


class Runs:
    """Closed by `end` or `wait`, then `close`."""

    def __init__(self, folder: Path) -> None:
        self._journal = Journal.open(folder, warn=_LOG.warning)
        self._own: dict[str, _OwnRun] = {}
        self._environments: dict[str, tuple[str, ...]] = {}  # of runs that were looked at already

    @property
    def going_on(self) -> tuple[str, ...]:
        """The ids of this backend's own runs that have not ended."""
        return tuple(run_id for run_id, own in self._own.items() if not own.ended)

    def planning(self, run_id: str) -> Listener:
        """What listens while the plan of `run_id` is made."""
        return self._journal.listener(run_id)

    def start(self, plan: Plan, command: str, ended: Callable[[], object] = lambda: None) -> str:
        """Begins to apply `plan`; returns the run's id at once. `ended` is called at its end."""
        run_id, own = new_run_id(), _OwnRun()
        listener = fan_out(own.note, self._journal.listener(run_id), partial(log_event, run_id))
        applying = run(plan, listener=listener, clock=SystemClock(), cancel=own.cancel, command=command, run_id=run_id)
        own.task = asyncio.create_task(applying)
        own.task.add_done_callback(lambda _: own.news.set())
        own.task.add_done_callback(lambda _: ended())
        self._own[run_id] = own
        return run_id

    async def result(self, run_id: str) -> RunResult | None:
        """What an own run came to, once it has; None for the runs of others."""
        own = self._own.get(run_id)
        return await asyncio.shield(own.task) if own and own.task else None

    async def events(self, run_id: str, after: int) -> EventBatch:
        """Those that came after the one with the number `after`; waits a moment where there are none yet."""
        own = self._own.get(run_id)
        if own is None:
            return await asyncio.to_thread(self._recorded, run_id, after)
        if len(own.events) <= after and not own.ended:
            own.news.clear()
            try:
                await asyncio.wait_for(own.news.wait(), _PATIENCE)
            except TimeoutError:
                return EventBatch((), after, ended=False)
        return EventBatch(tuple(own.events[after:]), len(own.events), own.ended)

    def _recorded(self, run_id: str, after: int) -> EventBatch:
        found = self._journal.run(run_id)
        rows = self._journal.events_after(run_id, after)
        ended = not rows and (found is None or found.status != "running")
        return EventBatch(tuple(event for _, event in rows), rows[-1][0] if rows else after, ended)

    def history(self, limit: int) -> tuple[JournalRun, ...]:
        return self._journal.runs(limit)

    def last_of(self, command: str) -> dict[str, JournalRun]:
        """The newest run of `command` for each environment that had one; a plan alone is none."""
        found: dict[str, JournalRun] = {}
        for one in self._journal.runs(KEPT_RUNS):
            if one.command != command or one.status == "planned":
                continue
            if one.run_id not in self._environments or one.status == "running":
                self._environments[one.run_id] = self._journal.environments(one.run_id)
            for name in self._environments[one.run_id]:
                found.setdefault(name, one)
        return found

    def cancel(self, run_id: str) -> None:
        """Asks a run to stop, as ctrl+c does; also one of another process on this machine.

        Raises OperationError where nobody runs it.
        """
        own = self._own.get(run_id)
        if own is not None:
            own.cancel.cancel()
            return
        holder = self._journal.holder(run_id)
        if holder is None:
            raise OperationError("run-ended", "nobody runs it any more", resource=run_id)
        os.kill(holder, signal.SIGINT)

    def cancel_all(self) -> None:
        for own in self._own.values():
            own.cancel.cancel()

    async def wait(self) -> None:
        """Until every own run has ended."""
        await asyncio.gather(*(own.task for own in self._own.values() if own.task), return_exceptions=True)

    def close(self) -> None:
        self._journal.close()
