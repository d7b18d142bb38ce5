"""Who you are, what you may, what is missing and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.screens.page import Page
from dbxwizard.screens.widgets import Table
from dbxwizard.screens.words import VERDICTS, shown

if TYPE_CHECKING:
    from dbxwizard.doctor import Check


class ChecksMade(Message):
    def __init__(self, checks: Sequence[Check]) -> None:
        super().__init__()
        self.checks = checks


class DoctorScreen(Page):
    heading = "Doctor"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "check", "Check again")]

    def __init__(self) -> None:
        super().__init__()
        self._checks: Sequence[Check] = ()
        self._filter = ""

    def body(self) -> Iterable[Widget]:
        yield Table("state", "check", "what was found")
        with VerticalScroll(id="details"):
            yield Static("", id="detail", markup=False)

    def on_mount(self) -> None:
        self.action_check()

    def action_check(self) -> None:
        self.request(self.ask.doctor(), ChecksMade, "checking")

    @on(ChecksMade)
    def show_checks(self, message: ChecksMade) -> None:
        self._checks = message.checks
        self._fill()
        self.query_one(Table).focus()

    def filtered(self, text: str) -> None:
        self._filter = text.lower()
        self._fill()

    def _fill(self) -> None:
        table, colours = self.query_one(Table), self.app.theme_variables
        table.clear()
        for number, check in enumerate(self._checks):
            if self._filter in f"{check.name} {check.detail} {check.verdict}".lower():
                state = shown(VERDICTS[check.verdict], colours)
                table.add_row(state, Text(check.name), Text(check.detail), key=str(number))

    @on(Table.RowHighlighted)
    def show_detail(self, event: Table.RowHighlighted) -> None:
        if event.row_key is not None and event.row_key.value is not None:
            self.query_one("#detail", Static).update(Text(_told(self._checks[int(event.row_key.value)])))

    def copied(self) -> str:
        return "\n\n".join(map(_told, self._checks))


def _told(check: Check) -> str:
    sign = VERDICTS[check.verdict]
    fix = f"\n→ {check.fix}" if check.fix else ""
    return f"{sign} {check.name}\n{check.detail}{fix}"
