"""A run is followed from its start to its end; why it failed is told; what is still to come stands in its file."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from github.Repository import Repository

from dbxwizard.clients.github import GitHubClient
from dbxwizard.clients.github_runs import GitHubRuns
from dbxwizard.clients.run_types import Budget
from dbxwizard.core.clock import ManualClock, SystemClock
from dbxwizard.core.errors import Forbidden, OperationError, UsageError, each_error
from dbxwizard.runs.digest import Explaining, explaining, failures
from dbxwizard.runs.following import Snapshot, WorkflowJobChanged, WorkflowStepChanged, changes, follow
from dbxwizard.runs.graph import graph_of
from dbxwizard.runs.launching import launch, launchable
from dbxwizard.runs.logs import LONGEST_LINE, lines
from dbxwizard.runs.pacing import LOCAL, Pace
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.runs import routes
from dbxwizard.sandbox.github.seed import SANDBOX_TOKEN
from dbxwizard.sandbox.store import Store
from tests.github.test_runs import put

FAILING = """
on:
  workflow_dispatch:
    inputs:
      to: {type: choice, options: [UAT, Production], required: true, description: where}
      loud: {type: boolean, default: false}
      often: {type: number}
jobs:
  first:
    name: First of ${{ inputs.to }}
    runs-on: x
    steps:
      - run: echo fine
      - name: Deploy
        run: |
          echo "error: a.json: role-not-grantable: it may not" >&2
          echo "  → do this" >&2
          echo "::error title=role-not-grantable::it may not; do this"
          echo "error: the plan: AADSTS700213: No matching federated identity record found for presented assertion
          exit 7
      - run: echo never
  second: {needs: first, runs-on: x, steps: [run: echo no]}
""".replace("assertion\n", "assertion subject 'repo:me/app:environment:UAT-plan'.\"\n")


async def followed(runs: GitHubRuns, run_id: int) -> list[Snapshot]:
    return [snapshot async for snapshot in follow(runs, run_id, SystemClock(), LOCAL)]


async def test_a_run_is_followed_to_its_end(filled: Repository, client: GitHubClient, runs: GitHubRuns) -> None:
    put(filled, FAILING)
    run = await launch(client, "run.yml", "main", {"to": "UAT"}, SystemClock())
    seen = await followed(runs, run.id)
    assert seen[-1].run.state == "failure"
    assert all(not after.same(before) for before, after in pairwise(seen))
    told = [event for before, after in pairwise([None, *seen]) if after for event in changes(before, after)]
    steps = [(one.step, one.state) for one in told if isinstance(one, WorkflowStepChanged) and one.state == "failure"]
    assert steps == [("Deploy", "failure")]
    ended = [(one.job, one.state, one.has_log) for one in told if isinstance(one, WorkflowJobChanged) and one.has_log]
    assert ended == [("First of UAT", "failure", True)]
    assert told[-1].to_json()["event"] == "workflow_run_changed"
    assert told[-1].state == "failure"


async def test_why_it_failed_comes_first_with_what_to_do(
    filled: Repository, client: GitHubClient, runs: GitHubRuns
) -> None:
    put(filled, FAILING)
    run = await launch(client, "run.yml", "main", {"to": "UAT"}, SystemClock())
    snapshot = (await followed(runs, run.id))[-1]

    async def trusted(environment: str) -> list[str]:
        return [f"repo:me@1/app@2:environment:{environment}"]

    async def unknown(_environment: str) -> list[str]:
        raise Forbidden("github-forbidden", "not for you")

    [failure] = await failures(runs, snapshot.jobs, Explaining(unknown))
    assert failure.subjects is not None
    assert failure.subjects.trusted == ()
    [failure] = await failures(runs, snapshot.jobs, Explaining(trusted))
    assert failure.title == "First of UAT / Deploy"
    assert failure.lines[0] == "error: a.json: role-not-grantable: it may not"
    assert failure.lines[-1] == "Process completed with exit code 7."
    assert len(failure.lines) == 3
    assert failure.advice[0] == "do this"
    assert failure.advice[1].startswith("No federated credential fits")
    assert failure.subjects is not None
    assert failure.subjects.presented == "repo:me/app:environment:UAT-plan"
    assert failure.subjects.trusted == ("repo:me@1/app@2:environment:UAT-plan",)


async def test_the_graph_has_what_is_still_to_come(filled: Repository, client: GitHubClient, runs: GitHubRuns) -> None:
    put(filled, FAILING)
    run = await launch(client, "run.yml", "main", {"to": "UAT"}, SystemClock())
    snapshot = (await followed(runs, run.id))[-1]
    graph = await graph_of(runs, run)
    assert [(node.id, node.needs, node.jobs) for node in graph.of(())] == [
        ("first", (), ()),
        ("second", ("first",), ()),
    ]
    assert [[job.name for job in node.jobs] for node in graph.of(snapshot.jobs)] == [["First of UAT"], ["second"]]


async def test_what_github_would_refuse_is_refused_before_anything_is_sent(
    filled: Repository, client: GitHubClient
) -> None:
    put(filled, FAILING)
    put(filled, "on: {pull_request: {branches: [nowhere]}}\njobs: {a: {runs-on: x}}", ".github/workflows/other.yml")
    given = {"loud": "yes", "often": "often", "odd": "1"}
    with pytest.raises(OperationError) as caught:
        await launch(client, "run.yml", "main", given, SystemClock())
    assert {error.resource: error.message for error in each_error(caught.value)} == {
        "run.yml: odd": "the workflow has no such input",
        "run.yml: to": "this input has to be given",
        "run.yml: loud": "'yes' is neither true nor false",
        "run.yml: often": "'often' is not a number",
    }
    for workflow, words in (("gone.yml", "no workflow gone.yml"), ("other.yml", "can't be started by hand")):
        with pytest.raises(UsageError, match=words):
            await launch(client, workflow, "main", {}, SystemClock())
    assert await client.runs.runs() == []
    [found] = await launchable(client, "main")
    assert (found.workflow.file, [one.type for one in found.inputs]) == ("run.yml", ["choice", "boolean", "number"])


async def test_it_waits_as_github_asks(filled: Repository, client: GitHubClient, store: Store) -> None:
    put(filled, FAILING)
    run = await launch(client, "run.yml", "main", {"to": "UAT"}, SystemClock())
    await followed(client.runs, run.id)
    faults.add(store, Fault("status", service="github", method="GET", status=429, retry_after=1800, times=1))
    clock = ManualClock()
    assert [one.run.ended async for one in follow(client.runs, run.id, clock)] == [True]
    assert clock.slept == [1800.0]


@pytest.mark.parametrize(
    ("quiet", "remaining", "expected"),
    [(0, 5000, 2.7), (100, 5000, 15.0), (0, 1300, 36.0), (0, 1000, 3600.0), (0, 0, 3600.0)],
)
def test_the_pace_leaves_requests_to_others(quiet: int, remaining: int, expected: float) -> None:
    assert Pace().wait(quiet, Budget(5000, remaining, 7200.0), 3600.0) == expected
    assert Pace().wait(0, Budget(5000, 0, 3000.0), 3600.0) == 2.0  # renewed meanwhile


async def test_a_log_of_any_kind_is_read_in_bounded_lines() -> None:
    async def pieces() -> object:
        for piece in (b"\xef\xbb\xbf2026-09-01T08:00:00.1234567Z \xc3", b"\xa4\r\n", b"x" * 150_000, b"\n\xff end"):
            yield piece

    found = [line async for line in lines(pieces())]  # type: ignore[arg-type]
    assert (found[0].at, found[0].text) == (1788249600.123456, "ä")
    assert [len(line.text) for line in found[1:]] == [LONGEST_LINE, LONGEST_LINE, 150_000 - 2 * LONGEST_LINE, 5]
    assert found[-1].text == "\ufffd end"


async def test_a_job_in_no_environment_presents_its_branch(filled: Repository, client: GitHubClient) -> None:
    words = "No matching federated identity record found for presented assertion subject"
    said = f"error: AADSTS700213: {words} 'repo:a/b:ref:refs/heads/main'."
    put(filled, f'on: workflow_dispatch\njobs: {{a: {{runs-on: x, steps: [run: "echo \\"{said}\\"; exit 3"]}}}}')
    run = await launch(client, "run.yml", "main", {}, SystemClock())
    snapshot = (await followed(client.runs, run.id))[-1]
    [failure] = await failures(client.runs, snapshot.jobs, explaining(client))
    assert failure.subjects is not None
    assert failure.subjects.presented == "repo:a/b:ref:refs/heads/main"
    assert failure.subjects.trusted == (await client.subject(branch="main"),)


@pytest.mark.parametrize("token", ["a person's", "a job's"])
async def test_a_run_is_found_where_the_server_does_not_tell_it(
    token: str, filled: Repository, client_for: Any, add_token: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(filled, FAILING)
    monkeypatch.delitem(routes._DISPATCH_BODY, "return_run_details?")  # an older GitHub Enterprise Server
    rights = {"actions": "write", "contents": "read"}
    name = add_token("ghs_job", kind="job", permissions=rights) if token == "a job's" else SANDBOX_TOKEN
    client = client_for(name)
    known = [await launch(client, "run.yml", "main", {"to": to}, SystemClock()) for to in ("UAT", "Production")]
    assert [run.number for run in known] == [1, 2]
    for run in known:
        assert (await followed(client.runs, run.id))[-1].run.ended
