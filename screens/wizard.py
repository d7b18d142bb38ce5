"""The wizard: a path of pages with a sidebar that tells where one is, what is done and what is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.backend.answers import Answers
from dbxwizard.screens.page import Page


@dataclass(frozen=True, slots=True)
class Stop:
    """A page of the path; `dbxwizard.screens.wizard_pages.<key>` has its class `screen`."""

    key: str
    title: str
    screen: str


PATH = (Stop("welcome", "Welcome", "WelcomePage"),)


def page(key: str) -> WizardPage:
    stop = next((stop for stop in PATH if stop.key == key), PATH[0])
    made: WizardPage = getattr(import_module(f"dbxwizard.screens.wizard_pages.{stop.key}"), stop.screen)()
    return made


class Start(Page):
    """The base of the wizard's mode: goes on where the wizard was closed."""

    heading = "Wizard"

    async def on_mount(self) -> None:
        await self.app.push_screen(page(self.situation.answers.page))


class Kept(Message):
    """The answers are on the disk."""


class WizardPage(Page):
    """One stop of the path. `content` gives its widgets; `may_go_on` says what is still missing, "" for nothing.

    Answers are kept as they are given; going back loses nothing.
    """

    key: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "next_page", "Next"),
        Binding("escape", "back", "Back"),
    ]

    @property
    def heading(self) -> str:  # type: ignore[override]  # the same name, from the path
        place = [stop.key for stop in PATH].index(self.key)
        return f"Wizard {place + 1}/{len(PATH)}  {PATH[place].title}"

    def body(self) -> Iterable[Widget]:
        with Horizontal(id="wizard"):
            yield Sidebar(self.key)
            with Vertical(id="page"):
                with VerticalScroll(id="content", can_focus=False):
                    yield from self.content()
                with Horizontal(id="steps"):
                    yield Button("Back", id="back", compact=True, disabled=self.key == PATH[0].key)
                    yield Button("Next", id="next", variant="primary", compact=True)
                    yield Static("", id="missing", markup=False)

    def content(self) -> Iterable[Widget]:
        return ()

    def may_go_on(self) -> str:
        return ""

    # answers

    @property
    def answers(self) -> Answers:
        return self.program.answers

    def answer(self, **values: Any) -> None:
        """Keeps decisions, at once."""
        changed = self.answers.changed(**values)
        if changed != self.answers:
            self.program.answers = changed
            self.request(self.ask.keep_answers(answers=changed), lambda _: Kept())
        self.look_again()

    def look_again(self) -> None:
        """Says what is missing, and lets Next be pressed once nothing is."""
        missing = self.may_go_on()
        self.query_one("#next", Button).disabled = bool(missing)
        self.query_one("#missing", Static).update(missing)

    @on(events.ScreenResume)
    def arrive(self) -> None:
        self.answer(page=self.key)
        self.query_one(Sidebar).draw()

    # the path

    @on(Button.Pressed, "#next")
    async def action_next_page(self) -> None:
        missing = self.may_go_on()
        if missing:
            self.notify(missing, severity="warning", markup=False)
            return
        self.answer(visited=tuple(dict.fromkeys((*self.answers.visited, self.key))))
        await self._go(1)

    @on(Button.Pressed, "#back")
    async def action_back(self) -> None:
        await self._go(-1)

    async def _go(self, step: int) -> None:
        place = [stop.key for stop in PATH].index(self.key) + step
        if 0 <= place < len(PATH):
            await self.app.switch_screen(page(PATH[place].key))


class Sidebar(Vertical):
    """The path. On a narrow terminal one line; a click goes to a page that was visited."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        for stop in PATH:
            yield _StopLine(stop)

    def draw(self) -> None:
        answers: Answers = self.screen.answers  # type: ignore[attr-defined]  # the sidebar of a WizardPage
        for line in self.query(_StopLine):
            line.draw(self._here, answers.visited)


class _StopLine(Static):
    def __init__(self, stop: Stop) -> None:
        super().__init__("", markup=False)
        self._stop = stop
        self._open = False

    def draw(self, here: str, visited: tuple[str, ...]) -> None:
        is_here, done = self._stop.key == here, self._stop.key in visited
        self._open = done and not is_here
        sign, word = ("▸", "here") if is_here else ("✓", "done") if done else ("·", "to do")
        self.update(Text.assemble(f"{sign} {self._stop.title}", (f"  {word}", "dim")))
        self.set_class(is_here, "-here")

    async def on_click(self) -> None:
        if self._open:
            await self.app.switch_screen(page(self._stop.key))
