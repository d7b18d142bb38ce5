"""What has happened in the mode Dev, as its screen is told of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from dbxwizard.backend.console.developer_views import (
        CheckTold,
        DeveloperLine,
        MachineChecked,
        PushShown,
        ScriptEnd,
        SetupShown,
        SyncShown,
    )


class MachinePlanned(Message):
    def __init__(self, shown: SetupShown) -> None:
        super().__init__()
        self.shown = shown


class PushPlanned(Message):
    def __init__(self, shown: PushShown) -> None:
        super().__init__()
        self.shown = shown


class ClustersFound(Message):
    """Name and state of each."""

    def __init__(self, clusters: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self.clusters = clusters


class SyncPlanned(Message):
    def __init__(self, shown: SyncShown) -> None:
        super().__init__()
        self.shown = shown


class ScriptsFound(Message):
    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names


class MachineExamined(Message):
    def __init__(self, checked: MachineChecked) -> None:
        super().__init__()
        self.checked = checked


class LineTold(Message):
    def __init__(self, line: DeveloperLine | CheckTold) -> None:
        super().__init__()
        self.line = line


class WorkDone(Message):
    """`lines` say what came of it."""

    def __init__(self, lines: Iterable[tuple[str, str]], end: ScriptEnd | None = None) -> None:
        super().__init__()
        self.lines, self.end = tuple(lines), end
