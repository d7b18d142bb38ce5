"""Who you are, what you may, what is missing and how to mend it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.screens.page import Page
from dbxwizard.screens.widgets import WrappedTable
from dbxwizard.screens.words import VERDICTS, age, shown

if TYPE_CHECKING:
    from textual.worker import Worker

    from dbxwizard.doctor import Check

_STALE = 900.0  # seconds after which a check counts as old; then opening the screen checks again
_CHECK, _FOUND, _AGE = "check", "what was found, what to do", "seen"


class ChecksMade(Message):
    """`part` is "" for all of them."""

    def __init__(self, checks: Sequence[Check], part: str) -> None:
        super().__init__()
        self.checks, self.part = checks, part


class CheckTable(WrappedTable):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.check_one", "Check this again")]


class DoctorScreen(Page):
    heading = "Doctor"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "check", "Check again")]

    def __init__(self) -> None:
        super().__init__()
        self._checks: tuple[Check, ...] = ()
        self._filter = ""
        self._asked: Worker[None] | None = None  # for all checks

    def body(self) -> Iterable[Widget]:
        yield CheckTable({_CHECK: 2, _FOUND: 5, _AGE: 1})
        yield Static("", id="checked", markup=False)

    def on_mount(self) -> None:
        self.query_one(WrappedTable).focus()
        self.set_interval(1.0, self._grow_older)

    @on(events.ScreenResume)
    def look(self) -> None:
        """Textual resumes the first screen of a mode twice."""
        asked = self._asked is not None and not self._asked.is_finished
        if not asked and (not self._checks or any(_is_stale(check) for check in self._checks)):
            self.action_check()

    def action_check(self) -> None:
        self.action_dismiss_error()
        self._asked = self.request(self.ask.doctor(), lambda checks: ChecksMade(checks, ""), "checking")

    def action_check_one(self) -> None:
        """What is under the cursor, and what is asked for together with it."""
        place = self.query_one(WrappedTable).current
        if place:
            part = self._checks[int(place)].part
            self.request(self.ask.doctor(part=part), lambda checks: ChecksMade(checks, part), f"checking {part}")

    @on(ChecksMade)
    def show_checks(self, message: ChecksMade) -> None:
        others = [check for check in self._checks if message.part not in ("", check.part)]
        place = next((place for place, check in enumerate(self._checks) if check.part == message.part), len(others))
        self._checks = (*others[:place], *message.checks, *others[place:])
        self._fill()
        counts = Counter(check.verdict.value for check in self._checks)
        words = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        self.query_one("#checked", Static).update(words)

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

    def _cells(self, check: Check) -> tuple[Text, Text, Text]:
        fix = f"\n→ {check.fix}" if check.fix else ""
        sign = shown(VERDICTS[check.verdict], self.app.theme_variables)
        return Text.assemble(sign, f"  {check.name}"), Text(check.detail + fix), Text(_age(check))

    def _grow_older(self) -> None:
        table = self.query_one(WrappedTable)
        for key in list(table.rows):
            table.put(str(key.value), _AGE, Text(_age(self._checks[int(str(key.value))])))

    def copied(self) -> str:
        return "\n\n".join(map(_told, self._checks))


def _is_stale(check: Check) -> bool:
    return time.time() - check.at > _STALE


def _age(check: Check) -> str:
    words = age(time.time() - check.at)
    return f"! {words} old" if _is_stale(check) else words


def _told(check: Check) -> str:
    sign = VERDICTS[check.verdict]
    fix = f"\n→ {check.fix}" if check.fix else ""
    return f"{sign} {check.name}, {_age(check)} ago\n{check.detail}{fix}"
