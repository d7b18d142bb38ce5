"""The wizard: a path of pages with a sidebar that tells where one is, what is done and what is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.backend.answers import Answers
from dbxwizard.backend.views import WorkflowsAdapted
from dbxwizard.core.errors import NotSignedIn, OperationError
from dbxwizard.screens.page import Page
from dbxwizard.screens.path import PATH, PathLine, Sidebar, StopChosen, place_of
from dbxwizard.screens.words import many

# Errors of setup's plan, and the page where a person mends them; the advice for the command line names its options.
_MENDED_ON = {
    "application-name-taken": "service_principals",
    "application-ambiguous": "service_principals",
    "application-not-found": "service_principals",
    "isolation-without-environments": "service_principals",
    "role-not-found": "custom_role",
    "github-not-administrator": "sign_in",
    "github-repository-not-found": "sign_in",
    "reviewer-unknown": "github",
    "wait-invalid": "github",
    "github-token-scope": "sign_in",
}


@dataclass
class AdaptedTo(Message):
    """What became of the workflows for what was decided."""

    made: WorkflowsAdapted


@dataclass(frozen=True, slots=True)
class Lack:
    """What a page needs and has not: `words`, and the `key` of the page where it is to be had."""

    words: str
    key: str


def page(key: str) -> WizardPage:
    stop = next((stop for stop in PATH if stop.key == key), PATH[0])
    made: WizardPage = getattr(import_module(f"dbxwizard.screens.wizard_pages.{stop.key}"), stop.screen)()
    return made


class Start(Page):
    """The base of the wizard's mode: goes on where the wizard was closed."""

    heading = "Wizard"

    async def on_mount(self) -> None:
        await self.app.push_screen(page(self.situation.answers.page))


class WizardPage(Page):
    """One stop of the path. `content` gives its widgets, `look` asks for what they show; `may_go_on` says what is still
    missing, "" for nothing.

    `needs`: the answers without which there is nothing to look at. Answers are kept as they are given; going back
    loses nothing.
    """

    key: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    _lack: Lack | None = None
    AUTO_FOCUS = "#given *"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Browsers keep ctrl+n for a new window, so it is not the only one.
        Binding("ctrl+g,ctrl+n", "next_page", "Next", key_display="^g"),
        Binding("escape", "back", "Back"),
        Binding("ctrl+r", "look", "Look again", show=False),
        Binding("pagedown", "scroll_page(1)", "Page down", show=False),
        Binding("pageup", "scroll_page(-1)", "Page up", show=False),
    ]

    @property
    def heading(self) -> str:  # type: ignore[override]  # the same name, from the path
        place = place_of(self.key)
        return f"Wizard {place + 1}/{len(PATH)}  {PATH[place].title}"

    def body(self) -> Iterable[Widget]:
        yield PathLine(self.key)
        with Horizontal(id="wizard"):
            yield Sidebar(self.key)
            with Vertical(id="page"):
                with VerticalScroll(id="content", can_focus=False):
                    with Vertical(id="lack"):
                        yield Static("", id="lack-words", markup=False)
                        yield Button("", id="go", variant="primary", compact=True)
                    with Vertical(id="given"):
                        yield from self.content()
                with Horizontal(id="steps"):
                    yield Button("Back", id="back", compact=True, disabled=self.key == PATH[0].key)
                    yield Button("Next", id="next", variant="primary", compact=True)
                    yield Static("", id="missing", markup=False)

    def content(self) -> Iterable[Widget]:
        return ()

    def look(self) -> None:
        """Asks the backend for what the page shows; called once what it needs is there."""

    def may_go_on(self) -> str:
        return ""

    # what the page needs

    def on_mount(self) -> None:
        self.action_look()

    def action_look(self) -> None:
        """Anew: what went wrong before may have been mended."""
        self.action_dismiss_error()
        lack = self.lacking()
        self.show_lack(lack)
        if lack is None:
            self.look()

    def lacking(self) -> Lack | None:
        missing = {
            "subscription": (self.answers.subscription, Lack("No subscription is chosen yet.", "sign_in")),
            "repo": (self.answers.repo, Lack("No repository is chosen yet.", "sign_in")),
            "environments": (self.situation.environments, Lack("There are no environment files yet.", "welcome")),
        }
        return next((lack for name, (there, lack) in missing.items() if name in self.needs and not there), None)

    def show_lack(self, lack: Lack | None) -> None:
        """In the place of the page's own widgets."""
        self._lack = lack
        self.query_one("#lack").display = lack is not None
        self.query_one("#given").display = lack is None
        if lack is not None:
            title = PATH[place_of(lack.key)].title
            self.query_one("#lack-words", Static).update(f"○ {lack.words} The page {title} is where to see to it.")
            self.query_one("#go", Button).label = f"Go to {title}"
            self.query_one("#go").focus()
        self.look_again()

    @on(Button.Pressed, "#go")
    def go_to_lack(self) -> None:
        if self._lack is not None:
            self.go_to(self._lack.key)

    def show_failure(self, error: OperationError) -> None:
        """What another page mends: said where this one would be, with the way there."""
        key = "sign_in" if isinstance(error, NotSignedIn) else _MENDED_ON.get(error.code, self.key)
        if key == self.key:
            super().show_failure(error)
        else:
            self.show_lack(Lack(f"{error.message[:1].upper()}{error.message[1:]}.", key))

    # answers

    @property
    def answers(self) -> Answers:
        return self.program.answers

    def answer(self, **values: Any) -> None:
        """Keeps decisions, at once."""
        self.program.keep(self.answers.changed(**values))
        self.look_again()

    def answer_and_adapt(self, **values: Any) -> None:
        """Keeps decisions that the workflows depend on, and lets these follow."""
        self.answer(**values)
        self.request(self.ask.adapt_workflows(), AdaptedTo, "writing the workflows")

    @on(AdaptedTo)
    def tell_of_workflows(self, message: AdaptedTo) -> None:
        made = message.made
        if made.written:
            self.notify(f"{many(len(made.written), 'workflow file')} written anew for this choice")
        if made.conflicts:
            words = f"you changed the same lines, yours stay: {', '.join(made.conflicts)}"
            self.notify(f"{words}. What is shipped: dbxwizard init --update", severity="warning", markup=False)

    def look_again(self) -> None:
        """Says what is missing, and lets Next be pressed once nothing is."""
        missing = self._lack.words if self._lack else self.may_go_on()
        self.query_one("#next", Button).disabled = bool(missing)
        self.query_one("#missing", Static).update(missing)

    @on(events.ScreenResume)
    def arrive(self) -> None:
        self.answer(page=self.key)
        for path in (*self.query(Sidebar), *self.query(PathLine)):
            path.draw(self.answers.visited)

    # the path

    def action_scroll_page(self, step: int) -> None:
        content = self.query_one("#content", VerticalScroll)
        content.scroll_relative(y=step * max(1, content.size.height - 1), animate=False)

    @on(Button.Pressed, "#next")
    def action_next_page(self) -> None:
        missing = self._lack.words if self._lack else self.may_go_on()
        if missing:
            self.notify(missing, severity="warning", markup=False)
            return
        self.answer(visited=tuple(dict.fromkeys((*self.answers.visited, self.key))))
        self.go_on()

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        self._go(-1)

    def go_on(self) -> None:
        """What Next does once nothing is missing."""
        self._go(1)

    def _go(self, step: int) -> None:
        place = place_of(self.key) + step
        if 0 <= place < len(PATH):
            self.go_to(PATH[place].key)

    @on(StopChosen)
    def go_to_stop(self, message: StopChosen) -> None:
        self.go_to(message.key)

    def go_to(self, key: str) -> None:
        """Once the message is handled that asked for it: a screen that waits for its own removal waits for ever."""
        self.app.call_later(self.app.switch_screen, page(key))
