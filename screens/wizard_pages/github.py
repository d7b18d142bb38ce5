"""What is published to GitHub: names and places, never a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from dbxwizard.core.errors import OperationError
from dbxwizard.screens.widgets import Choice, Decision, WrappedTable
from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import STANDINGS, shown

if TYPE_CHECKING:
    from dbxwizard.backend.wizard.application_views import TradeOff
    from dbxwizard.backend.wizard.choices import RepositoryDetail
    from dbxwizard.backend.wizard.github_views import GitHubRow, GitHubTable


_DECISIONS = {  # the answer that keeps each, and its title
    "github-environments": ("github_environments", "Where variables and secrets are"),
    "approval": ("approval", "Before a deployment to Production"),
    "rulesets": ("rulesets", "What main and release take"),
}
_NOT_OFFERED = {  # what an error says that the plan lacks, and the decision about it
    "github-no-environments": "github-environments",
    "github-no-approval": "approval",
    "github-no-rulesets": "rulesets",
}


@dataclass
class TableRead(Message):
    table: GitHubTable


@dataclass
class RepositoryRead(Message):
    repository: RepositoryDetail


@dataclass
class PlacesRead(Message):
    trade_offs: Sequence[TradeOff]


_MENDED_IN = {"reviewer-unknown": "reviewers", "wait-invalid": "wait"}  # errors, and the field of each


class GitHubPage(WizardPage):
    key: ClassVar[str] = "github"
    needs: ClassVar[tuple[str, ...]] = ("subscription", "repo", "environments")

    def __init__(self) -> None:
        super().__init__()
        self._table: GitHubTable | None = None
        self._filter = ""

    def content(self) -> Iterable[Widget]:
        for decision, (_, title) in _DECISIONS.items():
            with Vertical(id=f"place-{decision}", classes="place"):
                yield Static(title, classes="title", markup=False)
                yield Decision(id=decision)
        yield Static("Deployments to Production", classes="title", markup=False)
        with Horizontal(classes="row"):
            yield Label("Approved by")
            named = ", ".join(self.answers.reviewers)
            told = "who is set at GitHub, else you; or logins, team:ORG/SLUG"
            yield Input(named, told, id="reviewers", select_on_focus=False, compact=True)
        with Horizontal(classes="row"):
            yield Label("Wait, minutes")
            minutes, told = self.answers.wait_minutes, "as set at GitHub"
            yield Input(minutes, told, id="wait", type="integer", max_length=5, compact=True)
        yield Static("", id="counts", markup=False)
        yield WrappedTable({"what": 3, "name": 6, "where": 4, "state": 4})
        yield Static("", id="purpose", classes="words", markup=False)
        yield Static("", id="sealed", markup=False)

    def look(self) -> None:
        self.request(self.ask.repository(name=self.answers.repo), RepositoryRead)
        self.request(self.ask.github_table(), TableRead, "reading GitHub")

    def show_failure(self, error: OperationError) -> None:
        """What the repository's plan does not offer is a decision, not the end."""
        super().show_failure(error)
        if error.code in _MENDED_IN:
            self.query_one(f"#{_MENDED_IN[error.code]}").focus()
        if error.code in _NOT_OFFERED:
            self._offer(_NOT_OFFERED[error.code])

    @on(RepositoryRead)
    def look_at_repository(self, message: RepositoryRead) -> None:
        """What is public has all of it on every plan. What was declined can be had again."""
        declined = [decision for decision, (answer, _) in _DECISIONS.items() if not getattr(self.answers, answer)]
        for decision in dict.fromkeys([*(["github-environments"] if message.repository.private else []), *declined]):
            self._offer(decision)

    def _offer(self, decision: str) -> None:
        self.request(self.ask.trade_offs(decision=decision), PlacesRead)

    @on(PlacesRead)
    def show_places(self, message: PlacesRead) -> None:
        decision = message.trade_offs[0].decision
        choices = (Choice(one.value, one.title, one.words) for one in message.trade_offs)
        wanted = getattr(self.answers, _DECISIONS[decision][0])
        self.query_one(f"#{decision}", Decision).offer(choices, "yes" if wanted else "no")
        self.query_one(f"#place-{decision}").display = True

    @on(Decision.Made, "#github-environments")
    def keep_places(self, event: Decision.Made) -> None:
        self.answer_and_adapt(github_environments=event.value == "yes")
        self.action_look()

    @on(Decision.Made, "#approval")
    @on(Decision.Made, "#rulesets")
    def keep_protection(self, event: Decision.Made) -> None:
        self.answer(**{str(event.decision.id): event.value == "yes"})
        self.action_look()

    @on(Input.Changed, "#reviewers")
    def keep_reviewers(self, event: Input.Changed) -> None:
        self.answer(reviewers=tuple(filter(None, event.value.replace(",", " ").split())))

    @on(Input.Changed, "#wait")
    def keep_wait(self, event: Input.Changed) -> None:
        self.answer(wait_minutes=event.value.strip())

    @on(Input.Submitted)
    def look_at_protection(self) -> None:
        self.action_look()

    @on(TableRead)
    def show_table(self, message: TableRead) -> None:
        self._table = message.table
        counts = ", ".join(f"{count} {standing}" for standing, count in message.table.counts().items())
        self.query_one("#counts", Static).update(f"{message.table.repository}: {counts}. Values are never shown.")
        self.query_one("#sealed", Static).update(_sealed(message.table))
        self._fill()
        self.query_one(WrappedTable).focus()

    def filtered(self, text: str) -> None:
        self._filter = text.lower()
        self._fill()

    def recolour(self) -> None:
        self._fill()

    def _rows(self) -> dict[str, GitHubRow]:
        rows = self._table.rows if self._table else ()
        found = {f"{row.kind} {row.where} {row.name}": row for row in rows}
        return {key: row for key, row in found.items() if self._filter in f"{key} {row.standing}".lower()}

    def _fill(self) -> None:
        self.query_one(WrappedTable).show((key, self._cells(row)) for key, row in self._rows().items())

    def _cells(self, row: GitHubRow) -> tuple[Text, ...]:
        state = shown(STANDINGS[row.standing], self.app.theme_variables)
        return Text(row.kind), Text(row.name, overflow="fold"), Text(row.where or "the repository"), state

    @on(WrappedTable.RowHighlighted)
    def show_purpose(self, event: WrappedTable.RowHighlighted) -> None:
        row = self._rows().get(str(event.row_key.value))
        self.query_one("#purpose", Static).update(f"{row.name}: {row.words}" if row else "")

    def copied(self) -> str:
        cells = ((row.kind, row.name, row.where, row.standing) for row in self._rows().values())
        return "\n".join(map("\t".join, cells))


def _sealed(table: GitHubTable) -> str:
    if not table.keys:
        return "There are no secrets: jobs sign in by federation."
    known = [key for key in table.keys if key.key_id]
    if not known:
        return f"Secrets are {table.sealed}. GitHub makes the keys with the environments."
    keys = [f"{key.where or 'the repository'}: {key.key_id or 'made with the environment'}" for key in table.keys]
    return f"Secrets are {table.sealed}. Key ids: {'; '.join(keys)}."
