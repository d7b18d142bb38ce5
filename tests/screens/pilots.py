"""Driving the program as a person does, waiting for what they would wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from dbxwizard.app import DbxWizard
from dbxwizard.screens.bars import ErrorBar, TopBar

PATIENCE = 120.0  # seconds; a busy machine proves nothing


@asynccontextmanager
async def driven(
    program: DbxWizard, width: int = 100, height: int = 30, *, toasts: bool = False
) -> AsyncIterator[Pilot[int]]:
    """The program on a screen of that size, once its first page is there; it is left at the end."""
    async with program.run_test(size=(width, height), notifications=toasts) as pilot:
        try:
            await until(pilot, lambda: program.situation is not None and program.current_mode != "_default")
            await settled(pilot)
            yield pilot
        finally:
            program.backend.leave()


async def until(pilot: Pilot[int], condition: Callable[[], object]) -> None:
    """Lets the program go on until `condition` holds: asked after every turn of its loop, no clock decides."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await pilot.pause()
    except TimeoutError:
        raise AssertionError(f"waited in vain; screen:\n{text(pilot)}") from None


async def settled(pilot: Pilot[int]) -> None:
    """Until nothing is being asked of the backend any more."""
    await pilot.pause()
    await until(pilot, lambda: not any(worker.is_running for worker in pilot.app.workers))
    await pilot.pause()


def waits(pilot: Pilot[int]) -> str:
    return pilot.app.screen.query_one(TopBar).waits


def error(pilot: Pilot[int]) -> str:
    """The error that is shown, "" when there is none."""
    return pilot.app.screen.query_one(ErrorBar).text


def text(pilot: Pilot[int]) -> str:
    """What is on the screen now, line by line."""
    compositor = pilot.app.screen._compositor
    lines = compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in lines)
