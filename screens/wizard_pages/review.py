"""The whole plan before anything of it is done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.backend.views import PlanView
from dbxwizard.screens.deploying import PlanMade, PlanPage, RunBegun
from dbxwizard.screens.plan_tree import PlanTree
from dbxwizard.screens.wizard import WizardPage


class ReviewPage(WizardPage, PlanPage):
    key: ClassVar[str] = "review"
    needs = ("subscription", "repo", "environments")

    def content(self) -> Iterable[Widget]:
        yield Vertical(
            Static("", id="totals", markup=False),
            PlanTree(),
            id="plan",
        )

    def look(self) -> None:
        """Reads what is there and compares; a private repository's token may be asked for meanwhile."""
        self.plan = None
        if self.program.running:
            self.query_one("#totals", Static).update("A run is going on; Apply shows it.")
        else:
            self.program.plan = None
            self.request(self.ask.plan_next(), PlanMade, "reading what is there")
        self.look_again()

    def may_go_on(self) -> str:
        if self.plan and self.plan.lacking:
            return "rights lack, first in the plan"
        return "" if self.plan or self.program.running else "the plan is still being made"

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
