"""What will be made, and what is here already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.screens.wizard import WizardPage


class FilesWritten(Message):
    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__()
        self.paths = paths


class WelcomePage(WizardPage):
    key: ClassVar[str] = "welcome"

    def content(self) -> Iterable[Widget]:
        found = self.situation
        names = ", ".join(found.environments) or "none yet"
        yield Static(f"Folder: {found.root}\nEnvironment files: {names}", markup=False)
        yield Button("Write the files of a new project", id="write", compact=True)

    def may_go_on(self) -> str:
        return "" if self.situation.environments else "the folder needs environment files"

    @on(Button.Pressed, "#write")
    def write(self) -> None:
        self.request(self.ask.write_project(), FilesWritten, "writing the files")

    @on(FilesWritten)
    def told(self, message: FilesWritten) -> None:
        self.notify(f"{len(message.paths)} files written")
