"""From decisions to running environments: the wizard's Review and Apply, and the mode Deployments."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from textual.pilot import Pilot

from dbxwizard.backend.answers import AnswerFile, Answers
from dbxwizard.core.errors import OperationError, each_error
from dbxwizard.core.events import RunFinished, RunStarted
from dbxwizard.core.journal import Journal
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.screens import deployments
from dbxwizard.screens.plan_tree import PlanTree
from dbxwizard.screens.run_view import RunView
from dbxwizard.screens.widgets import Table
from tests.hosting import Hosting, connected, hosting
from tests.roads import Road
from tests.screens.pilots import driven, error, settled, text, until

# A request of the deployment of Development that comes late, after many other changes.
_CLUSTER = {"service": "workspace", "method": "POST", "path": "/api/2.*/clusters/create"}


@pytest.fixture
def host_production(set_up: Road) -> Iterator[Hosting]:
    """After the deployment of Production."""
    assert set_up.deploy("-e", "Production", "--yes").code == 0
    with hosting(set_up.folder) as made:
        yield made


def decide(host: Hosting, page: str = "review", **more: Any) -> None:
    """What the pages before have asked."""
    answers = Answers(subscription=SUBSCRIPTION_ID, repo=REPOSITORY, page=page, **more)
    AnswerFile(host.folder / ".state", host.folder).write(answers)


def on_page(pilot: Pilot[int], name: str) -> Callable[[], bool]:
    return lambda: type(pilot.app.screen).__name__ == name


def view(pilot: Pilot[int]) -> RunView:
    return pilot.app.screen.query_one(RunView)


def plan_shown(pilot: Pilot[int]) -> Callable[[], bool]:
    return lambda: bool(getattr(pilot.app.screen, "plan", None))


async def deploy_development(pilot: Pilot[int]) -> None:
    """From the mode Deployments to the run, by keys alone."""
    await pilot.press("2")
    await settled(pilot)
    await pilot.press("d")
    await until(pilot, on_page(pilot, "ChooseScreen"))
    await pilot.press("space", "ctrl+n")
    await until(pilot, on_page(pilot, "PlanScreen"))
    await until(pilot, plan_shown(pilot))
    assert "Development" in text(pilot)
    assert "UAT" not in text(pilot)
    await pilot.press("ctrl+n")
    await until(pilot, on_page(pilot, "RunScreen"))


async def ended(pilot: Pilot[int]) -> str:
    await until(pilot, lambda: view(pilot).model.status)
    return view(pilot).model.status


async def left(host: Hosting, *environments: str) -> list[str]:
    """The titles of the steps that would still change something, as another backend sees it after the first."""
    host.join()
    backend = connected(host)
    try:
        plan = await backend.ask.plan_deploy(environments=environments)
    finally:
        backend.leave()
    return [step.title for step in plan.changes]


def held_up(host: Hosting, **fault: Any) -> None:
    with Road(host.folder).store() as store:
        faults.add(store, Fault(**(_CLUSTER | fault)))


async def test_the_wizard_sets_up_and_deploys_what_was_reviewed(host: Hosting) -> None:
    decide(host)
    road = Road(host.folder)
    async with driven(host.program(), 120, 40) as pilot:
        await until(pilot, plan_shown(pilot))
        assert "Then: Development, UAT, PreProduction, Production" in text(pilot)
        assert not road.writes()  # nothing is written before its plan was shown
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "ApplyPage"))
        assert await ended(pilot) == "success"
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "ReviewPage"))
        await until(pilot, plan_shown(pilot))
        assert not any(" PUT " in write and "Microsoft.Databricks" in write for write in road.writes())
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "ApplyPage"))
        assert await ended(pilot) == "success"
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "DonePage"))
        await settled(pilot)
        assert not error(pilot)
        assert "Development  ✓ deployed" in text(pilot)
        await pilot.press("s")
        assert "rg-dbx-production" in (host.folder / ".state" / "exports" / "dbxwizard-summary.md").read_text()
        await pilot.press("ctrl+n")
        await until(pilot, lambda: pilot.app.current_mode == "environments")
    assert await left(host) == []


async def test_rights_that_lack_stand_first_in_the_review_and_nothing_is_applied(host: Hosting) -> None:
    road = Road(host.folder)
    with road.change() as store:
        for key, one in store.find("arm.roleAssignment"):
            if one["principalType"] == "User":
                store.delete("arm.roleAssignment", key)
    decide(host)
    async with driven(host.program(), 80, 24) as pilot:
        await until(pilot, plan_shown(pilot))
        assert "it may not be applied, as rights lack" in " ".join(text(pilot).split())
        first, *others = pilot.app.screen.query_one(PlanTree).root.children
        assert str(first.label) == "rights that lack"
        assert any("roleDefinitions/read" in str(node.label) for node in first.children)
        assert [str(node.label).split()[0] for node in others][:2] == ["setup", "Development"]
        await pilot.press("ctrl+n")
        await settled(pilot)
        assert on_page(pilot, "ReviewPage")()
        plan = pilot.app.screen.plan  # type: ignore[attr-defined]
    host.join()
    backend = connected(host)
    try:
        with pytest.raises(OperationError) as refused:
            await backend.ask.apply(plan=(await backend.ask.plan_setup()).id)
    finally:
        backend.leave()
    assert (refused.value.exit_code, len(plan.lacking)) == (3, len(each_error(refused.value)))
    assert not road.writes()


async def test_a_plan_is_filtered_copied_and_saved(host: Hosting) -> None:
    decide(host)
    async with driven(host.program(), 100, 30) as pilot:
        await until(pilot, plan_shown(pilot))
        await pilot.press("slash", *"custom role", "enter")
        assert [str(node.label).split()[0] for node in pilot.app.screen.query_one(PlanTree).root.children] == ["setup"]
        await pilot.press("m")
        await settled(pilot)
        assert pilot.app.clipboard.startswith("# Plan")
        await pilot.press("S")
        await settled(pilot)
    saved = {path.suffix: path for path in (host.folder / ".state" / "exports").iterdir()}
    assert json.loads(saved[".json"].read_text())["steps"]
    assert "DBX_Custom_Role" in saved[".md"].read_text()


async def test_a_step_that_failed_is_told_with_advice_and_retried(host_set_up: Hosting) -> None:
    host = host_set_up
    held_up(host, fault="status", status=400, times=1)
    async with driven(host.program(), 120, 40) as pilot:
        await deploy_development(pilot)
        assert await ended(pilot) == "partial"
        failed = [step.id for step in view(pilot).model.failed]
        assert len(failed) == 1
        assert "clusters" in failed[0]
        table = pilot.app.screen.query_one("#run-steps", Table)
        table.move_cursor(row=table.get_row_index(failed[0]))
        await pilot.press("t")
        await until(pilot, on_page(pilot, "Question"))
        await pilot.press("tab", "enter")
        await until(pilot, on_page(pilot, "RunScreen"))
        await until(pilot, lambda: view(pilot).model.status == "success")
    assert await left(host, "Development") == []


async def test_a_step_of_setup_that_failed_is_retried_where_it_is_told(host: Hosting) -> None:
    decide(host)
    road = Road(host.folder)
    with road.store() as store:
        faults.add(store, Fault("status", service="github", method="PUT", path="*/environments/UAT", status=422))
    async with driven(host.program(), 120, 40) as pilot:
        await until(pilot, plan_shown(pilot))
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "ApplyPage"))
        assert await ended(pilot) == "partial"
        (failed,) = [step.id for step in view(pilot).model.failed]
        table = pilot.app.screen.query_one("#run-steps", Table)
        table.move_cursor(row=table.get_row_index(failed))
        await pilot.press("t")
        await until(pilot, on_page(pilot, "Question"))
        await pilot.press("tab", "enter")
        await until(pilot, on_page(pilot, "ApplyPage"))
        await until(pilot, lambda: view(pilot).model.status == "success")
        assert "UAT" in {one["name"] for one in road.show()["repositories"][0]["environments"]}


async def test_a_run_is_cancelled_and_running_again_completes_it(host_set_up: Hosting) -> None:
    host = host_set_up
    held_up(host, fault="status", status=503, retry_after=60.0, times=1)
    async with driven(host.program(), 120, 40) as pilot:
        await deploy_development(pilot)
        await until(pilot, lambda: any(step.state == "retrying" for step in view(pilot).model.steps.values()))
        assert "again in" in view(pilot).copied()  # the retry is visible, with its reason
        await pilot.press("c")
        await until(pilot, on_page(pilot, "Question"))
        await pilot.press("tab", "enter")
        await until(pilot, on_page(pilot, "RunScreen"))
        assert await ended(pilot) == "cancelled"
        await pilot.press("escape")
        await until(pilot, on_page(pilot, "DeploymentsScreen"))
        await deploy_development(pilot)
        assert await ended(pilot) == "success"
    assert await left(host, "Development") == []


async def test_leaving_can_let_a_run_go_on(host_set_up: Hosting) -> None:
    host = host_set_up
    held_up(host, fault="status", status=503, retry_after=1.0, times=1)
    program = host.program()
    async with driven(program, 120, 40) as pilot:
        await deploy_development(pilot)
        await pilot.press("q")
        await until(pilot, on_page(pilot, "LeaveDialog"))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: program.return_code is not None)
    assert program.return_code == 0
    host.join()  # the backend ends by itself, once the run has
    assert await left(host, "Development") == []


async def test_a_program_that_is_gone_cancels_and_the_next_one_takes_up(host_set_up: Hosting) -> None:
    host = host_set_up
    decide(host, page="apply")
    held_up(host, fault="status", status=503, retry_after=600.0, times=1)
    program = host.program()
    async with driven(program, 120, 40) as pilot:
        await deploy_development(pilot)
        await until(pilot, lambda: any(step.state == "retrying" for step in view(pilot).model.steps.values()))
    host.join()  # `driven` has left as a killed program does: by closing its end
    async with driven(host.program(first="wizard"), 120, 40) as pilot:
        await until(pilot, on_page(pilot, "ApplyPage"))
        assert await ended(pilot) == "cancelled"
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "ReviewPage"))
        await until(pilot, plan_shown(pilot))
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "ApplyPage"))
        assert await ended(pilot) == "success"
    assert await left(host) == []


async def test_the_history_shows_what_others_did_with_its_events(host_deployed: Hosting) -> None:
    host = host_deployed
    async with driven(host.program(), 120, 40) as pilot:
        await pilot.press("2")
        await settled(pilot)
        assert pilot.app.screen.query_one(Table).row_count == 2  # setup and deployment
        await pilot.press("enter")
        await until(pilot, on_page(pilot, "RunScreen"))
        assert await ended(pilot) == "success"
        assert "cluster dbx-sp-cluster" in view(pilot).copied()


async def test_the_history_shows_by_itself_what_others_begin_and_end(
    host_set_up: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployments, "_EVERY", 0.1)
    (folder,) = (host_set_up.folder / ".state" / "runs").iterdir()
    async with driven(host_set_up.program(), 120, 40) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "✓ success" in text(pilot))
        with closing(Journal.open(folder, warn=pytest.fail)) as journal:
            tell = journal.listener("another-run")
            tell(RunStarted(at=1.0, run_id="another-run", command="deploy", actor="grace", steps=2, changes=2))
            await until(pilot, lambda: "▶ running" in text(pilot) and "grace" in text(pilot))
            tell(RunFinished(at=2.0, run_id="another-run", status="partial"))
            await until(pilot, lambda: "◐ partial" in text(pilot) and "▶ running" not in text(pilot))


async def test_what_works_in_production_is_changed_by_who_types_its_name(host_production: Hosting) -> None:
    host = host_production
    road = Road(host.folder)
    road.edit("Production", '"autotermination_minutes": 60', '"autotermination_minutes": 45')
    async with driven(host.program(), 120, 40) as pilot:
        pilot.app.go_deploy(["Production"])  # type: ignore[attr-defined]  # as the board does
        await until(pilot, on_page(pilot, "PlanScreen"))
        await until(pilot, plan_shown(pilot))
        before = road.writes()
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "Question"))
        await pilot.click("#typed")
        await pilot.press(*"production", "enter")  # not its name
        assert "That is not the name" in text(pilot)
        await pilot.click("#apply")
        assert on_page(pilot, "Question")()
        await pilot.press("escape")
        await until(pilot, on_page(pilot, "PlanScreen"))
        assert road.writes() == before
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "Question"))
        await pilot.click("#typed")
        await pilot.press(*"Production")
        await pilot.click("#apply")
        await until(pilot, on_page(pilot, "RunScreen"))
        assert await ended(pilot) == "success"
    assert await left(host, "Production") == []


async def test_read_only_begins_nothing(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program("--read-only"), 120, 40) as pilot:
        pilot.app.go_deploy(["Development"])  # type: ignore[attr-defined]
        await until(pilot, on_page(pilot, "PlanScreen"))
        await until(pilot, plan_shown(pilot))
        before = Road(host_set_up.folder).writes()
        await pilot.press("ctrl+n")
        await until(pilot, lambda: error(pilot))
        assert "read-only" in error(pilot)
    assert Road(host_set_up.folder).writes() == before


@pytest.mark.parametrize("size", [(80, 24), (40, 24), (200, 60)])
async def test_a_run_can_be_read_at_every_size(host_deployed: Hosting, size: tuple[int, int]) -> None:
    async with driven(host_deployed.program(), *size) as pilot:
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("enter")
        await until(pilot, on_page(pilot, "RunScreen"))
        await ended(pilot)
        assert "success" in text(pilot)
        assert view(pilot).query_one("#run-log").region.height >= 3
