"""What every screen of the program is made of: bars, questions to the backend, errors, filter, copy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from dbxwizard.backend.client import Backend
from dbxwizard.core.errors import OperationError
from dbxwizard.screens.bars import ErrorBar, KeyBar, ModeBar, TopBar
from dbxwizard.screens.filtering import FilterBar

if TYPE_CHECKING:
    from dbxwizard.backend.answers import Answers
    from dbxwizard.backend.service import Service
    from dbxwizard.backend.views import PlanView, Situation
    from dbxwizard.parameters.editing.project import Project

T = TypeVar("T")


class Program(Protocol):
    """What screens may ask of the application."""

    backend: Backend
    situation: Situation | None
    answers: Answers
    running: str  # the id of the run that this program began last, "" once it has ended
    developing: str  # what the mode Dev changes just now, in words; "" for nothing that leaving would cut short
    plan: PlanView | None  # what the wizard has shown and not yet applied
    wanted_environment: str  # which the mode Resources opens next
    wanted_file: str  # which the mode Parameters opens next, by its name

    editing: Project | None  # the parameter files as they are edited

    def run_begun(self, run: str) -> None: ...

    def go_deploy(self, names: Sequence[str]) -> None: ...

    def go_resources(self, environment: str) -> None: ...

    def browse(self, url: str) -> None: ...

    def save_text(self, name: str, text: str) -> None: ...

    def save_file(self, name: str, source: Path) -> None: ...

    def keep(self, answers: Answers) -> None: ...


class AskFailed(Message):
    """The backend answered with an error."""

    def __init__(self, error: OperationError) -> None:
        super().__init__()
        self.error = error


class Page(Screen[Any]):
    """A screen with a `heading`. `body` gives its widgets; `copied` what `y` copies; `filtered` takes what `/` asks."""

    heading: ClassVar[str] = ""
    slash: ClassVar[str] = "filter"  # what `/` is for
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", show=False),
        Binding("n", "next_match", "Next match", show=False),
        Binding("N", "previous_match", "Previous match", show=False, key_display="N"),
        Binding("y", "copy", "Copy", show=False),
        Binding("Y", "save_copy", "Copy to a file", show=False, key_display="Y"),
        Binding("x", "dismiss_error", "Dismiss the error", show=False),
    ]

    def compose(self) -> ComposeResult:
        # Textual says how wide it is after the first layout, and half a second may pass until the next.
        self.add_class(*_breadth(self.app.size.width, self.app.HORIZONTAL_BREAKPOINTS or ()))
        yield TopBar(self.heading)
        yield from self.body()
        yield FilterBar(purpose=self.slash, id="slash")
        yield ErrorBar()
        yield from self.lower_bars()

    def lower_bars(self) -> Iterable[Widget]:
        return ModeBar(), KeyBar(show_command_palette=False, compact=True)

    def body(self) -> Iterable[Widget]:
        return ()

    @on(events.Mount)
    def watch_theme(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self.recolour())

    def recolour(self) -> None:
        """Draws anew what has colours of the theme in its texts."""

    @property
    def program(self) -> Program:
        return cast("Program", self.app)

    @property
    def ask(self) -> Service:
        return self.program.backend.ask

    @property
    def situation(self) -> Situation:
        """What lies in the project's folder, as it was seen last."""
        found = self.program.situation
        assert found is not None  # noqa: S101  no page opens before
        return found

    @work
    async def request(self, question: Awaitable[T], answered: Callable[[T], Message], what: str = "") -> None:
        """Waits for the backend without holding up the screen; posts `answered` of the answer, or AskFailed.

        `what` is shown while it lasts.
        """
        bars = list(self.query(TopBar))  # none where the page was left before this began
        with bars[0].waiting(what) if bars else nullcontext():
            try:
                answer = await question
            except OperationError as error:
                self.post_message(AskFailed(error))
                return
        self.post_message(answered(answer))

    @on(AskFailed)
    def take_failure(self, message: AskFailed) -> None:
        self.show_failure(message.error)

    def show_failure(self, error: OperationError) -> None:
        """Apart from its handler, which Textual calls for every class that has one, overridden or not."""
        self.query_one(ErrorBar).show(error)

    def action_dismiss_error(self) -> None:
        self.query_one(ErrorBar).hide()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key is offered only where it does something."""
        match action:
            case "filter":
                return _differs(self, "filtered")
            case "next_match" | "previous_match":
                return _differs(self, "match")
            case "copy" | "save_copy":
                return _differs(self, "copied", f"action_{action}") or self.query_one(ErrorBar).display
            case "dismiss_error":
                return self.query_one(ErrorBar).display
        return True

    # filter and search

    def filtered(self, text: str) -> None:
        """Shows only what holds `text`, case aside ("": everything)."""

    def match(self, step: int) -> None:
        """Goes to the next (1) or the previous (-1) match."""

    def action_filter(self) -> None:
        self.query_one("#slash", FilterBar).open()

    def action_next_match(self) -> None:
        self.match(1)

    def action_previous_match(self) -> None:
        self.match(-1)

    @on(FilterBar.Changed)
    def take_filter(self, message: FilterBar.Changed) -> None:
        if message.sign == "/":
            self.filtered(message.text)

    # copy

    def copied(self) -> str:
        """What somebody who presses `y` here wants to have; "" where there is nothing."""
        return ""

    def action_copy(self) -> None:
        text = self.query_one(ErrorBar).text or self.copied()
        if text:
            self.app.copy_to_clipboard(text)

    def action_save_copy(self) -> None:
        text = self.copied()
        if text:
            name = Path(type(self).__module__.rpartition(".")[2]).with_suffix(".txt").name
            self.program.save_text(name, text)


def _breadth(width: int, breakpoints: Iterable[tuple[int, str]]) -> list[str]:
    return [name for least, name in sorted(breakpoints) if width >= least][-1:]


def _differs(page: Page, *methods: str) -> bool:
    """Whether its class does something of what a bare Page leaves open."""
    return any(getattr(type(page), method) is not getattr(Page, method) for method in methods)
