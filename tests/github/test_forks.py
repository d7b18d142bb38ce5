"""A pull request from a fork gets a token that only reads, no secret and no OpenID Connect token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dbxwizard.sandbox.github.runs.checkout import CHECKOUT
from tests.actions_world import ActionsWorld, actions_world
from tests.conftest import new_state
from tests.github.test_runs import Api, keep_secret
from tests.reaching import cloud_of
from tests.roads import Road

WORKFLOW = f"""name: Look
on: pull_request
permissions: {{contents: write, id-token: write, pull-requests: write}}
jobs:
  look:
    name: Look
    runs-on: ubuntu-latest
    environment: UAT
    steps:
      - uses: {CHECKOUT}
        with: {{fetch-depth: 2}}
      - env:
          KEY: ${{{{ secrets.KEY }}}}
          OF_UAT: ${{{{ secrets.OF_UAT }}}}
          FORK: ${{{{ github.event.pull_request.head.repo.full_name }}}}
          SAME: ${{{{ github.event.pull_request.head.repo.full_name == github.repository }}}}
          HEAD_SHA: ${{{{ github.event.pull_request.head.sha }}}}
        run: |
          echo "from $FORK, $SAME, at the merge: $(git log -1 --format=%P | grep -c "$HEAD_SHA")"
          echo "OIDC: ${{ACTIONS_ID_TOKEN_REQUEST_URL:-none}}, ${{ACTIONS_ID_TOKEN_REQUEST_TOKEN:+a token}}"
          echo "secrets: ${{KEY:-none}}, ${{OF_UAT:-none}}" | tr a-z A-Z
          git push --quiet origin HEAD:refs/heads/by-a-job && echo pushed || echo refused
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ActionsWorld]:
    """A repository that looks at what a pull request's job is given."""
    new_state(tmp_path / ".state")
    with actions_world(Road(tmp_path)) as made:
        made.push("main", {"README.md": "# hi\n", ".github/workflows/look.yml": WORKFLOW})
        api = Api(replace(cloud_of(made.sandbox), github_api=made.sandbox.endpoints().github))
        assert api.put("/environments/UAT", {}).status_code == 200
        keep_secret(api, "KEY", "of the repository")
        keep_secret(api, "OF_UAT", "of uat", "/environments/UAT/secrets")
        yield made


def test_a_fork_s_pull_request_is_given_nothing(world: ActionsWorld) -> None:
    world.push("idea", {"theirs.txt": "x"}, from_fork=True)
    assert world.results() == {}
    world.open("idea", from_fork=True)
    [run] = world.started()
    assert (run["actor"], run["conclusion"], world.jobs(run)) == ("grace", "success", {"Look": "success"})
    assert run["title"] == "idea to main"
    log = world.log(run)
    assert "from grace/databricks, false, at the merge: 1" in log
    assert "OIDC: none, \n" in log
    assert "SECRETS: NONE, NONE" in log
    assert "refused" in log
    assert "pushed" not in log.replace("echo pushed", "")


def test_one_from_the_repository_itself_is_given_what_its_workflow_asks_for(world: ActionsWorld) -> None:
    world.push("feature", {"ours.txt": "x"})
    number = world.open("feature")
    [run] = world.started()
    log = world.log(run)
    assert "from contoso/databricks, true, at the merge: 1" in log
    assert re.search(r"OIDC: https://127.0.0.1:\S+, a token", log)
    assert "SECRETS: OF THE REPOSITORY, OF UAT" in log  # in capitals, which nothing masks
    assert "pushed" in log.replace("echo pushed", "")
    world.merge(number)
    assert world.results() == {}
