"""The board: what is known of every environment, looked at again in the background for as long as the program is open.

Three looks at paces of their own (backend/pacing.py): the state of each environment, its drift (what a deployment would
change), and credentials that end soon. A look that fails says so and keeps what was known.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from dbxwizard.backend.console.last_deployment import LastDeployment
from dbxwizard.backend.console.pacing import interval, shortest
from dbxwizard.backend.host import unexpected
from dbxwizard.backend.views import is_production
from dbxwizard.core.advice import advise
from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import OperationError, Transient, each_error
from dbxwizard.inventory import Cluster, EnvironmentInventory

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_NOTHING = OperationError("none", "nothing went wrong")
TOPIC = "board"
_AT_ONCE = 4  # environments that are looked at side by side
_REASONS = 50  # of a drift that are kept to be shown
_STALE_AFTER = 3  # paces without a look after which what is known counts as stale


@dataclass(frozen=True, slots=True)
class Drift:
    """What a deployment would change: `changes` counts steps; `reasons` names the first ones; `at` in epoch seconds."""

    changes: int
    reasons: tuple[str, ...]
    at: float
    not_checked: int = 0


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One environment. `at` (epoch seconds) is when its state was seen, 0 for not yet; `stale_at` from when it is old.

    `failure` says why the last look failed, since `failed_at`; what else is here is older then.
    """

    name: str
    production: bool
    state: str = ""
    location: str = ""
    resource_group: str = ""
    missing: tuple[str, ...] = ()
    running: tuple[Cluster, ...] = ()
    clusters: int = 0
    drift: Drift | None = None
    drift_failure: str = ""
    last: LastDeployment | None = None
    expiring: tuple[str, ...] = ()
    not_checked: str = ""
    at: float = 0.0
    stale_at: float = 0.0
    failure: str = ""
    failed_at: float = 0.0
    looking: bool = False

    @property
    def cores(self) -> int:
        return sum(cluster.cores for cluster in self.running)


class Source(Protocol):
    """Where the board's facts come from. All may raise OperationError."""

    async def names(self) -> Sequence[str]:
        """The environments of the files, in their order."""
        ...

    async def state(self, name: str) -> EnvironmentInventory: ...

    async def drift(self, name: str) -> tuple[Sequence[str], int]:
        """What a deployment would change, in words, and how many steps the caller may not see."""
        ...

    async def credentials(self) -> dict[str, tuple[str, ...]]:
        """What ends soon, by environment; "" for all of them."""
        ...

    async def last_deployments(self) -> dict[str, LastDeployment]:
        """The newest of each environment that had one, whoever made it."""
        ...


class Board:
    """Begins to look when it is started; `close` ends that."""

    def __init__(self, source: Source, tell: Callable[[BoardRow], None], clock: Clock) -> None:
        self._rows: dict[str, BoardRow] = {}
        self._source, self._tell, self._clock = source, tell, clock
        self._wanted, self._drift_wanted = asyncio.Event(), asyncio.Event()
        self._drift_first: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._known = asyncio.Event()  # the first look at all is done: drift may begin

    async def rows(self) -> tuple[BoardRow, ...]:
        """What is known now; begins to look when it is asked for the first time."""
        await self._note_names()
        self._start()
        return tuple(self._rows.values())

    async def _note_names(self) -> None:
        names = await self._source.names()
        self._rows = {name: self._rows.get(name) or BoardRow(name, is_production(name)) for name in names}

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [asyncio.create_task(look()) for look in (self._states, self._drifts, self._credentials)]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def refresh(self, drift: Collection[str] = ()) -> None:
        """Looks at every state now, out of turn, and at the drift of those that are named."""
        self._wanted.set()
        self._drift_first = list(dict.fromkeys((*drift, *self._drift_first)))
        self._drift_wanted.set()

    # state

    async def _states(self) -> None:
        while True:
            self._wanted.clear()
            await self._attempt(self._note_names())
            places = asyncio.Semaphore(_AT_ONCE)
            waits = await asyncio.gather(self._note_last(), *(self._state(name, places) for name in self._rows))
            self._known.set()
            await self._rest(max((self._pace("state"), *waits)), self._wanted)

    async def _state(self, name: str, places: asyncio.Semaphore) -> float:
        """Looks at one environment; how many seconds its service asked to be left alone."""
        async with places:
            self._change(name, looking=True)
            seen, error = await self._attempt(self._source.state(name))
            if seen is None:
                self._change(name, looking=False, failure=told(error), failed_at=self._clock.now())
                return asked_to_wait(error)
            now = self._clock.now()
            self._change(
                name,
                looking=False,
                failure="",
                state=seen.state,
                location=seen.location,
                resource_group=seen.resource_group,
                missing=seen.missing,
                running=tuple(cluster for cluster in seen.clusters if cluster.costs),
                clusters=len(seen.clusters),
                not_checked=seen.not_checked,
                at=now,
                stale_at=now + _STALE_AFTER * self._pace("state"),
            )
            return 0.0

    async def _note_last(self) -> float:
        found, error = await self._attempt(self._source.last_deployments())
        for name, last in (found or {}).items():
            if self._outdates_drift(name, last):
                self._drift_first.append(name)
                self._drift_wanted.set()
            self._change(name, last=last)
        return asked_to_wait(error)

    def _outdates_drift(self, name: str, last: LastDeployment) -> bool:
        """Whether a deployment has ended since the drift was looked at; told once of each."""
        row = self._rows.get(name)
        if row is None or row.drift is None or name in self._drift_first or last.status == "running":
            return False
        return last != row.last and last.at > row.drift.at

    # drift and credentials

    async def _drifts(self) -> None:
        """One environment after the other, spread over the pace; those that somebody wants to see out of turn."""
        await self._known.wait()
        turn = 0
        while True:
            names = [name for name in self._rows if self._comparable(name)]
            if self._drift_first:
                name = self._drift_first.pop(0)
            else:
                name, turn = (names[turn % len(names)] if names else ""), turn + 1
            if name in self._rows:
                await self._drift(name)
            if not self._drift_first:
                self._drift_wanted.clear()
                await self._rest(self._drift_pause(), self._drift_wanted)

    def _drift_pause(self) -> float:
        """The first round is as quick as the limits allow, the others are at the pace."""
        all_seen = all(row.drift or row.drift_failure for row in self._rows.values() if self._comparable(row.name))
        whole = self._pace("drift") if all_seen else shortest("drift", len(self._rows))
        return whole / max(len(self._rows), 1)

    def _comparable(self, name: str) -> bool:
        """What is not there, or can't be seen, has no drift."""
        row = self._rows[name]
        return row.state in ("deployed", "incomplete") and not row.failure

    async def _drift(self, name: str) -> None:
        if not self._comparable(name):
            return
        seen, error = await self._attempt(self._source.drift(name))
        if seen is None:
            self._change(name, drift_failure=told(error))
            return
        reasons, hidden = seen
        found = Drift(len(reasons), tuple(reasons[:_REASONS]), self._clock.now(), hidden)
        self._change(name, drift=found, drift_failure="")

    async def _credentials(self) -> None:
        await self._known.wait()
        while True:
            await self._note_credentials()
            await self._clock.sleep(self._pace("credentials"))

    async def _note_credentials(self) -> None:
        found, _ = await self._attempt(self._source.credentials())
        for name in self._rows:
            self._change(name, expiring=(*(found or {}).get("", ()), *(found or {}).get(name, ())))

    async def _attempt(self, question: Awaitable[T]) -> tuple[T | None, OperationError]:
        """The answer; or None, and what went wrong. Whatever it is, the board goes on."""
        try:
            return await question, _NOTHING
        except OperationError as error:
            return None, error
        except Exception as error:  # a defect of ours
            _LOG.exception("the board could not look")
            return None, unexpected("board", error)

    # pace

    def _pace(self, look: str) -> float:
        return interval(look, len(self._rows))

    async def _rest(self, seconds: float, wanted: asyncio.Event) -> None:
        """Until the next turn, or until somebody wants to see now."""
        ways: list[Awaitable[object]] = [self._clock.sleep(seconds), wanted.wait()]
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _change(self, name: str, **values: object) -> None:
        if name not in self._rows:  # its file was removed meanwhile
            return
        before = self._rows[name]
        changed = replace(before, **values)  # type: ignore[arg-type]  # fields of BoardRow
        for failure in {changed.failure, changed.drift_failure} - {before.failure, before.drift_failure, ""}:
            _LOG.warning("%s can't be looked at: %s", name, failure)
        if changed != before:
            self._rows[name] = changed
            self._tell(changed)


def asked_to_wait(error: OperationError) -> float:
    """For how many seconds the service wants to be left alone."""
    return error.retry_after or 0.0 if isinstance(error, Transient) else 0.0


def told(error: OperationError) -> str:
    """What went wrong and what to do, in a line or two."""
    lines = []
    for one in each_error(error):
        where = f"{one.resource}: " if one.resource else ""
        fix = advise(one)
        lines.append(f"{where}{one.code}: {one.message}" + (f" → {fix}" if fix else ""))
    return "\n".join(lines)
