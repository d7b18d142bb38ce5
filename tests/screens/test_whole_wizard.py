"""The whole wizard, from an empty folder to Done: by keyboard alone, by mouse alone, and killed anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.screens.path import PATH
from dbxwizard.screens.run_view import RunView
from tests.conftest import new_state
from tests.hosting import Hosting, connected, hosting
from tests.roads import Road
from tests.screens.pilots import driven, error, settled, text, until
from tests.screens.walking import arrived, click, click_words, decide, kept, may_go_on, place, press

KEYS = [stop.key for stop in PATH]
ENVIRONMENTS = {"Development", "UAT", "PreProduction", "Production"}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Hosting]:
    """A folder with nothing in it, and a new sandbox."""
    new_state(tmp_path / ".state")
    with hosting(tmp_path) as made:
        yield made


async def applied(pilot: Pilot[int]) -> None:
    """Until the run that Apply shows has ended well."""
    await until(pilot, lambda: place(pilot) == "apply")
    await until(pilot, lambda: may_go_on(pilot))
    assert pilot.app.screen.query_one(RunView).model.status == "success"


async def assert_everything_is_made(host: Hosting) -> None:
    """As another backend sees it after the first, and as the sandbox has it."""
    host.join()
    backend = connected(host)
    try:
        plans = [await backend.ask.plan_setup(), await backend.ask.plan_deploy()]
    finally:
        backend.leave()
        host.join()
    assert [step.title for plan in plans for step in plan.changes] == []
    assert set(plans[1].environments) >= ENVIRONMENTS
    shown = Road(host.folder).show()
    made = {one["name"] for one in shown["repositories"][0]["environments"]}
    assert made == ENVIRONMENTS | {f"{name}-plan" for name in ENVIRONMENTS}
    assert len(shown["workspaces"]) == len(ENVIRONMENTS)
    summary = (host.folder / ".state" / "exports" / "dbxwizard-summary.md").read_text()
    assert all(f"rg-dbx-{name.lower()}" in summary for name in ENVIRONMENTS)


async def test_by_keyboard_alone(empty: Hosting) -> None:
    """Everything as it is offered: what has to be chosen is chosen, all else is left by Next."""
    async with driven(empty.program(), 80, 24) as pilot:
        await arrived(pilot, "welcome")
        await press(pilot, "write")
        await pilot.press("ctrl+n")
        await arrived(pilot, "sign_in")
        await press(pilot, "choose-subscription")
        await pilot.press("enter")
        await settled(pilot)
        await press(pilot, "choose-repository")
        await pilot.press(*"contoso", "enter")
        await settled(pilot)
        for key in KEYS[2:7]:
            await pilot.press("ctrl+n")
            await arrived(pilot, key)
            assert not error(pilot)
        for _ in ("setup", "deploy"):
            await until(pilot, lambda: may_go_on(pilot))
            await pilot.press("ctrl+n")
            await applied(pilot)
            await pilot.press("ctrl+n")
            await until(pilot, lambda: place(pilot) in ("review", "done"))
        await arrived(pilot, "done")
        await pilot.press("s", "ctrl+n")
        await until(pilot, lambda: pilot.app.current_mode == "environments")
        await pilot.press("q")
    await assert_everything_is_made(empty)


async def test_by_mouse_alone(empty: Hosting) -> None:
    async with driven(empty.program(), 120, 40) as pilot:
        await arrived(pilot, "welcome")
        await click(pilot, "#write")
        await click(pilot, "#next")
        await arrived(pilot, "sign_in")
        await click(pilot, "#choose-subscription")
        await click_words(pilot, "dbxwizard sandbox")
        await click(pilot, "#choose-repository")
        await click_words(pilot, REPOSITORY)
        for key in KEYS[2:7]:
            await click(pilot, "#next")
            await arrived(pilot, key)
            assert not error(pilot)
        for _ in ("setup", "deploy"):
            await until(pilot, lambda: may_go_on(pilot))
            await click(pilot, "#next")
            await applied(pilot)
            await click(pilot, "#next")
            await until(pilot, lambda: place(pilot) in ("review", "done"))
        await arrived(pilot, "done")
        await click_words(pilot, "Save as a file")
        await click(pilot, "#next")
        await until(pilot, lambda: pilot.app.current_mode == "environments")
        await click_words(pilot, "Quit")
    await assert_everything_is_made(empty)


ANSWERED = {
    "subscription": SUBSCRIPTION_ID,
    "repo": REPOSITORY,
    "main_spn_name": "robot",
    "isolation": "environment",
    "role_name": "DBX_Custom_Role",
}


@pytest.mark.parametrize("key", KEYS)
async def test_it_goes_on_where_it_was_killed_and_has_lost_no_answer(host: Hosting, key: str) -> None:
    """On another terminal, smaller than the first. Apply, where nothing was begun, goes back to Review."""
    open_page = "review" if key == "apply" else key
    decide(host, key, **ANSWERED, visited=KEYS[: KEYS.index(key)])
    program = host.program()
    async with program.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: (place(pilot), kept(host).page) == (open_page, open_page))
        program.backend._channel.close()  # type: ignore[union-attr]  # as the end of the process does
    host.join()
    before = kept(host)
    async with driven(host.program(), 80, 24) as pilot:
        await arrived(pilot, open_page)
        assert not error(pilot)
        assert f"{KEYS.index(key)} done" in text(pilot)
    assert kept(host) == before
    assert {name: getattr(before, name) for name in ANSWERED} == ANSWERED
