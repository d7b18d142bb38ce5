"""Approving or rejecting what a run waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Input, Label, Static

from dbxwizard.backend.views import is_production
from dbxwizard.screens.dialogs import Dialog, Question
from dbxwizard.screens.one_line import OneLine
from dbxwizard.screens.widgets import Checklist

if TYPE_CHECKING:
    from dbxwizard.backend.console.github_runs import WaitingEnvironment


@dataclass(frozen=True, slots=True)
class Review:
    """What was decided about these environments."""

    environments: tuple[str, ...]
    approve: bool
    comment: str


class ReviewDialog(Dialog[Review]):
    """Gives the Review, None for neither. Cancel has the focus; Production is approved by who types its name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, waiting: Sequence[WaitingEnvironment]) -> None:
        super().__init__()
        self._waiting = waiting
        self._mine = [one.name for one in waiting if one.may_approve]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog"):
            yield Label(f"Review {', '.join(one.name for one in self._waiting)}", id="title", markup=False)
            yield Static(Text("\n".join(map(_told, self._waiting))))
            if len(self._mine) > 1:
                yield Checklist({name: Text(name) for name in self._mine})
            if self._mine:
                yield Label("Comment, which the run's page shows")
                yield OneLine(id="comment", compact=True, select_on_focus=False)
            with Horizontal(id="answers"):
                yield Button("Cancel", id="cancel", variant="primary", compact=True)
                if self._mine:
                    yield Button("Reject", id="reject", variant="error", compact=True)
                    yield Button("Approve", id="approve", variant="error", compact=True)

    def on_mount(self) -> None:
        for every in self.query(Checklist):
            every.choose(self._mine)
        self.query_one("#cancel").focus()

    def on_key(self, event: events.Key) -> None:
        """Whoever begins to type means the comment, though Cancel has the focus."""
        if isinstance(self.focused, Button) and event.is_printable and event.character and self.query("#comment"):
            event.stop()
            field = self.query_one("#comment", Input)
            field.focus()
            field.insert_text_at_cursor(event.character)

    @on(Input.Submitted)
    def leave_comment(self) -> None:
        self.query_one("#cancel").focus()

    @on(Button.Pressed)
    def answer(self, event: Button.Pressed) -> None:
        event.stop()
        lists = [one.chosen for one in self.query(Checklist)]
        names = tuple(lists[0] if lists else self._mine)
        if event.button.id == "cancel":
            self.dismiss(None)
        elif not names:
            self.notify("choose an environment", severity="warning")
        else:
            self._decide(Review(names, event.button.id == "approve", self.query_one("#comment", Input).value.strip()))

    def _decide(self, review: Review) -> None:
        production = [name for name in review.environments if is_production(name)]
        if not (review.approve and production):
            self.dismiss(review)
            return
        question = Question(
            f"Deploy to {production[0]}?",
            "The run goes on with it as soon as you approve.",
            (("go", "Approve"),),
            typed=production[0],
            dangerous=True,
        )

        def typed(answer: str | None) -> None:
            if answer:
                self.dismiss(review)

        self.app.push_screen(question, typed)

    def action_cancel(self) -> None:
        self.dismiss(None)


def _told(one: WaitingEnvironment) -> str:
    timer = f", not before {one.timer} minutes have passed" if one.timer else ""
    if not one.reviewers:
        return f"{one.name}{timer}: nobody has to agree."
    asked = f"{one.name} waits for {', '.join(one.reviewers)}{timer}"
    return asked if one.may_approve else f"{asked}: it is not yours to review."
