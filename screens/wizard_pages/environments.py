"""The parameter files of the environments: what each holds, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.screens.modes import MODES
from dbxwizard.screens.widgets import WrappedTable
from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import VERDICTS, Sign, many, shown

if TYPE_CHECKING:
    from dbxwizard.backend.wizard.environment_files import EnvironmentFile

_EDITOR = "parameters"


@dataclass
class FilesRead(Message):
    files: Sequence[EnvironmentFile]


class EnvironmentsPage(WizardPage):
    key: ClassVar[str] = "environments"
    needs: ClassVar[tuple[str, ...]] = ("environments",)

    def __init__(self) -> None:
        super().__init__()
        self._files: Sequence[EnvironmentFile] = ()

    def content(self) -> Iterable[Widget]:
        yield Static("", id="about", markup=False)
        yield WrappedTable({"environment": 14, "region": 9, "resource group": 22, "holds": 14, "state": 11})
        with Horizontal(classes="row"):
            yield Button("Edit the files", id="edit", compact=True)
        yield Static("", id="problems", markup=False)

    def look(self) -> None:
        self.query_one("#edit").display = any(mode.name == _EDITOR for mode in MODES)
        self.request(self.ask.environment_files(), FilesRead, "reading environments/")

    @on(events.ScreenResume)
    def come_back(self) -> None:
        """From the editor, perhaps."""
        if self._files:
            self.look()

    def may_go_on(self) -> str:
        wrong = [one.name for one in self._files if one.problems]
        return f"mend {', '.join(wrong)} first" if wrong else ""

    @on(FilesRead)
    def show_files(self, message: FilesRead) -> None:
        self._files = message.files
        self.recolour()
        blanks = sum(one.blanks for one in message.files)
        about = f"One file describes one environment. Setup fills in {blanks} values that only it knows."
        self.query_one("#about", Static).update(about)
        told = "\n".join(f"✗ {one.file} {problem}" for one in message.files for problem in one.problems)
        self.query_one("#problems", Static).update(Text(told))
        self.look_again()

    def recolour(self) -> None:
        self.query_one(WrappedTable).show((one.name, self._cells(one)) for one in self._files)

    def _cells(self, one: EnvironmentFile) -> tuple[Text, ...]:
        holds = f"{many(one.clusters, 'cluster')}, {many(one.jobs, 'job')}"
        return Text(one.name), Text(one.region), Text(one.resource_group), Text(holds), self._state(one)

    def _state(self, one: EnvironmentFile) -> Text:
        colours = self.app.theme_variables
        if one.problems:
            return shown(Sign("✗", f"{len(one.problems)} to mend", "error"), colours)
        return shown(VERDICTS["ok"], colours)

    @on(WrappedTable.RowSelected)
    @on(Button.Pressed, "#edit")
    async def edit(self) -> None:
        if self.query_one("#edit").display:
            here = self.query_one(WrappedTable).current
            self.program.wanted_file = next((one.file for one in self._files if one.name == here), "")
            await self.app.run_action(f"app.go('{_EDITOR}')")

    def copied(self) -> str:
        return "\n".join(f"{one.file}\t{one.region}\t{one.resource_group}" for one in self._files)
