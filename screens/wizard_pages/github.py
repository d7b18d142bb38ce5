"""What is published to GitHub: names and places, never a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.core.errors import OperationError
from dbxwizard.screens.widgets import Choice, Decision, WrappedTable
from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import STANDINGS, shown

if TYPE_CHECKING:
    from dbxwizard.backend.applications import TradeOff
    from dbxwizard.backend.choices import RepositoryDetail
    from dbxwizard.backend.github_table import GitHubRow, GitHubTable


@dataclass
class TableRead(Message):
    table: GitHubTable


@dataclass
class RepositoryRead(Message):
    repository: RepositoryDetail


@dataclass
class PlacesRead(Message):
    trade_offs: Sequence[TradeOff]


class GitHubPage(WizardPage):
    key: ClassVar[str] = "github"
    needs: ClassVar[tuple[str, ...]] = ("subscription", "repo", "environments")

    def __init__(self) -> None:
        super().__init__()
        self._table: GitHubTable | None = None
        self._filter = ""

    def content(self) -> Iterable[Widget]:
        with Vertical(id="places"):
            yield Static("Where variables and secrets are", classes="title", markup=False)
            yield Decision(id="environments")
        yield Static("", id="counts", markup=False)
        yield WrappedTable({"what": 3, "name": 6, "where": 4, "state": 4})
        yield Static("", id="purpose", classes="words", markup=False)
        yield Static("", id="sealed", markup=False)

    def look(self) -> None:
        self.request(self.ask.repository(name=self.answers.repo), RepositoryRead)
        self.request(self.ask.github_table(), TableRead, "reading GitHub")

    def show_failure(self, error: OperationError) -> None:
        """A plan without environments is a decision, not the end."""
        super().show_failure(error)
        if error.code == "github-no-environments":
            self._offer_places()

    @on(RepositoryRead)
    def look_at_repository(self, message: RepositoryRead) -> None:
        """What is public has environments on every plan."""
        if message.repository.private or not self.answers.github_environments:
            self._offer_places()

    def _offer_places(self) -> None:
        self.request(self.ask.trade_offs(decision="github-environments"), PlacesRead)

    @on(PlacesRead)
    def show_places(self, message: PlacesRead) -> None:
        choices = (Choice(one.value, one.title, one.words) for one in message.trade_offs)
        self.query_one("#environments", Decision).offer(choices, "yes" if self.answers.github_environments else "no")
        self.query_one("#places").display = True

    @on(Decision.Made, "#environments")
    def keep_places(self, event: Decision.Made) -> None:
        self.answer_and_adapt(github_environments=event.value == "yes")
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
