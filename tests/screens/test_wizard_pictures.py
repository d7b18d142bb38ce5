"""How the wizard looks: 80×24 and 120×40, dark and light, with texts of others that look like markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from dbxwizard.backend.views import DeviceCodeShown
from dbxwizard.screens.device_code import DeviceCodeScreen
from tests.backend.looking import connected
from tests.hosting import Hosting
from tests.roads import Road
from tests.screens import canned
from tests.screens.pictures import Compare, all_looks
from tests.screens.pilots import driven
from tests.screens.walking import arrived, decide

PAGES = ("welcome", "sign_in", "custom_role", "service_principals", "github", "environments")
CODE = DeviceCodeShown("https://microsoft.com/devicelogin", "C9XDT7QSF", expires_at=0.0)


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


async def open_page(pilot: Pilot[int], key: str) -> None:
    pilot.app.screen.go_to(key)  # type: ignore[attr-defined]  # a WizardPage
    await arrived(pilot, key)


async def test_pages(host: Hosting, compare: Compare) -> None:
    await markup(Road(host.folder))
    decide(host, "environments", main_spn_name="[red]robot[/]", visited=PAGES[:4], auth="secret")
    program = host.program(first="wizard")
    pictures: dict[str, str] = {}
    async with driven(program) as pilot:
        assert program.situation
        program.situation = replace(program.situation, root=Path("/home/ada/[b]lake[/b]"))
        for key in PAGES:
            if key == "github":  # which plans nothing while the name is taken
                program.keep(program.answers.changed(main_spn_name=""))
            await open_page(pilot, key)
            pictures |= await all_looks(pilot, key)
        await pilot.app.push_screen(DeviceCodeScreen(CODE, pilot.app.screen, sandbox=False))
        pictures |= await all_looks(pilot, "device-code")
    compare(pictures)


@pytest.mark.parametrize("key", ["review", "apply", "done"])
async def test_what_is_planned_and_made(
    key: str, tmp_path: Path, compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    canned.stop_the_clock(monkeypatch)
    async with driven(canned.program(tmp_path, key)) as pilot:
        await arrived(pilot, key)
        if key == "review":
            await pilot.press("j", "enter", "j")
        compare(await all_looks(pilot))
