"""Who you are, what you may, what is missing and how to mend it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.screens.page import Page
from dbxwizard.screens.widgets import WrappedTable
from dbxwizard.screens.words import VERDICTS, age, shown

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
        self._at = 0.0
        self._filter = ""

    def body(self) -> Iterable[Widget]:
        yield WrappedTable({"check": 2, "what was found, what to do": 5})
        yield Static("", id="checked", markup=False)

    def on_mount(self) -> None:
        self.query_one(WrappedTable).focus()
        self.set_interval(1.0, self._tell)
        self.action_check()

    def action_check(self) -> None:
        self.request(self.ask.doctor(), ChecksMade, "checking")

    @on(ChecksMade)
    def show_checks(self, message: ChecksMade) -> None:
        self._checks, self._at = message.checks, time.time()
        self._fill()
        self._tell()

    def filtered(self, text: str) -> None:
        self._filter = text.lower()
        self._fill()

    def recolour(self) -> None:
        self._fill()

    def _fill(self) -> None:
        wanted = [
            (str(number), self._cells(check))
            for number, check in enumerate(self._checks)
            if self._filter in f"{check.name} {check.detail} {check.verdict} {check.fix}".lower()
        ]
        self.query_one(WrappedTable).show(wanted)

    def _cells(self, check: Check) -> tuple[Text, Text]:
        fix = f"\n→ {check.fix}" if check.fix else ""
        sign = shown(VERDICTS[check.verdict], self.app.theme_variables)
        return Text.assemble(sign, f"  {check.name}"), Text(check.detail + fix)

    def _tell(self) -> None:
        if self._at:
            counts = Counter(check.verdict.value for check in self._checks)
            words = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
            self.query_one("#checked", Static).update(f"{words} · checked {age(time.time() - self._at)} ago")

    def copied(self) -> str:
        return "\n\n".join(map(_told, self._checks))


def _told(check: Check) -> str:
    sign = VERDICTS[check.verdict]
    fix = f"\n→ {check.fix}" if check.fix else ""
    return f"{sign} {check.name}\n{check.detail}{fix}"
