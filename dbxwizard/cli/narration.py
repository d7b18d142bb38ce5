"""What happens while a command runs, told on stderr: plain lines, or one live line per step on a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TextIO

from dbxwizard.cli.invocation import Invocation
from dbxwizard.core.change import Action
from dbxwizard.core.events import (
    Event,
    Listener,
    StepEvent,
    StepFailed,
    StepFinished,
    StepInfo,
    StepRead,
    StepRetried,
    StepSkipped,
    StepStarted,
    StepWaiting,
    fan_out,
)

_DONE = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted", Action.NONE: "unchanged"}


@contextmanager
def narrating(invocation: Invocation, *others: Listener, person: Listener | None = None) -> Iterator[Listener]:
    """A listener that tells a person (`person`: in its own way), writes --events and --log-file, and passes on to
    `others`."""
    listeners = list(others)
    files: list[TextIO] = []
    try:
        for name, wrap in (("events", _json_lines), ("log_file", _log_lines)):
            target = invocation.text(name)
            if target:
                file = sys.stdout if target == "-" else _open(target, files)
                listeners.append(_while_it_lasts(wrap(file), target))
        with nullcontext(person) if person else _for_person(invocation) as teller:
            yield fan_out(teller, *listeners)
    finally:
        for file in files:
            with suppress(OSError):  # a full disk was told of by the first event that it did not take
                file.close()


def _open(path: str, files: list[TextIO]) -> TextIO:
    file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115  closed when the narration ends
    if Path(path).is_file():  # a device or a pipe keeps its mode
        Path(path).chmod(0o600)
    files.append(file)
    return file


def _while_it_lasts(listener: Listener, target: str) -> Listener:
    """The run does not depend on who listens: a file that takes no more is told of once, and then left alone."""
    broken = False

    def tell(event: Event) -> None:
        nonlocal broken
        if broken:
            return
        try:
            listener(event)
        except OSError as error:
            broken = True
            print(f"warning: {target} takes no more: {error.strerror or error}", file=sys.stderr, flush=True)

    return tell


def _json_lines(file: TextIO) -> Listener:
    def tell(event: Event) -> None:
        print(json.dumps(event.to_json(), ensure_ascii=False), file=file, flush=True)

    return tell


def _log_lines(file: TextIO) -> Listener:
    def tell(event: Event) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event.at))
        print(at, json.dumps(event.to_json(), ensure_ascii=False), file=file, flush=True)
        if isinstance(event, StepFailed) and event.traceback:
            print(event.traceback, file=file, flush=True)

    return tell


def is_live(invocation: Invocation) -> bool:
    """Whether a board can be drawn for a person, who asked neither for silence nor for each line."""
    wants = not (invocation.flag("verbose") or invocation.flag("quiet"))
    return wants and invocation.interactive and invocation.environ.get("TERM") != "dumb"


@contextmanager
def _for_person(invocation: Invocation) -> Iterator[Listener]:
    if invocation.flag("quiet"):
        yield lambda _event: None
    elif is_live(invocation):
        from dbxwizard.cli.live import LiveBoard

        with LiveBoard(colour="NO_COLOR" not in invocation.environ) as board:
            yield board.tell
    else:
        yield _plain(sys.stderr, verbose=invocation.flag("verbose"))


def _plain(out: TextIO, *, verbose: bool) -> Listener:
    def tell(event: Event) -> None:
        line = describe(event, verbose=verbose)
        if line and isinstance(event, StepEvent):
            at = time.strftime("%H:%M:%S", time.localtime(event.at))
            print(f"{at}  {event.environment or 'setup':<14} {line}", file=out, flush=True)

    return tell


def describe(event: Event, *, verbose: bool = False) -> str:
    """One line about what happened; "" where nobody asked."""
    match event:
        case StepFinished():
            return _finished(event, verbose)
        case StepFailed():
            return f"{event.title}: failed: {event.error}"
        case StepSkipped():
            return f"{event.title}: left out, {event.because}"
        case _:
            return _in_detail(event) if verbose else ""


def _finished(event: StepFinished, verbose: bool) -> str:
    if event.action is Action.NONE and not verbose:
        return ""
    return f"{event.title}: {_DONE[event.action]} ({event.seconds:.1f} s)"


def _in_detail(event: Event) -> str:
    match event:
        case StepStarted():
            return f"{event.title}: {event.action.value} …"
        case StepRetried():
            return f"{event.title}: again in {event.delay:.1f} s, {event.reason}"
        case StepWaiting():
            return f"{event.title}: waits for {event.what}"
        case StepInfo():
            return f"{event.title}: {event.text}"
        case StepRead():
            return f"{event.title}: read, {event.not_checked or event.action.value}"
        case _:
            return ""
