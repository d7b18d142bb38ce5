"""Leaving while a deployment runs."""

from __future__ import annotations

from dbxwizard.screens.dialogs import Question


class LeaveDialog(Question):
    """Gives `detach`, `stop`, or "" to stay."""

    def __init__(self) -> None:
        super().__init__(
            "A deployment is running",
            "It can go on without this program: its history shows it when you come back. Or cancel it: nothing new "
            "starts, what is being changed may finish; running it again completes the rest.",
            (("detach", "Leave, let it go on"), ("stop", "Cancel it and leave")),
            cancel="Stay",
        )
