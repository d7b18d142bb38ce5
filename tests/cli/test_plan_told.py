"""`plan --comment` and `plan --issue`: one comment that is kept up to date, one issue that comes and goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dbxwizard.sandbox import faults
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.sandbox.session import Sandbox
from tests.github.test_runs import Api
from tests.reaching import cloud_of
from tests.roads import Road

MARK = "<!-- dbxwizard plan -->"
PLAN = ("plan", "--scope", "deploy", "-e", "Development")
OLD, NEW = '"autotermination_minutes": 20', '"autotermination_minutes": 45'


@pytest.fixture
def api(deployed: Road) -> Iterator[Api]:
    with Sandbox(deployed.state) as sandbox:
        yield Api(replace(cloud_of(sandbox), github_api=sandbox.endpoints().github))


def comments(api: Api, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/issues/{number}/comments").json()
    return found


def bot(road: Road) -> dict[str, str]:
    """The environment of a job that may write on pull requests and issues."""
    with road.change() as store:
        access.add_token(
            store,
            "ghs_job",
            "ada",
            kind="job",
            permissions={"issues": "write", "pull_requests": "write"},
            repositories=[REPOSITORY],
        )
    return {**road.job("Development"), "GITHUB_TOKEN": "ghs_job", "GITHUB_RUN_ID": "7"}


def test_a_pull_request_has_one_comment_that_is_kept_up_to_date(deployed: Road, api: Api) -> None:
    number = api.post("/issues", {"title": "Change"}).json()["number"]
    copied = api.post(f"/issues/{number}/comments", {"body": f"{MARK}\nan imitation"}).json()["id"]
    job = bot(deployed)

    def tell() -> tuple[str, str]:
        told = deployed.run(*PLAN, "--comment", str(number), **job)
        assert told.code == 0, told.out
        imitation, ours = comments(api, number)
        assert (imitation["id"], imitation["body"]) == (copied, f"{MARK}\nan imitation")
        assert ours["user"]["type"] == "Bot"
        return ours["id"], ours["body"]

    first = tell()
    assert first[1].startswith(f"{MARK}\nA merge changes nothing in **Development**.")
    deployed.edit("Development", OLD, NEW)
    second = tell()
    assert second[0] == first[0]
    assert "A merge changes **Development**:" in second[1]
    assert "autotermination" in second[1]
    assert tell() == second


def test_a_person_keeps_a_comment_of_their_own(deployed: Road, api: Api) -> None:
    number = api.post("/issues", {"title": "Change"}).json()["number"]
    for _ in range(2):
        assert deployed.run(*PLAN, "--comment", str(number)).code == 0
    [found] = comments(api, number)
    assert found["user"]["login"] == "ada"


def test_drift_is_one_issue_that_is_opened_updated_and_closed(deployed: Road, api: Api) -> None:
    job = bot(deployed)

    def drifts() -> list[tuple[str, str, str]]:
        told = deployed.run(*PLAN, "--issue", **job)
        assert told.code == 0, told.out
        return [(one["title"], one["state"], one["body"]) for one in api.get("/issues", params={"state": "all"}).json()]

    assert drifts() == []
    deployed.edit("Development", OLD, NEW)
    [(title, state, body)] = drifts()
    assert (title, state) == ("Drift in Development", "open")
    assert "autotermination" in body
    deployed.edit("Development", NEW, NEW.replace("45", "50"))
    [(_, state, changed)] = drifts()
    assert (state, changed != body) == ("open", True)
    deployed.edit("Development", NEW.replace("45", "50"), OLD)
    refuse = faults.Fault("status", "arm", status=403, path="/subscriptions/*", times=1000)
    with deployed.store() as store:
        faults.add(store, refuse)
    assert deployed.run(*PLAN, "--issue", **job).code == 3  # who can't look knows nothing of drift
    with deployed.store() as store:
        faults.clear(store)
    assert [one["state"] for one in api.get("/issues", params={"state": "all"}).json()] == ["open"]
    assert [state for _, state, _ in drifts()] == ["closed"]
    deployed.edit("Development", OLD, NEW)
    assert sorted(state for _, state, _ in drifts()) == ["closed", "open"]


@pytest.mark.parametrize("number", ["none", "0", "-1"])
def test_what_is_no_number_is_refused_before_anything_is_sent(number: str, fresh: Road) -> None:
    ended = fresh.run(*PLAN, f"--comment={number}")
    assert (ended.code, ended.errors[0]["resource"]) == (2, "--comment")
