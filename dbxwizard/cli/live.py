"""The live board of a run on a terminal: environments side by side, one line per step that is under way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Group
from rich.table import Table
from rich.text import Text

from dbxwizard.cli import narration
from dbxwizard.cli.board import Board
from dbxwizard.core.change import Action
from dbxwizard.core.events import (
    Event,
    PlanReady,
    PlanStarted,
    RunStarted,
    StepEvent,
    StepFailed,
    StepFinished,
    StepRead,
    StepRetried,
    StepSkipped,
    StepStarted,
    StepWaiting,
)

_LINES_SHOWN = 8


@dataclass(slots=True)
class _Line:
    title: str
    began: float
    detail: str = ""


@dataclass(slots=True)
class _Column:
    """One environment: what is under way, and counts of what ended."""

    running: dict[str, _Line] = field(default_factory=dict)
    done: int = 0
    failed: int = 0


class LiveBoard(Board):
    """A context manager; `tell` takes events from the run's thread."""

    def __init__(self, *, colour: bool) -> None:
        self._columns: dict[str, _Column] = {}
        self._headline = ""
        super().__init__(self._picture, colour=colour)

    def tell(self, event: Event) -> None:
        match event:
            case PlanStarted():
                self._headline = f"reading {event.steps} steps"
            case PlanReady():
                self._headline = ""
                self._columns.clear()
            case RunStarted():
                self._headline = f"{event.command}: {event.changes} of {event.steps} steps to change, by {event.actor}"
            case StepEvent():
                self._note(event)
        line = narration.describe(event)
        if line and isinstance(event, StepEvent):
            self.console.print(Text(f"{event.environment or 'setup':<14} {line}", style=_style(event)))

    def _note(self, event: StepEvent) -> None:
        column = self._columns.setdefault(event.environment or "setup", _Column())
        match event:
            case StepStarted():
                column.running[event.step] = _Line(event.title, event.at)
            case StepWaiting() if event.step in column.running:
                column.running[event.step].detail = f"waits for {event.what}"
            case StepRetried():
                line = column.running.setdefault(event.step, _Line(event.title, event.at))
                line.detail = f"again: {event.reason}"
            case StepFinished() | StepFailed() | StepSkipped() | StepRead():
                column.running.pop(event.step, None)
                column.done += 1
                column.failed += isinstance(event, StepFailed)

    def _picture(self) -> Group:
        table = Table.grid(expand=True, padding=(0, 2))
        for _ in self._columns:
            table.add_column(ratio=1, overflow="ellipsis")
        if self._columns:
            table.add_row(*(self._cell(name, column) for name, column in self._columns.items()))
        return Group(Text(self._headline, style="bold"), table, self._notes())

    def _cell(self, name: str, column: _Column) -> Text:
        failed = f", {column.failed} failed" if column.failed else ""
        text = Text(f"{name}: {column.done} done{failed}\n", style="bold", no_wrap=True)
        for line in list(column.running.values())[:_LINES_SHOWN]:
            elapsed = max(0.0, time.time() - line.began)
            text.append(f"{elapsed:5.1f} s  {line.title}{' …' if line.detail else ''}\n", style="not bold")
        return text

    def _notes(self) -> Text:
        """What is waited for, over the whole width: a column would cut it."""
        details = [
            f"{name}: {line.title}: {line.detail}"
            for name, column in self._columns.items()
            for line in column.running.values()
            if line.detail
        ]
        return Text("\n".join(details[:_LINES_SHOWN]), style="dim", no_wrap=True, overflow="ellipsis")


def _style(event: StepEvent) -> str:
    if isinstance(event, StepFailed):
        return "red"
    return "dim" if isinstance(event, StepFinished) and event.action is Action.NONE else ""
