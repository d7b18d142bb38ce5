"""What a script or notebook is given when it is run."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, Static

from dbxwizard.screens.dialogs import Dialog
from dbxwizard.screens.one_line import OneLine


class Words(OneLine):
    """A command is often pasted over several lines, each but the last with a backslash at its end."""

    def joined(self, lines: list[str]) -> str:
        return super().joined([line.rstrip().removesuffix("\\") for line in lines])


class ScriptDialog(Dialog[str | None]):
    """Gives the words after the script's name, None where it is not run."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, script: str, environment: str, words: str) -> None:
        super().__init__()
        self._script, self._environment, self._words = script, environment, words

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Label(f"Run {self._script} in {self._environment}", id="title", markup=False)
            yield Static("On the environment's cluster, which starts if it has to.", markup=False)
            yield Label("Parameters, if it takes any")
            yield Words(self._words, placeholder="--name value; of a notebook: NAME=VALUE", compact=True)
            with Horizontal(id="answers"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Run", id="run", variant="primary", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#run")
    def run(self) -> None:
        self.dismiss(self.query_one(Input).value.strip())

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)
