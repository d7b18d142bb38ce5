"""Jobs that only look: they sign in as the service principal that reads, see what deployments made, change nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dbxwizard.core.errors import UsageError
from dbxwizard.sandbox.github.seed import REPOSITORY_ID
from dbxwizard.sandbox.github.values import open_secrets
from dbxwizard.steps.named_principals import named_principals
from tests.roads import Outcome, Road


def plan(road: Road, environment: str, *options: str) -> Outcome:
    job = road.job(f"{environment}-plan")
    return road.run("plan", "-e", environment, "--detailed-exitcode", *options, **job)


def steps(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {step["id"]: step for step in outcome.report["plan"]["steps"]}


def not_checked(outcome: Outcome) -> set[str]:
    return {name.split("/")[1] for name, step in steps(outcome).items() if step["not_checked"]}


def test_it_sees_what_was_deployed_and_says_what_it_may_not_see(deployed: Road) -> None:
    before = deployed.writes()
    outcome = plan(deployed, "Development")
    assert outcome.code == 0, outcome.err
    assert not_checked(outcome) == {"workspace", "run-as", "members", "secret-scopes", "access"}
    assert {"infrastructure", "role", "clusters", "jobs", "git-folders", "wheels"} <= {
        name.split("/")[1] for name, step in steps(outcome).items() if not step["not_checked"]
    }
    assert deployed.writes() == before


def test_it_is_no_answer_when_it_may_not_read_what_it_is_meant_to(deployed: Road) -> None:
    job = deployed.job("Development-plan")
    with deployed.change() as store:
        for key, one in store.find("arm.roleAssignment"):
            if one["principalType"] == "ServicePrincipal" and one["scope"].count("/") == 2:
                store.delete("arm.roleAssignment", key)
    outcome = deployed.run("plan", "-e", "Development", "--detailed-exitcode", **job)
    assert (outcome.code, outcome.report["status"]) == (3, "error")
    assert [error["code"] for error in outcome.errors] == ["AuthorizationFailed"]


def test_it_tells_what_a_deployment_would_change(deployed: Road) -> None:
    deployed.edit("Development", '"autotermination_minutes": 20', '"autotermination_minutes": 25')
    outcome = plan(deployed, "Development")
    assert outcome.code == 4, outcome.err
    changed = [name for name, step in steps(outcome).items() if step["action"] != "none"]
    assert {name.split("/")[1] for name in changed} == {"clusters"}


def test_before_the_first_deployment_it_plans_all_of_it_with_a_preview(set_up: Road) -> None:
    outcome = plan(set_up, "UAT")
    assert outcome.code == 4, outcome.err
    planned = steps(outcome)
    assert {step["action"] for step in planned.values()} == {"create"}
    assert planned["uat/infrastructure"]["note"].startswith("what-if: Deploy resourceGroups/rg-dbx-uat")


def test_it_can_not_deploy(set_up: Road) -> None:
    before = set_up.show()
    outcome = set_up.deploy("-e", "Development", **set_up.job("Development-plan"))
    assert outcome.code == 3, outcome.out
    assert set_up.show() == before


def test_a_job_that_deploys_lets_it_in_as_a_person_does(set_up: Road) -> None:
    assert set_up.deploy("-e", "Development", **set_up.job("Development")).code == 0
    outcome = plan(set_up, "Development")
    assert (outcome.code, "clusters" in not_checked(outcome)) == (0, False), outcome.err


@pytest.mark.parametrize("options", [("--auth", "secret"), ("--isolation", "environment")], ids=lambda one: one[-1])
def test_every_way_to_set_it_up_lets_it_plan(fresh: Road, options: tuple[str, ...]) -> None:
    assert fresh.setup(*options).code == 0
    assert fresh.setup(*options).report["status"] == "unchanged"
    if "secret" in options:
        written = {f"{one['environment']}/{one['name']}" for one in secrets(fresh)}
        assert {"Development-plan/AZURE_CREDENTIALS", "Development-plan/ARM_CLIENT_SECRET"} <= written
    given = with_secrets if "secret" in options else Road.job
    assert fresh.deploy("-e", "Development", **given(fresh, "Development")).code == 0
    looked = fresh.writes()
    outcome = fresh.run("plan", "-e", "Development", "--detailed-exitcode", **given(fresh, "Development-plan"))
    assert outcome.code == 0, outcome.err
    assert "infrastructure" not in not_checked(outcome)
    assert fresh.writes() == looked


def with_secrets(road: Road, environment: str) -> dict[str, str]:
    """A job that signs in with the client secrets of its environment, and gets no OIDC token."""
    with road.store() as store:
        found = open_secrets(store, REPOSITORY_ID, environment)
    variables = {name: value for name, value in road.job(environment).items() if not name.startswith("ACTIONS_")}
    return variables | found


def secrets(road: Road) -> list[dict[str, str]]:
    (repository,) = road.show()["repositories"]
    return [{"environment": one["name"], "name": name} for one in repository["environments"] for name in one["secrets"]]


def test_it_reads_no_secret_and_no_member(deployed: Road) -> None:
    assert plan(deployed, "Development").code == 0
    (workspace,) = deployed.show()["workspaces"]
    ours = steps(plan(deployed, "Development"))
    reader = next(
        name.rpartition("/")[2] for name in ours if name.startswith("development/access/") and "@" not in name
    )
    assert reader in json.dumps(workspace)
    assert all(reader not in scope["acls"] for scope in workspace["secret_scopes"])


def test_a_variable_of_another_form_is_one_error() -> None:
    with pytest.raises(UsageError, match="CLIENT_ID/OBJECT_ID") as caught:
        named_principals({"DBXWIZARD_PLAN_SPN": "somebody"})
    assert caught.value.resource == "DBXWIZARD_PLAN_SPN"
    assert named_principals({"DBXWIZARD_PLAN_SPN": ""}) == {}
