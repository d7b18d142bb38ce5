"""What every screen that shows a plan or watches a run does alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Static

from dbxwizard.backend.run_model import StepRun
from dbxwizard.backend.views import PlanView, StepView, is_production
from dbxwizard.screens.bars import ErrorBar
from dbxwizard.screens.dialogs import Question
from dbxwizard.screens.page import Page
from dbxwizard.screens.plan_tree import PlanTree, totals
from dbxwizard.screens.run_view import RunEnded, RunView
from dbxwizard.screens.widgets import Table


class PlanMade(Message):
    def __init__(self, plan: PlanView) -> None:
        super().__init__()
        self.plan = plan


class RetryPlanned(PlanMade):
    """The plan of one step that failed, and of those that waited for it."""


class PlanWritten(Message):
    """The plan as text, to be copied or saved (`save`: under this name)."""

    def __init__(self, text: str, save: str) -> None:
        super().__init__()
        self.text, self.save = text, save


class RunBegun(Message):
    def __init__(self, run: str, plan: PlanView) -> None:
        super().__init__()
        self.run, self.plan = run, plan


class ApplyingPage(Page):
    def apply_plan(self, plan: PlanView) -> None:
        """Begins; a RunBegun tells of it."""
        self.request(self.ask.apply(plan=plan.id), lambda run: RunBegun(run, plan), "beginning")


class PlanPage(ApplyingPage):
    """Has a PlanTree and a Static `#totals`; a PlanMade fills them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "unchanged", "Unchanged too"),
        Binding("m", "markdown", "Copy as Markdown"),
        Binding("S", "save", "Save", key_display="S"),
    ]
    plan: PlanView | None = None

    @on(PlanMade)
    def show_plan(self, message: PlanMade) -> None:
        self.plan = plan = message.plan
        later = ", ".join(plan.afterwards)
        then = f"\nThen: {later}; planned once setup has made what they start from" if later else ""
        self.query_one("#totals", Static).update(totals(plan) + then)
        tree = self.query_one(PlanTree)
        tree.show(plan)
        tree.focus()
        self.plan_shown(plan)

    def plan_shown(self, plan: PlanView) -> None:
        """What else a screen does with it."""

    def filtered(self, text: str) -> None:
        self.query_one(PlanTree).narrow(text)

    def recolour(self) -> None:
        self.query_one(PlanTree).recolour()

    def action_unchanged(self) -> None:
        self.query_one(PlanTree).toggle_unchanged()

    def action_copy(self) -> None:
        if self.query_one(ErrorBar).text:
            super().action_copy()
        else:
            self.action_markdown()

    def action_save_copy(self) -> None:
        self.action_save()

    def action_markdown(self) -> None:
        self._write("markdown", "")

    def action_save(self) -> None:
        """For a pull request, and for `dbxwizard deploy --plan FILE`."""
        if self.plan is not None:
            self._write("markdown", f"{self.plan.id}.md")
            self._write("json", f"{self.plan.id}.json")

    def _write(self, form: str, save: str) -> None:
        if self.plan is not None:
            text = self.ask.plan_text(plan=self.plan.id, form=form)
            self.request(text, lambda written: PlanWritten(written, save))

    @on(PlanWritten)
    def give_plan(self, message: PlanWritten) -> None:
        if message.save:
            self.program.save_text(message.save, message.text)
        else:
            self.app.copy_to_clipboard(message.text)

    def begin(self, plan: PlanView) -> None:
        """Applies the plan; what changes something that works in Production only by who types its name."""
        protected = [name for name in plan.environments if is_production(name) and _endangers(plan, name)]
        if not protected:
            self.apply_plan(plan)
            return
        counts = ", ".join(f"{count} {what}" for what, count in plan.counts().items() if what != "none")
        question = Question(
            f"This changes {protected[0]}",
            f"{counts}, as {plan.actor}.",
            (("apply", "Apply"),),
            typed=protected[0],
            dangerous=True,
        )
        self.app.push_screen(question, lambda answer: self.apply_plan(plan) if answer else None)


def _endangers(plan: PlanView, environment: str) -> bool:
    """Whether something that works today is touched."""
    touched = (step.action for step in plan.changes if step.environment == environment)
    return plan.scope == "deploy" and any(action != "create" for action in touched)


class RunPage(ApplyingPage):
    """Has a RunView. `run`: the id of what it watches."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "cancel", "Cancel the run"),
        Binding("t", "retry", "Retry this step"),
    ]
    run = ""
    _last_offered: Mapping[str, bool] = MappingProxyType({})

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Cancelling is for what runs, retrying for what failed in a run that has ended."""
        if action in ("cancel", "retry") and self.query(RunView):
            return self._offered()[action]
        return super().check_action(action, parameters)

    def _offered(self) -> dict[str, bool]:
        running = not self.query_one(RunView).model.status
        return {"cancel": running, "retry": self._retryable() is not None}

    @on(RunEnded)
    @on(Table.RowHighlighted)
    def offer_keys(self) -> None:
        """Only where they differ: the footer is drawn anew with them."""
        if self._offered() != self._last_offered:
            self._last_offered = self._offered()
            self.refresh_bindings()

    def follow_run(self, run: str, planned: Sequence[StepView] = ()) -> None:
        self.run = run
        view = self.query_one(RunView)
        view.watch_run(run, planned)
        view.focus_steps()

    def filtered(self, text: str) -> None:
        self.query_one(RunView).narrow(text)

    def recolour(self) -> None:
        self.query_one(RunView).recolour()

    def copied(self) -> str:
        return self.query_one(RunView).copied()

    # cancel

    def action_cancel(self) -> None:
        question = Question(
            "Cancel this run?",
            "Nothing new starts, and what is being changed may finish. A second cancel stops at once. Running it again "
            "completes the rest.",
            (("stop", "Cancel the run"),),
            cancel="Let it go on",
            dangerous=True,
        )
        self.app.push_screen(question, self._cancel)

    def _cancel(self, answer: str | None) -> None:
        if answer:
            self.request(self.ask.cancel(run=self.run), lambda _: Cancelled(), "cancelling")

    # retry

    def _retryable(self) -> StepRun | None:
        """The step under the cursor, where it failed or was left out, and the run has ended."""
        view = self.query_one(RunView)
        step = view.current
        return step if step and step.state in ("failed", "left out") and view.model.status else None

    def action_retry(self) -> None:
        """The step under the cursor, and those that waited for it."""
        view, step = self.query_one(RunView), self._retryable()
        if step is None:
            return
        scope = view.model.command
        names = tuple(name for name in view.model.environments if name)
        plan = (
            self.ask.plan_setup(only=step.id)
            if scope == "setup"
            else self.ask.plan_deploy(environments=names, only=step.id)
        )
        self.request(plan, RetryPlanned, f"reading {step.title} again")

    @on(RetryPlanned)
    def offer_retry(self, message: RetryPlanned) -> None:
        plan = message.plan
        if not plan.applicable:
            lacking = "\n".join(f"{right.words} lacks → {right.fix}" for right in plan.lacking)
            self.notify(lacking or "nothing is left to be done there", markup=False)
            return
        titles = "\n".join(f"{step.action}  {step.title}" for step in plan.changes)
        question = Question("Retry", titles, (("retry", "Retry"),))
        self.app.push_screen(question, lambda answer: self.apply_plan(plan) if answer else None)

    @on(RunBegun)
    def watch_begun(self, message: RunBegun) -> None:
        self.program.run_begun(message.run)
        self.follow_run(message.run, message.plan.steps)

    @on(RunEnded)
    def tell_end(self, message: RunEnded) -> None:
        failed = message.model.failed
        if failed:
            self.notify(f"{len(failed)} failed; t retries the one under the cursor", severity="error")


class Cancelled(Message):
    """The run was asked to stop."""
