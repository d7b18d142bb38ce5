"""The editor's page as far as it shows things: files, form, text, problems, kept in step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static
from textual.widgets.option_list import Option

from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.editing.analysis import Analysis, Mark, Snapshot, analyse_all
from dbxwizard.parameters.editing.fixes import fix_for
from dbxwizard.parameters.editing.form import Row
from dbxwizard.parameters.editing.history import Change
from dbxwizard.parameters.editing.paths import FieldPath, node_at, path_at, title
from dbxwizard.parameters.editing.session import Session
from dbxwizard.parameters.nodes import Node
from dbxwizard.screens.bars import ErrorBar
from dbxwizard.screens.editing.file_bar import FileBar, FileState
from dbxwizard.screens.editing.form_view import FormView
from dbxwizard.screens.editing.project_page import ProjectPage
from dbxwizard.screens.editing.text_editor import TextEditor
from dbxwizard.screens.widgets import Choices

PAUSE = 0.15  # seconds without a key after which a text is read
_LISTED = 200  # problems in the list at once
_SIGNS = {"error": "✗", "warning": "!"}


class AnalysisMade(Message):
    def __init__(self, analyses: Mapping[Path, Analysis]) -> None:
        super().__init__()
        self.analyses = analyses


class EditorPage(ProjectPage):
    """One file at a time."""

    heading: ClassVar[str] = "Parameters"
    slash: ClassVar[str] = "search keys, values and comments"
    found = -1  # where in the text the last match of a search is

    def __init__(self) -> None:
        super().__init__()
        self.here = 0
        self._sound: dict[Path, Node | None] = {}
        self._pause: Timer | None = None
        self._said = Text()
        self._reading = self._again = False

    def body(self) -> Iterable[Widget]:
        yield FileBar()
        with Horizontal(id="editor", classes="-form"):
            with Vertical(id="form-side"):
                yield FormView()
            yield TextEditor()
        yield Choices(id="problems")
        yield Static("", id="detail", markup=False)
        yield Static("", id="status", markup=False)

    # what is where

    @property
    def session(self) -> Session:
        return self.project.session(self.project.files[self.here])

    @property
    def form(self) -> FormView:
        return self.query_one(FormView)

    @property
    def text(self) -> TextEditor:
        return self.query_one(TextEditor)

    @property
    def row(self) -> Row | None:
        return self.form.current

    @property
    def analysis(self) -> Analysis | None:
        """Of the text as it is now; None while it has not been read again."""
        found = self.analyses.get(self.session.document.path)
        return found if found and found.revision == self.session.revision else None

    @property
    def in_text(self) -> bool:
        return self.text.has_focus

    # files

    def show_file(self, place: int) -> None:
        self.here = place
        session = self.session
        self.query_one(ErrorBar).hide()
        if session.document.problem:
            problem = session.document.problem
            location = problem.location
            self.refused(OperationError(problem.code, problem.message, fix=problem.fix, location=location))
        self.text.show(session)
        self.text.read_only = session.read_only or session.document.problem is not None
        self.form.restart()
        self.read_form()
        self.show_marks()
        self.analyse()

    def followed(self, session: Session, change: Change | None) -> None:
        if session is self.session:
            self.changed(change)
        else:
            self.analyse()

    def show_files(self) -> None:
        states = []
        for path in self.project.files:
            analysis = self.analyses.get(path)
            errors = sum(mark.is_error for mark in analysis.marks) if analysis else 0
            warnings = len(analysis.marks) - errors if analysis else 0
            changed = any(one.changed and one.document.path == path for one in self.project.opened)
            states.append(FileState(path.stem, changed, errors, warnings))
        self.query_one(FileBar).show(states, self.here)

    @on(FileBar.Opened)
    def open_file(self, message: FileBar.Opened) -> None:
        self.show_file(message.place)

    # the text was changed: here, by a field, or by a key

    def changed(self, change: Change | None) -> None:
        """Shows what the session did to its text."""
        if change:
            self.text.follow(change)
            self.read_form()
            self.analyse()
        self.show_files()

    @on(TextEditor.Edited)
    def wait_for_pause(self) -> None:
        """Reading a large file takes longer than a key should; so it is read when nobody types."""
        if self._pause:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self.analyse)

    @on(TextEditor.Refused)
    def show_refusal(self, message: TextEditor.Refused) -> None:
        self.refused(message.error)

    def read_form(self) -> None:
        """The form of the text as it is now; while that is broken, of the one before, and says so."""
        session = self.session
        parsed = session.parsed
        path = session.document.path
        sound = parsed.sound and parsed.root is not None
        if sound:
            self._sound[path] = parsed.root
        self.form.show(self._sound.get(path), self._severities(), stale=not sound)

    def analyse(self) -> None:
        """All files that were read, those that did not change for free. One reading at a time, the last one of the last
        text."""
        self._again = self._reading
        if self._reading:
            return
        self._reading = True
        snapshots = {session.document.path: session.snapshot() for session in self._to_analyse()}
        self._analyse(snapshots, dict(self.analyses))

    def _to_analyse(self) -> list[Session]:
        """This file first; the others once it is there."""
        known = self.session.document.path in self.analyses
        return self.project.sessions if known else [self.session]

    @work(thread=True, exclusive=True, group="analysis", description="reads the texts")
    def _analyse(self, snapshots: Mapping[Path, Snapshot], known: Mapping[Path, Analysis]) -> None:
        """With a description: else Textual makes one of the arguments, which takes longer than to read them."""
        self.post_message(AnalysisMade(analyse_all(snapshots, known)))

    @on(AnalysisMade)
    def take_analysis(self, message: AnalysisMade) -> None:
        self._reading = False
        whole = len(message.analyses) >= len(self.project.files)
        self.analyses.update(message.analyses)
        if self.analysis:
            self.session.know(self.analysis.revision, self.analysis.parsed)
            self.read_form_from(self.analysis)
        self.show_marks()
        if self._again or not whole:
            self.analyse()

    def read_form_from(self, analysis: Analysis) -> None:
        path = self.session.document.path
        if analysis.root is not None:
            self._sound[path] = analysis.root
        self.form.show(self._sound.get(path), self._severities(), stale=analysis.root is None)
        if self.in_text:
            self._form_follows()

    # problems

    @property
    def marks(self) -> tuple[Mark, ...]:
        found = self.analyses.get(self.session.document.path)
        return found.marks if found else ()

    def _severities(self) -> dict[FieldPath, str]:
        """The worst at each field; what is folded away shows at what it is in."""
        worst: dict[FieldPath, str] = {}
        for mark in self.marks:
            for depth in range(1, len(mark.path) + 1):
                path = mark.path[:depth]
                worst[path] = "error" if mark.is_error else worst.get(path, "warning")
        return worst

    def show_marks(self) -> None:
        analysis = self.analysis
        offsets: dict[int, str] = {}
        for mark in analysis.marks if analysis else ():
            offsets[mark.offset] = "error" if mark.is_error else offsets.get(mark.offset, "warning")
        if analysis:
            self.text.mark(offsets)
        self.list_problems()
        self.show_files()
        self.show_detail()

    def list_problems(self) -> None:
        """Where the list is shown."""
        listed = self.query_one("#problems", Choices)
        if not listed.has_class("-shown"):
            return
        place, marks = listed.highlighted, self.marks[:_LISTED]
        listed.clear_options()
        listed.add_options([Option(_line(mark)) for mark in marks])
        listed.highlighted = min(place or 0, len(marks) - 1) if marks else None

    @on(Choices.OptionSelected, "#problems")
    def go_to_problem(self, event: Choices.OptionSelected) -> None:
        event.stop()
        if event.option_index < len(self.marks):
            self.go_to(self.marks[event.option_index])

    def go_to(self, mark: Mark) -> None:
        """Both sides to a problem; the focus stays where it is."""
        self.form.go_to(mark.path)
        self.text.go_to(mark.offset)
        self.show_detail()

    def mark_here(self) -> Mark | None:
        """The problem that the cursor is at: in the text that of its line, in the form that of its field."""
        if self.in_text:
            line = self.text.cursor_location[0] + 1
            return next((mark for mark in self.marks if mark.problem.location.line == line), None)
        path = self.row.path if self.row else ()
        exact = (mark for mark in self.marks if mark.path == path)
        below = (mark for mark in self.marks if mark.path[: len(path)] == path)
        return next(exact, None) or next(below, None)

    # form and text follow each other

    @on(FormView.Moved)
    def text_follows(self, message: FormView.Moved) -> None:
        node = message.row.node
        if node is not None and not self.in_text and self.session.parsed.sound:
            here = node_at(self.session.parsed.root, message.row.path)
            if here is not None and not (self._is_marked and here.start <= self.found < here.end):
                self.text.go_to(here.start)
        self.show_detail()

    @on(TextEditor.SelectionChanged)
    def form_follows(self) -> None:
        if self.in_text:
            self._form_follows()

    def _form_follows(self) -> None:
        analysis = self.analysis
        if analysis and analysis.root is not None:
            path = path_at(analysis.root, self.text.cursor_offset_in_text)
            if path:
                self.form.go_to(path)
        self.show_detail()

    @property
    def _is_marked(self) -> bool:
        """Whether the text's cursor stands at the last match of a search."""
        return self.text.cursor_offset_in_text == self.found

    # what the cursor is at, in words

    def show_detail(self) -> None:
        row, mark = self.row, self.mark_here()
        lines = [_described(row)] if row else []
        if mark:
            fix = fix_for(self.analysis, mark) if self.analysis else None
            lines.append(_line(mark))
            if fix:
                key = "^f" if self.in_text else "f"
                lines.append(Text(f"  {key} mends it: {fix.label}", "bold"))
        self._say(Text("\n").join(lines))
        status = Text(self._status(), no_wrap=True, overflow="ellipsis")
        self.query_one("#status", Static).update(status, layout=False)

    def _say(self, detail: Text) -> None:
        """A new layout of the screen takes 10 ms, so only for something new."""
        if detail != self._said:
            self._said = detail
            self.query_one("#detail", Static).update(detail)

    def _status(self) -> str:
        row, column = self.text.cursor_location
        session = self.session
        parsed, undoable = session.parsed if self.analysis else None, session.history.undoable
        said = [
            f"{row + 1}:{column + 1}",
            title(self.row.path) if self.row else "",
            "the text is broken: the form waits" if parsed and not parsed.sound else "",
            f"{'^u' if self.in_text else 'u'} undoes: {undoable.label}" if undoable else "",
        ]
        return "  ·  ".join(filter(None, said))

    # helpers for what the keys do

    def attempt(self, what: Callable[[], Change | None]) -> None:
        """Does something to the text and shows it; says why not where that can't be."""
        try:
            change = what()
        except OperationError as error:
            self.refused(error)
            return
        self.query_one(ErrorBar).hide()
        self.changed(change)


def _line(mark: Mark) -> Text:
    problem = mark.problem
    sign = _SIGNS[problem.severity]
    fix = f"; {problem.fix}" if problem.fix else ""
    where = f"{problem.location.line}:{problem.location.column}"
    return Text.assemble((f"{sign} {problem.severity} ", "bold"), f"{where}  {problem.message}{fix}")


def _described(row: Row) -> Text:
    """Name, what it means, what it takes."""
    words = [word for word in (row.help, row.limits, "has to be there" if row.required else "") if word]
    return Text.assemble((row.label if not row.is_item else f"entry {row.label}", "bold"), "  ", " · ".join(words))
