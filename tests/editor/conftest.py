"""The editor on a project of its own, without the rest of the program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path, PurePath
from typing import ClassVar

import pytest
from textual.app import App
from textual.pilot import Pilot

from dbxwizard.app import DbxWizard
from dbxwizard.bundled import folder
from dbxwizard.parameters.editing.choices import LiveLists
from dbxwizard.parameters.editing.project import Project
from dbxwizard.screens.editing.form_view import FormView
from dbxwizard.screens.editing.text_editor import TextEditor
from dbxwizard.screens.parameters import ParametersScreen
from dbxwizard.screens.themes import THEMES

THREADS = ("analysis", "disk", "merging", "matrix")
NAMES = ("Development", "UAT", "PreProduction", "Production")
SUBSCRIPTION = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"


class EditorApp(App[None]):
    CSS_PATH: ClassVar[list[str | PurePath]] = [DbxWizard.CSS_PATH, DbxWizard.CSS_PATH.with_name("style.tcss")]
    HORIZONTAL_BREAKPOINTS = DbxWizard.HORIZONTAL_BREAKPOINTS

    def __init__(self, project: Project, lists: LiveLists | None = None, theme: str = "dbx-dark") -> None:
        super().__init__()
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme
        self.page = ParametersScreen(project, lists)

    def on_mount(self) -> None:
        self.push_screen(self.page)


class Editing:
    """What a test asks of an editor that is being driven."""

    def __init__(self, pilot: Pilot[None], page: ParametersScreen) -> None:
        self.pilot, self.page = pilot, page

    @property
    def form(self) -> FormView:
        return self.page.query_one(FormView)

    @property
    def text(self) -> TextEditor:
        return self.page.query_one(TextEditor)

    async def drained(self) -> None:
        """Until every widget has handled what was posted to it, twice: the second time what came of that."""
        for _ in range(2):
            await self.pilot._wait_for_screen()
            await asyncio.sleep(0)

    async def settled(self) -> None:
        """Until the text was read again and nothing runs any more."""
        await self.drained()
        while any(not worker.is_finished and worker.group in THREADS for worker in self.pilot.app.workers):
            await asyncio.sleep(0.001)
            await self.drained()
        await self.drained()
        self.pilot.app.screen._on_timer_update()

    async def until(self, condition: Callable[[], object]) -> None:
        """Lets the program go on until it holds: asked after every turn, no clock decides."""
        async with asyncio.timeout(60):
            while not condition():
                await self.settled()

    async def read(self) -> None:
        """As after a pause in typing."""
        self.page.analyse()
        await self.settled()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settled()

    async def go_to(self, *path: str | int) -> None:
        self.form.go_to(path)
        self.form.place = self.form.place
        await self.settled()

    async def save(self) -> None:
        await self.press("ctrl+o")
        await self.press("enter")

    def screen_text(self) -> str:
        strips = self.pilot.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


@pytest.fixture(autouse=True)
def _no_idling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pilot waits 40 ms after each key until the process is idle; these tests wait for what they need."""

    async def turn(*_: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("textual.app.wait_for_idle", turn)
    monkeypatch.setattr("textual.pilot.wait_for_idle", turn)


@pytest.fixture
def project_folder(tmp_path: Path) -> Path:
    """A new project, its placeholders filled in."""
    for script in ("framework/pyproject.toml", "framework/examples/remote_analysis.py"):
        (tmp_path / script).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / script).touch()
    (tmp_path / "environments").mkdir()
    for name in NAMES:
        (tmp_path / "environments" / f"{name}.json").write_text(filled(name))
    return tmp_path


def filled(name: str) -> str:
    text = (folder("environments") / f"{name}.json").read_text()
    text = text.replace('"SubscriptionId": "<>"', f'"SubscriptionId": "{SUBSCRIPTION}"')
    text = text.replace('"git_username": "<>"', '"git_username": "someone"')
    return text.replace('"url": "<>"', '"url": "https://github.com/someone/project"')


@asynccontextmanager
async def editing(
    folder: Path, *, width: int = 100, height: int = 30, lists: LiveLists | None = None, read_only: bool = False
) -> AsyncIterator[Editing]:
    app = EditorApp(Project(folder, read_only=read_only), lists)
    async with app.run_test(size=(width, height)) as pilot:
        found = Editing(pilot, app.page)
        await found.settled()
        yield found
