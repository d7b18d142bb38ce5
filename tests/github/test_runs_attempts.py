"""Runs and jobs that are run again, cancelled and deleted: docs.github.com/rest/actions/workflow-runs."""

from __future__ import annotations

from typing import Any

import pytest
from github.Repository import Repository

from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock
from tests.github.test_runs import ON, Api, keep_secret, put, wait

pytestmark = pytest.mark.usefixtures("ended")

# Fails as long as the variable says so; `after` needs it, `beside` does not.
TEXT = f"""{ON}
jobs:
  begin:
    runs-on: x
    outputs: {{word: '${{{{ steps.s.outputs.word }}}}'}}
    steps: [{{id: s, run: 'echo "word=of attempt ${{{{ github.run_attempt }}}}" >>$GITHUB_OUTPUT'}}]
  shaky:
    needs: begin
    runs-on: x
    strategy: {{fail-fast: false, matrix: {{n: [1, 2]}}}}
    steps: [run: 'echo "$GITHUB_RUN_ATTEMPT $GITHUB_TRIGGERING_ACTOR"; exit ${{{{ matrix.n == 2 && vars.CODE || 0 }}}}']
  after: {{needs: [begin, shaky], runs-on: x, steps: [run: 'echo "${{{{ needs.begin.outputs.word }}}}"']}}
  beside: {{needs: begin, runs-on: x, steps: [run: echo fine]}}
"""


@pytest.fixture
def failed(filled: Repository, api: Api) -> dict[str, Any]:
    """A run of which one combination has failed; it would not fail again."""
    variable = filled.create_variable("CODE", "7")
    put(filled, TEXT)
    run = api.run()
    assert run["conclusion"] == "failure"
    variable.edit("0")
    return run


def attempts(jobs: list[dict[str, Any]]) -> dict[str, tuple[int, str]]:
    return {job["name"]: (job["run_attempt"], job["conclusion"]) for job in jobs}


def again(api: Api, path: str) -> None:
    answer = api.post(path)
    assert (answer.status_code, answer.json()) == (201, {})
    wait()


def test_failed_jobs_run_again_with_what_needs_them(api: Api, failed: dict[str, Any]) -> None:
    path = f"/actions/runs/{failed['id']}"
    first = api.jobs(failed)
    assert attempts(first) == {
        "begin": (1, "success"), "shaky (1)": (1, "success"), "shaky (2)": (1, "failure"), "after": (1, "skipped"),
        "beside": (1, "success"),
    }  # fmt: skip
    again(api, f"{path}/rerun-failed-jobs")
    run = api.get(path).json()
    assert (run["run_attempt"], run["conclusion"], run["run_number"]) == (2, "success", 1)
    assert run["previous_attempt_url"].endswith(f"{path}/attempts/1")
    latest = api.jobs(run)
    assert attempts(latest) == {
        "begin": (1, "success"), "shaky (1)": (1, "success"), "shaky (2)": (2, "success"), "after": (2, "success"),
        "beside": (1, "success"),
    }  # fmt: skip
    log = {job["name"]: api.log(job)[-1] for job in latest}
    assert (log["after"], log["shaky (2)"]) == ("of attempt 1", "2 ada")
    assert api.get(f"{path}/attempts/1").json()["conclusion"] == "failure"
    assert api.get(f"{path}/attempts/2").json()["conclusion"] == "success"
    assert api.get(f"{path}/attempts/3").status_code == 404
    assert api.get(f"{path}/attempts/1/jobs").json()["jobs"] == first
    assert api.get(f"{path}/jobs?filter=all").json()["total_count"] == 7
    assert api.get("/actions/runs").json()["total_count"] == 1


def test_all_jobs_run_again_with_new_results(api: Api, failed: dict[str, Any]) -> None:
    again(api, f"/actions/runs/{failed['id']}/rerun")
    run = api.get(f"/actions/runs/{failed['id']}").json()
    jobs = api.jobs(run)
    assert {name: number for name, (number, _) in attempts(jobs).items()} == dict.fromkeys(
        ("begin", "shaky (1)", "shaky (2)", "after", "beside"), 2
    )
    assert {job["name"]: api.log(job)[-1] for job in jobs}["after"] == "of attempt 2"


def test_one_job_runs_again_with_what_needs_it(api: Api, failed: dict[str, Any]) -> None:
    jobs = {job["name"]: job for job in api.jobs(failed)}
    again(api, f"/actions/jobs/{jobs['shaky (1)']['id']}/rerun")
    found = attempts(api.get(f"/actions/runs/{failed['id']}/jobs").json()["jobs"])
    assert found["shaky (1)"] == (2, "success")
    assert (found["shaky (2)"], found["after"], found["beside"]) == ((1, "failure"), (2, "skipped"), (1, "success"))
    assert api.get(f"/actions/runs/{failed['id']}").json()["conclusion"] == "failure"


def test_what_cannot_be_run_again_is_refused_in_githubs_words(filled: Repository, api: Api, store: Store) -> None:
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: [run: 'true']}}}}")
    run = api.run()
    path = f"/actions/runs/{run['id']}"
    refused = api.post(f"{path}/rerun-failed-jobs")
    assert (refused.status_code, refused.json()["message"]) == (403, "This workflow run cannot be retried")
    with store.transaction():
        Clock(store).advance(31 * 86_400)
    refused = api.post(f"{path}/rerun")
    words = "Unable to retry this workflow run because it was created over a month ago"
    assert (refused.status_code, refused.json()["message"]) == (403, words)


def test_a_run_that_is_under_way_is_neither_run_again_nor_deleted(filled: Repository, api: Api) -> None:
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: [run: sleep 300]}}}}")
    path = f"/actions/runs/{start(api)}"
    refused = api.post(f"{path}/rerun")
    assert (refused.status_code, refused.json()["message"]) == (403, "This workflow is already running")
    assert api.delete(path).status_code == 403
    assert api.post(f"{path}/cancel").status_code == 202
    wait()
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert api.get(f"{path}/jobs").status_code == 404


def start(api: Api) -> int:
    body = {"ref": "main", "return_run_details": True}
    number: int = api.post("/actions/workflows/run.yml/dispatches", body).json()["workflow_run_id"]
    return number


def until_a_step_runs(api: Api, run: int) -> None:
    while not any(step_states(job).count("in_progress") for job in api.get(f"/actions/runs/{run}/jobs").json()["jobs"]):
        pass


def step_states(job: dict[str, Any]) -> list[str]:
    return [step["conclusion"] or step["status"] for step in job["steps"]]


def test_a_job_shows_its_steps_before_they_begin(filled: Repository, api: Api) -> None:
    steps = "[{run: 'true'}, {run: sleep 300}, {run: echo}, {name: End, run: echo}]"
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: {steps}}}}}")
    run = start(api)
    until_a_step_runs(api, run)
    while step_states(api.jobs({"id": run})[0])[:2] != ["success", "in_progress"]:
        pass
    [job] = api.jobs({"id": run})
    assert step_states(job) == ["success", "in_progress", "queued", "queued"]
    assert (job["steps"][3]["name"], job["steps"][3]["started_at"], job["steps"][3]["completed_at"]) == (
        "End",
        None,
        None,
    )
    assert api.post(f"/actions/runs/{run}/cancel").status_code == 202
    wait()
    assert step_states(api.jobs({"id": run})[0]) == ["success", "cancelled", "skipped", "skipped"]


CANCELLED = f"""{ON}
jobs:
  a:
    runs-on: x
    steps:
      - run: sleep 300
      - {{if: always(), run: echo cleaned up}}
  after: {{needs: a, if: always(), runs-on: x, steps: [run: 'echo "${{{{ needs.a.result }}}}"']}}
  never: {{needs: a, runs-on: x, steps: [run: echo no]}}
"""


def test_what_always_runs_does_so_when_the_run_is_cancelled(filled: Repository, api: Api) -> None:
    put(filled, CANCELLED)
    run = start(api)
    until_a_step_runs(api, run)
    assert api.post(f"/actions/runs/{run}/cancel").status_code == 202
    wait()
    found = api.get(f"/actions/runs/{run}").json()
    jobs = {job["name"]: job for job in api.jobs(found)}
    assert found["conclusion"] == "cancelled"
    assert {name: job["conclusion"] for name, job in jobs.items()} == {
        "a": "cancelled", "after": "success", "never": "skipped",
    }  # fmt: skip
    assert (api.log(jobs["a"])[-1], api.log(jobs["after"])[-1]) == ("cleaned up", "cancelled")
    notes = api.get(f"/check-runs/{jobs['a']['id']}/annotations").json()
    assert "The run was canceled by @ada." in [note["message"] for note in notes]


def test_force_cancel_ends_what_always_runs(filled: Repository, api: Api) -> None:
    put(filled, f"{ON}jobs: {{a: {{if: always(), runs-on: x, steps: [run: sleep 300]}}}}")
    run = start(api)
    until_a_step_runs(api, run)
    assert api.post(f"/actions/runs/{run}/cancel").status_code == 202
    assert api.get(f"/actions/runs/{run}").json()["status"] == "in_progress"
    assert api.post(f"/actions/runs/{run}/force-cancel").status_code == 202
    wait()
    assert api.get(f"/actions/runs/{run}").json()["conclusion"] == "cancelled"
    assert api.post(f"/actions/runs/{run}/force-cancel").status_code == 409


def test_runs_are_found_by_what_they_are(filled: Repository, api: Api) -> None:
    sha = put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: [run: 'true']}}}}")
    run = api.run()
    day = run["created_at"][:10]
    for query, found in (
        ("branch=main", 1), ("branch=other", 0), ("event=workflow_dispatch", 1), ("event=push", 0),
        ("status=success", 1), ("status=completed", 1), ("status=queued", 0), ("actor=ada", 1), ("actor=grace", 0),
        (f"head_sha={sha}", 1), ("head_sha=0", 0), (f"created={day}", 1), (f"created=<{day}", 0),
        (f"created=>={day}", 1), (f"created={day}..*", 1), ("created=2020-01-01..2020-12-31", 0),
    ):  # fmt: skip
        for path in ("/actions/runs", "/actions/workflows/run.yml/runs"):
            assert api.get(f"{path}?{query}").json()["total_count"] == found, query


def test_runs_of_each_workflow_are_counted_for_themselves(filled: Repository, api: Api) -> None:
    text = f"{ON}jobs: {{a: {{runs-on: x, steps: [run: 'true']}}}}"
    put(filled, text)
    put(filled, text, ".github/workflows/other.yml")
    assert [api.run()["run_number"], api.run()["run_number"]] == [1, 2]
    assert filled.get_workflow("other.yml").create_dispatch("main", {})
    wait()
    assert [run.run_number for run in filled.get_workflow("other.yml").get_runs()] == [1]


def test_a_disabled_workflow_starts_nothing(filled: Repository, api: Api) -> None:
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: [run: 'true']}}}}")
    assert api.put("/actions/workflows/run.yml/disable", None).status_code == 204
    assert api.get("/actions/workflows/run.yml").json()["state"] == "disabled_manually"
    refused = api.post("/actions/workflows/run.yml/dispatches", {"ref": "main"})
    assert (refused.status_code, refused.json()["message"]) == (
        422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow",
    )  # fmt: skip
    assert api.put("/actions/workflows/run.yml/enable", None).status_code == 204
    assert api.run()["conclusion"] == "success"


def test_answers_are_conditional_and_count_as_requests(filled: Repository, api: Api) -> None:
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: [run: 'true']}}}}")
    path = f"/actions/runs/{api.run()['id']}/jobs"
    first = api.get(path)
    again = api.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert int(first.headers["X-RateLimit-Remaining"]) >= int(again.headers["X-RateLimit-Remaining"])


def test_all_of_it_is_done_through_pygithub(filled: Repository, api: Api) -> None:
    sha = put(filled, TEXT.replace("  after:", "  last:"))
    variable = filled.create_variable("CODE", "7")
    workflow = filled.get_workflow("run.yml")
    assert workflow.disable()
    assert filled.get_workflow("run.yml").state == "disabled_manually"
    assert workflow.enable()
    assert workflow.create_dispatch("main", {})
    wait()
    [run] = filled.get_workflow_runs(status="failure", branch=filled.get_branch("main"), head_sha=sha)
    variable.edit("0")
    assert run.rerun_failed_jobs()
    wait()
    again = filled.get_workflow_run(run.id)
    assert (again.run_attempt, again.conclusion) == (2, "success")
    assert {job.run_attempt for job in again.jobs("all")} == {1, 2}
    assert not again.cancel()
    commit = filled.get_commit(sha)
    assert {check.name for check in commit.get_check_runs()} == {"begin", "shaky (1)", "shaky (2)", "last", "beside"}
    [suite] = commit.get_check_suites()
    assert (suite.id, suite.conclusion) == (run.check_suite_id, "success")
    assert list(commit.get_check_runs(check_name="begin")[0].get_annotations()) == []
    assert commit.get_combined_status().state == "pending"
    deployment = filled.create_deployment("main", environment="Lab", required_contexts=[], payload={"a": 1})
    deployment.create_status("success", environment_url="https://example.com")
    [found] = filled.get_deployments(environment="Lab")
    assert (found.sha, found.payload, found.get_statuses()[0].environment_url) == (sha, {"a": 1}, "https://example.com")
    assert again.delete()
    assert filled.get_workflow_runs().totalCount == 0


def test_secrets_stay_hidden_in_every_attempt(filled: Repository, api: Api) -> None:
    keep_secret(api, "KEY", "hunter2")
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: [run: 'echo ${{{{ secrets.KEY }}}}; exit 1']}}}}")
    run = api.run()
    again(api, f"/actions/runs/{run['id']}/rerun-failed-jobs")
    logs = [api.log(job) for job in api.get(f"/actions/runs/{run['id']}/jobs?filter=all").json()["jobs"]]
    assert [log.count("***") for log in logs] == [1, 1]
