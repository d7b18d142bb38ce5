"""Jobs before an environment with protection: branch and tag policies, reviewers, wait timers; and their deployments.

docs.github.com/rest/actions/workflow-runs and docs.github.com/rest/deployments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from github.Repository import Repository

from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.github.runs.gates import matches
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock
from tests.github.test_runs import ON, Api, put, wait

pytestmark = pytest.mark.usefixtures("ended")

DEPLOY = f"""{ON}
jobs:
  deploy:
    runs-on: x
    environment: {{name: UAT, url: 'https://example.com/${{{{ job.status }}}}'}}
    steps: [run: echo deployed]
  after: {{needs: deploy, runs-on: x, steps: [run: 'true']}}
"""
CUSTOM = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}


@pytest.fixture
def other(cloud: Any) -> Api:
    """Somebody else, who may review."""
    return Api(cloud, seed.REVIEWER_TOKEN)


Protect = Callable[..., int]


@pytest.fixture
def protect(api: Api) -> Protect:
    """Gives UAT its rules; the environment's number."""

    def protect(**rules: Any) -> int:
        answer = api.put("/environments/UAT", rules)
        assert answer.status_code == 200, answer.text
        number: int = answer.json()["id"]
        return number

    return protect


def people(*ids: int) -> list[dict[str, Any]]:
    return [{"type": "User", "id": each} for each in ids]


def pending(api: Api, run: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/actions/runs/{run['id']}/pending_deployments").json()
    return found


def say(api: Api, run: dict[str, Any], environment: int, state: str, comment: str = "") -> Any:
    body = {"environment_ids": [environment], "state": state, "comment": comment}
    answer = api.post(f"/actions/runs/{run['id']}/pending_deployments", body)
    wait()
    return answer


def now(api: Api, run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/actions/runs/{run['id']}").json()
    return found


def told(api: Api, job: dict[str, Any]) -> list[str]:
    return [note["message"] for note in api.get(f"/check-runs/{job['id']}/annotations").json()]


def states(api: Api) -> list[str]:
    """Those of the newest deployment, the first one first."""
    [newest, *_] = api.get("/deployments").json()
    return [each["state"] for each in api.get(f"/deployments/{newest['id']}/statuses").json()][::-1]


def test_a_reviewer_approves(filled: Repository, api: Api, other: Api, protect: Protect) -> None:
    number = protect(reviewers=people(seed.REVIEWER_ID))
    sha = put(filled, DEPLOY)
    run = api.run()
    assert (run["status"], run["conclusion"]) == ("waiting", None)
    [deploy] = api.jobs(run)
    assert (deploy["status"], deploy["steps"], deploy["runner_name"]) == ("waiting", [], None)
    assert states(api) == ["waiting"]
    [asked] = pending(api, run)
    assert (asked["environment"]["id"], asked["current_user_can_approve"]) == (number, False)
    assert [each["reviewer"]["login"] for each in asked["reviewers"]] == ["grace"]
    [mine] = pending(other, run)
    assert mine["current_user_can_approve"] is True
    assert api.get("/actions/runs?status=waiting").json()["total_count"] == 1
    answer = say(other, run, number, "approved", "Ship it!")
    assert (answer.status_code, [each["sha"] for each in answer.json()]) == (200, [sha])
    assert now(api, run)["conclusion"] == "success"
    [review] = api.get(f"/actions/runs/{run['id']}/approvals").json()
    assert (review["state"], review["comment"], review["user"]["login"]) == ("approved", "Ship it!", "grace")
    assert [each["name"] for each in review["environments"]] == ["UAT"]
    assert states(api) == ["waiting", "queued", "in_progress", "success"]
    assert pending(api, run) == []


def test_a_rejected_deployment_fails_and_says_why(filled: Repository, api: Api, protect: Protect) -> None:
    number = protect(reviewers=people(seed.ACCOUNT_ID))
    put(filled, DEPLOY)
    run = api.run()
    assert say(api, run, number, "rejected", "Not today").status_code == 200
    deploy, after = api.jobs(run)
    assert (now(api, run)["conclusion"], deploy["conclusion"], after["conclusion"]) == ("failure", "failure", "skipped")
    assert told(api, deploy) == ["The deployment was rejected or didn't satisfy other protection rules."]
    assert api.get(f"/actions/jobs/{deploy['id']}/logs").status_code == 404
    assert states(api) == ["waiting", "failure"]
    # Who runs it again is asked again.
    assert api.post(f"/actions/runs/{run['id']}/rerun-failed-jobs").status_code == 201
    wait()
    assert now(api, run)["status"] == "waiting"
    assert say(api, run, number, "approved").status_code == 200
    assert (now(api, run)["conclusion"], now(api, run)["run_attempt"]) == ("success", 2)


def test_who_may_not_approve_is_told(
    filled: Repository, api: Api, other: Api, protect: Protect, add_token: Any
) -> None:
    number = protect(reviewers=people(seed.ACCOUNT_ID), prevent_self_review=True)
    put(filled, DEPLOY)
    run = api.run()
    assert pending(api, run)[0]["current_user_can_approve"] is False
    assert say(api, run, number, "approved").status_code == 422
    assert say(other, run, number, "approved").status_code == 403
    assert say(api, run, number + 1, "approved").status_code == 422
    refused = say(api, run, number, "maybe")
    assert (refused.status_code, "not a member of" in refused.json()["message"]) == (422, True)
    reading = Api(api.cloud, add_token("reading", kind="fine-grained", permissions={"deployments": "read"}))
    assert say(reading, run, number, "approved").status_code == 403
    assert now(api, run)["status"] == "waiting"
    assert api.post(f"/actions/runs/{run['id']}/cancel").status_code == 202
    wait()
    assert now(api, run)["conclusion"] == "cancelled"
    assert states(api) == ["waiting", "error"]


def test_a_wait_timer_runs_on_the_sandboxs_clock(filled: Repository, api: Api, protect: Protect, store: Store) -> None:
    number = protect(wait_timer=30, reviewers=people(seed.ACCOUNT_ID))
    put(filled, DEPLOY)
    run = api.run()
    assert pending(api, run)[0]["wait_timer"] == 30
    assert say(api, run, number, "approved").status_code == 200
    assert now(api, run)["status"] == "waiting"
    forward(api, store, 29 * 60)
    assert now(api, run)["status"] == "waiting"
    forward(api, store, 61)
    assert now(api, run)["conclusion"] == "success"


def forward(api: Api, store: Store, seconds: float) -> None:
    """Moves the clock; what has fallen due happens at the next request."""
    with store.transaction():
        Clock(store).advance(seconds)
    api.get("/actions/runs")
    wait()


def test_what_nobody_approves_fails_after_thirty_days(
    filled: Repository, api: Api, protect: Protect, store: Store
) -> None:
    protect(reviewers=people(seed.ACCOUNT_ID))
    put(filled, DEPLOY)
    run = api.run()
    forward(api, store, 30 * 86_400 + 1)
    assert now(api, run)["conclusion"] == "failure"


@pytest.mark.parametrize(
    ("policies", "ref", "refused"),
    [
        ([("main", "branch")], "main", ""),
        ([("release/*", "branch")], "main", 'Branch "main" is not allowed to deploy to UAT'),
        ([("v*", "tag")], "v1", ""),
        ([("v*", "branch")], "v1", 'Tag "v1" is not allowed to deploy to UAT'),
        ([], "main", 'Branch "main" is not allowed to deploy to UAT'),
    ],
)
def test_policies_admit_branches_and_tags(
    policies: list[tuple[str, str]], ref: str, refused: str, filled: Repository, api: Api, protect: Protect
) -> None:
    protect(**CUSTOM)
    for name, kind in policies:
        body = {"name": name, "type": kind}
        assert api.post("/environments/UAT/deployment-branch-policies", body).status_code == 200
    sha = put(filled, DEPLOY)
    filled.create_git_ref("refs/tags/v1", sha)
    assert filled.get_workflow("run.yml").create_dispatch(ref, {})
    wait()
    [run] = api.get("/actions/runs").json()["workflow_runs"]
    deploy = api.jobs(run)[0]
    if not refused:
        assert run["conclusion"] == "success"
        return
    assert (run["conclusion"], deploy["conclusion"], deploy["steps"]) == ("failure", "failure", [])
    words = f"{refused} due to environment protection rules."
    assert told(api, deploy) == [words, "The deployment was rejected or didn't satisfy other protection rules."]
    assert api.get("/deployments").json() == []


def test_protected_branches_are_those_that_a_ruleset_protects(filled: Repository, api: Api, protect: Protect) -> None:
    policy = {"protected_branches": True, "custom_branch_policies": False}
    protect(deployment_branch_policy=policy)
    put(filled, DEPLOY)
    assert api.run()["conclusion"] == "success"
    names = {"ref_name": {"include": ["refs/heads/release"], "exclude": []}}
    rules = {"name": "r", "enforcement": "active", "conditions": names, "rules": [{"type": "deletion"}]}
    assert api.post("/rulesets", rules).status_code == 201
    assert api.run()["conclusion"] == "failure"


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("refs/pull/*/merge", "refs/pull/7/merge", True),
        ("release/*", "release/1", True),
        ("release/*", "release/1/2", False),
        ("*", "feature/a", False),
        ("v[0-9]*", "v1.2", True),
        ("v?", "v12", False),
    ],
)
def test_a_star_stops_at_a_slash(pattern: str, name: str, fits: bool) -> None:
    assert matches(pattern, name) == fits


def test_an_environment_that_there_is_none_of_is_made(filled: Repository, api: Api) -> None:
    put(filled, DEPLOY)
    assert api.run()["conclusion"] == "success"
    assert api.get("/environments/UAT").json()["protection_rules"] == []


def test_each_job_with_an_environment_is_a_deployment(filled: Repository, api: Api) -> None:
    sha = put(filled, DEPLOY)
    run = api.run()
    [first] = api.get("/deployments").json()
    assert (first["sha"], first["ref"], first["task"], first["environment"]) == (sha, "main", "deploy", "UAT")
    assert (first["creator"]["login"], first["performed_via_github_app"]["slug"]) == ("ada", "github-actions")
    assert states(api) == ["queued", "in_progress", "success"]
    status = api.get(f"/deployments/{first['id']}/statuses").json()[0]
    job = api.jobs(run)[0]
    assert (status["environment_url"], status["log_url"]) == ("https://example.com/success", job["html_url"])
    api.run()
    ends = [
        api.get(f"/deployments/{each['id']}/statuses").json()[0]["state"] for each in api.get("/deployments").json()
    ]
    assert ends == ["success", "inactive"]
    for query, found in (
        ("environment=UAT", 2), ("environment=uat", 2), ("environment=Production", 0), (f"sha={sha}", 2), ("sha=0", 0),
        ("ref=main", 2), ("ref=other", 0), ("task=deploy", 2), ("task=other", 0),
    ):  # fmt: skip
        assert len(api.get(f"/deployments?{query}").json()) == found, query


def test_a_job_may_stand_before_an_environment_without_deploying(
    filled: Repository, api: Api, protect: Protect
) -> None:
    number = protect(reviewers=people(seed.ACCOUNT_ID))
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, environment: {{name: UAT, deployment: false}}, steps: [run: 'true']}}}}")
    run = api.run()
    answer = say(api, run, number, "approved")
    assert (answer.status_code, answer.json()) == (200, [])
    assert (now(api, run)["conclusion"], api.get("/deployments").json()) == ("success", [])


def test_deployments_are_made_and_told_of_by_hand(filled: Repository, api: Api, add_token: Any) -> None:
    sha = filled.get_branch("main").commit.sha
    body = {"ref": "main", "environment": "Lab", "payload": '{"a": 1}', "required_contexts": []}
    made = api.post("/deployments", body)
    assert (made.status_code, made.json()["sha"], made.json()["payload"]) == (201, sha, {"a": 1})
    path = f"/deployments/{made.json()['id']}"
    status = api.post(f"{path}/statuses", {"state": "success", "log_url": "https://example.com/log"})
    assert (status.status_code, status.json()["target_url"]) == (201, "https://example.com/log")
    assert api.get(f"{path}/statuses/{status.json()['id']}").json() == status.json()
    assert api.post(f"{path}/statuses", {"state": "done"}).status_code == 422
    assert api.post(f"{path}/statuses", {"state": "error", "description": "x" * 141}).status_code == 422
    assert api.post("/deployments", {"ref": "nowhere"}).status_code == 422
    second = api.post("/deployments", body).json()
    assert api.delete(path).status_code == 422
    assert api.post(f"/deployments/{second['id']}/statuses", {"state": "success"}).status_code == 201
    assert api.get(path + "/statuses").json()[0]["state"] == "inactive"
    assert (api.delete(path).status_code, api.get(path).status_code) == (204, 404)
    reading = Api(api.cloud, add_token("reading", kind="fine-grained", permissions={"deployments": "read"}))
    assert reading.post("/deployments", body).status_code == 403


DEPLOYING = """
jobs:
  may: {runs-on: x, permissions: {deployments: write}, steps: [run: 'STEP']}
  may-not: {runs-on: x, permissions: {deployments: read}, steps: [run: 'STEP']}
"""
STEP = (
    r'curl -s --cacert "$SSL_CERT_FILE" -H "Authorization: Bearer ${{ github.token }}" -d "{\"ref\": \"main\"}" '
    "-o answer -w %{http_code} $GITHUB_API_URL/repos/$GITHUB_REPOSITORY/deployments"
)


def test_a_jobs_token_deploys_only_with_the_permission(filled: Repository, api: Api) -> None:
    put(filled, ON + DEPLOYING.replace("STEP", STEP))
    run = api.run()
    assert {job["name"]: api.log(job)[-1] for job in api.jobs(run)} == {"may": "201", "may-not": "403"}
    [made] = api.get("/deployments").json()
    assert (made["environment"], made["creator"]["login"]) == ("production", "github-actions[bot]")


def test_checks_of_a_commit_are_its_jobs(filled: Repository, api: Api) -> None:
    sha = put(
        filled,
        f"{ON}jobs:\n  a: {{name: A job, runs-on: x, steps: [run: 'echo ::warning file=a.py,line=3,title=T::odd']}}\n"
        "  b: {runs-on: x, steps: [run: exit 1]}\n",
    )
    run = api.run()
    for ref in ("main", sha):
        found = api.get(f"/commits/{ref}/check-runs").json()
        assert {each["name"]: each["conclusion"] for each in found["check_runs"]} == {
            "A job": "success",
            "b": "failure",
        }
    [one] = api.get(f"/commits/{sha}/check-runs?check_name=A%20job").json()["check_runs"]
    assert (one["head_sha"], one["app"]["slug"], one["output"]["annotations_count"]) == (sha, "github-actions", 1)
    assert api.get(f"/check-runs/{one['id']}").json() == one
    [note] = api.get(f"/check-runs/{one['id']}/annotations").json()
    wanted = {"path": "a.py", "start_line": 3, "annotation_level": "warning", "title": "T", "message": "odd"}
    assert wanted.items() <= note.items()
    [suite] = api.get(f"/commits/{sha}/check-suites").json()["check_suites"]
    assert (suite["id"], suite["conclusion"], suite["latest_check_runs_count"]) == (run["check_suite_id"], "failure", 2)
    assert api.get(f"/check-suites/{suite['id']}/check-runs").json()["total_count"] == 2
    assert api.post(f"/actions/runs/{run['id']}/rerun").status_code == 201
    wait()
    latest, every = (api.get(f"/commits/{sha}/check-runs?filter={each}").json() for each in ("latest", "all"))
    assert (latest["total_count"], every["total_count"]) == (2, 4)
    status = api.get(f"/commits/{sha}/status").json()
    assert (status["state"], status["total_count"]) == ("pending", 0)
    assert api.get("/commits/nowhere/check-runs").status_code == 422
