"""Questions that have to be answered before anything goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static
from textual.widgets.button import ButtonVariant

from dbxwizard.screens.one_line import OneLine

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """Gives one answer: a second one, of a double click, would close what lies below it."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Question(Dialog[str]):
    """Gives the key of the button that was pressed, "" for Cancel and for escape.

    `answers`: key → label. Cancel comes first and has the focus. With `typed` the others wait until that name is typed;
    enter says so until then, and goes to the first of the others after it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(
        self,
        title: str,
        text: str,
        answers: Sequence[tuple[str, str]],
        *,
        typed: str = "",
        cancel: str = "Cancel",
        dangerous: bool = False,
    ) -> None:
        super().__init__()
        self._title, self._text, self._answers = title, text, answers
        self._typed, self._cancel = typed, cancel
        self.set_class(dangerous, "-dangerous")

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog"):
            yield Label(self._title, id="title", markup=False)
            yield Static(self._text, markup=False)
            if self._typed:
                yield Label(f"To go on, type {self._typed}", id="asked", markup=False)
                yield OneLine(id="typed", compact=True, select_on_focus=False)
            with Horizontal(id="answers"):
                yield Button(self._cancel, id="cancel", variant="primary", compact=True)
                variant: ButtonVariant = "error" if self.has_class("-dangerous") else "default"
                for key, label in self._answers:
                    yield Button(label, id=key, variant=variant, disabled=bool(self._typed), compact=True)

    def on_mount(self) -> None:
        self.query_one("#cancel").focus()

    @on(Input.Changed, "#typed")
    def compare(self, event: Input.Changed) -> None:
        for key, _ in self._answers:
            self.query_one(f"#{key}", Button).disabled = event.value.strip() != self._typed

    @on(Input.Submitted, "#typed")
    def go_on(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() == self._typed:
            self.query_one(f"#{self._answers[0][0]}").focus()
        else:
            self.query_one("#asked", Label).update(f"✗ That is not the name. To go on, type {self._typed}")
            event.input.select_all()

    def on_key(self, event: events.Key) -> None:
        """Whoever begins to type means the name, though Cancel has the focus."""
        if self._typed and event.is_printable and event.character and not isinstance(self.focused, Input):
            event.stop()
            field = self.query_one("#typed", Input)
            field.focus()
            field.insert_text_at_cursor(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """As with typing."""
        if self._typed and not isinstance(self.focused, Input):
            event.stop()
            field = self.query_one("#typed", OneLine)
            field.focus()
            field.insert_text_at_cursor(field.joined(event.text.splitlines()))

    @on(Button.Pressed)
    def answer(self, event: Button.Pressed) -> None:
        event.stop()
        chosen = event.button.id or ""
        self.dismiss("" if chosen == "cancel" else chosen)

    def action_cancel(self) -> None:
        self.dismiss("")
