"""Each fault of the services while a screen is open: an error that a person can act on; the program goes on.

Once the fault has passed, looking again shows what it showed before.
"""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from dbxwizard.backend.run_model import RunModel
from dbxwizard.screens.run_view import RunView
from dbxwizard.screens.widgets import Choices
from tests.hosting import Hosting
from tests.roads import Road
from tests.screens.faulting import ENDLESS, FAULTS, alone, assert_no_defect, faulty, withstands
from tests.screens.pilots import driven, error, settled, text, until
from tests.screens.walking import arrived, decide, place, says

# the console


async def test_the_board(host_deployed: Hosting, deployed: Road) -> None:
    alone(deployed)
    async with driven(host_deployed.program(), 120, 40) as pilot:

        def row() -> str:
            return next((line for line in text(pilot).splitlines() if line.lstrip().startswith("Development ")), "")

        def told() -> bool:
            found = text(pilot).partition("✗ the last look failed: ")[2]
            return "✗" in row() and "→" in found and "● deployed" in row()

        await until(pilot, lambda: "▶ 2/2" in row())
        await withstands(
            pilot, deployed, lambda: pilot.press("r"), told, lambda: "●" in row() and "✗" not in row(), service="arm"
        )


async def test_resources(host_deployed: Hosting, deployed: Road) -> None:
    alone(deployed)
    async with driven(host_deployed.program(), 120, 40) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "Development" in text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "dbx-sp-cluster2" in text(pilot))
        await pilot.press("j")  # Azure: what is wrong with it stands beside it

        def told() -> bool:
            return text(pilot).count("✗ not seen") == 3 and "✗ " in text(pilot).partition("│")[2]

        await withstands(
            pilot, deployed, lambda: pilot.press("r"), told, lambda: "dbx-sp-cluster2  ▶ running" in text(pilot)
        )


async def test_doctor(host_set_up: Hosting, set_up: Road) -> None:
    alone(set_up)
    async with driven(host_set_up.program(), 120, 50) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: "quotas" in text(pilot))

        def told() -> bool:
            return "? unknown" in text(pilot) or ("✗" in text(pilot) and "→" in text(pilot))

        await withstands(
            pilot, set_up, lambda: pilot.press("r"), told, lambda: "? unknown" not in text(pilot), service="arm"
        )


def lacks_rights(pilot: Pilot[int]) -> bool:
    """Whether a plan is shown that says which rights lack, and what to do."""
    plan = getattr(pilot.app.screen, "plan", None)
    return bool(plan and plan.lacking and all(right.fix for right in plan.lacking))


async def test_the_plan_of_a_deployment(host_set_up: Hosting, set_up: Road, patient: None) -> None:
    async with driven(host_set_up.program(first="wizard"), 120, 40) as pilot:
        pilot.app.go_deploy(["Development"])  # type: ignore[attr-defined]  # as the board does

        def fine() -> object:
            return getattr(pilot.app.screen, "plan", None)

        await until(pilot, fine)

        def told() -> object:
            return "→" in error(pilot) or lacks_rights(pilot)

        await withstands(pilot, set_up, lambda: pilot.press("r"), told, fine, service="arm", method="GET")


async def test_the_history_waits_for_a_sign_in_alone(host_set_up: Hosting, set_up: Road) -> None:
    """Runs and the log lie on this machine: whoever has signed in sees them, whatever the services do."""
    async with driven(host_set_up.program(first="wizard"), 120, 40) as pilot:
        for name in FAULTS:
            with faulty(set_up, name):
                await pilot.press("2")
                await pilot.press("r")
                await settled(pilot)
                assert "✓ success" in text(pilot) or "→" in error(pilot)
                await pilot.press("6")
                await until(pilot, lambda: "lines" in text(pilot))
            await pilot.press("2", "r")
            await until(pilot, lambda: "✓ success" in text(pilot) and not error(pilot))
    assert_no_defect(set_up)


# runs of the program; those on GitHub: test_runs.py


async def test_a_run(host_deployed: Hosting, deployed: Road, restless: None) -> None:
    """Of one step, which writes to the workspace: it says what went wrong; without the fault it is done."""
    alone(deployed)
    deployed.edit("Development", '"max_workers": 2', '"max_workers": 3')  # of both clusters
    async with driven(host_deployed.program(first="wizard"), 120, 40) as pilot:
        for name in (*FAULTS, *ENDLESS):
            if name == "stale":  # which nobody can tell from the truth
                continue
            await planned(pilot)
            with faulty(deployed, name, service="workspace"):
                assert_advised(pilot, name, await applied(pilot))
                await pilot.press("6")  # the program goes on
                await until(pilot, lambda: "lines" in text(pilot))
            await pilot.press("2", "escape")
        await planned(pilot)
        assert (await applied(pilot)).status == "success"
    assert_no_defect(deployed)
    assert most_workers(deployed) == [3, 3]


async def test_apply(host_deployed: Hosting, deployed: Road, restless: None) -> None:
    """The wizard's page, with one fault of each kind; the plan of what is left completes it."""
    alone(deployed)
    deployed.edit("Development", '"max_workers": 2', '"max_workers": 3')  # of both clusters
    decide(host_deployed, "review")
    async with driven(host_deployed.program(first="wizard"), 80, 24) as pilot:
        assert (await applied(pilot)).status == "success"  # setup: the repository gets the file
        await pilot.press("ctrl+g")
        for name in ("503", "403", "garbage", "endless"):
            await arrived(pilot, "review")
            assert getattr(pilot.app.screen, "plan", None), name
            with faulty(deployed, name, service="workspace"):
                assert_advised(pilot, name, await applied(pilot))
                assert place(pilot) == "apply"
                assert "Review what is left" in text(pilot)
            await pilot.press("ctrl+g")
        await arrived(pilot, "review")
        assert (await applied(pilot)).status == "success"
        await pilot.press("ctrl+g")
        await arrived(pilot, "done")
    assert_no_defect(deployed)
    assert most_workers(deployed) == [3, 3]


def most_workers(road: Road) -> list[int]:
    with road.store() as store:
        return sorted(one["spec"]["autoscale"]["max_workers"] for one in store.all("databricks.cluster"))


def assert_advised(pilot: Pilot[int], name: str, model: RunModel) -> None:
    assert model.status in ("error", "partial"), name
    assert all("→" in "\n".join(step.lines) for step in model.failed), [(name, step.lines) for step in model.failed]
    assert "Traceback" not in text(pilot)


async def planned(pilot: Pilot[int]) -> None:
    pilot.app.go_deploy(["Development"])  # type: ignore[attr-defined]  # as the board does
    await until(pilot, lambda: getattr(pilot.app.screen, "plan", None))


async def applied(pilot: Pilot[int]) -> RunModel:
    await pilot.press("ctrl+g")
    await until(pilot, lambda: pilot.app.screen.query(RunView))
    view = pilot.app.screen.query_one(RunView)
    await until(pilot, lambda: view.model.status)
    await settled(pilot)
    return view.model


async def test_the_pick_lists_of_the_editor(host_set_up: Hosting, set_up: Road) -> None:
    alone(set_up)
    async with driven(host_set_up.program(first="wizard"), 100, 30) as pilot:
        await pilot.press("4")
        await settled(pilot)
        page: Any = pilot.app.screen
        page.form.go_to(("Location",))

        for name in FAULTS:
            with faulty(set_up, name):
                await pilot.press("enter")
                await until(pilot, lambda: "the services gave none" in text(pilot) or "just now" in text(pilot))
                assert pilot.app.screen.query_one(Choices).option_count > 1
                await pilot.press("escape")
            await pilot.press("enter")
            await until(pilot, lambda: "from the services, just now" in text(pilot))
            await pilot.press("escape")
        assert_no_defect(set_up)


# the wizard

PAGES: dict[str, tuple[dict[str, str], str]] = {
    "sign_in": ({"service": "github", "path": "*/user"}, "#github"),
    "custom_role": ({"service": "arm", "path": "*/roleDefinitions"}, "#standing"),
    "service_principals": ({"service": "graph"}, "#found-main-spn .standing"),
    "github": ({"service": "github"}, "#counts"),
    "review": ({"service": "graph"}, "#totals"),
    "done": ({"service": "github"}, "#published"),
}


@pytest.mark.parametrize("key", PAGES)
async def test_a_page_of_the_wizard(host: Hosting, key: str, patient: None) -> None:
    where, place_of_answer = PAGES[key]
    decide(host, key)
    async with driven(host.program(), 80, 24) as pilot:
        assert not error(pilot)
        good = says(pilot, place_of_answer)
        await withstands(
            pilot,
            Road(host.folder),
            lambda: pilot.press("ctrl+r"),
            lambda: "→" in error(pilot) or lacks_rights(pilot),
            lambda: says(pilot, place_of_answer) == good,
            **where,
        )
