"""What the pages that edit the files of a project share."""

from __future__ import annotations

from pathlib import Path

from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.editing.analysis import Analysis
from dbxwizard.parameters.editing.choices import LiveLists
from dbxwizard.parameters.editing.history import Change
from dbxwizard.parameters.editing.project import Project
from dbxwizard.parameters.editing.session import Session
from dbxwizard.screens.bars import ErrorBar
from dbxwizard.screens.page import Page


class ProjectPage(Page):
    """`project` holds the texts; everything that is shown is made from them."""

    project: Project
    lists: LiveLists | None = None

    def __init__(self) -> None:
        super().__init__()
        self.analyses: dict[Path, Analysis] = {}

    def followed(self, session: Session, change: Change | None) -> None:
        """A text was changed by what lies on the disk: shows it."""

    def show_files(self) -> None:
        """Draws the names of the files again: what is changed, what is wrong."""

    def show_detail(self) -> None:
        """Draws what is said about the cursor's place again."""

    def refused(self, error: OperationError) -> None:
        self.query_one(ErrorBar).show(error)
