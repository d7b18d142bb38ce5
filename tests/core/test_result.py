"""The result as data: the output contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dbxwizard.core.errors import Forbidden, Location, NotSignedIn, OperationError, SeveralErrors, UsageError
from dbxwizard.core.result import RunResult, Status, public
from dbxwizard.core.secret import Secret


async def test_the_json_has_exactly_the_keys_of_the_contract(world: Any, faults: Any) -> None:
    before, _ = faults
    broken = OperationError("bad", "no", fix="Do this.", location=Location("environments/UAT.json", 3, 7))
    world.add("uat/cluster", environment="UAT", title="cluster", wants={"size": 1})
    world.add("uat/job", environment="UAT", title="job", applying=[before(broken)])
    data = json.loads(json.dumps((await world.run(command="deploy")).to_json()))
    assert data == {
        "schema_version": 1,
        "command": "deploy",
        "run_id": "run-1",
        "status": "partial",
        "environments": [
            {
                "name": "UAT",
                "status": "partial",
                "changes": [{"resource": "cluster", "action": "create", "reasons": ["size: absent → 1"]}],
                "outputs": {"cluster": {"id": "id-of-uat/cluster", "size": 1}},
            }
        ],
        "errors": [
            {
                "code": "bad",
                "resource": "job",
                "message": "no",
                "fix": "Do this.",
                "location": {"file": "environments/UAT.json", "line": 3, "column": 7},
            }
        ],
    }


async def test_resource_names_what_a_step_is_about_where_it_says_so(world: Any) -> None:
    world.add("a", title="title", resource="the resource")
    result = await world.run()
    assert result.environments[0].changes[0].resource == "the resource"


async def test_the_result_of_a_plan_lists_what_would_change(world: Any) -> None:
    world.cloud = {"same": {}}
    world.add("same")
    plan = await world.plan()
    assert RunResult.of_plan("plan", "r", plan).status is Status.UNCHANGED
    world.add("new", environment="UAT", wants={"size": 1})
    result = RunResult.of_plan("plan", "r", await world.plan())
    assert [(item.name, item.status.value, len(item.changes)) for item in result.environments] == [
        ("", "unchanged", 0),
        ("UAT", "success", 1),
    ]
    assert (result.exit_code, world.writes) == (0, [])


def test_secrets_and_internal_outputs_are_not_public() -> None:
    outputs = {
        "url": "https://x",
        "_etag": "internal",
        "token": Secret("s3cr3t"),
        "nested": {"token": Secret("s3cr3t"), "list": [{"token": Secret("s3cr3t")}, Secret("s3cr3t"), 1]},
    }
    assert public(outputs) == {"url": "https://x", "nested": {"list": [{}, 1]}}


@pytest.mark.parametrize(
    ("errors", "exit_code"),
    [
        ([OperationError("a", "x")], 1),
        ([UsageError("a", "x")], 2),
        ([NotSignedIn("a", "x"), Forbidden("b", "y")], 3),
        ([OperationError("a", "x"), Forbidden("b", "y")], 1),
    ],
)
def test_exit_codes(errors: list[OperationError], exit_code: int) -> None:
    result = RunResult.failed("deploy", "r", SeveralErrors(errors) if len(errors) > 1 else errors[0])
    assert (result.exit_code, result.status) == (exit_code, Status.ERROR)
    assert [error["code"] for error in result.to_json()["errors"]] == [error.code for error in errors]  # type: ignore[attr-defined]


def test_an_error_without_a_fix_gets_the_advice_of_the_table() -> None:
    assert "setup" in str(OperationError("MissingSubscriptionRegistration", "no").to_json()["fix"])
    assert OperationError("a", "x").to_json()["location"] is None
