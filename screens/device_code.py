"""A sign-in that is finished on another device: the code large, and the address for a phone to read."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.backend.views import DeviceCodeShown
from dbxwizard.core.errors import OperationError
from dbxwizard.screens.blocks import in_halves, large, qr_matrix
from dbxwizard.screens.dialogs import Dialog

_PAPER = "#000000 on #ffffff"  # whatever the theme: readers want dark modules on a light ground


class ApprovalAsked(Message):
    """Somebody wants `shown` to be approved as the sandbox's person."""

    def __init__(self, shown: DeviceCodeShown) -> None:
        super().__init__()
        self.shown = shown


class DeviceCodeScreen(Dialog[str]):
    """Gives "" when it is closed by hand: the sign-in is given up then. Whoever opened it closes it when it is done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss('')", "Give up"),
        Binding("y", "copy_code", "Copy the code"),
        Binding("Y", "copy_address", "Copy the address", key_display="Y"),
    ]

    def __init__(self, shown: DeviceCodeShown, asked_by: Widget, *, sandbox: bool) -> None:
        super().__init__()
        self._shown, self._asked_by, self._sandbox = shown, asked_by, sandbox

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="device"):
            yield Static(Text(in_halves(qr_matrix(self._shown.uri)), _PAPER), id="qr", markup=False)
            with Vertical(id="told"):
                yield Static(Text("Sign in on another device", "bold"), markup=False)
                yield Static(f"1  Open {self._shown.uri}", id="address", markup=False)
                yield Static(f"2  Enter {self._shown.code}", markup=False)
                yield Static("", id="code", markup=False)
                yield Static("", id="remaining", markup=False)
                yield Static("", id="failure", markup=False)
                with Horizontal(classes="row"):
                    yield Button("Copy the code", id="copy", compact=True)
                    yield Button("Give up", id="give-up", compact=True)
                if self._sandbox:
                    yield Static("Nobody's phone reaches the sandbox: be its person here.", classes="words")
                    yield Button("Approve in the sandbox", id="approve", variant="primary", compact=True)

    def on_mount(self) -> None:
        self._tell_remaining()
        self.set_interval(1, self._tell_remaining)
        self.query_one("#approve" if self._sandbox else "#copy").focus()

    @on(events.Resize)
    def fit(self) -> None:
        code = self.query_one("#code", Static)
        self.call_after_refresh(lambda: code.update(large(self._shown.code, code.size.width)))

    def _tell_remaining(self) -> None:
        seconds = max(0, int(self._shown.expires_at - time.time()))
        told = f"valid for {seconds // 60}:{seconds % 60:02}" if seconds else "✗ expired: give up, and begin again"
        self.query_one("#remaining", Static).update(told)

    @on(Button.Pressed, "#copy")
    def action_copy_code(self) -> None:
        self.app.copy_to_clipboard(self._shown.code)

    def action_copy_address(self) -> None:
        self.app.copy_to_clipboard(self._shown.uri)

    @on(Button.Pressed, "#give-up")
    def give_up(self) -> None:
        self.dismiss("")

    def show_failure(self, error: OperationError) -> None:
        """What went wrong while the code goes on being valid."""
        self.query_one("#failure", Static).update(f"✗ {error.code}: {error.message}")
        for button in self.query("#approve").results(Button):
            button.disabled = False

    @on(Button.Pressed, "#approve")
    def approve(self, event: Button.Pressed) -> None:
        event.button.disabled = True
        self._asked_by.post_message(ApprovalAsked(self._shown))
