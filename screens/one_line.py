"""A field of one line."""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class OneLine(Input):
    """Lines that are pasted are put behind each other: Textual's Input keeps the first and drops the rest unsaid."""

    def on_paste(self, event: events.Paste) -> None:
        """Before Input's own handler, which goes on with what is left here."""
        event.text = self.joined(event.text.splitlines())

    def joined(self, lines: list[str]) -> str:
        """What is before the first and, of one alone, behind it stays: it may go on with what is there."""
        first, *others = [line for line in lines if line.strip()] or [""]
        return " ".join((first.rstrip(), *map(str.strip, others))) if others else first
