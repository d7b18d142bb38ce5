"""The first frame, while the project's folder is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from dbxwizard.screens.bars import ErrorBar, TopBar
from dbxwizard.screens.page import Page

if TYPE_CHECKING:
    from dbxwizard.backend.views import Situation


class SituationSeen(Message):
    def __init__(self, situation: Situation) -> None:
        super().__init__()
        self.situation = situation


class OpeningScreen(Page):
    """Only what says that the program is there, and where; the bars below come while the backend starts."""

    def compose(self) -> ComposeResult:
        yield TopBar(self.heading)
        yield Static("Looking at what is here …", id="opening")
        yield ErrorBar()

    def on_mount(self) -> None:
        self.request(self.ask.situation(), SituationSeen, "reading environments/")
        self.call_after_refresh(self._complete)

    async def _complete(self) -> None:
        await self.mount_all(self.lower_bars())
        self.refresh_bindings()  # which the bar of keys waits for
