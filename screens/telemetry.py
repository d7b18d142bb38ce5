"""What code that ran in an environment tells: its log, errors, spans and metrics, live."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.backend.console.telemetry_watch import TOPIC, Watch
from dbxwizard.core.errors import OperationError
from dbxwizard.screens.lines_page import LinesPage
from dbxwizard.screens.page import AskFailed, Page
from dbxwizard.screens.picking import Item, Picker
from dbxwizard.screens.words import NO_FILES, age

if TYPE_CHECKING:
    from dbxwizard.backend.console.telemetry_watch import TelemetryBatch

_AFTER_A_FAILURE = 30.0  # seconds until the next look
_ANY = "*"  # no commit has this name
_LEVELS = {"": "everything", "warning": "warnings and errors", "error": "errors"}
_SPANS = {"30m": "half an hour", "1h": "an hour", "6h": "six hours", "1d": "a day", "7d": "a week", "30d": "30 days"}
_SHORT = 12  # characters of a commit that are enough for a person


class TelemetryTold(Message):
    def __init__(self, batch: TelemetryBatch) -> None:
        super().__init__()
        self.batch = batch


class TelemetryScreen(LinesPage):
    heading = "Telemetry"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("b", "commit", "Commit"),
        Binding("i", "within", "How far back"),
        Binding("r", "look", "Look again", show=False),
    ]

    def __init__(self, environment: str) -> None:
        super().__init__()
        self._environment = environment
        self.heading = f"Telemetry of {environment}"  # type: ignore[misc]  # each has its own
        self._level, self._commit, self._within = "", "", "1h"
        self._commits: dict[str, None] = {}  # that told something
        self._watch = self._whole = ""
        self._looks = 0
        self._at = 0.0
        self._cut = self._failed = False

    def body(self) -> Iterable[Widget]:
        yield Static("", id="no-lines", classes="words", markup=False)
        yield from super().body()

    def on_mount(self) -> None:
        self.query_one("#no-lines").display = False
        self.view.focus()
        self._stop = self.program.backend.listen(TOPIC, self._told)
        self.set_interval(1.0, self._grow_older)

    def on_unmount(self) -> None:
        self._stop()

    # looking

    @on(events.ScreenResume)
    def go_on(self) -> None:
        if self._follows:
            self.action_look()

    @on(events.ScreenSuspend)
    def rest(self) -> None:
        """Nobody looks: nothing is asked for."""
        self.workers.cancel_group(self, "watch")

    def action_look(self) -> None:
        """Anew, from the beginning of what is asked for."""
        self.action_dismiss_error()
        self._looks += 1
        self._watch = f"{id(self)} {self._looks}"
        self._look(Watch(self._watch, self._within, self._commit, self._level))

    @work(exclusive=True, group="watch")
    async def _look(self, watch: Watch) -> None:
        try:
            await self.ask.watch_telemetry(environment=self._environment, watch=watch)
        except OperationError as error:
            self.post_message(AskFailed(error))

    def _told(self, batch: TelemetryBatch) -> None:
        if batch.watch == self._watch:
            self.post_message(TelemetryTold(batch))

    @on(TelemetryTold)
    def show_lines(self, message: TelemetryTold) -> None:
        batch = message.batch
        self._failed, self._at = False, batch.at
        if self._whole != batch.watch:  # the first of this look has all
            self._whole, self._cut = batch.watch, batch.cut
            self.view.clear()
        self._commits |= dict.fromkeys(line.commit for line in batch.lines if line.commit)
        self.view.add((line.level, line.text) for line in batch.lines)
        none = self.query_one("#no-lines", Static)
        none.display = not self.view.count[1]
        none.update(f"Nothing was told within {_SPANS[self._within]} that fits: i looks further back.")
        self.tell()

    def show_failure(self, error: OperationError) -> None:
        super().show_failure(error)
        self._failed = True
        self.tell()
        if self._follows:
            self.set_timer(_AFTER_A_FAILURE, self._look_once_more)

    def _look_once_more(self) -> None:
        if self._failed and self.is_current:
            self.action_look()

    # what is told of it

    def standing(self) -> Iterable[str]:
        if self._at:
            seen = age(time.time() - self._at)
            yield f"✗ {seen} ago, the last look failed" if self._failed else f"seen {seen} ago"
        yield f"within {_SPANS[self._within]}"
        yield f"level: {_LEVELS[self._level]}"
        if self._commit:
            yield f"commit: {self._commit[:_SHORT]}"
        if self._cut:
            yield "older ones are left out"

    def _grow_older(self) -> None:
        if self.is_current:
            self.tell()

    # keys

    def action_back(self) -> None:
        self.dismiss()

    def action_follow(self) -> None:
        super().action_follow()
        if self._follows:
            self.action_look()
        else:
            self.rest()

    def action_level(self) -> None:
        """Asked of the service: of many records the newest 1,000 come."""
        names = list(_LEVELS)
        self._level = names[(names.index(self._level) + 1) % len(names)]
        self._ask_anew()

    def action_commit(self) -> None:
        items = [Item(_ANY, "any"), *(Item(commit, commit) for commit in self._commits)]
        picker = Picker("Of which commit?", items, self._commit or _ANY, by_hand="another commit", pattern="[0-9a-f]+")
        self.app.push_screen(picker, self._take_commit)

    def _take_commit(self, chosen: str | None) -> None:
        if chosen:
            self._commit = "" if chosen == _ANY else chosen
            self._ask_anew()

    def action_within(self) -> None:
        items = [Item(key, words) for key, words in _SPANS.items()]
        self.app.push_screen(Picker("How far back?", items, self._within), self._take_within)

    def _take_within(self, chosen: str | None) -> None:
        if chosen:
            self._within = chosen
            self._ask_anew()

    def _ask_anew(self) -> None:
        self._follows = True
        self.action_look()
        self.tell()


def choose_telemetry(page: Page) -> None:
    """Opens the telemetry of the environment that is chosen; of the only one at once."""
    names = page.situation.environments
    if not names:
        page.notify(NO_FILES, severity="warning")
        return
    if len(names) == 1:
        page.app.push_screen(TelemetryScreen(names[0]))
        return

    async def chosen(name: str | None) -> None:
        if name:
            await page.app.push_screen(TelemetryScreen(name))

    page.app.push_screen(Picker("Telemetry of which environment?", [Item(name, name) for name in names]), chosen)
