"""The files of the project, with what is the matter with each; a click opens one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.containers import HorizontalScroll
from textual.message import Message
from textual.widgets import Static


@dataclass(frozen=True, slots=True)
class FileState:
    name: str
    changed: bool = False
    errors: int = 0
    warnings: int = 0

    def __str__(self) -> str:
        parts = [
            self.name,
            "● changed" if self.changed else "",
            f"✗ {self.errors}" if self.errors else "",
            f"! {self.warnings}" if self.warnings else "",
        ]
        return " ".join(filter(None, parts))


class FileBar(HorizontalScroll, can_focus=False):
    class Opened(Message):
        """A file was clicked."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def show(self, files: Sequence[FileState], here: int) -> None:
        """Mounts what is new, and draws the rest in place."""
        links = list(self.query(FileLink))
        for link in links[len(files) :]:
            link.remove()
        for place, state in enumerate(files):
            link = links[place] if place < len(links) else FileLink(place)
            if place >= len(links):
                self.mount(link)
            link.draw(state, here=place == here)
            if place == here:
                self.call_after_refresh(link.scroll_visible, animate=False)


class FileLink(Static):
    def __init__(self, place: int) -> None:
        super().__init__("", id=f"file-{place}", markup=False)
        self._place = place

    def draw(self, state: FileState, *, here: bool) -> None:
        self.update(Text(f"{'▸' if here else ' '}{state}"))
        self.set_class(here, "-here")

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(FileBar.Opened(self._place))
