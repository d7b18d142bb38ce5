"""The program as a whole: what opens first, its modes, keys, themes, errors, and leaving it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.screens.bars import TopBar
from dbxwizard.screens.modes import MODES
from dbxwizard.screens.widgets import Table
from tests.conftest import new_state
from tests.hosting import Hosting, hosting
from tests.roads import Road
from tests.screens.pilots import driven, error, settled, text, until


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
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "next"  # the button that was pressed has gone
    assert (host.folder / "environments" / "UAT.json").is_file()


async def test_ctrl_c_says_how_to_leave_and_the_heading_is_whole_after_any_width(host: Hosting) -> None:
    async with driven(host.program(), 120, 40, toasts=True) as pilot:
        heading = text(pilot).splitlines()[0]
        for width in (40, 120):
            await pilot.resize_terminal(width, 40)
            await settled(pilot)
        assert text(pilot).splitlines()[0] == heading
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "ctrl+q leaves the program" in text(pilot))


async def test_doctor_shows_what_it_found_and_its_details(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program()) as pilot:
        await pilot.press("5")
        await settled(pilot)
        assert not error(pilot)
        assert "Azure sign-in" in text(pilot)
        await pilot.press("slash", *"quota", "enter")
        assert "quotas" in text(pilot)
        assert "Azure sign-in" not in text(pilot).splitlines()[2]


async def test_one_check_is_made_again_and_each_tells_its_age(host_set_up: Hosting, set_up: Road) -> None:
    async with driven(host_set_up.program()) as pilot:
        with set_up.store() as store:
            opened = len(store.requests())
        await pilot.press("5")
        await settled(pilot)
        with set_up.store() as store:
            asked = [str(one["path"]) for one in store.requests()[opened:]]
            before = opened + len(asked)
        assert [path.rpartition("/")[2] for path in asked].count("authorizationPolicy") == 1
        await pilot.press("j", "enter")
        await settled(pilot)
        with set_up.store() as store:
            asked = [str(one["path"]) for one in store.requests()[before:]]
        assert len(asked) == 1
        assert asked[0].endswith(SUBSCRIPTION_ID)
        ages = [line.split()[-1] for line in text(pilot).splitlines() if " ok  " in line]
        assert len(ages) > 4
        assert all(re.fullmatch(r"\d+s", one) for one in ages)


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


async def test_every_mode_opens_where_there_is_nothing(tmp_path: Path) -> None:
    """And says what to do; no key of theirs ends the program."""
    new_state(tmp_path / ".state")
    with hosting(tmp_path) as host:
        async with driven(host.program(first="console"), 80, 24) as pilot:
            for mode in MODES:
                await pilot.press(mode.key)
                await settled(pilot)
                await pilot.press("d", "enter", "space", "r")
                await settled(pilot)
                if mode.name in ("environments", "resources", "parameters"):
                    assert "There are no environment files here" in text(pilot), mode.name
                assert pilot.app.current_mode == mode.name


async def test_forty_columns_name_the_world_and_every_mode(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program("--read-only"), 40, 24) as pilot:
        for mode in MODES:
            await pilot.press(mode.key)
            await settled(pilot)
            lines = text(pilot).splitlines()
            assert "SANDBOX  READ-ONLY" in lines[0]
            assert all(one.key in lines[-2] for one in MODES)
            assert f"{mode.key} ▸{mode.short}" in lines[-2]


async def test_a_file_that_can_not_be_read_is_missed_on_the_board(host_set_up: Hosting) -> None:
    (host_set_up.folder / "environments" / "UAT.json").write_text("{ broken")
    async with driven(host_set_up.program(first="console"), 80, 24) as pilot:
        assert "can't be read: UAT" in text(pilot)
        assert pilot.app.screen.query_one(Table).row_count == 3
