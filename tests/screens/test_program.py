"""The program as a whole: what opens first, its modes, keys, themes, errors, and leaving it."""

from __future__ import annotations

import json
import shutil

from dbxwizard.screens.bars import TopBar
from tests.hosting import Hosting
from tests.screens.pilots import driven, error, settled, text


async def test_the_wizard_opens_until_everything_is_set_up(host: Hosting) -> None:
    async with driven(host.program()) as pilot:
        assert pilot.app.current_mode == "wizard"
        assert "SANDBOX" in text(pilot)


async def test_the_console_opens_when_it_is(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program()) as pilot:
        assert pilot.app.current_mode != "wizard"


async def test_the_wizard_can_be_asked_for(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program(first="wizard")) as pilot:
        assert pilot.app.current_mode == "wizard"


async def test_the_console_can_be_asked_for(host: Hosting) -> None:
    async with driven(host.program(first="console")) as pilot:
        assert pilot.app.current_mode != "wizard"


async def test_the_welcome_page_writes_a_new_project(host: Hosting) -> None:
    shutil.rmtree(host.folder / "environments")
    async with driven(host.program()) as pilot:
        assert "Next" in text(pilot)
        await pilot.press("ctrl+n")
        assert not (host.folder / "environments").exists()
        await pilot.click("#write")
        await settled(pilot)
    assert (host.folder / "environments" / "UAT.json").is_file()


async def test_doctor_shows_what_it_found_and_its_details(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program()) as pilot:
        await pilot.press("5")
        await settled(pilot)
        assert not error(pilot)
        assert "Azure sign-in" in text(pilot)
        await pilot.press("slash", *"quota", "enter")
        assert "quotas" in text(pilot)
        assert "Azure sign-in" not in text(pilot).splitlines()[2]


async def test_an_error_says_what_to_do_and_goes_away(host: Hosting) -> None:
    async with driven(host.program(first="console")) as pilot:
        await pilot.press("5")
        await settled(pilot)
        assert "Choose one in the wizard" in error(pilot)
        await pilot.press("y")
        assert "decision-missing" in pilot.app.clipboard
        await pilot.press("x")
        assert not error(pilot)


async def test_what_was_asked_may_end_when_its_page_is_being_left(host: Hosting) -> None:
    async with driven(host.program()) as pilot:
        bar = pilot.app.screen.query_one(TopBar)
        with bar.waiting("the answer"):
            await bar.remove_children()
        assert bar.waits == ""


async def test_nothing_moves_by_itself_where_that_is_asked(host: Hosting) -> None:
    assert host.program(animated=False).animation_level == "none"
    assert host.program(animated=True).animation_level == "full"


async def test_the_keys_of_a_screen_are_a_question_mark_away(host: Hosting) -> None:
    async with driven(host.program(first="console")) as pilot:
        await pilot.press("5", "question_mark")
        await settled(pilot)
        assert "Keys" in text(pilot)
        await pilot.press("escape")
        assert type(pilot.app.screen).__name__ == "DoctorScreen"


async def test_a_theme_is_kept(host: Hosting) -> None:
    async with driven(host.program()) as pilot:
        pilot.app.theme = "high-contrast"
        await pilot.pause()
    assert json.loads((host.folder / ".state" / "preferences.json").read_text())["theme"] == "high-contrast"
    async with driven(host.program()) as pilot:
        assert pilot.app.theme == "high-contrast"


async def test_leaving_ends_the_backend_with_exit_code_0(host: Hosting) -> None:
    program = host.program()
    async with driven(program) as pilot:
        await pilot.press("ctrl+q")
    assert program.return_code == 0
    host.join()


async def test_read_only_is_said_and_refuses_to_write(host: Hosting) -> None:
    shutil.rmtree(host.folder / "environments")
    async with driven(host.program("--read-only")) as pilot:
        assert "READ-ONLY" in text(pilot)
        await pilot.click("#write")
        await settled(pilot)
        assert "read-only" in error(pilot)
    assert not (host.folder / "environments").exists()
