"""Tells events about steps to a listener."""

from __future__ import annotations

import threading
import traceback
from typing import Any

from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import OperationError
from dbxwizard.core.events import Event, Listener, StepEvent, StepFailed, StepInfo, StepRetried, StepWaiting, fan_out
from dbxwizard.core.secret import hide
from dbxwizard.core.step import Step


class Narrator:
    def __init__(self, listener: Listener, clock: Clock) -> None:
        self._listener = fan_out(listener)
        self._clock = clock

    def tell(self, kind: type[Event], **values: Any) -> None:
        self._listener(kind(at=self._clock.now(), **values))

    def about(self, step: Step[Any], kind: type[StepEvent], **values: Any) -> None:
        self.tell(kind, step=step.id, title=step.title, environment=step.environment, **values)

    def retried(self, step: Step[Any], error: OperationError, delay: float, attempt: int) -> None:
        self.about(step, StepRetried, reason=f"{error.code}: {error.message}", delay=delay, attempt=attempt)

    def failed(self, step: Step[Any], caught: BaseException) -> OperationError:
        """Tells that `step` failed; returns the error that a person reads."""
        error, trace = _explained(step, caught)
        self.about(step, StepFailed, error=error, traceback=trace)
        return error


class StepProgress:
    """The Progress of one step: events, told in the loop's thread whatever thread calls."""

    def __init__(self, narrator: Narrator, step: Step[Any]) -> None:
        import asyncio

        self._narrator, self._step = narrator, step
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def waiting(self, what: str) -> None:
        self._tell(StepWaiting, what=what)

    def info(self, text: str) -> None:
        self._tell(StepInfo, text=text)

    def _tell(self, kind: type[StepEvent], **values: str) -> None:
        if threading.get_ident() == self._thread:
            self._narrator.about(self._step, kind, **values)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._narrator.about(self._step, kind, **values))


def _explained(step: Step[Any], caught: BaseException) -> tuple[OperationError, str]:
    if isinstance(caught, OperationError):
        caught.resource = caught.resource or step.subject
        return caught, ""
    error = OperationError(
        "internal-error",
        hide(f"unexpected {type(caught).__name__}: {caught}"),
        resource=step.subject,
        fix="This is a defect of dbxwizard: report it with the log file. Running again is safe.",
    )
    return error, hide("".join(traceback.format_exception(caught)))
