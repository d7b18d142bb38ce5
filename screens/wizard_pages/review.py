"""The whole plan before anything of it is done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.backend.views import PlanView
from dbxwizard.core.errors import OperationError
from dbxwizard.screens.deploying import PlanMade, PlanPage, RunBegun
from dbxwizard.screens.plan_tree import PlanTree
from dbxwizard.screens.wizard import WizardPage


class ReviewPage(WizardPage, PlanPage):
    key: ClassVar[str] = "review"
    needs = ("subscription", "repo", "environments")
    _failed = False  # whether the last try to make a plan ended with an error

    def content(self) -> Iterable[Widget]:
        yield Vertical(
            Static("", id="totals", markup=False),
            PlanTree(),
            id="plan",
        )

    def look(self) -> None:
        """Reads what is there and compares; a private repository's token may be asked for meanwhile."""
        self.plan, self._failed = None, False
        if self.program.running:
            self.query_one("#totals", Static).update("A run is going on; Apply shows it.")
        else:
            self.program.plan = None
            self.request(self.ask.plan_next(), PlanMade, "reading what is there")
        self.look_again()

    def may_go_on(self) -> str:
        if self.plan and self.plan.lacking:
            return "rights lack, first in the plan"
        if self.plan or self.program.running:
            return ""
        return "there is no plan: ctrl+r makes it anew" if self._failed else "the plan is still being made"

    def show_failure(self, error: OperationError) -> None:
        self._failed = self.plan is None
        super().show_failure(error)
        self.look_again()

    def plan_shown(self, plan: PlanView) -> None:
        self.program.plan = plan
        self.query_one("#next", Button).label = "Apply" if plan.changes else "Next"
        self.look_again()

    def go_on(self) -> None:
        """To Apply, which begins with what was shown here; past it where nothing is to be done."""
        if self.plan is None or not self.plan.changes:
            self.go_to("apply" if self.program.running else "done")
        else:
            self.begin(self.plan)

    @on(RunBegun)
    def follow(self, message: RunBegun) -> None:
        self.program.run_begun(message.run)
        self.go_to("apply")
