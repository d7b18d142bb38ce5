"""What the program and its runs did: each request, each step, each failure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer

from dbxwizard.screens.lines_page import LinesPage
from dbxwizard.screens.page import AskFailed
from dbxwizard.screens.telemetry import choose_telemetry

if TYPE_CHECKING:
    from dbxwizard.backend.console.log import LogBatch

_PACE = 0.1  # seconds between two looks at the file
_LEVELS: dict[str, frozenset[str] | None] = {
    "everything": None,
    "warnings and errors": frozenset({"WARNING", "ERROR", "CRITICAL"}),
    "errors": frozenset({"ERROR", "CRITICAL"}),
}


class LogRead(Message):
    def __init__(self, batch: LogBatch) -> None:
        super().__init__()
        self.batch = batch


class LogsScreen(LinesPage):
    heading = "Logs"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "telemetry", "Telemetry")]

    def __init__(self) -> None:
        super().__init__()
        self._place, self._path = -1, ""
        self._level = "everything"
        self._reading = False
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        self.view.focus()
        self._timer = self.set_interval(_PACE, self._read)

    @on(events.ScreenSuspend)
    def rest(self) -> None:
        if self._timer is not None:
            self._timer.pause()

    @on(events.ScreenResume)
    def go_on(self) -> None:
        if self._timer is not None:
            self._timer.resume()
        self._read()

    def _read(self) -> None:
        if self._reading or (not self._follows and self._place >= 0):
            return
        self._reading = True
        self.request(self.ask.log(after=self._place), LogRead)

    @on(LogRead)
    def show_lines(self, message: LogRead) -> None:
        batch = message.batch
        self._reading = False
        self._place, self._path = batch.place, str(batch.path)
        if batch.anew:
            self.view.clear()
        if batch.lines:
            self.view.add(batch.lines)
        self.tell()

    @on(AskFailed)
    def stop_reading(self) -> None:
        """Or the error would come back ten times a second; `f` tries again."""
        self._reading = self._follows = False
        self._place = max(self._place, 0)
        self.tell()

    def standing(self) -> Iterable[str]:
        return f"level: {self._level}", self._path

    def levels(self) -> frozenset[str] | None:
        return _LEVELS[self._level]

    def action_level(self) -> None:
        names = list(_LEVELS)
        self._level = names[(names.index(self._level) + 1) % len(names)]
        self.show_wanted()

    def action_telemetry(self) -> None:
        """Of an environment that is chosen."""
        choose_telemetry(self)
