"""Starting a workflow by hand: which one, on which branch or tag, with which inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static

from dbxwizard.backend.views import is_production
from dbxwizard.screens.dialogs import Question
from dbxwizard.screens.one_line import OneLine
from dbxwizard.screens.page import Page
from dbxwizard.screens.picking import Item, Picker
from dbxwizard.screens.widgets import Choice, Decision

if TYPE_CHECKING:
    from dbxwizard.backend.console.github_runs import Input as WorkflowInput
    from dbxwizard.backend.console.github_runs import Launchable, LaunchForm


class LaunchFormRead(Message):
    def __init__(self, form: LaunchForm) -> None:
        super().__init__()
        self.form = form


class Launched(Message):
    def __init__(self, run: int) -> None:
        super().__init__()
        self.run = run


def choose_workflow(page: Page, form: LaunchForm) -> None:
    """Asks which one, then for its inputs."""
    files = {one.workflow.file: one for one in form.workflows}
    if not files:
        page.notify(f"{form.ref} has no workflow that can be started by hand", severity="warning", markup=False)
        return
    items = [Item(name, one.workflow.name, name) for name, one in files.items()]

    def chosen(name: str | None) -> None:
        if name:
            page.app.push_screen(LaunchScreen(files[name], form.ref))

    page.app.push_screen(Picker(f"Start which workflow of {form.ref}?", items), chosen)


class LaunchScreen(Page):
    """The form of one workflow."""

    heading = "Start a workflow"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("ctrl+g,ctrl+n", "start", "Start", key_display="^g"),
    ]

    def __init__(self, chosen: Launchable, ref: str) -> None:
        super().__init__()
        self._chosen, self._ref = chosen, ref
        self._values = {one.name: _default(one) for one in chosen.inputs}

    def body(self) -> Iterable[Widget]:
        with VerticalScroll(id="form"):
            yield Static(self._chosen.workflow.name, classes="title", markup=False)
            with Horizontal(classes="row"):
                yield Label("On")
                yield OneLine(self._ref, "a branch or a tag", id="ref", select_on_focus=False, compact=True)
            yield Vertical(*self._fields(), id="inputs")
        with Horizontal(id="steps"):
            yield Button("Back", id="back", compact=True)
            yield Button("Start", id="start", variant="primary", compact=True)

    def _fields(self) -> Iterator[Widget]:
        for place, one in enumerate(self._chosen.inputs):
            needed = "  (needed)" if one.required else ""
            yield Static(f"{one.name}{needed}", classes="title", markup=False)
            yield Static(one.description, classes="words", markup=False)
            if self._options(one):
                yield Decision(id=f"input-{place}")
            else:
                yield OneLine(
                    self._values[one.name], one.type, id=f"input-{place}", select_on_focus=False, compact=True
                )

    def _options(self, one: WorkflowInput) -> tuple[str, ...]:
        if one.type == "environment":
            return tuple(self.situation.environments)
        return ("true", "false") if one.type == "boolean" else one.options

    def on_mount(self) -> None:
        self._offer()
        fields = [*self.query("#inputs Decision"), *self.query("#inputs Input"), self.query_one("#ref")]
        fields[0].focus()

    def _offer(self) -> None:
        for place, one in enumerate(self._chosen.inputs):
            for decision in self.query(f"#input-{place}").results(Decision):
                choices = [Choice(value, _titled(value)) for value in self._options(one)]
                decision.offer(choices, self._values[one.name])

    # what is given

    @on(Decision.Made)
    def keep_choice(self, event: Decision.Made) -> None:
        self._values[self._input_of(event.decision)] = event.value

    @on(Input.Changed)
    def keep_text(self, event: Input.Changed) -> None:
        if event.input.id == "ref":
            self._ref = event.value.strip()
        elif event.input.id and event.input.id.startswith("input-"):
            self._values[self._input_of(event.input)] = event.value

    def _input_of(self, widget: Widget) -> str:
        return self._chosen.inputs[int(str(widget.id).removeprefix("input-"))].name

    @on(Input.Submitted)
    def go_on(self) -> None:
        self.app.action_focus_next()

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        self.dismiss()

    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        """What deploys to Production by who types its name."""
        production = [value for value in self._values.values() if is_production(value)]
        if not production:
            self._start()
            return
        question = Question(
            f"This is for {production[0]}",
            f"{self._chosen.workflow.name} on {self._ref}.",
            (("start", "Start"),),
            typed=production[0],
            dangerous=True,
        )
        self.app.push_screen(question, lambda answer: self._start() if answer else None)

    def _start(self) -> None:
        given = {name: value for name, value in self._values.items() if value}
        asked = self.ask.launch_github_run(workflow=self._chosen.workflow.file, ref=self._ref, inputs=given)
        self.request(asked, Launched, "starting it")

    @on(Launched)
    def follow(self, message: Launched) -> None:
        from dbxwizard.screens.workflow_run import WorkflowRunScreen

        self.app.call_later(self.app.switch_screen, WorkflowRunScreen(message.run))


def _default(one: WorkflowInput) -> str:
    if one.default:
        return one.default
    if one.type == "boolean":
        return "false"
    return one.options[0] if one.type == "choice" and one.options else ""


def _titled(value: str) -> str:
    return f"{value}  ⚠ production" if is_production(value) else value
