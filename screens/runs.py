"""The workflow runs on GitHub: the newest, live, by environment, branch and state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.core.errors import OperationError
from dbxwizard.screens.launching import LaunchFormRead, choose_workflow
from dbxwizard.screens.page import Page
from dbxwizard.screens.picking import Item, Picker
from dbxwizard.screens.run_view import duration
from dbxwizard.screens.run_words import budget_told, seen_told
from dbxwizard.screens.widgets import FittedTable, Table
from dbxwizard.screens.words import age, many, of_workflow, shown
from dbxwizard.screens.workflow_run import WorkflowRunScreen

if TYPE_CHECKING:
    from dbxwizard.backend.console.github_runs import Run, RunList

_AFTER_A_FAILURE = 30.0  # seconds until the next look
_ANY = "*"  # no environment, branch or state has this name
_STATES = ("in_progress", "waiting", "queued", "success", "failure", "cancelled")
_COLUMNS = {
    120: ("state", "age", "took", "run", "environment", "branch", "event", "who", "#"),
    80: ("state", "age", "took", "run", "environment", "branch"),
    60: ("state", "age", "run", "environment"),
    0: ("state", "age", "run"),
}
# How long a title may be, and an environment or branch, by the width of the screen.
_LONGEST = {150: (60, 24), 120: (44, 20), 80: (21, 12), 60: (20, 14), 0: (18, 0)}


class RunsSeen(Message):
    def __init__(self, found: RunList, *, whole: bool) -> None:
        super().__init__()
        self.found, self.whole = found, whole


class RunsScreen(Page):
    heading = "Runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "launch", "Launch"),
        Binding("e", "filter_by('environment')", "Environment"),
        Binding("b", "filter_by('branch')", "Branch"),
        Binding("s", "filter_by('state')", "State"),
        Binding("o", "browse", "Browser"),
        Binding("r", "refresh", "Refresh", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: RunList | None = None
        self._wanted = {"environment": "", "branch": "", "state": ""}
        self._filter = ""
        self._branches: dict[str, None] = {}  # those that were seen
        self._failed = False
        self._timer: Timer | None = None

    def body(self) -> Iterable[Widget]:
        yield Static("", id="filters", markup=False)
        yield Static("", id="no-runs", classes="words", markup=False)
        yield FittedTable(_COLUMNS, id="runs")

    def on_mount(self) -> None:
        self.query_one("#no-runs").display = False
        self.query_one(Table).focus()
        self.set_interval(1.0, self._grow_older)

    # looking

    @on(events.ScreenResume)
    def look(self) -> None:
        """First what is quick to have: which environments the runs are for takes more requests."""
        self._ask(whole=self._found is not None)

    @on(events.ScreenSuspend)
    def rest(self) -> None:
        if self._timer is not None:
            self._timer.stop()

    def action_refresh(self) -> None:
        self._ask(whole=True, told=True)

    def _ask(self, *, whole: bool, told: bool = False) -> None:
        self.rest()
        if not self.is_current:
            return
        question = self.ask.github_runs(**self._wanted, places=whole)
        waits = "asking GitHub" if told or self._found is None else ""
        self.request(question, lambda found: RunsSeen(found, whole=whole), waits)

    def _again(self, seconds: float) -> None:
        self.rest()
        self._timer = self.set_timer(seconds, lambda: self._ask(whole=True))

    def show_failure(self, error: OperationError) -> None:
        super().show_failure(error)
        self._failed = True
        self._again(_AFTER_A_FAILURE)
        self._stand()

    @on(RunsSeen)
    def show_runs(self, message: RunsSeen) -> None:
        if self._failed:
            self._failed = False
            self.action_dismiss_error()
        self._found = found = message.found
        self._branches |= dict.fromkeys(run.branch for run in found.runs)
        self._fill()
        self._again(found.again if message.whole else 0.01)

    # the table

    def on_resize(self) -> None:
        self._fill()

    def recolour(self) -> None:
        self._fill()

    def filtered(self, text: str) -> None:
        self._filter = text.lower()
        self._fill()

    def _fill(self) -> None:
        rows = {str(run.id): self._cells(run) for run in self._runs if self._filter in self._words(run).lower()}
        self.query_one(FittedTable).show(rows)
        none = self.query_one("#no-runs", Static)
        none.display = self._found is not None and not rows
        none.update("No run fits." if self._filters() or self._filter else "Nothing has run yet: u starts a workflow.")
        self._stand()

    @property
    def _runs(self) -> Sequence[Run]:
        return self._found.runs if self._found else ()

    def _cells(self, run: Run) -> dict[str, Text]:
        now, width = time.time(), self.app.size.width
        title, place = next(most for least, most in _LONGEST.items() if width >= least)
        return {
            "state": shown(of_workflow(run.state), self.app.theme_variables),
            "age": Text(age(now - run.created_at)),
            "took": Text(_took(run, now)),
            "run": Text(_cut(_called(run), title)),
            "environment": Text(_cut(self._places(run), place)),
            "branch": Text(_cut(run.branch, place)),
            "event": Text(run.event),
            "who": Text(run.actor),
            "#": Text(f"{run.number}.{run.attempt}" if run.attempt > 1 else str(run.number)),
        }

    def _places(self, run: Run) -> str:
        return ", ".join(self._found.places.get(run.id, ())) if self._found else ""

    def _words(self, run: Run) -> str:
        return f"{of_workflow(run.state).word} {run.title} {run.name} {self._places(run)} {run.branch} {run.actor}"

    def _grow_older(self) -> None:
        """What moves with the clock."""
        if self.is_current:
            self._fill()

    def _stand(self) -> None:
        self.query_one("#filters", Static).update(" · ".join((*self._filters(), *self._standing())))

    def _filters(self) -> list[str]:
        return [f"{name}: {_word(name, value)}" for name, value in self._wanted.items() if value]

    def _standing(self) -> list[str]:
        if self._found is None:
            return []
        return [many(len(self._found.runs), "run"), self._seen(self._found), *budget_told(self._found.budget)]

    def _seen(self, found: RunList) -> str:
        now = time.time()
        if self._failed:
            return f"✗ {age(now - found.at)} ago, the last look failed"
        return seen_told(found.at, found.stale_at, now)

    def copied(self) -> str:
        lines = (f"{run.state}  {run.title}  {self._places(run)}  {run.branch}  {run.html_url}" for run in self._runs)
        return "\n".join(lines)

    # keys

    @property
    def _here(self) -> Run | None:
        key = self.query_one(Table).current
        return next((run for run in self._runs if str(run.id) == key), None)

    @on(Table.RowSelected)
    def action_open(self) -> None:
        run = self._here
        if run is not None:
            self.app.push_screen(WorkflowRunScreen(run.id, run.title))

    def action_browse(self) -> None:
        run = self._here
        if run is not None:
            self.program.browse(run.html_url)

    def action_filter_by(self, name: str) -> None:
        choices: dict[str, Callable[[], Sequence[str]]] = {
            "environment": lambda: self.situation.environments,
            "branch": lambda: tuple(self._branches),
            "state": lambda: _STATES,
        }
        items = [Item(_ANY, "any"), *(Item(one, _word(name, one)) for one in choices[name]())]
        by_hand = "" if name == "state" else f"another {name}"

        def chosen(value: str | None) -> None:
            if value and value != (self._wanted[name] or _ANY):
                self._wanted[name] = "" if value == _ANY else value
                self.action_refresh()

        current = self._wanted[name] or _ANY
        self.app.push_screen(Picker(f"Runs of which {name}?", items, current, by_hand=by_hand), chosen)

    def action_launch(self) -> None:
        self.request(self.ask.github_launch_form(), LaunchFormRead, "reading the workflows")

    @on(LaunchFormRead)
    def offer_workflows(self, message: LaunchFormRead) -> None:
        choose_workflow(self, message.form)


def _called(run: Run) -> str:
    """With its workflow, where GitHub calls it like the pull request or the commit that started it."""
    says_itself = run.event in ("workflow_dispatch", "schedule") or run.title.startswith(run.name)
    return (run.title or run.name) if says_itself else f"{run.name}: {run.title}"


def _took(run: Run, now: float) -> str:
    if not run.started_at or run.status in ("queued", "waiting", "pending", "requested"):
        return ""
    return duration(max((run.updated_at if run.ended else now) - run.started_at, 0.0))


def _word(name: str, value: str) -> str:
    return of_workflow(value).word if name == "state" else value


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
