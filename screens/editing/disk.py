"""The editor and the disk: saving after a look at the diff, and what somebody else wrote in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message

from dbxwizard.core.errors import OperationError, SeveralErrors
from dbxwizard.parameters.document import Document
from dbxwizard.parameters.editing.merging import Merged, Side, merge
from dbxwizard.parameters.editing.session import Disk, Session
from dbxwizard.screens.dialogs import Question
from dbxwizard.screens.editing.project_page import ProjectPage
from dbxwizard.screens.editing.saving import ConflictDialog, DiffDialog

EVERY = 2.0  # seconds between two looks at the files


class Saved(Message):
    """Files were written."""


class DiskSeen(Message):
    """What lies on the disk where that is another than was read."""

    def __init__(self, seen: Mapping[Session, tuple[Disk, Document]]) -> None:
        super().__init__()
        self.seen = seen


@dataclass(frozen=True, slots=True)
class _Merging:
    """Two changes of one file, put together off the screen's path."""

    revision: int
    theirs: Document
    merged: Merged


class TextsMerged(Message):
    def __init__(self, session: Session, merging: _Merging) -> None:
        super().__init__()
        self.session_of, self.merging = session, merging


class DiskActions(ProjectPage):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "save", "Save"),
        Binding("r", "look", "Look at the disk", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._put_off: dict[Session, bytes] = {}  # what somebody wants to decide later
        self._asking = False

    # saving

    @work(exclusive=True, group="saving")
    async def action_save(self) -> None:
        """All files that were changed here, after their diff was shown."""
        sessions = self.project.changed
        if not sessions:
            self.notify("nothing to save", timeout=2)
            return
        diff = "".join(session.diff() for session in sessions)
        if await self.app.push_screen_wait(DiffDialog(diff, self._warning(sessions))):
            self.write(sessions)

    def _warning(self, sessions: list[Session]) -> str:
        """What saving does not mend; "" where the files have no error."""
        found = (self.analyses.get(session.document.path) for session in sessions)
        errors = sum(mark.is_error for analysis in found if analysis for mark in analysis.marks)
        left = "1 error is left" if errors == 1 else f"{errors} errors are left"
        return f"✗ {left}: deploy refuses until that is mended" if errors else ""

    def write(self, sessions: list[Session]) -> None:
        failed = self.project.save(sessions)
        saved = [one.name for one in sessions if not one.changed]
        if saved:
            self.notify(f"saved: {', '.join(saved)}", markup=False)
            self.post_message(Saved())
        self.show_files()
        self.show_detail()
        if failed:
            self.refused(failed[0] if len(failed) == 1 else SeveralErrors(failed))
            self._put_off.clear()
            self.action_look()

    # the disk

    @property
    def _on_top(self) -> bool:
        """No dialog is open: what it asks about may not change behind it."""
        return self.app.screen is self

    def action_look(self) -> None:
        if self._on_top:
            self._look({session: session.document for session in self.project.opened})

    @work(thread=True, exclusive=True, group="disk", description="looks at the disk")
    def _look(self, known: Mapping[Session, Document]) -> None:
        seen = {session: session.look() for session in known}
        other = {session: one for session, one in seen.items() if one[0] is not Disk.SAME}
        if other:
            self.post_message(DiskSeen(other))

    @on(DiskSeen)
    def compare(self, message: DiskSeen) -> None:
        for session, (state, now) in message.seen.items():
            if not self._on_top or self._asking or self._put_off.get(session) == now.raw:
                continue
            if state is Disk.CHANGED:
                self._changed_outside(session, now)
            elif state is Disk.GONE:
                self._ask_about_gone(session, now)
            elif now.problem:
                self._put_off[session] = now.raw
                problem = now.problem
                self.refused(OperationError(problem.code, problem.message, fix=problem.fix, location=problem.location))

    def _changed_outside(self, session: Session, now: Document) -> None:
        if session.changed:
            self._merge(session, session.document.text, session.text, session.revision, now)
        else:
            self._take(session, now, now.text, "changed on the disk and read again")

    def _take(self, session: Session, theirs: Document, text: str, what: str) -> None:
        change = session.adopt(theirs, text)
        self._put_off.pop(session, None)
        self.notify(f"{session.name} was {what}; undo brings the old text back", markup=False, timeout=8)
        self.followed(session, change)
        self.show_files()

    @work(thread=True, group="merging", description="merges")
    def _merge(self, session: Session, base: str, mine: str, revision: int, theirs: Document) -> None:
        merging = _Merging(revision, theirs, merge(base, mine, theirs.text))
        self.post_message(TextsMerged(session, merging))

    @on(TextsMerged)
    def take_merged(self, message: TextsMerged) -> None:
        session, merging = message.session_of, message.merging
        if session.revision != merging.revision or session.document.raw == merging.theirs.raw or not self._on_top:
            return  # somebody went on: the next look merges again
        if merging.merged.conflicts:
            self._decide(session, merging)
        else:
            self._take(session, merging.theirs, merging.merged.text(), "changed on the disk and merged")

    @work(exclusive=True, group="deciding")
    async def _decide(self, session: Session, merging: _Merging) -> None:
        """One question for each value that both changed."""
        self._asking = True
        try:
            sides = await self._sides(session, merging.merged)
        finally:
            self._asking = False
        if sides is None:
            self._put_off[session] = merging.theirs.raw
        elif session.revision == merging.revision:
            self._take(session, merging.theirs, merging.merged.text(sides), "merged with the disk")

    async def _sides(self, session: Session, merged: Merged) -> list[Side] | None:
        sides: list[Side] = []
        conflicts = merged.conflicts
        for number, conflict in enumerate(conflicts, 1):
            place = f"({number} of {len(conflicts)})" if len(conflicts) > 1 else ""
            side = await self.app.push_screen_wait(ConflictDialog(session.name, conflict, place))
            if side is None:
                return None
            sides.append(side)
        return sides

    @work(exclusive=True, group="deciding")
    async def _ask_about_gone(self, session: Session, now: Document) -> None:
        self._asking = True
        try:
            answer = await self.app.push_screen_wait(
                Question(
                    f"{session.name} is gone from the disk",
                    "Somebody has deleted or moved the file. Its text is still here.",
                    (("keep", "Keep it, saving makes it anew"),),
                    cancel="Decide later",
                )
            )
        finally:
            self._asking = False
        if answer == "keep":
            session.keep()
            self.show_files()
        else:
            self._put_off[session] = now.raw
