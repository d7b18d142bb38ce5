"""What runs at once and what waits for one another: concurrency groups, matrices, and several runs.

docs.github.com/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from github.Repository import Repository

from dbxwizard.sandbox.github.runs import concurrency
from dbxwizard.sandbox.store import Store
from tests.github.test_runs import Api, put, wait
from tests.github.test_runs_attempts import start

pytestmark = pytest.mark.usefixtures("ended")

ON = "on: {workflow_dispatch: {inputs: {to: {type: string}, order: {type: string}}}}\n"


class Gate:
    """Pipes that jobs read from, one for each: a job waits until somebody writes to its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        pipe = f"{folder}/$GITHUB_RUN_ID-${{{{ strategy.job-index }}}}"
        self.step = f"mkfifo {pipe} 2>/dev/null || true; read word <{pipe}; test $word = go"

    def let(self, run: int, index: int = 0) -> None:
        """Lets the job of a run go on, once it waits; `index`: its place in its matrix."""
        pipe = self._folder / f"{run}-{index}"
        with suppress(FileExistsError):
            os.mkfifo(pipe)
        pipe.write_text("go\n")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def states(api: Api, runs: list[int]) -> list[tuple[str, str | None]]:
    found = (api.get(f"/actions/runs/{run}").json() for run in runs)
    return [(run["status"], run["conclusion"]) for run in found]


def until(api: Api, run: int, *wanted: str) -> None:
    """Asks until the run has one of the states."""
    while api.get(f"/actions/runs/{run}").json()["status"] not in wanted:
        pass


def job_names(api: Api, run: int, status: str) -> list[str]:
    jobs = api.get(f"/actions/runs/{run}/jobs").json()["jobs"]
    return [job["name"] for job in jobs if job["status"] == status]


def test_jobs_that_do_not_need_one_another_run_side_by_side(filled: Repository, api: Api, tmp_path: Path) -> None:
    for name in "ab":
        os.mkfifo(tmp_path / name)
    put(
        filled,
        f"""{ON}
jobs:
  first: {{runs-on: x, steps: [run: 'echo hi >{tmp_path}/a; cat {tmp_path}/b']}}
  second: {{runs-on: x, steps: [run: 'cat {tmp_path}/a; echo ho >{tmp_path}/b']}}
""",
    )
    run = api.run()
    assert run["conclusion"] == "success"
    assert [api.log(job)[-1] for job in api.jobs(run)] == ["ho", "hi"]


def grouped(rules: str, gate: Gate) -> str:
    group = f"concurrency: {{group: 'g-${{{{ inputs.to }}}}'{rules}}}"
    return f"{ON}{group}\njobs: {{a: {{runs-on: x, steps: [run: '{gate.step}']}}}}"


def begin(api: Api, to: str = "UAT") -> int:
    body = {"ref": "main", "inputs": {"to": to}, "return_run_details": True}
    number: int = api.post("/actions/workflows/run.yml/dispatches", body).json()["workflow_run_id"]
    return number


def test_a_third_run_takes_the_place_of_the_one_that_waits(filled: Repository, api: Api, gate: Gate) -> None:
    put(filled, grouped("", gate))
    first, other = begin(api), begin(api, "Production")
    second = begin(api, "uat")  # names of groups are not case sensitive
    until(api, second, "pending")
    assert api.get(f"/actions/runs/{second}/jobs").json()["total_count"] == 0
    third = begin(api)
    until(api, second, "completed")
    for run in (first, other, third):
        gate.let(run)
    wait()
    assert states(api, [first, second, third, other]) == [
        ("completed", "success"), ("completed", "cancelled"), ("completed", "success"), ("completed", "success"),
    ]  # fmt: skip


def test_a_queue_keeps_all_in_their_order(filled: Repository, api: Api, gate: Gate) -> None:
    put(filled, grouped(", queue: max", gate))
    runs = [begin(api) for _ in range(4)]
    for run, later in pairwise(runs):
        until(api, run, "in_progress")
        until(api, later, "pending")
        gate.let(run)
    gate.let(runs[-1])
    wait()
    assert states(api, runs) == [("completed", "success")] * 4
    ends = [api.jobs({"id": run})[0] for run in runs]
    assert all(one["completed_at"] <= other["started_at"] for one, other in pairwise(ends))


def test_a_group_of_the_run_s_own_number_holds_back_nobody(filled: Repository, api: Api, gate: Gate) -> None:
    put(filled, grouped("", gate).replace("g-", "${{ github.run_id }}-"))
    first, second, third = begin(api), begin(api), begin(api)
    for run in (first, second, third):
        until(api, run, "in_progress")
    for run in (third, second, first):
        gate.let(run)
    wait()
    assert states(api, [first, second, third]) == [("completed", "success")] * 3


def test_the_running_one_is_cancelled_where_the_group_says_so(filled: Repository, api: Api, gate: Gate) -> None:
    put(filled, grouped(", cancel-in-progress: true", gate))
    first = begin(api)
    until(api, first, "in_progress")
    second = begin(api)
    gate.let(second)
    wait()
    assert states(api, [first, second]) == [("completed", "cancelled"), ("completed", "success")]
    [job] = api.jobs({"id": first})
    notes = [note["message"] for note in api.get(f"/check-runs/{job['id']}/annotations").json()]
    assert "Canceling since a higher priority waiting request for 'g-UAT' exists" in notes


def test_one_that_waits_is_cancelled(filled: Repository, api: Api, gate: Gate) -> None:
    put(filled, grouped(", queue: max", gate))
    first, second, third = begin(api), begin(api), begin(api)
    until(api, third, "pending")
    assert api.post(f"/actions/runs/{second}/cancel").status_code == 202
    until(api, second, "completed")
    gate.let(first)
    gate.let(third)
    wait()
    assert [end for _, end in states(api, [first, second, third])] == ["success", "cancelled", "success"]


# As deploy.yml is: called by each merge's own run, and of one environment only one at a time.
DEPLOY = """
on: {workflow_call: {inputs: {to: {type: string, required: true}}}}
jobs:
  deploy:
    name: ${{ inputs.to }}
    runs-on: x
    concurrency: {group: 'deploy-${{ inputs.to }}', queue: max}
    environment: {name: '${{ inputs.to }}', url: 'https://example.com/${{ github.run_id }}'}
    steps: [run: 'STEP']
"""


def test_three_merges_at_once_deploy_one_after_the_other(filled: Repository, api: Api, gate: Gate) -> None:
    put(filled, DEPLOY.replace("STEP", gate.step), ".github/workflows/deploy.yml")
    put(filled, f"{ON}jobs: {{call: {{uses: ./.github/workflows/deploy.yml, with: {{to: UAT}}}}}}")
    runs = [begin(api) for _ in range(3)]
    for run, later in zip(runs, [*runs[1:], 0], strict=True):
        until(api, run, "in_progress")
        if later:
            until(api, later, "pending")
            assert job_names(api, later, "pending") == ["call / UAT"]
        gate.let(run)
    wait()
    assert states(api, runs) == [("completed", "success")] * 3
    deployments = api.get("/deployments?environment=UAT").json()
    states_of = [
        [each["state"] for each in api.get(f"/deployments/{one['id']}/statuses").json()] for one in deployments
    ]
    ended = ["success", "in_progress", "queued"]
    assert states_of == [ended, ["inactive", *ended], ["inactive", *ended]]
    [last, *_] = api.get(f"/deployments/{deployments[0]['id']}/statuses").json()
    assert last["environment_url"] == f"https://example.com/{runs[2]}"


def test_a_job_in_the_group_of_its_own_run_ends_at_once(filled: Repository, api: Api) -> None:
    put(filled, f"{ON}concurrency: one\njobs: {{a: {{runs-on: x, concurrency: one, steps: [run: 'true']}}}}")
    run = api.run()
    assert run["conclusion"] == "cancelled"
    [note] = api.get(f"/check-runs/{api.jobs(run)[0]['id']}/annotations").json()
    assert note["message"].startswith("Canceling since a deadlock for concurrency group 'one' was detected")


MATRIX = """
jobs:
  a:
    name: A
    runs-on: x
    strategy: {max-parallel: 1, fail-fast: FAST, matrix: {n: [1, 2, 3]}}
    steps: [run: 'test ${{ matrix.n }} != 1 && echo ${{ strategy.job-index }} of ${{ strategy.job-total }}']
"""


@pytest.mark.parametrize(
    ("fails_fast", "ends"),
    [("true", ["failure", "cancelled", "cancelled"]), ("false", ["failure", "success", "success"])],
)
def test_a_matrix_runs_as_many_at_once_as_it_says(
    fails_fast: str, ends: list[str], filled: Repository, api: Api
) -> None:
    put(filled, ON + MATRIX.replace("FAST", fails_fast))
    run = api.run()
    jobs = api.jobs(run)
    assert [(job["name"], job["conclusion"]) for job in jobs] == list(
        zip(("A (1)", "A (2)", "A (3)"), ends, strict=True)
    )
    assert run["conclusion"] == "failure"
    if fails_fast == "false":
        assert api.log(jobs[2])[-1] == "2 of 3"
        assert jobs[1]["completed_at"] <= jobs[2]["started_at"]


def test_a_matrix_that_fails_fast_ends_what_is_running(filled: Repository, api: Api) -> None:
    text = "jobs: {a: {runs-on: x, strategy: {matrix: {run: [sleep 300, exit 7]}}, steps: [run: '${{ matrix.run }}']}}"
    put(filled, ON + text)
    slow, failed = api.jobs(api.run())
    assert (slow["conclusion"], failed["conclusion"]) == ("cancelled", "failure")
    notes = [note["message"] for note in api.get(f"/check-runs/{slow['id']}/annotations").json()]
    assert 'The strategy configuration was canceled because "a (exit 7)" failed' in notes


def test_called_workflows_in_a_matrix_go_in_order_until_one_fails(filled: Repository, api: Api) -> None:
    """As full-deployment.yml is."""
    called = DEPLOY.replace("STEP", "test ${{ inputs.to }} != UAT")
    put(filled, called, ".github/workflows/deploy.yml")
    put(
        filled,
        f"""{ON}
jobs:
  deploy:
    name: Deploy
    strategy:
      max-parallel: ${{{{ inputs.order == 'in order' && 1 || 4 }}}}
      fail-fast: ${{{{ inputs.order == 'in order' }}}}
      matrix: {{environment: [Development, UAT, Production]}}
    uses: ./.github/workflows/deploy.yml
    with: {{to: '${{{{ matrix.environment }}}}'}}
  after: {{needs: deploy, if: failure(), runs-on: x, steps: [run: 'true']}}
""",
    )
    names = [f"Deploy ({each}) / {each}" for each in ("Development", "UAT", "Production")]
    for order, last in (("in order", "cancelled"), ("side by side", "success")):
        jobs = api.jobs(api.run({"order": order}))
        assert [(job["name"], job["conclusion"]) for job in jobs] == [
            (names[0], "success"), (names[1], "failure"), (names[2], last), ("after", "success"),
        ]  # fmt: skip


def test_the_concurrency_of_a_call_is_refused_by_name(filled: Repository, api: Api) -> None:
    put(filled, DEPLOY, ".github/workflows/deploy.yml")
    call = "uses: ./.github/workflows/deploy.yml, with: {to: UAT}"
    put(filled, f"{ON}jobs: {{call: {{{call}, concurrency: one}}}}")
    assert api.run()["conclusion"] == "startup_failure"


def test_a_job_takes_the_place_of_one_that_waits_behind_it_in_the_file(
    filled: Repository, api: Api, gate: Gate
) -> None:
    put(
        filled,
        f"""{ON}
jobs:
  soon: {{runs-on: x, steps: [run: 'true']}}
  late: {{needs: soon, runs-on: x, concurrency: one, steps: [run: 'true']}}
  first: {{runs-on: x, concurrency: one, steps: [run: '{gate.step}']}}
  early: {{runs-on: x, concurrency: one, steps: [run: 'true']}}
""",
    )
    run = begin(api)
    while "early" not in job_names(api, run, "completed"):
        pass
    gate.let(run)
    wait()
    ends = {job["name"]: job["conclusion"] for job in api.jobs({"id": run})}
    assert ends == {"soon": "success", "late": "success", "first": "success", "early": "cancelled"}


def test_a_job_that_may_fail_lets_the_others_go_on(filled: Repository, api: Api) -> None:
    put(
        filled,
        f"""{ON}
jobs:
  a: {{runs-on: x, continue-on-error: true, steps: [run: exit 7]}}
  b: {{needs: a, runs-on: x, steps: [run: 'echo ${{{{ needs.a.result }}}}']}}
""",
    )
    run = api.run()
    a, b = api.jobs(run)
    assert (run["conclusion"], a["conclusion"], b["conclusion"]) == ("success", "failure", "success")
    assert api.log(b)[-1] == "success"


def test_no_more_than_four_jobs_run_at_once(filled: Repository, api: Api, gate: Gate) -> None:
    matrix = "strategy: {matrix: {n: [1, 2, 3, 4, 5, 6]}}"
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, {matrix}, steps: [run: '{gate.step}']}}}}")
    run = start(api)
    while len(job_names(api, run, "in_progress")) < 4:
        pass
    assert len(job_names(api, run, "queued")) == 2
    for index in range(6):
        gate.let(run, index)
    wait()
    assert states(api, [run]) == [("completed", "success")]


def test_a_queue_takes_no_more_than_a_hundred(store: Store) -> None:
    """Not through a hundred runs: that takes minutes."""
    group = {"name": "g", "cancels": False, "queue": "max"}
    with store.transaction():
        entries = [concurrency.enter(store, 1, group, f"run/{number}") for number in range(103)]
        concurrency.leave(store, 1, group, "run/0")
        after = concurrency.enter(store, 1, group, "run/102")
    assert [entry.holds for entry in entries[:2]] == [True, False]
    assert [entry.is_full for entry in entries[99:]] == [False, False, True, True]
    assert (after.is_full, concurrency.holder(store, 1, group)) == (False, "run/1")


def test_nothing_is_left_of_groups_that_nobody_holds(filled: Repository, api: Api, store: Store) -> None:
    put(filled, f"{ON}concurrency: one\njobs: {{a: {{runs-on: x, concurrency: two, steps: [run: 'true']}}}}")
    assert api.run()["conclusion"] == "success"
    assert store.all("_github.group") == store.all("_github.active") == []
