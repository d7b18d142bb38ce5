"""What happened, in the past tense. Wizard, console, headless output, journal and tests listen to the same events."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields

from dbxwizard.core.change import Action, Reason
from dbxwizard.core.errors import OperationError
from dbxwizard.core.render import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`at` is in epoch seconds."""

    at: float

    def to_json(self) -> dict[str, object]:
        """`{"event": "step_read", "at": …, …}`: reasons as text, errors as in the output contract, no secret."""
        values = {item.name: _json(getattr(self, item.name)) for item in fields(self) if item.repr}
        return {"event": _snake(type(self).__name__), **values}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStarted(Event):
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReady(Event):
    changes: int
    not_checked: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFailed(Event):
    """Not every step could be read; each was told by its StepFailed."""

    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    run_id: str
    command: str
    actor: str
    steps: int
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    run_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent(Event):
    """`step` is the step's id; `environment` is "" for what belongs to none."""

    step: str
    title: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRead(StepEvent):
    """While planning; `not_checked` says why the actor could not read it."""

    action: Action
    reasons: tuple[Reason, ...] = ()
    note: str = ""
    not_checked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(StepEvent):
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWaiting(StepEvent):
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInfo(StepEvent):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRetried(StepEvent):
    """`delay` in seconds until the next try; `attempt` counts the failed ones from 1."""

    reason: str
    delay: float
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(StepEvent):
    """`action` is what was done (none: it was as it should be), `planned` what the plan foretold; `seconds` it took."""

    action: Action
    planned: Action = Action.NONE
    reasons: tuple[Reason, ...] = ()
    note: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed(StepEvent):
    """`traceback` is for the log file alone: of unexpected exceptions, not in to_json() nor in repr()."""

    error: OperationError
    traceback: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkipped(StepEvent):
    because: str


Listener = Callable[[Event], None]


def fan_out(*listeners: Listener) -> Listener:
    """One listener that tells all; an exception of one reaches neither the others nor the run."""

    def tell(event: Event) -> None:
        for listener in listeners:
            _tell(listener, event)

    return tell


def _tell(listener: Listener, event: Event) -> None:
    try:
        listener(event)
    except Exception:
        import logging

        logging.getLogger(__name__).debug("a listener failed on %s", type(event).__name__, exc_info=True)


def _json(value: object) -> object:
    if isinstance(value, OperationError):
        return value.to_json()
    if isinstance(value, tuple):
        return [str(item) if isinstance(item, Reason) else plain(item) for item in value]
    return plain(value)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
