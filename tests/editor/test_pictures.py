"""How it looks: 80×24 and 120×40, dark and light, with a file whose texts look like markup."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_textual_snapshot  # type: ignore[import-untyped]
from textual.pilot import Pilot
from textual.widgets import Input

from dbxwizard.parameters.editing.project import Project
from tests.editor.conftest import Editing, EditorApp, filled

# syrupy 5 renamed the hook that named the file's ending.
pytest_textual_snapshot.SVGImageExtension.file_extension = "svg"

SIZES = [(80, 24), (120, 40)]
THEMES = ["dbx-dark", "dbx-light"]
MARKUP = (
    filled("Development")
    .replace('"rg-dbx-development"', '"[red]rg[/] [/nothing]"')
    .replace('"uksouth"', '"[bold]uk[/bold]"')
)


@pytest.fixture
def project(project_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Without the folder's changing name in what is shown."""
    monkeypatch.chdir(project_folder)
    monkeypatch.setattr("dbxwizard.screens.bars.MODES", ())  # other modes come and go
    (project_folder / "environments" / "Development.json").write_text(MARKUP)
    return Project(Path("."))


def keys(*pressed: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def press(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, EditorApp)
        editor = Editing(pilot, app.page)
        editor.text.cursor_blink = False
        await editor.settled()
        await editor.press(*pressed)
        for line in app.screen.query(Input):
            line.cursor_blink = False
        app.clear_notifications()  # they go by the clock
        await editor.settled()

    return press


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    "pressed",
    [
        ("j", "j", "j", "j", "l", "j"),
        ("j", "j", "j", "ctrl+t", "end"),
        ("j", "j", "j", "enter", "u", "k"),
        ("m", "j", "j", "j", "j", "enter"),
    ],
    ids=["form", "text", "picking", "matrix"],
)
def test_pictures(
    snap_compare: Any, project: Project, size: tuple[int, int], theme: str, pressed: tuple[str, ...]
) -> None:
    assert "NO_COLOR" not in os.environ, "colours would be missing from the pictures"
    app = EditorApp(project, theme=theme)

    assert snap_compare(app, terminal_size=size, run_before=keys(*pressed))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_picture_of_the_diff(snap_compare: Any, project: Project, size: tuple[int, int]) -> None:
    app = EditorApp(project)

    assert snap_compare(app, terminal_size=size, run_before=keys("j", "j", "j", "delete", "ctrl+o"))
