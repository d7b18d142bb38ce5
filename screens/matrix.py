"""All environments side by side: which values differ, and a value copied to others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Label, SelectionList, Static
from textual.widgets.selection_list import Selection

from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.editing.analysis import wrong_with
from dbxwizard.parameters.editing.choices import LiveLists, choices_at
from dbxwizard.parameters.editing.form import Kind, kind_at, parse_input, written
from dbxwizard.parameters.editing.history import Change
from dbxwizard.parameters.editing.matrix import Key, MatrixRow, copy_value, matrix, resolve
from dbxwizard.parameters.editing.paths import FieldPath, node_at, title
from dbxwizard.parameters.editing.project import Project
from dbxwizard.parameters.editing.session import Session
from dbxwizard.parameters.nodes import Node
from dbxwizard.screens.bars import ErrorBar
from dbxwizard.screens.dialogs import Dialog
from dbxwizard.screens.editing.disk import EVERY, DiskActions, Saved
from dbxwizard.screens.editing.matrix_view import MatrixView
from dbxwizard.screens.editing.value_dialog import ValueDialog


class MatrixMade(Message):
    def __init__(self, rows: Sequence[MatrixRow], opened: frozenset[Key]) -> None:
        super().__init__()
        self.rows, self.opened = rows, opened


class MatrixScreen(DiskActions):
    """Of the project's texts as they are edited, saved or not."""

    heading = "Parameters: all environments"
    CSS_PATH = "parameters.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,m", "back", "Back"),
        Binding("ctrl+u", "undo", "Undo", show=False),
    ]

    def __init__(self, project: Project, lists: LiveLists | None = None) -> None:
        super().__init__()
        self.project, self.lists = project, lists
        self._opened: frozenset[Key] = frozenset({("Resources",), ("Clusters",)})
        self._only_differences = False
        self._done: list[list[Session]] = []  # the files of each change, so that it can be undone in all of them
        self._filter = ""

    def body(self) -> Iterable[Widget]:
        yield MatrixView()
        yield Static("", id="detail", markup=False)

    def on_mount(self) -> None:
        self.view.focus()
        self.read()
        self.set_interval(EVERY, self.action_look)

    @property
    def view(self) -> MatrixView:
        return self.query_one(MatrixView)

    @property
    def session(self) -> Session:
        """The file of the column that the cursor is in."""
        return self.project.sessions[self.view.column]

    # what is shown

    def read(self) -> None:
        roots = [one.parsed.root if one.parsed.sound else None for one in self.project.sessions]
        self._read(roots, self._opened, self._only_differences)

    @work(thread=True, exclusive=True, group="matrix", description="reads the files")
    def _read(self, roots: Sequence[Node | None], opened: frozenset[Key], only_differences: bool) -> None:
        """Two hundred files take a second."""
        self.post_message(MatrixMade(matrix(roots, opened, only_differences=only_differences), opened))

    @on(MatrixMade)
    def take(self, message: MatrixMade) -> None:
        words = self._filter.casefold()
        rows = [row for row in message.rows if words in f"{' '.join(row.key)}".casefold() or _holds(row, words)]
        self.view.show(self._names(), rows, message.opened)
        self.show_detail()

    def _names(self) -> list[str]:
        return [f"{one.name}{' ●' if one.changed else ''}" for one in self.project.sessions]

    def filtered(self, text: str) -> None:
        self._filter = text
        self.read()

    def followed(self, session: Session, change: Change | None) -> None:
        self.read()

    @on(Saved)
    def show_saved(self) -> None:
        self.read()

    @on(MatrixView.Moved)
    def show_detail(self) -> None:
        row = self.view.current
        self.query_one("#detail", Static).update(self._told(row) if row else Text(""))

    def _told(self, row: MatrixRow) -> Text:
        """What the field means, and who has what."""
        state = "≠ differs" if row.differs else "= the same everywhere"
        return Text.assemble((" › ".join(row.key), "bold"), f"  {row.help}\n", (state, "bold"), f"  {self._who(row)}")

    def _who(self, row: MatrixRow) -> str:
        if not row.differs or row.is_container:
            return "open it to see where" if row.differs else ""
        of_value: dict[str, list[str]] = {}
        for session, cell in zip(self.project.sessions, row.cells, strict=True):
            of_value.setdefault(cell.text or "–", []).append(session.name)
        return "  ·  ".join(f"{', '.join(names)}: {value}" for value, names in of_value.items())

    # what keys do

    def action_back(self) -> None:
        self.dismiss(None)

    def action_flip(self) -> None:
        row = self.view.current
        if row and row.is_container:
            self._opened ^= {row.key}
            self.read()

    def action_differences(self) -> None:
        self._only_differences = not self._only_differences
        self.notify("only what differs" if self._only_differences else "all fields", timeout=2)
        self.read()

    def action_choose(self) -> None:
        row = self.view.current
        if row and row.is_container:
            self.action_flip()
        elif row:
            self.ask_value(row)

    @work
    async def ask_value(self, row: MatrixRow) -> None:
        session = self.session
        try:
            root = session.root
            path = resolve(root, row.key)
        except OperationError as error:
            self.refused(error)
            return
        kind = kind_at(path, node_at(root, path))
        before = written(kind, node_at(root, path))
        picker = ValueDialog(
            f"{session.name}: {title(path)}",
            row.help,
            choices_at(root, path),
            before,
            check=lambda text: _wrong(path, kind, text),
            live=self.lists,
            environment=session.name,
        )
        given = await self.app.push_screen_wait(picker)
        if given is not None and given != before:
            self._attempt(lambda: _set(session, path, kind, given))

    @work
    async def action_copy_to(self) -> None:
        """Asks to which files; all others are chosen at first."""
        row, source = self.view.current, self.session
        others = [one for one in self.project.sessions if one is not source]
        if not row or not others:
            return
        value = row.cells[self.view.column].text or "nothing: it is taken out"
        targets = Targets(f"Copy {' › '.join(row.key)}", f"{source.name} has {value}", others)
        chosen = await self.app.push_screen_wait(targets)
        if chosen:
            self._attempt(lambda: [one for one, _ in copy_value(row.key, source, chosen)])

    def _attempt(self, what: Callable[[], list[Session]]) -> None:
        try:
            changed = what()
        except OperationError as error:
            self.refused(error)
            return
        self.query_one(ErrorBar).hide()
        if changed:
            self._done.append(changed)
            names = ", ".join(one.name for one in changed)
            self.notify(f"changed: {names}; not saved yet", markup=False)
        self.read()

    def action_undo(self) -> None:
        """Takes the last change back in every file that it was made in."""
        if not self._done:
            self.notify("nothing to undo here", timeout=2)
            return
        for session in self._done.pop():
            session.undo()
        self.read()


def _holds(row: MatrixRow, words: str) -> bool:
    return any(words in cell.text.casefold() for cell in row.cells)


def _wrong(path: FieldPath, kind: Kind, text: str) -> str:
    try:
        return wrong_with(path, parse_input(kind, text))
    except ValueError as error:
        return str(error)


def _set(session: Session, path: FieldPath, kind: Kind, text: str) -> list[Session]:
    try:
        value = parse_input(kind, text)
    except ValueError as error:
        raise OperationError("invalid-value", str(error), resource=title(path), fix="write it again") from None
    return [session] if session.set(path, value) else []


class Targets(Dialog[list[Session] | None]):
    """Which files get a value. Space chooses, enter copies."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel"),
        Binding("enter", "copy", "Copy", priority=True),
    ]

    def __init__(self, heading: str, text: str, sessions: Sequence[Session]) -> None:
        super().__init__()
        self._heading, self._text, self._sessions = heading, text, sessions

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Label(self._heading, id="title", markup=False)
            yield Static(self._text, markup=False)
            yield SelectionList(*(Selection(Text(one.name), place, True) for place, one in enumerate(self._sessions)))
            yield Static("space chooses, enter copies, escape leaves", markup=False)
            with Horizontal(id="answers"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Copy", id="copy", variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one(SelectionList).focus()

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        self.dismiss([self._sessions[place] for place in sorted(self.query_one(SelectionList).selected)])

    @on(Button.Pressed, "#cancel")
    def action_leave(self) -> None:
        self.dismiss(None)
