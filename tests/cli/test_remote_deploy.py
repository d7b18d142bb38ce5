"""`dbxwizard deploy --on github`: what is started, how it ends, and what is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dbxwizard.sandbox.session import Sandbox
from tests.github.test_runs import Api, wait
from tests.reaching import cloud_of, push
from tests.roads import Outcome, Road

_INPUTS = "{environment: {type: choice, options: [Development, UAT], required: true}, what_if: {type: boolean}}"
DEPLOY = f"""on:
  workflow_dispatch: {{inputs: {_INPUTS}}}
  workflow_call: {{inputs: {{environment: {{type: string}}}}}}
jobs:
  deploy:
    name: ${{{{ inputs.environment }}}}
    runs-on: x
    environment: ${{{{ inputs.environment }}}}
    env: {{TO: '${{{{ inputs.environment }}}}'}}
    steps:
      - name: Deploy
        run: |
          if [ "$TO" = UAT ]; then echo "error: UAT.json: role-not-grantable: no"; exit 1; fi
"""
FULL = """on: workflow_dispatch
jobs:
  deploy:
    name: Deploy
    strategy: {fail-fast: false, matrix: {environment: [Development, UAT]}}
    uses: ./.github/workflows/deploy.yml
    with: {environment: '${{ matrix.environment }}'}
"""


@pytest.fixture
def road(fresh: Road) -> Iterator[Road]:
    """A project whose repository has two workflows."""
    road = fresh
    with Sandbox(road.state):
        with road.change() as store:
            files = {"deploy.yml": DEPLOY, "full-deployment.yml": FULL}
            push(store, {f".github/workflows/{name}": text for name, text in files.items()}, tag="v1")
        yield road
        wait()


def deploy(road: Road, *options: str) -> Outcome:
    return road.run("deploy", "--on", "github", "--repo", "contoso/databricks", *options)


def test_an_environment_is_deployed_by_its_workflow(road: Road) -> None:
    ended = deploy(road, "-e", "development", "--ref", "tags/v1")
    assert ended.code == 0, ended.out
    run = ended.report["run"]
    assert (run["workflow"], run["branch"], run["state"]) == ("deploy.yml", "v1", "success")
    assert [(one["name"], one["status"]) for one in ended.report["environments"]] == [("Development", "success")]


def test_several_are_followed_at_once_and_the_worst_decides(road: Road) -> None:
    ended = deploy(road, "-e", "Development", "-e", "UAT")
    assert (ended.code, ended.report["status"]) == (1, "error")
    assert {run["workflow"] for run in ended.report["runs"]} == {"deploy.yml"}
    assert {one["name"]: one["status"] for one in ended.report["environments"]} == {
        "Development": "success", "UAT": "error",
    }  # fmt: skip
    [error] = ended.errors
    assert error["resource"] == "UAT / Deploy"
    assert "role-not-grantable" in error["message"]


def test_without_a_choice_it_is_the_full_deployment(road: Road) -> None:
    ended = deploy(road)
    assert (ended.code, ended.report["run"]["workflow"]) == (1, "full-deployment.yml")
    assert {one["name"]: one["status"] for one in ended.report["environments"]} == {
        "Development": "success", "UAT": "error",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("admitted", "branch"), [({"branch": "release"}, "release"), ({"branch": "main"}, "main"), ({"tag": "v*"}, "")]
)
def test_it_is_started_on_a_branch_that_the_environment_admits(
    admitted: dict[str, str], branch: str, road: Road
) -> None:
    with road.change() as store:
        push(store, {".github/workflows/deploy.yml": DEPLOY}, "release")
    with Sandbox(road.state) as sandbox:
        api = Api(replace(cloud_of(sandbox), github_api=sandbox.endpoints().github))
        rules = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}
        assert api.put("/environments/Development", rules).status_code == 200
        [(kind, name)] = admitted.items()
        policies = "/environments/Development/deployment-branch-policies"
        assert api.post(policies, {"name": name, "type": kind}).status_code == 200
        ended = deploy(road, "-e", "Development")
    if branch:
        assert (ended.code, ended.report["run"]["branch"]) == (0, branch)
    else:
        [error] = ended.errors
        assert (ended.code, error["code"], error["message"]) == (2, "ref-missing", "Development admits tag v*")


@pytest.mark.parametrize(
    ("options", "code", "where"),
    [
        (("-e", "Nowhere"), "unknown-environment", "--environment"),
        (("--since", "a" * 40), "option-invalid", "--since"),
        (("--ref", "a" * 40), "option-invalid", "--ref"),
        (("--ref", "main@" + "a" * 40), "option-invalid", "--ref"),
        (("--ref", "nowhere"), "workflow-not-found", "GitHub repository contoso/databricks"),
    ],
)
def test_what_cannot_be_started_there_is_said(options: tuple[str, ...], code: str, where: str, road: Road) -> None:
    ended = deploy(road, *options)
    assert (ended.code, [(one["code"], one["resource"]) for one in ended.errors]) == (2, [(code, where)])
    assert road.run("runs", "list", "--repo", "contoso/databricks").report["runs"] == []
