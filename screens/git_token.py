"""Asks for PAT_GITHUB, where it does not show."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, Static

from dbxwizard.screens.dialogs import Dialog


class GitTokenDialog(Dialog[str]):
    """Gives the token, "" for none."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Give none")]

    def __init__(self, repository: str) -> None:
        super().__init__()
        self._repository = repository

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Label(f"{self._repository} is private", id="title", markup=False)
            yield Static(
                "Databricks reads it with a token of its own: a fine-grained one, with read-only Contents of this "
                "repository. It is sealed for GitHub as PAT_GITHUB and kept nowhere else."
            )
            yield Input(password=True, placeholder="github_pat_…", compact=True)
            with Horizontal(id="answers"):
                yield Button("Give none", id="none", compact=True)
                yield Button("Use it", id="use", variant="primary", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#use")
    def use(self) -> None:
        self.dismiss(self.query_one(Input).value.strip())

    @on(Button.Pressed, "#none")
    def action_cancel(self) -> None:
        self.dismiss("")
