"""Plans: exit codes, saved plans, scopes, and what somebody with fewer rights can't check."""

from __future__ import annotations

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from tests.roads import Road

SETUP = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)


def test_the_exit_code_tells_whether_there_are_changes(deployed: Road) -> None:
    assert deployed.run("plan", "-e", "Development", "--detailed-exitcode").code == 0
    assert deployed.run("plan", "-e", "UAT", "--detailed-exitcode").code == 4
    assert deployed.run("plan", "-e", "UAT").code == 0


def test_a_plan_writes_nothing(set_up: Road) -> None:
    before = set_up.writes()
    assert set_up.run("plan", "--scope", "all", *SETUP).code == 0
    assert set_up.writes() == before


def test_a_saved_plan_is_applied_as_it_was_saved(deployed: Road) -> None:
    deployed.edit("Development", '"autotermination_minutes": 20', '"autotermination_minutes": 25')
    saved = str(deployed.folder / "plan.json")
    assert deployed.run("plan", "-e", "Development", "--save", saved).code == 0
    outcome = deployed.deploy("-e", "Development", "--plan", saved)
    assert outcome.code == 0, outcome.out
    assert outcome.changes() == {
        f"Development/cluster {name} in Development": ["autotermination_minutes: 20 → 25"]
        for name in ("dbx-sp-cluster", "dbx-sp-cluster2")
    }


def test_a_saved_plan_is_refused_when_the_world_has_moved(deployed: Road) -> None:
    saved = str(deployed.folder / "plan.json")
    assert deployed.run("plan", "-e", "Development", "--save", saved).code == 0
    deployed.edit("Development", '"autotermination_minutes": 20', '"autotermination_minutes": 25')
    before = deployed.writes()
    outcome = deployed.deploy("-e", "Development", "--plan", saved)
    assert [error["code"] for error in outcome.errors] == ["plan-outdated"]
    assert deployed.writes() == before


def test_a_plan_of_everything_has_both_scopes_in_one_list(set_up: Road) -> None:
    plan = set_up.run("plan", "--scope", "all", "-e", "Development", *SETUP).report["plan"]
    assert {step["scope"] for step in plan["steps"]} == {"setup", "deploy"}
    assert {step["action"] for step in plan["steps"] if step["scope"] == "setup"} == {"none"}


def test_a_plan_of_everything_before_setup_tells_that_deploy_waits_for_it(fresh: Road) -> None:
    outcome = fresh.run("plan", "--scope", "all", *SETUP)
    assert outcome.code == 0, outcome.out
    waiting = [step for step in outcome.report["plan"]["steps"] if step["scope"] == "deploy"]
    assert [step["environment"] for step in waiting] == ["Development", "UAT", "PreProduction", "Production"]
    assert {step["note"] for step in waiting} == {"known after setup"}


def test_a_job_says_what_it_could_not_check(set_up: Road) -> None:
    job = set_up.job("Development", GITHUB_TOKEN="")
    outcome = set_up.run("plan", "--scope", "all", "-e", "Development", *SETUP, **job)
    assert outcome.code == 0, outcome.out
    steps = outcome.report["plan"]["steps"]
    unchecked = {step["id"] for step in steps if step["not_checked"]}
    assert unchecked == {"setup"}
    assert all(step["action"] == "none" for step in steps if step["not_checked"])
    assert any(step["scope"] == "deploy" for step in steps)
