"""How the wizard looks: 80×24 and 120×40, dark and light, with texts of others that look like markup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_textual_snapshot  # type: ignore[import-untyped]
from textual.pilot import Pilot
from textual.widgets import Input

from dbxwizard.backend.views import DeviceCodeShown
from dbxwizard.screens.bars import ModeBar
from dbxwizard.screens.device_code import DeviceCodeScreen
from tests.backend.looking import connected
from tests.hosting import Hosting
from tests.roads import Road
from tests.screens.pilots import driven, settled
from tests.screens.walking import arrived, decide

# syrupy 5 renamed the hook that named the file's ending.
pytest_textual_snapshot.SVGImageExtension.file_extension = "svg"

SIZES = [(80, 24), (120, 40)]
THEMES = ["dbx-dark", "dbx-light"]
PAGES = ["welcome", "sign_in", "custom_role", "service_principals", "github", "environments"]
CODE = DeviceCodeShown("https://microsoft.com/devicelogin", "C9XDT7QSF", expires_at=0.0)
Compare = Callable[[str, str], None]


@pytest.fixture
def compare(snapshot: Any) -> Compare:
    """Collects what differs, so that one run shows (or renews) all pictures."""
    pictures = snapshot.use_extension(pytest_textual_snapshot.SVGImageExtension)

    def check(name: str, svg: str) -> None:
        assert svg == pictures(name=name), f"{name} looks different: --snapshot-update takes the new picture"

    return check


async def markup(road: Road) -> None:
    """Names that others chose."""
    async with connected(road) as connection:
        await connection.graph().ensure_application("somebody-elses", {"displayName": "[red]robot[/]"})
    with road.change() as store:
        for key, body in store.find("directory.application"):
            store.put("directory.application", key, body | {"createdAt": 1_788_249_600.0})
        for key, body in store.find("arm.subscription"):
            store.put("arm.subscription", key, body | {"displayName": "[bold]data[/bold] [/nothing]"})
        for key, body in store.find("github.repository"):
            store.put("github.repository", key, body | {"description": "[link=x]lake[/link]"})


async def drawn(pilot: Pilot[int], key: str) -> str:
    """The page as it is once nothing is waited for, and nothing blinks."""
    pilot.app.screen.go_to(key)  # type: ignore[attr-defined]  # a WizardPage
    await arrived(pilot, key)
    pilot.app.screen.query_one(ModeBar).display = False  # it changes with every mode that comes
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    await settled(pilot)
    return pilot.app.export_screenshot()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_pages(host: Hosting, compare: Compare, size: tuple[int, int], theme: str) -> None:
    await markup(Road(host.folder))
    decide(host, "environments", main_spn_name="[red]robot[/]", visited=PAGES[:4], auth="secret")
    program = host.program(first="wizard")
    async with driven(program, *size) as pilot:
        assert program.situation
        program.situation = replace(program.situation, root=Path("/home/ada/[b]lake[/b]"))
        program.theme = theme
        pictures = {key: await drawn(pilot, key) for key in PAGES[:4]}
        program.keep(program.answers.changed(main_spn_name=""))
        pictures |= {key: await drawn(pilot, key) for key in PAGES[4:]}
        await pilot.app.push_screen(DeviceCodeScreen(CODE, pilot.app.screen, sandbox=False))
        await settled(pilot)
        pictures["device-code"] = pilot.app.export_screenshot()
    for key, svg in pictures.items():
        compare(key, svg)
