"""The mode Parameters: the editor of the environment files."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from dbxwizard.backend.views import Situation
from dbxwizard.parameters.editing.choices import Choice, Choices, LiveLists
from dbxwizard.parameters.editing.project import Project
from dbxwizard.screens.editing.disk import EVERY, DiskActions, Saved
from dbxwizard.screens.editing.fields import FieldActions
from dbxwizard.screens.editing.live import BackendLists
from dbxwizard.screens.editing.text_editor import TextEditor
from dbxwizard.screens.editing.value_dialog import ValueDialog
from dbxwizard.screens.words import NO_FILES

_NEEDS_A_FILE = frozenset(
    {
        *("choose", "switch", "add", "duplicate", "take_out", "move", "fix", "fix_all", "next_problem", "undo", "redo"),
        *("complete", "save", "look", "filter", "next_match", "previous_match", "copy", "save_copy"),
        *("switch_side", "find", "to_text", "to_form", "problems", "file", "which_file", "matrix"),
    }
)


class SituationLearned(Message):
    def __init__(self, situation: Situation) -> None:
        super().__init__()
        self.situation = situation


class ParametersScreen(FieldActions, DiskActions):
    """`project`: the program's own by default. `lists` brings what the services offer, where somebody is signed in."""

    CSS_PATH = "parameters.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "switch_side", "Form/text", priority=True),
        Binding("m", "matrix", "Matrix"),
        Binding("p", "problems", "Problems", show=False),
        Binding("right_square_bracket", "file(1)", "Next file", show=False, key_display="]"),
        Binding("left_square_bracket", "file(-1)", "Previous file", show=False, key_display="["),
        Binding("w", "which_file", "Which file", show=False),
        Binding("f3", "find(1)", "Find in the text", show=False, key_display="F3"),
        Binding("shift+f3", "find(-1)", "Find backwards", show=False, key_display="shift+F3"),
    ]

    def __init__(self, project: Project | None = None, lists: LiveLists | None = None) -> None:
        super().__init__()
        self._wanted = project
        self.lists = lists
        self._sought = ""

    def on_mount(self) -> None:
        self.project = self._opened()
        if not self.project.files:
            self.query_one("#status", Static).update(NO_FILES)
            return
        self.show_file(self._wanted_place(0))
        self.form.focus()
        self.set_interval(EVERY, self.action_look)

    def _opened(self) -> Project:
        """The program's own, so that leaving asks about what is not saved."""
        if self._wanted is not None:
            return self._wanted
        program, here = self.program, self.situation
        self.lists = BackendLists(program.backend)
        if program.editing is None:
            program.editing = Project(here.root, read_only=here.read_only)
        return program.editing

    @on(events.ScreenResume)
    def look_again(self) -> None:
        """The wizard may have written files, setup their values."""
        if hasattr(self, "project") and not any(isinstance(one, ModalScreen) for one in self.app.screen_stack):
            if self.project.find_new() and self.project.files:
                self.here = min(self.here, len(self.project.files) - 1)
                self.show_file(self.here)
            if self.project.files and self._wanted_place(self.here) != self.here:
                self.show_file(self._wanted_place(self.here))
            self.action_look()

    def _wanted_place(self, otherwise: int) -> int:
        """Of the file that another page wants to be opened."""
        wanted = "" if self._wanted is not None else self.program.wanted_file
        names = [path.name for path in self.project.files]
        return names.index(wanted) if wanted in names else otherwise

    @on(Saved)
    def learn(self) -> None:
        """What the rest of the program knows of the files."""
        if self._wanted is None:
            self.request(self.ask.situation(), SituationLearned)

    @on(SituationLearned)
    def tell(self, message: SituationLearned) -> None:
        self.program.situation = message.situation

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a file there is nothing to do but to go elsewhere."""
        return action not in _NEEDS_A_FILE or bool(getattr(self, "project", None) and self.project.files)

    # sides and files

    def action_switch_side(self) -> None:
        """On a narrow terminal one of the two is shown; on a wide one only the focus goes over."""
        (self.action_to_form if self.in_text else self.action_to_text)()

    def action_to_text(self) -> None:
        self.query_one("#editor").set_classes("-text")
        self.query_one(TextEditor).focus()

    def action_to_form(self) -> None:
        self.query_one("#editor").set_classes("-form")
        self.form.focus()

    def action_problems(self) -> None:
        listed = self.query_one("#problems")
        listed.toggle_class("-shown")
        self.list_problems()
        (listed if listed.has_class("-shown") else self.form).focus()

    def action_file(self, step: int) -> None:
        if self.project.files:
            self.show_file((self.here + step) % len(self.project.files))

    @work
    async def action_which_file(self) -> None:
        names = [path.stem for path in self.project.files]
        choices = Choices("", tuple(Choice(name) for name in names), closed=True)
        chosen = await self.app.push_screen_wait(ValueDialog("Which file?", "", choices, self.session.name))
        if chosen:
            self.show_file(names.index(chosen))

    def action_matrix(self) -> None:
        from dbxwizard.screens.matrix import MatrixScreen

        self.app.push_screen(MatrixScreen(self.project, self.lists), lambda _: self.show_file(self.here))

    # search

    def filtered(self, text: str) -> None:
        """Goes to the first place in the file that has the text, both sides; n and N, or F3, go to the others."""
        self._sought, self.found = text, -1
        self.match(1)

    def match(self, step: int) -> None:
        """In the text as it is now: keys, values and comments."""
        if not self._sought:
            return
        every = re.finditer(re.escape(self._sought), self.session.text, re.IGNORECASE)
        spans = [one.span() for one in every]
        if not spans:
            self.notify("not found", severity="warning")
            return
        after = [one for one in spans if one[0] > self.found] or spans[:1]
        before = [one for one in spans if one[0] < self.found] or spans[-1:]
        self.found, end = after[0] if step > 0 else before[-1]
        self.text.reveal(self.found, end)
        self._form_follows()

    def action_find(self, step: int) -> None:
        """While one writes in the text, where letters are typed."""
        if self._sought:
            self.match(step)
        else:
            self.action_filter()

    def copied(self) -> str:
        """The field that the cursor is at, as it is written."""
        node = self.row.node if self.row else None
        return self.session.text[node.start : node.end] if node is not None and self.session.parsed.sound else ""
