"""What setup ends with: the proof that the jobs can sign in, told in words."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.run_text import failure_lines
from dbxwizard.cli.run_watch import CANCELLED, Ended, watch
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import OperationError, each_error
from dbxwizard.core.result import Status
from dbxwizard.runs import proof
from dbxwizard.steps.connection import Connection


async def proved(invocation: Invocation, connection: Connection, repository: str, report: Report) -> Report:
    """The report of a setup that changed something, with what the proof came to."""
    try:
        client = await connection.github_loaded(repository)
        reason = await proof.obstacle(client)
        if reason:
            return _told(report, proof.LEFT_OUT, f"no proof of the sign-in: {reason}")
        run = await proof.start(client, SystemClock())
        with _interruptible():
            [ended] = await watch(invocation, client, [run], proof.explaining(connection, client))
    except OperationError as error:
        return _failed(report, each_error(error), "", (f"no proof of the sign-in: {error}",))
    except asyncio.CancelledError:  # ctrl+c: what setup made is told all the same
        left = _told(report, "left", "the proof of the sign-in was left while it went on")
        return replace(left, status=Status.CANCELLED, code=CANCELLED)
    if ended.status is Status.SUCCESS:
        return _told(report, "proved", "proof: the jobs of each environment can sign in to Azure", run.html_url)
    if reason := proof.unprovable_here(client, ended.failures):
        return _told(report, proof.LEFT_OUT, f"no proof of the sign-in: {reason}", run.html_url)
    return _failed(report, _errors(ended), run.html_url, tuple(failure_lines(ended.failures)))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl+C or SIGTERM cancels the task that runs this, as before a plan was applied: that takes the signals away."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in one
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _errors(ended: Ended) -> Sequence[OperationError]:
    run = ended.snapshot.run
    return ended.errors or (OperationError("proof-failed", f"the run ended as {run.state}", resource=run.html_url),)


def _told(report: Report, state: str, line: str, url: str = "") -> Report:
    return replace(report, text=(*report.text, line), extra={**report.extra, "proof": {"state": state, "url": url}})


def _failed(report: Report, errors: Sequence[OperationError], url: str, lines: Sequence[str]) -> Report:
    """What setup made stays; that it does not work is an error."""
    told = _told(report, "failed", "the proof of the sign-in failed:", url)
    return replace(told, status=Status.PARTIAL, errors=tuple(errors), text=(*told.text, *lines), code=1, told=True)
