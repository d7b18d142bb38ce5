"""Who acts makes no difference: a person in a terminal and the service principals in a job end in the same state."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from dbxwizard.sandbox.entra.directory import DATA_SCIENTISTS
from tests.roads import Road


def test_a_job_and_a_person_end_in_the_same_state(set_up: Road, another: Callable[[], Road]) -> None:
    by_person = another()
    assert by_person.deploy("-e", "Development").code == 0
    outcome = set_up.deploy("-e", "Development", **set_up.job("Development"))
    assert outcome.code == 0, outcome.err
    # Whoever comes with Azure's Contributor becomes an admin of the workspace; nobody knows beforehand who will come.
    assert set_up.run("status", "-e", "Development").code == 0
    assert set_up.show() == by_person.show()


def test_a_person_finds_nothing_to_do_after_a_job(set_up: Road) -> None:
    assert set_up.deploy("-e", "Development", **set_up.job("Development")).code == 0
    assert set_up.run("status", "-e", "Development").code == 0  # enters the workspace
    before = set_up.writes()
    assert set_up.deploy("-e", "Development").report["status"] == "unchanged"
    assert set_up.writes() == before


def test_a_job_finds_nothing_to_do_after_a_person(deployed: Road) -> None:
    before = deployed.writes()
    outcome = deployed.deploy("-e", "Development", **deployed.job("Development"))
    assert outcome.code == 0, outcome.err
    assert outcome.report["status"] == "unchanged", outcome.changes()
    assert deployed.writes() == before


def test_a_job_of_another_environment_is_refused_with_the_subject_that_it_presents(set_up: Road) -> None:
    job = set_up.job("Development") | {
        name: value for name, value in set_up.job("Staging").items() if name.startswith("ACTIONS_")
    }
    outcome = set_up.deploy("-e", "Development", **job)
    assert outcome.code == 3
    (error,) = outcome.errors
    assert error["code"] == "AADSTS700213"
    assert ":environment:Staging" in error["message"]


def with_group(road: Road, name: str) -> None:
    """The group has what the person had: access, a role, and the right to read a secret scope."""
    road.edit("Development", '"Principal": "me"', f'"Principal": "group:{name}"')
    road.edit("Development", '"principal": "me",\n      "principalType": "User"', f'"principal": "group:{name}"')


def test_a_job_finds_the_groups_that_setup_looked_up(fresh: Road, tmp_path: Path) -> None:
    with_group(fresh, DATA_SCIENTISTS)
    assert fresh.setup().code == 0
    text = (fresh.folder / "environments" / "Development.json").read_text("utf-8")
    assert "group:" not in re.sub(r"//.*", "", text)
    before = fresh.writes()
    assert fresh.setup().report["status"] == "unchanged"
    assert fresh.writes() == before
    by_person = fresh.copy(tmp_path / "by-person")
    outcome = fresh.deploy("-e", "Development", **fresh.job("Development"))
    assert outcome.code == 0, outcome.err
    assert by_person.deploy("-e", "Development").code == 0
    assert fresh.run("status", "-e", "Development").code == 0
    assert fresh.show() == by_person.show()
    (workspace,) = fresh.show()["workspaces"]
    assert DATA_SCIENTISTS in json.dumps(workspace)


def test_a_group_name_that_is_left_is_one_error_in_a_job(set_up: Road) -> None:
    set_up.edit("UAT", '"Access": [\n', f'"Access": [\n    {{"Principal": "group:{DATA_SCIENTISTS}"}},\n')
    before = set_up.writes()
    outcome = set_up.deploy("-e", "UAT", **set_up.job("UAT"))
    assert (outcome.code, [error["code"] for error in outcome.errors]) == (2, ["identity-group-in-ci"])
    assert "dbxwizard setup" in outcome.errors[0]["fix"]
    assert set_up.writes() == before


def test_a_real_sign_in_that_lies_around_does_not_reach_the_sandbox(deployed: Road) -> None:
    elsewhere = {
        "AZURE_TENANT_ID": "11111111-0000-4000-8000-000000000000",
        "AZURE_CLIENT_ID": "22222222-0000-4000-8000-000000000000",
        "AZURE_CLIENT_SECRET": "of-another-cloud",
        "GH_TOKEN": "ghp_of_another_github",
    }
    outcome = deployed.deploy("-e", "Development", **elsewhere)
    assert outcome.report["status"] == "unchanged", outcome.out
    again = deployed.setup(**elsewhere)
    assert again.report["status"] == "unchanged", again.out
