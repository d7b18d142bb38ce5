"""The wizard's path, from welcome to GitHub: by keyboard alone, by mouse alone, closed anywhere and gone on with."""

from __future__ import annotations

import json
import shutil

import pytest

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY, SANDBOX_TOKEN
from dbxwizard.screens.path import PATH
from dbxwizard.screens.widgets import WrappedTable
from tests.hosting import Hosting
from tests.screens.pilots import driven, error, settled, text, until
from tests.screens.walking import arrived, click, click_words, decide, kept, may_go_on, next_plan, place, press, tab_to

ASKING = [stop.key for stop in PATH[:5]]


async def test_the_keyboard_alone_decides_everything(host: Hosting) -> None:
    shutil.rmtree(host.folder / "environments")
    async with driven(host.program(), 80, 24) as pilot:
        assert not may_go_on(pilot)
        await press(pilot, "write")
        await pilot.press("ctrl+n")
        await arrived(pilot, "sign_in")
        await press(pilot, "choose-subscription")
        await pilot.press(*"sandbox", "enter")
        await settled(pilot)
        await press(pilot, "choose-repository")
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("ctrl+n")
        await arrived(pilot, "custom_role")
        await tab_to(pilot, "name")
        await pilot.press("end", *"_2", "enter")
        await settled(pilot)
        await press(pilot, "rename")
        await pilot.press("ctrl+n")
        await arrived(pilot, "service_principals")
        await tab_to(pilot, "main_spn_name")
        await pilot.press(*"robot")
        await tab_to(pilot, "isolation")
        await pilot.press("down", "enter")
        await settled(pilot)
        await tab_to(pilot, "auth")
        await pilot.press("j", "space")
        await pilot.press("ctrl+n")
        await arrived(pilot, "github")
        assert "AZURE_CREDENTIALS" in text(pilot)
        await pilot.press("ctrl+n")
        await arrived(pilot, "environments")
        assert not error(pilot)
        plan = await next_plan(pilot)
    found = kept(host)
    assert (found.subscription, found.repo, found.subscription_name) == (
        SUBSCRIPTION_ID,
        REPOSITORY,
        "dbxwizard sandbox",
    )
    assert (found.role_name, found.main_spn_name) == ("DBX_Custom_Role_2", "robot")
    assert (found.isolation, found.auth, found.owner) == ("environment", "secret", False)
    assert found.visited == tuple(ASKING)
    assert any("DBX_Custom_Role_2" in title for title in plan)
    assert {title for title in plan if "robot-production" in title}, plan


async def test_the_mouse_alone_decides_and_comes_back_without_a_loss(host: Hosting) -> None:
    async with driven(host.program(), 120, 40) as pilot:
        await click(pilot, "#next")
        await arrived(pilot, "sign_in")
        await click(pilot, "#choose-subscription")
        await click_words(pilot, "dbxwizard sandbox")
        await click(pilot, "#choose-repository")
        await click_words(pilot, REPOSITORY)
        for key in ("custom_role", "service_principals"):
            await click(pilot, "#next")
            await arrived(pilot, key)
        await click_words(pilot, "○ Owner")
        assert kept(host).owner
        await pilot.click("Sidebar StopLine")
        await arrived(pilot, "welcome")
        await pilot.click(pilot.app.screen.query("Sidebar StopLine")[3])
        await arrived(pilot, "service_principals")
        await click(pilot, "#next")
        await arrived(pilot, "github")
        plan = await next_plan(pilot)
    assert any("Owner" in title for title in plan), plan
    assert kept(host).page == "github"


@pytest.mark.parametrize("key", ASKING)
async def test_the_wizard_goes_on_where_its_program_died(host: Hosting, key: str) -> None:
    """On another terminal, smaller than the first."""
    decide(host, key, databricks_spn_name="mine", visited=ASKING[: ASKING.index(key)])
    program = host.program()
    async with program.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: place(pilot) == key)
        program.backend._channel.close()  # type: ignore[union-attr]  # as the end of the process does
    async with driven(host.program(), 80, 24) as pilot:
        await arrived(pilot, key)
        assert not error(pilot)
        assert f"{ASKING.index(key)} done" in text(pilot)
        await pilot.press("escape")
        before = ASKING[max(0, ASKING.index(key) - 1)]
        await arrived(pilot, before)
    assert (kept(host).databricks_spn_name, kept(host).page) == ("mine", before)


async def test_a_page_that_lacks_something_says_where_it_is_to_be_had(host: Hosting) -> None:
    decide(host, "github", subscription="", repo="")
    async with driven(host.program(), 80, 24) as pilot:
        assert "No subscription is chosen yet" in text(pilot)
        await pilot.press("ctrl+n")
        assert place(pilot) == "github"
        await press(pilot, "go")
        await arrived(pilot, "sign_in")
    assert kept(host).page == "sign_in"


async def test_what_another_page_mends_is_told_with_the_way_there(host: Hosting) -> None:
    decide(host, "github", role_name="Another")
    async with driven(host.program(), 80, 24) as pilot:
        assert "There is no role named DBX_Custom_Role" in text(pilot)
        assert not may_go_on(pilot)
        await press(pilot, "go")
        await arrived(pilot, "custom_role")
        await press(pilot, "rename")
        await pilot.press("ctrl+n")
        await arrived(pilot, "service_principals")
        await pilot.press("ctrl+n")
        await arrived(pilot, "github")
        await until(pilot, lambda: "60 new" in text(pilot))


async def test_who_has_not_signed_in_is_asked_to_and_no_browser_opens(host: Hosting) -> None:
    decide(host, "custom_role")
    async with driven(host.program("--sign-in", "browser"), 80, 24) as pilot:
        assert "obody has signed in yet" in text(pilot)
        await press(pilot, "go")
        await arrived(pilot, "sign_in")
        await press(pilot, "auto")
        await pilot.press("ctrl+n")
        await arrived(pilot, "custom_role")
        assert "will be made" in text(pilot)


async def test_the_editor_is_a_key_away_and_the_page_is_there_when_one_comes_back(host: Hosting) -> None:
    decide(host, "environments")
    uat = host.folder / "environments" / "UAT.json"
    async with driven(host.program(), 80, 24) as pilot:
        pilot.app.screen.query_one(WrappedTable).focus()
        await pilot.press("j")
        await press(pilot, "edit")
        await until(pilot, lambda: pilot.app.current_mode == "parameters")
        assert pilot.app.screen.session.document.path == uat  # type: ignore[attr-defined]
        uat.write_text(uat.read_text().replace('"uksouth"', "[12]"))
        await pilot.press("0")
        await arrived(pilot, "environments")
        assert "mend UAT first" in text(pilot)


async def test_forty_columns_can_be_read(host: Hosting) -> None:
    decide(host, "welcome", visited=ASKING)
    async with driven(host.program(), 40, 24) as pilot:
        for key in ASKING:
            await arrived(pilot, key)
            shown = text(pilot)
            assert PATH[ASKING.index(key)].title in shown
            assert "Next" in shown
            assert "SANDBOX" in shown
            await pilot.press("ctrl+n")


async def test_no_secret_is_kept(host: Hosting) -> None:
    decide(host, "sign_in", visited=["welcome"])
    async with driven(host.program(), 80, 24) as pilot:
        await tab_to(pilot, "token")
        await pilot.press(*SANDBOX_TOKEN)
        assert SANDBOX_TOKEN not in text(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert "ada, scopes read:org, repo, workflow" in text(pilot)
    written = [path for path in (host.folder / ".state").rglob("*") if path.is_file() and path.suffix != ".sqlite"]
    assert json.loads(next(path for path in written if path.parent.name == "answers").read_text())["page"] == "sign_in"
    assert not [path for path in written if SANDBOX_TOKEN.encode() in path.read_bytes()]
