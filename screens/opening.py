"""The first frame, while the project's folder is read."""

from __future__ import annotations

from collections.abc import Iterable

from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.backend.views import Situation
from dbxwizard.screens.page import Page


class SituationSeen(Message):
    def __init__(self, situation: Situation) -> None:
        super().__init__()
        self.situation = situation


class OpeningScreen(Page):
    def body(self) -> Iterable[Widget]:
        yield Static("Looking at what is here …", id="opening")

    def on_mount(self) -> None:
        self.request(self.ask.situation(), SituationSeen, "reading environments/")
