"""What the editor's keys do to fields: set, switch, add, duplicate, move, take out, mend, undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.editing.analysis import wrong_with
from dbxwizard.parameters.editing.choices import Choices, choices_at, keys_at
from dbxwizard.parameters.editing.completion import complete, completion_at
from dbxwizard.parameters.editing.fixes import Fix, fix_all, fix_for
from dbxwizard.parameters.editing.form import Kind, Row, State, parse_input, value_of, written
from dbxwizard.parameters.editing.history import Change
from dbxwizard.parameters.editing.paths import FieldPath, node_at, shape_at, title
from dbxwizard.parameters.editing.starters import BLANK
from dbxwizard.parameters.nodes import Array
from dbxwizard.parameters.shapes import ListOf, MapOf, Text
from dbxwizard.screens.editing.base import EditorPage
from dbxwizard.screens.editing.value_dialog import ValueDialog


class FieldActions(EditorPage):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+u", "undo", "Undo", show=False),
        Binding("ctrl+r", "redo", "Redo", show=False),
        Binding("ctrl+f", "fix", "Fix the problem here", show=False),
        Binding("f8,ctrl+g", "next_problem(1)", "Next problem", show=False),
        Binding("f7,shift+f8", "next_problem(-1)", "Previous problem", show=False),
    ]

    # values

    def action_choose(self) -> None:
        """Opens a container, switches a flag, asks for any other value."""
        row = self.row
        if row is None:
            return
        if row.is_container:
            self.form.flip()
        elif row.kind is Kind.FLAG:
            self.action_switch()
        else:
            self.ask_value(row)

    def action_switch(self) -> None:
        row = self.row
        if row and row.kind is Kind.FLAG:
            now = value_of(row) if row.node is not None else row.value == "true"
            self.attempt(lambda: self.session.set(row.path, not now))
        else:
            self.action_choose()

    @work
    async def ask_value(self, row: Row) -> None:
        before = written(row.kind, row.node)
        picker = self.picker(row.path, row.limits, before, lambda text: self._wrong(row, text), row.help)
        given = await self.app.push_screen_wait(picker)
        if given is not None and (given != before or row.node is None):
            self.attempt(lambda: self.session.set(row.path, self._parsed(row, given)))

    def picker(
        self, path: FieldPath, limits: str, before: str, check: Callable[[str], str], help_text: str = ""
    ) -> ValueDialog:
        return ValueDialog(
            title(path),
            " · ".join(filter(None, (help_text, limits))),
            choices_at(self.session.parsed.root, path),
            before,
            check=check,
            live=self.lists,
            environment=self.session.name,
        )

    def _wrong(self, row: Row, text: str) -> str:
        try:
            return wrong_with(row.path, parse_input(row.kind, text))
        except ValueError as error:
            return str(error)

    def _parsed(self, row: Row, text: str) -> object:
        try:
            return parse_input(row.kind, text)
        except ValueError as error:
            raise OperationError("invalid-value", str(error), resource=title(row.path), fix="write it again") from None

    # entries

    def action_add(self) -> None:
        """An entry to the list, or a key to the object, that the cursor is in."""
        path = self._container()
        shape = shape_at(path)
        node = node_at(self.session.parsed.root, path)
        if isinstance(shape, ListOf):
            new = (*path, len(node.items) if isinstance(node, Array) else 0)
            if isinstance(shape.item, Text):
                self.ask_item(new)
            else:
                self._added(lambda: self.session.add(path))
        elif isinstance(node, Array):
            self._added(lambda: self.session.add(path))
        else:
            self.ask_key(path)

    def _container(self) -> FieldPath:
        """What the cursor is at where it is open or holds nothing, else what that is in."""
        row = self.row
        if row is None:
            return ()
        if row.is_container and (self.form.is_open(row) or row.kind is not Kind.GROUP):
            return row.path
        return row.path[:-1]

    @work
    async def ask_item(self, path: FieldPath) -> None:
        given = await self.app.push_screen_wait(
            self.picker(path, "", "", lambda text: wrong_with(path, text), "A new entry.")
        )
        if given is not None:
            self._added(lambda: self._set(path, given))

    @work
    async def ask_key(self, path: FieldPath) -> None:
        choices = keys_at(self.session.parsed.root, path) or Choices("", ())
        if choices.closed and not choices.items:
            self.notify("every field is there already", severity="warning")
            return
        what = "Name of the new key." if isinstance(shape_at(path), MapOf) else "Which field?"
        key = await self.app.push_screen_wait(ValueDialog(f"{title(path)}: add", what, choices))
        if key:
            self._added(lambda: self.session.add_key(path, key))

    def _set(self, path: FieldPath, value: object) -> FieldPath:
        self.session.set(path, value)
        return path

    def _added(self, what: Callable[[], FieldPath]) -> None:
        """Goes to what was added, and asks for its value where it has none yet."""
        before = self.session.revision
        self.attempt_at(what)
        row = self.row
        if row and self.session.revision != before and row.node is not None and value_of(row) == BLANK:
            self.ask_value(row)

    def attempt_at(self, what: Callable[[], FieldPath]) -> None:
        """As `attempt`, for what gives the path where the cursor goes."""
        path: list[FieldPath] = []
        before = self.session.revision

        def act() -> Change | None:
            path.append(what())
            return self.session.history.undoable if self.session.revision != before else None

        self.attempt(act)
        if path:
            self.form.go_to(path[0])
            self.show_detail()

    def action_duplicate(self) -> None:
        row = self.row
        if row and row.is_item:
            self.attempt_at(lambda: self.session.duplicate(row.path))
        else:
            self.notify("only entries of a list can be duplicated", severity="warning")

    def action_move(self, by: int) -> None:
        row = self.row
        if row and row.node is not None:
            self.attempt_at(lambda: self.session.move(row.path, by))

    def action_take_out(self) -> None:
        row = self.row
        if row and row.node is not None:
            self.attempt(lambda: self.session.clear(row.path))
            if row.state is State.SET and row.required:
                self.notify(f"{row.label} has to be there; u brings it back", severity="warning", markup=False)

    # problems

    def action_fix(self) -> None:
        mark, analysis = self.mark_here(), self.analysis
        fix = fix_for(analysis, mark) if mark and analysis else None
        if fix:
            self._mend(fix)
        else:
            self.notify("nothing here that one key can mend", severity="warning")

    def action_fix_all(self) -> None:
        fix = fix_all(self.session.text)
        if fix:
            self._mend(fix)
        else:
            self.notify("no old form in this file")

    def _mend(self, fix: Fix) -> None:
        self.attempt(lambda: self.session.edit(fix.edits, fix.label))

    def action_next_problem(self, step: int) -> None:
        """From the cursor of the text on, round the end."""
        here = self.text.cursor_offset_in_text
        if not self.marks:
            self.notify("no problem in this file")
            return
        ordered = sorted(self.marks, key=lambda mark: mark.offset, reverse=step < 0)
        further = (mark for mark in ordered if (mark.offset - here) * step > 0)
        self.go_to(next(further, ordered[0]))

    # back and forth

    def action_undo(self) -> None:
        self._back(self.session.undo(), "nothing to undo")

    def action_redo(self) -> None:
        self._back(self.session.redo(), "nothing to redo")

    def _back(self, change: Change | None, nothing: str) -> None:
        if change is None:
            self.notify(nothing, timeout=2)
        self.changed(change)

    # the text

    @work
    async def action_complete(self) -> None:
        """In the text what can be written at the cursor; in the form the value of the field."""
        if not self.in_text:
            self.action_choose()
            return
        session = self.session
        found = completion_at(session.text, session.parsed, self.text.cursor_offset_in_text)
        if not found:
            self.notify("nothing is known to write here", severity="warning", timeout=2)
            return
        heading = f"{title(found.path)}: key" if found.is_key else title(found.path)
        before = found.written if found.written in found.choices.values() else ""
        picker = ValueDialog(heading, "", found.choices, before, live=self.lists, environment=session.name)
        chosen = await self.app.push_screen_wait(picker)
        if chosen:
            edits = complete(session.text, session.parsed.root, found, chosen)
            self.attempt(lambda: session.edit(edits, f"{chosen} completed"))
