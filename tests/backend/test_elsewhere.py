"""Deployments that the journal of this machine does not know, as the board asks for them."""

from __future__ import annotations

from typing import Any

from dbxwizard.backend.console.elsewhere import Elsewhere
from dbxwizard.backend.console.last_deployment import LastDeployment
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.steps.connection import Connection
from tests.backend.looking import drafts, look
from tests.github.test_runs import Api
from tests.roads import Road

RUN = "https://github.com/contoso/databricks/actions/runs/7"


def begun(api: Api, *states: str) -> None:
    """A job's deployment of UAT, and what became of it."""
    body = {"ref": "main", "environment": "UAT", "required_contexts": [], "auto_merge": False}
    made = api.post("/deployments", body)
    assert made.status_code == 201, made.text
    for state in states:
        told = {"state": state, "log_url": f"{RUN}/job/9"}
        assert api.post(f"/deployments/{made.json()['id']}/statuses", told).status_code == 201


def test_the_newest_deployment_of_a_job_is_asked_for_until_it_has_ended(set_up: Road) -> None:
    names = [draft.name for draft in drafts(set_up)]

    async def ask(connection: Connection) -> list[dict[str, LastDeployment]]:
        api, elsewhere = Api(connection.cloud), Elsewhere()

        async def seen() -> dict[str, LastDeployment]:
            return await elsewhere.on_github(connection, REPOSITORY, names, 0.0)

        answers = [await seen()]
        for states in (("failure",), ("in_progress",), ("in_progress", "success")):
            begun(api, *states)
            answers += [await seen(), await seen()]
        return answers

    nothing, *seen = look(set_up, ask)
    assert nothing == {}
    assert [(one["UAT"].status, one["UAT"].where) for one in seen] == [
        *[("error", RUN)] * 2,
        *[("running", RUN)] * 2,
        *[("success", RUN)] * 2,
    ]
    assert {one["UAT"].actor for one in seen} == {"ada"}
    with set_up.store() as store:
        statuses = [one for one in store.requests() if one["method"] == "GET" and "/statuses" in str(one["path"])]
    assert len(statuses) == 4  # what has ended is asked for once


def test_what_can_not_be_seen_is_left_out_and_left_alone_as_long_as_the_service_asks(set_up: Road) -> None:
    environments = drafts(set_up)

    async def ask(connection: Connection) -> list[dict[str, Any]]:
        elsewhere = Elsewhere()
        with set_up.store() as store:
            faults.add(store, Fault("status", service="github", status=429, retry_after=50, times=1))
            faults.add(store, Fault("status", service="arm", path="*/deployments", status=403, times=1))
        github = [await elsewhere.on_github(connection, REPOSITORY, ["UAT"], now) for now in (0.0, 49.0, 51.0)]
        return [await elsewhere.in_azure(connection, environments), *github]

    assert look(set_up, ask) == [{}] * 4
    with set_up.store() as store:
        asked = [one["status"] for one in store.requests() if str(one["path"]).endswith("/deployments")]
    assert asked == [429, 200, 403]
