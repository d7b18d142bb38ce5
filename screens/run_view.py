"""A run as it goes on, or as it went: all environments side by side, each step, the log of the one under the cursor."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from dbxwizard.backend.run_model import ENDED, RunModel, StepRun
from dbxwizard.backend.views import StepView
from dbxwizard.core.errors import OperationError
from dbxwizard.screens.page import AskFailed, Page
from dbxwizard.screens.widgets import Steady, Table
from dbxwizard.screens.words import RUNS, STEPS, shown

_TICK = 0.5  # seconds between two looks at the clock
_REST = 0.05  # seconds after which a cursor that does not move rests
_MANY = 1000  # rows; with more a table is slow to fill


class RunEnded(Message):
    """The run that is watched has come to its end."""

    def __init__(self, model: RunModel) -> None:
        super().__init__()
        self.model = model


class RunView(Vertical):
    """`watch` follows a run until its end, whoever makes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "follow", "Follow the newest", show=False)]

    def __init__(self, id: str | None = None) -> None:  # noqa: A002  as Textual names it
        super().__init__(id=id)
        self.model = RunModel()
        self._filter = ""
        self._follow = True
        self._log_of = self._log_shown = ""
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Steady(id="run-head")
        yield Horizontal(id="run-environments")
        yield Table("state", "took", "environment", "step", "what", id="run-steps")
        with VerticalScroll(id="run-log"):
            yield Static("", id="run-lines", markup=False)

    def on_mount(self) -> None:
        self.set_interval(_TICK, self._tick)

    @property
    def current(self) -> StepRun | None:
        """The step under the cursor."""
        return self.model.steps.get(self.query_one("#run-steps", Table).current)

    def focus_steps(self) -> None:
        self.query_one("#run-steps", Table).focus()

    def watch_run(self, run: str, planned: Iterable[StepView] = ()) -> None:
        self.model = RunModel(planned)
        self._follow, self._log_of = True, ""
        self._fill()
        self._watch(run)

    @work(exclusive=True, group="watch")
    async def _watch(self, run: str) -> None:
        page, number, ended = self.screen, 0, False
        assert isinstance(page, Page)  # noqa: S101  it lives on pages alone
        while not ended:
            try:
                batch = await page.ask.events(run=run, after=number)
            except OperationError as error:
                page.post_message(AskFailed(error))
                return
            number, ended = batch.number, batch.ended
            self._draw({step for event in batch.events if (step := self.model.take(event))})
        self.post_message(RunEnded(self.model))

    def narrow(self, text: str) -> None:
        self._filter = text.lower()
        self._fill()

    # drawing

    def _fill(self) -> None:
        """All rows anew."""
        table = self.query_one("#run-steps", Table)
        table.clear()
        for step in self.model.steps.values():
            if self._shows(step):
                table.add_row(*self._cells(step), key=step.id)
        self._draw(set())

    def _shows(self, step: StepRun) -> bool:
        """Of a run of very many steps only what is under way or failed, unless something is looked for."""
        if len(self.model.steps) > _MANY and not self._filter and step.state not in ("running", "retrying", "failed"):
            return False
        return self._filter in f"{step.state} {step.environment or 'setup'} {step.title} {step.detail}".lower()

    def _draw(self, changed: set[str]) -> None:
        table = self.query_one("#run-steps", Table)
        for step_id in [one for one in self.model.steps if one in changed]:  # in the order of the plan
            step = self.model.steps[step_id]
            if step_id in table.rows and not self._shows(step):
                table.remove_row(step_id)
            elif step_id in table.rows:
                table.put_row(step_id, self._cells(step))
            elif self._shows(step):
                table.add_row(*self._cells(step), key=step_id)
        if changed and self._follow:
            self._go_to_newest(table)
        if self.query_one("#run-steps", Table).current in changed | {""}:
            self._show_log()
        self._tick()

    def recolour(self) -> None:
        table = self.query_one("#run-steps", Table)
        for step in self.model.steps.values():
            if step.id in table.rows:
                table.update_cell(step.id, "state", self._cells(step)[0])
        self._tick()

    def _cells(self, step: StepRun) -> tuple[Text, ...]:
        seconds = step.seconds(time.time())
        took = "" if seconds is None else duration(seconds)
        sign = shown(STEPS[step.state], self.app.theme_variables)
        return sign, Text(took), Text(step.environment or "setup"), Text(step.title), Text(step.detail)

    def _tick(self) -> None:
        """What moves with the clock."""
        self.query_one("#run-head", Steady).show(self._headline())
        self._draw_environments()
        table = self.query_one("#run-steps", Table)
        for step in self.model.steps.values():
            if step.state in ("running", "retrying") and step.id in table.rows:
                table.put(step.id, "took", self._cells(step)[1])

    def _headline(self) -> Text:
        model = self.model
        if not model.run_id:
            return Text("reading what is there …" if not model.status else f"the plan failed: {model.status}")
        sign = RUNS[model.status or "running"]
        done = sum(model.counts()[state] for state in ENDED)
        words = f"  {model.command}  {done} of {len(model.steps)} steps, {duration(model.seconds(time.time()))}"
        return Text.assemble(shown(sign, self.app.theme_variables), words, (f"  as {model.actor}", "dim"))

    def _draw_environments(self) -> None:
        """One cell for each, side by side; beyond eight the table alone tells."""
        row, names = self.query_one("#run-environments", Horizontal), self.model.environments[:8]
        cells = list(row.query(Steady))
        if len(cells) < len(names):
            row.mount_all(Steady() for _ in range(len(names) - len(cells)))
            cells = list(row.query(Steady))
        for cell, name in zip(cells, names, strict=False):
            cell.show(_told(name, self.model))

    def _go_to_newest(self, table: Table) -> None:
        active = [step.id for step in self.model.steps.values() if step.state in ("running", "retrying", "failed")]
        if active and active[-1] in table.rows:
            table.move_cursor(row=table.get_row_index(active[-1]))

    def action_follow(self) -> None:
        self._follow = True
        self._go_to_newest(self.query_one("#run-steps", Table))

    def on_key(self) -> None:
        """Who moves the cursor reads; it is not moved under them."""
        self._follow = False

    @on(Table.RowHighlighted)
    def _cursor_moved(self) -> None:
        """The log comes when it rests: new text of another height lays out the screen anew, for which no key waits."""
        if self._resting:
            self._resting.stop()
        self._resting = self.set_timer(_REST, self._show_log)

    def _show_log(self) -> None:
        step = self.current
        log = self.query_one("#run-log", VerticalScroll)
        at_end = log.is_vertical_scroll_end or step is None or step.id != self._log_of
        self._log_of = step.id if step else ""
        lines = "\n".join(step.lines) if step else ""
        if lines != self._log_shown:
            self._log_shown = lines
            self.query_one("#run-lines", Static).update(Text(lines))
        if at_end:
            log.scroll_end(animate=False)

    def copied(self) -> str:
        """The log of the whole run."""
        parts = []
        for step in self.model.steps.values():
            heading = f"{STEPS[step.state]}  {step.environment or 'setup'}  {step.title}"
            parts.append("\n".join((heading, *(f"    {line}" for line in step.lines))))
        return f"{self._headline()}\n" + "\n".join(parts)


def _told(name: str, model: RunModel) -> Text:
    steps, counts = model.of(name), model.counts(name)
    done = sum(counts[state] for state in ENDED)
    words = f"{done}/{len(steps)}" + (f", {counts['failed']} failed" if counts["failed"] else "")
    running = next((step.title for step in steps if step.state in ("running", "retrying")), "")
    text = Text(no_wrap=True, overflow="ellipsis")  # of a long name its end may be lost, not how far it is
    return text.append(f"{words}  {name or 'setup'}\n", style="bold").append(running or " ")


def duration(seconds: float) -> str:
    """As `4.2 s`, from a minute on as `3:07`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02}" if minutes else f"{seconds:.1f} s"
