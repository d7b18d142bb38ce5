"""How the work of a developer's commands is told: lines of text, as it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dbxwizard.core.events import Event

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeveloperTold(Event):
    """A line about what goes on."""

    text: str


def count(number: int, what: str) -> str:
    """`3 files`, `1 file`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
