"""Leaving while a deployment runs, while the mode Dev does something, or while files are changed and not saved."""

from __future__ import annotations

from collections.abc import Sequence

from dbxwizard.screens.dialogs import Question


class LeavingDialog(Question):
    """Gives "" to stay."""


class LeaveDialog(LeavingDialog):
    """Gives `detach`, `stop`, or "" to stay."""

    def __init__(self) -> None:
        super().__init__(
            "A deployment is running",
            "It can go on without this program: its history shows it when you come back. Or cancel it: nothing new "
            "starts, what is being changed may finish; running it again completes the rest.",
            (("detach", "Leave, let it go on"), ("stop", "Cancel it and leave")),
            cancel="Stay",
        )


class DevelopingDialog(LeavingDialog):
    """Gives `leave`, or "" to stay. `doing`: what would be cut short, in words."""

    def __init__(self, doing: str) -> None:
        super().__init__(
            f"The mode Dev is {doing}",
            "It goes on only while this program does. Leaving cancels it, on the cluster too; what it has changed "
            "by then stays.",
            (("leave", "Cancel it and leave"),),
            cancel="Stay",
            dangerous=True,
        )


class UnsavedDialog(LeavingDialog):
    """Gives `leave`, or "" to stay. `names`: the files that would lose their changes."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            "Changes are not saved",
            f"{', '.join(names)}: what was changed in the editor is lost when you leave. It saves with ctrl+o.",
            (("leave", "Leave without saving"),),
            cancel="Stay",
            dangerous=True,
        )
