"""Undo and redo: every change is one replaced span, so that it can be turned round, whoever made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dbxwizard.parameters.edit import apply
from dbxwizard.parameters.problems import Edit

MOST_CHANGES = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """`removed` stood at `start` and `inserted` stands there now. `label` says in words what was done."""

    start: int
    removed: str
    inserted: str
    label: str = ""

    @property
    def end(self) -> int:
        """Behind the span, in the text before the change."""
        return self.start + len(self.removed)

    def applied(self, text: str) -> str:
        return text[: self.start] + self.inserted + text[self.end :]

    def reversed(self) -> Change:
        return Change(self.start, self.inserted, self.removed, self.label)


def change_of(text: str, edits: Sequence[Edit], label: str) -> Change | None:
    """Edits as one change from the first to the last of them; None where they change nothing."""
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    if not ordered:
        return None
    start, end = ordered[0].start, max(edit.end for edit in ordered)
    moved = [Edit(edit.start - start, edit.end - start, edit.text) for edit in ordered]
    removed = text[start:end]
    inserted = apply(removed, moved)
    return None if inserted == removed else Change(start, removed, inserted, label)


class History:
    """The changes of one file, in order; those behind `undo` are for `redo`."""

    def __init__(self) -> None:
        self._done: list[Change] = []
        self._undone: list[Change] = []
        self._open = False  # whether the last change may grow

    @property
    def undoable(self) -> Change | None:
        return self._done[-1] if self._done else None

    @property
    def redoable(self) -> Change | None:
        return self._undone[-1] if self._undone else None

    def record(self, change: Change, *, typed: bool = False) -> None:
        """`typed`: a key in the text. Keys that follow each other in a word are undone together."""
        grown = _joined(self._done[-1], change) if typed and self._open and self._done else None
        if grown:
            self._done[-1] = grown
        else:
            self._done.append(change)
            del self._done[:-MOST_CHANGES]
        self._undone.clear()
        self._open = typed

    def close(self) -> None:
        """What is typed next is a change of its own."""
        self._open = False

    def undo(self) -> Change | None:
        """The change to apply now."""
        self._open = False
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1].reversed()

    def redo(self) -> Change | None:
        self._open = False
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]


def _joined(before: Change, after: Change) -> Change | None:
    """Both as one, where the second goes on writing or deleting right there; a space or a line ends a run."""
    if after.inserted and not after.removed:
        ends = before.inserted[-1:].isspace() and not after.inserted.isspace()
        if before.start + len(before.inserted) == after.start and before.inserted and not ends:
            return Change(before.start, before.removed, before.inserted + after.inserted, before.label)
    if after.removed and not (after.inserted or before.inserted):
        if after.end == before.start:
            return Change(after.start, after.removed + before.removed, "", before.label)
        if after.start == before.start:
            return Change(before.start, before.removed + after.removed, "", before.label)
    return None
