"""The program's client of runs: what it asks, what it gives back, and how little it costs to ask again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

import pytest
from github.Repository import Repository

from dbxwizard.clients.github import GitHubClient
from dbxwizard.clients.github_runs import GitHubRuns
from dbxwizard.core.errors import Conflict, NotFound, ServiceError
from dbxwizard.sandbox.github.runs import routes
from dbxwizard.sandbox.store import Store
from tests.github.test_runs import ON, put, wait

TWO_JOBS = f"""name: Greet
run-name: Greet ${{{{ inputs.to }}}}
{ON}
jobs:
  first: {{runs-on: x, steps: [run: echo hello, {{name: Fail, run: exit 7}}]}}
  second: {{needs: first, runs-on: x, steps: [run: echo no]}}
"""


@pytest.fixture
def runs(client: GitHubClient) -> Iterator[GitHubRuns]:
    yield client.runs
    wait()


async def started(runs: GitHubRuns, **inputs: object) -> int:
    """Starts run.yml by hand and waits for the end of its run."""
    run_id = await runs.dispatch("run.yml", "main", inputs)
    assert run_id is not None
    wait()
    return run_id


async def text_of(log: AsyncGenerator[bytes] | None) -> str:
    assert log is not None
    return b"".join([piece async for piece in log]).decode()


async def test_a_run_its_jobs_and_its_logs(filled: Repository, runs: GitHubRuns) -> None:
    sha = put(filled, TWO_JOBS)
    run = await runs.run(await started(runs, to="UAT"))
    assert (run.name, run.title, run.workflow, run.event) == ("Greet", "Greet UAT", "run.yml", "workflow_dispatch")
    assert (run.state, run.ended, run.commit, run.branch, run.actor) == ("failure", True, sha, "main", "ada")
    first, second = await runs.jobs(run.id)
    assert (first.name, first.state, first.failed, first.has_log) == ("first", "failure", True, True)
    assert [(step.number > 0, step.name, step.state) for step in first.steps] == [
        (True, "Run echo hello", "success"), (True, "Fail", "failure"),
    ]  # fmt: skip
    assert (second.state, second.has_log) == ("skipped", False)
    assert "hello" in await text_of(await runs.log(first.id))
    assert await runs.log(second.id) is None
    assert await runs.job(first.id) == first
    assert [workflow.file for workflow in await runs.workflows()] == ["run.yml"]
    assert await runs.file(run.path, run.commit) == TWO_JOBS
    assert await runs.file("gone.yml", "main") is None


async def test_runs_are_filtered_and_limited(filled: Repository, runs: GitHubRuns) -> None:
    put(filled, TWO_JOBS)
    ids = [await started(runs) for _ in range(3)]
    assert [run.id for run in await runs.runs()] == ids[::-1]
    assert [run.id for run in await runs.runs("run.yml", limit=2)] == ids[:0:-1]
    for filters, expected in (
        ({"branch": "main"}, 3), ({"branch": "other"}, 0), ({"status": "failure"}, 3), ({"status": "queued"}, 0),
        ({"event": "push"}, 0), ({"actor": "ada", "event": ""}, 3),
    ):  # fmt: skip
        assert len(await runs.runs("", filters)) == expected
    with pytest.raises(NotFound):
        await runs.runs("gone.yml")


async def test_to_ask_again_costs_nothing_while_nothing_has_changed(
    filled: Repository, runs: GitHubRuns, store: Store
) -> None:
    put(filled, TWO_JOBS)
    run_id = await started(runs)
    once = await runs.run(run_id), await runs.jobs(run_id), await runs.runs()
    before = runs.budget
    assert before is not None
    assert (await runs.run(run_id), await runs.jobs(run_id), await runs.runs()) == once
    assert runs.budget == before
    assert [one["status"] for one in store.requests()][-3:] == [304] * 3
    await runs.file("README.md", "main")
    assert runs.budget is not None
    assert (runs.budget.remaining, runs.budget.limit) == (before.remaining - 1, 5000)


async def test_what_cannot_be_started_or_cancelled_is_refused(filled: Repository, runs: GitHubRuns) -> None:
    put(filled, TWO_JOBS)
    with pytest.raises(ServiceError, match="No ref found for: nowhere"):
        await runs.dispatch("run.yml", "nowhere", {})
    with pytest.raises(Conflict, match="completed"):
        await runs.cancel(await started(runs))


async def test_a_server_that_does_not_tell_the_run_is_asked_without(
    filled: Repository, runs: GitHubRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(filled, TWO_JOBS)
    monkeypatch.delitem(routes._DISPATCH_BODY, "return_run_details?")  # an older GitHub Enterprise Server
    assert await runs.dispatch("run.yml", "main", {}) is None
    wait()
    assert [run.state for run in await runs.runs()] == ["failure"]


async def test_a_log_that_is_left_early_is_closed(filled: Repository, runs: GitHubRuns) -> None:
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: [run: seq 1 200000]}}}}")
    (job,) = await runs.jobs(await started(runs))
    log = await runs.log(job.id)
    assert log is not None
    assert b"1\n" in await anext(log)
    await log.aclose()
    lines = (await text_of(await runs.log(job.id))).splitlines()
    assert len(lines) > 200_000
    assert lines[-1].endswith("Z 200000")
