"""What is pasted: a token, a name that has to be typed, an id that is in no list, what is looked for."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot

from dbxwizard.backend.console import board
from dbxwizard.sandbox.github.seed import SANDBOX_TOKEN
from dbxwizard.screens.dialogs import Question
from dbxwizard.screens.picking import Picker
from dbxwizard.screens.plan_tree import PlanTree
from tests.hosting import Hosting
from tests.roads import Road
from tests.screens.pilots import driven, settled, text, until
from tests.screens.test_deploying import plan_shown
from tests.screens.test_resources import open_thing, restarts
from tests.screens.walking import arrived, decide, kept, press, tab_to


async def paste(pilot: Pilot[int], pasted: str) -> None:
    """As the terminal sends it, to what has the focus."""
    pilot.app.post_message(events.Paste(pasted))
    await pilot.pause()


async def test_a_token_is_checked_and_never_shown(host: Hosting) -> None:
    decide(host, "sign_in")
    async with driven(host.program(), 80, 24) as pilot:
        await tab_to(pilot, "token")
        await paste(pilot, SANDBOX_TOKEN)
        assert SANDBOX_TOKEN not in text(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert "ada, scopes read:org, repo, workflow" in text(pilot)
        await pilot.resize_terminal(40, 24)
        await settled(pilot)
        assert SANDBOX_TOKEN not in text(pilot)


async def test_a_subscription_that_is_in_no_list(host: Hosting) -> None:
    another = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
    decide(host, "sign_in")
    async with driven(host.program(), 120, 40) as pilot:
        await press(pilot, "choose-subscription")
        await until(pilot, lambda: isinstance(pilot.app.screen, Picker))
        await paste(pilot, another)
        await pilot.press("enter")
        await settled(pilot)
        await arrived(pilot, "sign_in")
    assert kept(host).subscription == another


async def test_a_name_is_pasted_where_it_has_to_be_typed(
    host_deployed: Hosting, deployed: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "is_production", lambda name: name == "Development")  # it is deployed already
    async with driven(host_deployed.program(), 80, 24) as pilot:
        await open_thing(pilot, "dbx-sp-cluster2")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(pilot.app.screen, Question))
        await paste(pilot, "dbx-sp-cluster2")
        await pilot.resize_terminal(40, 24)
        await pilot.click("#restart")
        await until(pilot, lambda: restarts(deployed))
        await settled(pilot)


async def test_what_is_looked_for_in_a_plan(host: Hosting) -> None:
    decide(host, "review")
    async with driven(host.program(), 100, 30) as pilot:
        await until(pilot, plan_shown(pilot))
        await pilot.press("slash")
        await paste(pilot, "custom role")
        await pilot.press("enter", "m")
        await settled(pilot)
        assert len(pilot.app.screen.query_one(PlanTree).root.children) == 1
        assert pilot.app.clipboard.startswith("# Plan")
