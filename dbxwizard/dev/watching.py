"""Notices saved files, by looking again and again: no service of the system is needed, and it works over any mount."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import OperationError

Fingerprint = Mapping[Path, tuple[int, int]]
_PACE = 1.0  # seconds between two looks


def fingerprint(files: Callable[[], Iterable[Path]]) -> Fingerprint:
    """Time of change (nanoseconds) and size of each file; one that goes away meanwhile is left out."""
    found: dict[Path, tuple[int, int]] = {}
    for path in files():
        try:
            about = path.stat()
        except OSError:
            continue
        found[path] = about.st_mtime_ns, about.st_size
    return found


async def on_each_save(
    look: Callable[[], Fingerprint],
    clock: Clock,
    act: Callable[[], Awaitable[None]],
    failed: Callable[[OperationError], object],
    every: float = 0.0,
) -> None:
    """`act` at once and for each yield of `changes`, until it is cancelled.

    What fails is told, and the next save is another try.
    """
    async for _ in changes(look, clock, every):
        try:
            await act()
        except OperationError as error:
            failed(error)


async def changes(look: Callable[[], Fingerprint], clock: Clock, every: float = 0.0) -> AsyncIterator[None]:
    """Yields at once, and then each time that files have changed and have stayed so for one look, so that an editor
    that writes several is waited for; also when `every` seconds have passed without (0: never). Ends by being left."""
    done: Fingerprint | None = None
    before, quiet = look(), 0.0
    while True:
        now = look()
        if done is None or (now == before and now != done) or (every and quiet >= every):
            done, quiet = now, 0.0
            yield
        before = now
        await clock.sleep(_PACE)
        quiet += _PACE
