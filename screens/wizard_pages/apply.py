"""The plan as it becomes true."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.widget import Widget
from textual.widgets import Button

from dbxwizard.screens.deploying import RunPage
from dbxwizard.screens.deployments import HistoryRead
from dbxwizard.screens.run_view import RunEnded, RunView
from dbxwizard.screens.wizard import WizardPage


class ApplyPage(WizardPage, RunPage):
    key: ClassVar[str] = "apply"

    def content(self) -> Iterable[Widget]:
        yield RunView()

    def look(self) -> None:
        """What this program began; else what is still going on, or was, when the wizard was closed."""
        if self.program.running:
            planned = self.program.plan.steps if self.program.plan else ()
            self.follow_run(self.program.running, planned)
        else:
            self.request(self.ask.history(limit=1), HistoryRead, "reading the history")

    @on(HistoryRead)
    def take_up(self, message: HistoryRead) -> None:
        if message.runs:
            self.follow_run(message.runs[0].run_id)
        else:
            self.go_to("review")

    def may_go_on(self) -> str:
        return "" if self.query_one(RunView).model.status else "it is still running"

    @on(RunEnded)
    def offer_next(self, message: RunEnded) -> None:
        model = message.model
        if model.status not in ("success", "unchanged"):
            label = "Review what is left"
        else:
            label = "Next" if model.command == "deploy" else "Review the deployment"
        self.query_one("#next", Button).label = label
        self.look_again()

    def go_on(self) -> None:
        """After setup, and after anything that failed, the plan of what is left."""
        model = self.query_one(RunView).model
        fine = model.status in ("success", "unchanged") and model.command == "deploy"
        self.go_to("done" if fine else "review")
