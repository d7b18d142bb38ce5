"""The board: every environment, its state, its drift, what it costs and what ends soon."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.screens.page import Page
from dbxwizard.screens.widgets import Table
from dbxwizard.screens.words import NO_FILES, RUNS, STATES, age, many, shown

if TYPE_CHECKING:
    from dbxwizard.backend.console.board import BoardRow
    from dbxwizard.backend.console.last_deployment import LastDeployment

_NAME, _STATE, _DRIFT, _RUNNING, _LAST, _ENDS, _SEEN = (
    "environment",
    "state",
    "drift",
    "running",
    "last deployment",
    "ends soon",
    "seen",
)
_DRAWN = 0.2  # seconds between two drawings of what was seen
# From which width on what is shown: all of it stands below the table too, for the row under the cursor.
_COLUMNS = {
    112: (_NAME, _STATE, _DRIFT, _RUNNING, _LAST, _ENDS, _SEEN),
    100: (_NAME, _STATE, _DRIFT, _RUNNING, _LAST, _SEEN),
    70: (_NAME, _STATE, _DRIFT, _RUNNING, _SEEN),
    0: (_NAME, _STATE, _SEEN),
}


class BoardSeen(Message):
    def __init__(self, rows: Sequence[BoardRow]) -> None:
        super().__init__()
        self.rows = rows


class Asked(Message):
    """The backend looks now; what it sees comes row by row."""


class BoardTable(Table):
    """A click shows a row's details, a double click or enter opens it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.open", "Open")]

    async def on_click(self, event: events.Click) -> None:
        if event.chain == 2:
            await self.run_action("screen.open")


class EnvironmentsScreen(Page):
    heading = "Environments"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "select", "Select"),
        Binding("d", "deploy", "Deploy"),
        Binding("t", "telemetry", "Telemetry"),
        Binding("r", "refresh", "Refresh"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, BoardRow] = {}
        self._selected: set[str] = set()
        self._filter = ""
        self._columns: tuple[str, ...] = ()
        self._seen_since: set[str] = set()  # rows that are not drawn as they are now

    def body(self) -> Iterable[Widget]:
        yield BoardTable(id="board")
        yield Static("", id="unreadable", classes="words", markup=False)
        with VerticalScroll(id="details"):
            yield Static("", id="detail", markup=False)

    def on_mount(self) -> None:
        self.query_one("#unreadable").display = False
        self.query_one(Table).focus()
        stop = self.program.backend.listen("board", self._row_seen)
        self.set_interval(_DRAWN, self._draw_seen)
        self.set_interval(1.0, self._grow_older)
        self._stop_listening = stop

    def on_unmount(self) -> None:
        self._stop_listening()

    @on(events.ScreenResume)
    def look(self) -> None:
        """Files may have come and gone meanwhile."""
        self.request(self.ask.board(), BoardSeen, "looking at the environments" if not self._rows else "")

    @on(BoardSeen)
    def show_board(self, message: BoardSeen) -> None:
        self._rows = {row.name: row for row in message.rows}
        self._selected &= set(self._rows)
        self._fill()
        broken = [name for name in self.situation.environments if name not in self._rows]
        told = f"✗ can't be read: {', '.join(broken)}. Parameters (4) shows what is wrong."
        self.query_one("#unreadable", Static).update(told)
        self.query_one("#unreadable").display = bool(broken)
        if not self._rows:
            self.query_one("#detail", Static).update(NO_FILES)

    def _row_seen(self, row: BoardRow) -> None:
        if row.name in self._rows:
            self._rows[row.name] = row
            self._seen_since.add(row.name)

    def _draw_seen(self) -> None:
        """Together: Textual draws all of a table for each cell that differs, and a fleet is seen row by row."""
        seen, self._seen_since = self._seen_since, set()
        for row in [row for name, row in self._rows.items() if name in seen]:
            self._draw(row)

    def _grow_older(self) -> None:
        table = self.query_one(Table)
        for row in self._rows.values():
            if row.name in table.rows:
                table.put(row.name, _SEEN, self._seen(row))

    def recolour(self) -> None:
        self._fill()

    # the table

    def on_resize(self, event: events.Resize) -> None:
        wanted = next(columns for least, columns in _COLUMNS.items() if event.size.width >= least)
        if wanted != self._columns:
            self._columns = wanted
            table = self.query_one(Table)
            before = table.current
            table.clear(columns=True)
            for column in wanted:
                table.add_column(column, key=column)
            self._fill(before)

    def filtered(self, text: str) -> None:
        self._filter = text.lower()
        self._fill()

    def _fill(self, before: str = "") -> None:
        """Anew, with the cursor where it was: only when rows or columns come or go."""
        table = self.query_one(Table)
        before = before or table.current
        table.clear()
        for row in self._rows.values():
            if self._filter in _words(row).lower():
                table.add_row(*[""] * len(self._columns), key=row.name)
                self._draw(row)
        if before in table.rows:
            table.move_cursor(row=table.get_row_index(before))

    def _draw(self, row: BoardRow) -> None:
        table = self.query_one(Table)
        if row.name not in table.rows:
            return
        cells = {
            _NAME: Text.assemble("✓ " if row.name in self._selected else "  ", _name(row)),
            _STATE: shown(STATES[row.state], self.app.theme_variables),
            _DRIFT: _drift(row, short=_LAST not in self._columns),
            _RUNNING: _running(row),
            _LAST: Text(_last(row)),
            _ENDS: Text(f"! {len(row.expiring)}" if row.expiring else ""),
            _SEEN: self._seen(row),
        }
        for column in self._columns:
            table.put(row.name, column, cells[column])
        if table.current == row.name:
            self._tell(row)

    def _seen(self, row: BoardRow) -> Text:
        if not row.at:
            return Text("✗ failed" if row.failure else "… looking" if row.looking else "")
        words = age(time.time() - row.at)
        if row.failure:
            return Text(f"✗ {words} failed")
        return Text(f"! {words} stale" if time.time() > row.stale_at else words)

    # the row under the cursor

    @on(Table.RowHighlighted)
    def show_detail(self) -> None:
        """After the frame in which the cursor moves: a key held down is not slowed by it."""
        self.call_after_refresh(self._tell_current)

    def _tell_current(self) -> None:
        name = self.query_one(Table).current
        if name in self._rows:
            self._tell(self._rows[name])

    def _tell(self, row: BoardRow) -> None:
        self.query_one("#detail", Static).update(Text("\n".join(_told(row))))

    def action_open(self) -> None:
        name = self.query_one(Table).current
        if name:
            self.program.go_resources(name)

    def action_telemetry(self) -> None:
        """What the code that ran in the environment under the cursor tells."""
        from dbxwizard.screens.telemetry import TelemetryScreen

        name = self.query_one(Table).current
        if name:
            self.app.push_screen(TelemetryScreen(name))

    def action_select(self) -> None:
        name = self.query_one(Table).current
        if name:
            self._selected ^= {name}
            self._draw(self._rows[name])

    def action_deploy(self) -> None:
        """The selected ones, or the one under the cursor: in the mode Deployments."""
        chosen = [name for name in self._rows if name in self._selected] or [self.query_one(Table).current]
        if any(chosen):
            self.program.go_deploy(tuple(chosen))

    def action_refresh(self) -> None:
        name = self.query_one(Table).current
        self.request(self.ask.refresh_board(drift=(name,) if name else ()), lambda _: Asked())

    def copied(self) -> str:
        return "\n\n".join("\n".join(_told(row)) for row in self._rows.values())


def _name(row: BoardRow) -> Text:
    return Text.assemble(row.name, ("  PROD" if row.production else "", "bold"))


def _drift(row: BoardRow, *, short: bool = False) -> Text:
    if row.state == "absent":
        return Text("+ not deployed")
    if row.drift is None:
        return Text("✗ not known") if row.drift_failure else Text("not yet" if short else "not looked at yet")
    old = "  (old)" if row.drift_failure else ""
    if row.drift.changes:
        return Text(f"~ {row.drift.changes} to change{old}")
    return Text(f"= none{old}")


def _running(row: BoardRow) -> Text:
    if not row.state or row.state == "absent":
        return Text("")
    if row.not_checked:
        return Text("? not allowed to see")
    if not row.running:
        return Text(f"■ 0/{row.clusters}" if row.clusters else "")
    cores = f" {row.cores} cores" if row.cores else ""
    return Text(f"▶ {len(row.running)}/{row.clusters}{cores}")


def _last(row: BoardRow) -> str:
    if row.last is None:
        return "none known"
    sign = RUNS.get(row.last.status)
    return f"{sign or row.last.status} {age(time.time() - row.last.at)} ago"


def _words(row: BoardRow) -> str:
    return f"{row.name} {STATES[row.state].word} {_drift(row).plain} {_running(row).plain} {_last(row)} {row.location}"


def _told(row: BoardRow) -> list[str]:
    lines = [f"{_name(row).plain}: {STATES[row.state].word}" + (f" in {row.location}" if row.location else "")]
    if row.failure:
        lines.append(f"✗ the last look failed: {row.failure}")
    if row.resource_group:
        lines.append(f"resource group {row.resource_group}")
    lines += [f"missing: {name}" for name in row.missing]
    for cluster in row.running:
        ends = f", ends by itself when idle for {cluster.idle_minutes} min" if cluster.idle_minutes else ", never ends"
        cores = f", {cluster.cores} cores" if cluster.cores else ""
        lines.append(
            f"▶ {cluster.name}: {cluster.state.lower()}, {many(cluster.workers, 'worker')} of {cluster.node_type}"
            f"{cores}{ends}"
        )
    if row.not_checked:
        lines.append(f"not allowed to see its clusters: {row.not_checked}")
    if row.drift_failure:
        lines.append(f"✗ drift: {row.drift_failure}")
    if row.drift is not None:
        hidden = f", {row.drift.not_checked} not checked" if row.drift.not_checked else ""
        when = age(time.time() - row.drift.at)
        what = f"a deployment would change {row.drift.changes}" if row.drift.changes else "nothing to change"
        lines.append(f"drift, looked at {when} ago: {what}{hidden}")
        lines += [f"  {reason}" for reason in row.drift.reasons]
    lines += [f"! ends soon: {one}" for one in row.expiring]
    if row.state == "absent":
        lines.append("not deployed: all of it differs from the file; d plans its deployment")
    return [*lines, *_told_of(row.last, _last(row))]


def _told_of(last: LastDeployment | None, words: str) -> list[str]:
    if last is None:
        return []
    changes = "" if last.changes is None else f", {many(last.changes, 'change')}"
    who, where = f"  by {last.actor or 'somebody'}", f"  from {last.where or 'this machine'}"
    return [f"last deployment: {words}{changes}", who, where]
