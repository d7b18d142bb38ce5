"""Start a deployment: choose, look at its plan, watch it; and what was deployed before, by whoever did it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.backend.views import StepView, is_production
from dbxwizard.core.journal import JournalRun
from dbxwizard.screens.deploying import PlanMade, PlanPage, RunBegun, RunPage
from dbxwizard.screens.page import Page
from dbxwizard.screens.plan_tree import PlanTree
from dbxwizard.screens.run_view import RunView, duration
from dbxwizard.screens.widgets import Checklist, FittedTable, Table
from dbxwizard.screens.words import NO_FILES, RUNS, shown

_EVERY = 3.0  # seconds between two looks into the history, which lies on this machine
_SHOWN = 200  # runs; the history keeps no more
_COLUMNS = {
    100: ("state", "command", "when", "took", "changes", "who", "run"),
    60: ("state", "command", "day", "took", "changes", "by"),
    0: ("state", "command", "day"),
}


class HistoryRead(Message):
    def __init__(self, runs: Sequence[JournalRun]) -> None:
        super().__init__()
        self.runs = runs


class DeploymentsScreen(Page):
    heading = "Deployments"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "deploy", "New deployment"),
        Binding("r", "refresh", "Refresh", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._runs: dict[str, JournalRun] = {}
        self._filter = ""

    def body(self) -> Iterable[Widget]:
        yield Static("Nothing was deployed from this machine yet: d begins.", id="none", markup=False)
        yield FittedTable(_COLUMNS)

    def on_mount(self) -> None:
        self.query_one("#none").display = False
        self.query_one(Table).focus()
        self.action_refresh()
        self.set_interval(_EVERY, self._look)

    def _look(self) -> None:
        if self.is_current:
            self.request(self.ask.history(limit=_SHOWN), HistoryRead)

    def action_refresh(self) -> None:
        self.action_dismiss_error()
        self.request(self.ask.history(limit=_SHOWN), HistoryRead, "reading the history")

    @on(HistoryRead)
    def take(self, message: HistoryRead) -> None:
        self._runs = {run.run_id: run for run in message.runs}
        self.query_one("#none").display = not self._runs
        self._fill()

    def filtered(self, text: str) -> None:
        self._filter = text.lower()
        self._fill()

    def _fill(self) -> None:
        rows = {run.run_id: self._cells(run) for run in self._runs.values()}
        kept = {key: cells for key, cells in rows.items() if self._filter in _words(cells).lower()}
        self.query_one(FittedTable).show(kept)

    def recolour(self) -> None:
        self._fill()

    def _cells(self, run: JournalRun) -> dict[str, Text]:
        when = time.localtime(run.started)
        words = {
            "command": run.command or "plan",
            "when": time.strftime("%Y-%m-%d %H:%M", when),
            "day": time.strftime("%m-%d %H:%M", when),
            "took": duration((run.ended or time.time()) - run.started),
            "changes": f"{run.changes} of {run.steps}",
            "who": run.actor,
            "by": run.actor.partition(" (")[0],
            "run": run.run_id[:8],
        }
        sign = shown(RUNS[run.status], self.app.theme_variables)
        return {"state": sign, **{name: Text(text) for name, text in words.items()}}

    def copied(self) -> str:
        return "\n".join(_words(self._cells(run)) for run in self._runs.values())

    @on(Table.RowSelected)
    def action_open(self) -> None:
        run = self._runs.get(self.query_one(Table).current)
        if run is not None:
            self.app.push_screen(RunScreen(run.run_id))

    def action_deploy(self) -> None:
        if self.situation.environments:
            self.app.push_screen(ChooseScreen(self.situation.environments))
        else:
            self.notify(NO_FILES, severity="warning")


def _words(cells: Mapping[str, Text]) -> str:
    return "  ".join(cells[name].plain for name in _COLUMNS[100])


class ChooseScreen(Page):
    """Which environments."""

    heading = "New deployment"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("ctrl+g,ctrl+n", "plan", "Plan", key_display="^g"),
    ]

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names

    def body(self) -> Iterable[Widget]:
        yield Static("Space chooses, a all. What would change is shown before anything is done.", classes="words")
        yield Checklist({name: _label(name) for name in self._names})
        with Horizontal(id="steps"):
            yield Button("Back", id="back", compact=True)
            yield Button("Plan", id="plan", variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one(Checklist).focus()

    @on(Button.Pressed, "#plan")
    def action_plan(self) -> None:
        chosen = self.query_one(Checklist).chosen
        if chosen:
            self.app.call_later(self.app.switch_screen, PlanScreen(chosen))
        else:
            self.notify("choose an environment", severity="warning")

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        self.dismiss()


def _label(name: str) -> Text:
    return Text.assemble(name, ("  ⚠ production", "bold") if is_production(name) else "")


class PlanScreen(PlanPage):
    """What a deployment of these environments would change."""

    heading = "Plan of a deployment"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("ctrl+g,ctrl+n", "apply", "Apply", key_display="^g"),
        Binding("r", "plan", "Plan again"),
    ]

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = tuple(names)

    def body(self) -> Iterable[Widget]:
        with Vertical(id="plan"):
            yield Static("", id="totals", markup=False)
            yield PlanTree()
        with Horizontal(id="steps"):
            yield Button("Back", id="back", compact=True)
            yield Button("Apply", id="apply", variant="primary", compact=True, disabled=True)

    def on_mount(self) -> None:
        self.action_plan()

    def action_plan(self) -> None:
        self.action_dismiss_error()
        self.plan = None
        self.query_one("#apply", Button).disabled = True
        names = ", ".join(self._names)
        self.request(self.ask.plan_deploy(environments=self._names), PlanMade, f"reading what is there: {names}")

    def plan_shown(self, plan: object) -> None:
        self.query_one("#apply", Button).disabled = not (self.plan and self.plan.applicable)

    @on(Button.Pressed, "#apply")
    def action_apply(self) -> None:
        if self.plan and self.plan.applicable:
            self.begin(self.plan)
        elif self.plan:
            self.notify("there is nothing to change")

    @on(RunBegun)
    def follow(self, message: RunBegun) -> None:
        self.program.run_begun(message.run)
        self.app.call_later(self.app.switch_screen, RunScreen(message.run, message.plan.steps))

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        self.dismiss()


class RunScreen(RunPage):
    """A run that goes on, here or elsewhere, or one that has ended."""

    heading = "Run"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back")]

    def __init__(self, run: str, planned: Sequence[StepView] = ()) -> None:
        super().__init__()
        self._first, self._planned = run, planned

    def body(self) -> Iterable[Widget]:
        yield RunView()

    def on_mount(self) -> None:
        self.follow_run(self._first, self._planned)

    def action_back(self) -> None:
        self.dismiss()
