"""The text of a parameter file, kept in step with a session: what is typed goes there, what is done there is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.document._document import EditResult, Location, Selection
from textual.document._document_navigator import DocumentNavigator
from textual.document._edit import Edit
from textual.document._wrapped_document import WrappedDocument
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.editing.history import Change
from dbxwizard.parameters.editing.lines import Lines, entered, shown
from dbxwizard.parameters.editing.session import Session
from dbxwizard.screens.editing.styles import ink

_PARTS = re.compile(
    r"""(?P<comment>//.*|\#.*|/\*.*?(?:\*/|$))|(?P<key>"(?:\\.|[^"\\])*"(?=\s*:))|(?P<string>"(?:\\.|[^"\\])*"?)"""
    r"""|(?P<number>-?\d[\w.+-]*)|(?P<word>\b(?:true|false|null)\b)""",
    re.VERBOSE,
)
_LONGEST_COLOURED = 2000  # characters of a line; longer ones are plain


class TextEditor(TextArea):
    """`show` gives it a session; from then on `Edited` tells of each change that was typed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"text-editor--{part}" for part in ("comment", "key", "string", "number", "word", "error", "warning"))
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.to_form", "To the form", show=False),
        Binding("ctrl+u", "screen.undo", "Undo"),
        Binding("ctrl+r", "screen.redo", "Redo", show=False),
        Binding("ctrl+f", "screen.fix", "Fix"),
        Binding("f8,ctrl+g", "screen.next_problem(1)", "Next problem", show=False),
        Binding("f7,shift+f8", "screen.next_problem(-1)", "Previous problem", show=False),
        Binding("ctrl+@,ctrl+l", "screen.complete", "Pick", key_display="^space"),
    ]

    class Edited(Message):
        """Something was typed or pasted; the session has it already."""

    class Refused(Message):
        """What was typed is not allowed."""

        def __init__(self, error: OperationError) -> None:
            super().__init__()
            self.error = error

    session: Session | None = None
    _following = False  # whether an edit comes from the session
    _widest = 0

    def __init__(self) -> None:
        super().__init__(soft_wrap=False, show_line_numbers=True, tab_behavior="focus", highlight_cursor_line=True)
        self._lines = Lines("")
        self._marked: Mapping[int, str] = {}
        self._inside_comment: frozenset[int] = frozenset()

    # the session

    def show(self, session: Session) -> None:
        """Another file. Its cursor starts at the top."""
        self.session = session
        self._lines = Lines(session.text)
        self.load_text(shown(session.text))
        self.read_only = session.read_only
        self._look_for_comments()

    def follow(self, change: Change) -> None:
        """Shows what the session did to its text, and puts the cursor behind it."""
        first, last, now = self._lines.apply(change)
        self._refill(max(first - 1, 0), last, now)  # the line before may end in half a line end
        self.move_cursor(self._place(change.start + len(change.inserted)), center=True)

    def _refill(self, first: int, last: int, now: int) -> None:
        """Lines `first` to `last` as the session has them, which are `first` to `now` there."""
        assert self.session is not None  # noqa: S101  nothing is edited before
        start, end = self._lines.span(first, now)
        text = shown(self.session.text[start:end])
        bottom = (last + 1, 0) if last + 1 < self.document.line_count else self.document.end
        self._following = True
        try:
            self.replace(text, (first, 0), bottom, maintain_selection_offset=True)
        finally:
            self._following = False
        self._look_for_comments()

    def edit(self, edit: Edit) -> EditResult:
        """Every edit comes through here: typed, pasted, cut, or from the session."""
        if self._following or self.session is None:
            return super().edit(edit)
        text = entered(edit.text, self.session.text)
        start, end = (self._lines.offset(*place) for place in (edit.top, edit.bottom))
        try:
            change = self.session.typed(start, end, text)
        except OperationError as error:
            self.post_message(self.Refused(error))
            return EditResult(edit.bottom, "")
        wanted = shown(change.inserted if change else text)
        result = super().edit(Edit(wanted, edit.from_location, edit.to_location, edit.maintain_selection_offset))
        if change:
            first, _, now = self._lines.apply(change)
            self._check(first, now)
            self.post_message(self.Edited())
        return result

    def _check(self, first: int, last: int) -> None:
        """Half a line end that was left alone, or joined, is another line than the widget thinks."""
        assert self.session is not None  # noqa: S101
        start, end = self._lines.span(first, last)
        lines = shown(self.session.text[start:end]).removesuffix("\n").split("\n")
        if self.document.line_count != self._lines.count or self.document.lines[first : last + 1] != lines:
            place = self.cursor_location
            self._lines = Lines(self.session.text)
            self.load_text(shown(self.session.text))
            self.move_cursor(place)
        if "/*" in self.session.text:
            self._look_for_comments()

    # places

    @property
    def cursor_offset_in_text(self) -> int:
        return self._lines.offset(*self.cursor_location)

    def _place(self, offset: int) -> Location:
        row, column = self._lines.location(offset)
        return row, min(column, len(self.document.get_line(row)))

    def reveal(self, start: int, end: int) -> None:
        """Puts the cursor at the start of a span and marks it."""
        self.selection = Selection(self._place(end), self._place(start))
        self.scroll_cursor_visible(center=True)

    def go_to(self, offset: int) -> None:
        self.move_cursor(self._place(offset), center=True)

    def on_resize(self) -> None:
        """While it was hidden it had no width, and scrolled aside to show its cursor."""
        self.call_after_refresh(self._show_cursor)

    def _show_cursor(self) -> None:
        self.scroll_to(x=0, animate=False, force=True)
        self.scroll_cursor_visible(center=True)

    def mark(self, severities: Mapping[int, str]) -> None:
        """Offset of each problem: error or warning. The worst one of a line is shown beside it."""
        marked: dict[int, str] = {}
        for offset, severity in severities.items():
            row = self._lines.location(offset)[0]
            marked[row] = "error" if "error" in (severity, marked.get(row)) else severity
        if marked != self._marked:
            self._marked = marked
            self.refresh()

    # speed: Textual asks for these for every line that it draws

    @property
    def text(self) -> str:
        """The file's own text: to join all lines takes 5 ms per MB, and the widget only asks whether there are any."""
        return self.session.text if self.session else super().text

    @text.setter
    def text(self, value: str) -> None:
        self.load_text(value)

    def _set_document(self, text: str, language: str | None) -> None:
        super()._set_document(text, language)
        self.wrapped_document = _Unwrapped(self.document, tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)
        self._widest = self.document.get_size(self.indent_width).width
        self._refresh_size()

    def _refresh_size(self) -> None:
        """Measures the line of the cursor only: a line that became shorter leaves room behind it."""
        row = min(self.cursor_location[0], self.document.line_count - 1)
        width = Text(self.document.get_line(row).expandtabs(self.indent_width)).cell_len
        self._widest = max(self._widest, width)
        self.virtual_size = Size(self._widest + self.gutter_width + 1, self.document.line_count)
        self._refresh_scrollbars()

    # looks

    def _look_for_comments(self) -> None:
        """Which lines start inside a `/* … */`."""
        text = self.session.text if self.session else ""
        if "/*" not in text:
            self._inside_comment = frozenset()
            return
        spans = re.finditer(r'"(?:\\.|[^"\\\n])*"?|//[^\n]*|#[^\n]*|/\*.*?(?:\*/|\Z)', text, re.DOTALL)
        blocks = (found.span() for found in spans if found[0].startswith("/*"))
        rows = ((self._lines.location(start)[0], self._lines.location(end)[0]) for start, end in blocks)
        self._inside_comment = frozenset(row for first, last in rows for row in range(first + 1, last + 1))

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        if len(line) > _LONGEST_COLOURED:
            return line
        start = 0
        if line_index in self._inside_comment:
            start = line.plain.find("*/") + 2 if "*/" in line.plain else len(line)
            line.stylize(self._style("comment"), 0, start)
        for found in _PARTS.finditer(line.plain, start):
            line.stylize(self._style(found.lastgroup or ""), *found.span())
        return line

    def _style(self, part: str) -> Style:
        return ink(self, f"text-editor--{part}")

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        severity = self._marked.get(y + self.scroll_offset.y)
        if not severity:
            return strip
        place = self.gutter_width - 2
        beside = next(iter(strip.crop(place, place + 1)), Segment("")).style
        sign = Segment("✗" if severity == "error" else "!", (beside or Style()) + self._style(severity))
        return Strip.join([strip.crop(0, place), Strip([sign], 1), strip.crop(place + 1)])


class _Unwrapped(WrappedDocument):
    """Its height without a sum over all lines."""

    @property
    def height(self) -> int:
        return self.document.line_count
