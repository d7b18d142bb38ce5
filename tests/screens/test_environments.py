"""The board."""

from __future__ import annotations

import re

import pytest

from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from tests.hosting import Hosting
from tests.roads import Road
from tests.screens.pilots import driven, text, until


async def test_the_board_tells_state_drift_clusters_and_the_last_deployment(
    host_deployed: Hosting, deployed: Road
) -> None:
    deployed.edit("Development", '"autotermination_minutes": 20', '"autotermination_minutes": 30')
    async with driven(host_deployed.program(), 120, 40) as pilot:
        await until(pilot, lambda: "to change" in text(pilot))
        lines = text(pilot).splitlines()
        (row,) = [line for line in lines if line.lstrip().startswith("Development ")]
        for words in ("● deployed", "~ 2 to change", "▶ 2/2 16 cores", "✓ success"):
            assert words in row
        assert any("Production  PROD  ○ absent" in line for line in lines)
        assert any("cluster dbx-sp-cluster2: update" in line for line in lines)


@pytest.fixture
def host_elsewhere(host_set_up: Hosting, set_up: Road) -> Hosting:
    """Development was deployed by a job of Actions, whose journal is not here."""
    run = {"GITHUB_RUN_ID": "77", "GITHUB_SERVER_URL": "https://github.example", "GITHUB_ACTOR": "ada"}
    job = set_up.job("Development", **run)
    assert set_up.deploy("-e", "Development", **job).code == 0
    set_up.forget_runs()
    return host_set_up


async def test_a_deployment_that_somebody_else_made_is_told_with_who_and_where(host_elsewhere: Hosting) -> None:
    async with driven(host_elsewhere.program(), 120, 40) as pilot:
        await until(pilot, lambda: "last deployment: ✓ success" in text(pilot))
        assert re.search(r"by ada, as [-0-9a-f]{36} \(servicePrincipal\)", text(pilot))
        assert "from https://github.example/contoso/databricks/actions/runs/77" in text(pilot)
        assert text(pilot).count("+ not deployed") == 3


async def test_a_look_that_fails_says_so_and_keeps_what_was_known(host_deployed: Hosting, deployed: Road) -> None:
    async with driven(host_deployed.program(), 120, 40) as pilot:
        await until(pilot, lambda: "= none" in text(pilot))
        with deployed.store() as store:
            faults.add(store, Fault("status", service="arm", status=503, times=1000))
        await pilot.press("r")
        await until(pilot, lambda: text(pilot).count("failed") >= 4)
        row = next(line for line in text(pilot).splitlines() if line.lstrip().startswith("Development "))
        assert "● deployed" in row
        assert "▶ 2/2" in row
        assert "✗ the last look failed" in text(pilot)
        with deployed.store() as store:
            faults.clear(store)
        await pilot.press("r")
        await until(pilot, lambda: "failed" not in text(pilot))


async def test_enter_opens_the_resources_and_d_hands_over_what_was_selected(host_set_up: Hosting) -> None:
    program = host_set_up.program()
    async with driven(program, 80, 24) as pilot:
        await until(pilot, lambda: text(pilot).count("absent") >= 4)
        await pilot.press("space", "j", "j", "space", "d")
        await until(pilot, lambda: getattr(pilot.app.screen, "plan", None))
        assert getattr(pilot.app.screen, "plan").environments == ("Development", "PreProduction")  # noqa: B009
        await pilot.press("1")
        await pilot.click(offset=(4, 5))  # the row of Production
        assert "Production  PROD: absent" in text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: program.current_mode == "resources" and "Production (PRODUCTION)" in text(pilot))
        await until(pilot, lambda: "nothing yet" in text(pilot))
