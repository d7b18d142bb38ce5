"""State as a glyph and a word: colour alone tells nothing to who can't see it."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text


@dataclass(frozen=True, slots=True)
class Sign:
    """`style` is a colour of the theme: success, warning, error, or "" for the ordinary one."""

    glyph: str
    word: str
    style: str = ""

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


ACTIONS = {
    "create": Sign("+", "create", "success"),
    "update": Sign("~", "update", "warning"),
    "delete": Sign("-", "delete", "error"),
    "none": Sign("=", "unchanged"),
    "not checked": Sign("?", "not checked", "warning"),
}
VERDICTS = {
    "ok": Sign("✓", "ok", "success"),
    "warning": Sign("!", "warning", "warning"),
    "missing": Sign("✗", "missing", "error"),
    "unknown": Sign("?", "unknown", "warning"),
}
STEPS = {
    "waiting": Sign("·", "waiting"),
    "running": Sign("▶", "running", "secondary"),
    "retrying": Sign("↻", "retrying", "warning"),
    "done": Sign("✓", "done", "success"),
    "unchanged": Sign("=", "unchanged"),
    "failed": Sign("✗", "failed", "error"),
    "left out": Sign("○", "left out", "warning"),
}
STANDINGS = {
    "exists": Sign("=", "exists", "success"),
    "will be made": Sign("+", "will be made", "success"),
    "differs": Sign("~", "differs", "warning"),
    "adopted": Sign("✓", "adopted", "success"),
    "name taken": Sign("✗", "name taken", "error"),
    "ambiguous": Sign("✗", "ambiguous", "error"),
    "not found": Sign("✗", "not found", "error"),
    "missing": Sign("+", "missing there", "warning"),
    "too many": Sign("-", "too many there", "warning"),
    "new": Sign("+", "new", "success"),
    "unchanged": Sign("=", "unchanged"),
    "will be replaced": Sign("~", "will be replaced", "warning"),
    "not checked": Sign("?", "not checked", "warning"),
}
STATES = {
    "": Sign("…", "not seen"),
    "absent": Sign("○", "absent"),
    "incomplete": Sign("◐", "incomplete", "warning"),
    "deployed": Sign("●", "deployed", "success"),
}
CLUSTERS = {
    "RUNNING": Sign("▶", "running", "success"),
    "TERMINATED": Sign("■", "terminated"),
    "TERMINATING": Sign("↓", "terminating", "warning"),
    "PENDING": Sign("↑", "starting", "warning"),
    "RESTARTING": Sign("↻", "restarting", "warning"),
    "RESIZING": Sign("↕", "resizing", "warning"),
    "ERROR": Sign("✗", "error", "error"),
}
RUNS = {
    "planned": Sign("·", "planned"),
    "running": Sign("▶", "running", "secondary"),
    "interrupted": Sign("⚡", "interrupted", "warning"),
    "success": Sign("✓", "success", "success"),
    "unchanged": Sign("=", "unchanged", "success"),
    "partial": Sign("◐", "partial", "error"),
    "error": Sign("✗", "error", "error"),
    "cancelled": Sign("■", "cancelled", "warning"),
}
WORKFLOWS = {
    "": Sign("·", "to come"),
    "queued": Sign("·", "queued"),
    "requested": Sign("·", "queued"),
    "pending": Sign("·", "pending"),
    "waiting": Sign("!", "waiting", "warning"),
    "in_progress": Sign("▶", "running", "secondary"),
    "success": Sign("✓", "success", "success"),
    "failure": Sign("✗", "failed", "error"),
    "timed_out": Sign("✗", "timed out", "error"),
    "startup_failure": Sign("✗", "not started", "error"),
    "action_required": Sign("!", "action needed", "warning"),
    "cancelled": Sign("■", "cancelled", "warning"),
    "skipped": Sign("○", "skipped"),
    "neutral": Sign("=", "neutral"),
    "stale": Sign("○", "stale"),
}


NO_FILES = "There are no environment files here: write a new project in the wizard (0), or run dbxwizard init."


def shown(sign: Sign, colours: dict[str, str]) -> Text:
    """The sign in the theme's colours (`App.theme_variables`)."""
    return Text(str(sign), style=colours.get(sign.style, "") if sign.style else "")


def of_workflow(state: str) -> Sign:
    """The sign of a status or a conclusion of GitHub's; one that is new there as it says it."""
    return WORKFLOWS.get(state) or Sign("?", state)


def age(seconds: float) -> str:
    """How long ago, in two or three letters: 5s, 3m, 2h, 4d."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(int(seconds), 0)}s"


def many(count: int, what: str) -> str:
    """As `1 job`, `2 jobs`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
