"""The line in which `/` asks what to look for."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from dbxwizard.screens.one_line import OneLine


class FilterBar(Horizontal):
    """Hidden until it is opened. Enter keeps the text, escape takes it away; both give the focus back.

    `sign`: the key that opens it; `purpose`: what the text is for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "clear", "No filter", show=False)]

    class Changed(Message):
        def __init__(self, text: str, sign: str) -> None:
            super().__init__()
            self.text, self.sign = text, sign

    def __init__(self, sign: str = "/", purpose: str = "filter", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._sign, self._purpose = sign, purpose
        self.display = False

    def compose(self) -> ComposeResult:
        yield Label(self._sign)
        yield OneLine(placeholder=f"{self._purpose}; enter keeps it, escape takes it away", compact=True)

    def open(self) -> None:
        self._before = self.screen.focused
        self.display = True
        self.screen.set_focus(self.query_one(Input))  # at once: what is typed next is meant for it

    @on(Input.Changed)
    def tell(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value, self._sign))

    @on(Input.Submitted)
    def keep(self, event: Input.Submitted) -> None:
        event.stop()
        self.display = bool(event.value)
        self._give_back()

    def action_clear(self) -> None:
        self.query_one(Input).value = ""
        self.display = False
        self._give_back()

    def _give_back(self) -> None:
        self.screen.set_focus(self._before if self._before and self._before.is_attached else None)
