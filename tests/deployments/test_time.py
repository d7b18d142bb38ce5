"""Deployments take their time, side by side where they can, and go on although nobody asks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import profiles
from tests.arm.conftest import SUBSCRIPTION, Arm

from .conftest import API, MAIN, NEEDED, Deployments, identity, nested, storage, template

START = 1_800_000_000.0
REAL = profiles()["real"]
STEP, WORKSPACE = REAL.seconds("deployment.resource"), REAL.seconds("workspace.create")


def freeze(arm: Arm, profile: str = "real") -> None:
    with arm.store.transaction():
        arm.store.put("_setting", "latency", {"profile": profile})
    arm.clock.freeze(START)


def state(deployments: Deployments, name: str, group: str = "") -> str:
    return str(deployments.get(name, group)["properties"]["provisioningState"])


def seconds(deployments: Deployments, name: str, group: str = "") -> float:
    """When it ended, counted from the start."""
    found = deployments.get(name, group)["properties"]["timestamp"]
    return datetime.fromisoformat(found).timestamp() - START


@pytest.fixture
def deploying(arm: Arm, deployments: Deployments, parameters: dict[str, Any]) -> Deployments:
    """The environment's template is under way, at the pace of the published durations."""
    arm.register(*NEEDED, "Databricks", "KeyVault", "OperationalInsights", "Insights")
    freeze(arm)
    assert deployments.put("main", MAIN, **parameters).status_code == 201
    return deployments


def test_it_takes_its_critical_path(arm: Arm, deploying: Deployments) -> None:
    """Group, two log resources, then the slowest of three modules side by side: the workspace and its settings."""
    assert state(deploying, "main") == "Running"
    expected = STEP + 2 * STEP + (WORKSPACE + STEP) + STEP
    arm.clock.advance(expected - 0.001)
    assert state(deploying, "main") == "Running"
    arm.clock.advance(0.001)
    assert state(deploying, "main") == "Succeeded"
    assert seconds(deploying, "main") == pytest.approx(expected)
    made = len(deploying.get("main")["properties"]["outputResources"])
    assert expected < made * STEP + WORKSPACE  # one after the other it would take this long
    ends = {name: seconds(deploying, name, "rg-dbx-development") for name in ("monitoring", "keyVault", "dataLake")}
    assert ends["monitoring"] == pytest.approx(3 * STEP)
    assert ends["keyVault"] == pytest.approx(3 * STEP + 2 * STEP)
    assert ends["dataLake"] < expected


def test_it_ends_at_the_right_time_although_nobody_asks(arm: Arm, deploying: Deployments) -> None:
    arm.clock.advance(86_400)
    assert state(deploying, "main") == "Succeeded"
    assert seconds(deploying, "main") == pytest.approx(STEP + 2 * STEP + WORKSPACE + 2 * STEP)
    done = next(one for one in deploying.operations("main") if one["targetResource"]["resourceName"] == "workspace")
    assert done["duration"] == f"PT{WORKSPACE + 2 * STEP:g}S"


def test_it_goes_on_across_a_restart(arm: Arm, sandbox: Sandbox, deploying: Deployments) -> None:
    arm.clock.advance(2 * STEP)
    assert state(deploying, "main") == "Running"
    sandbox.__exit__(None, None, None)
    arm.clock.advance(86_400)
    with Sandbox(sandbox.state) as again:
        store = Store(again.state)
        later = Deployments(Arm(again, store))
        assert state(later, "main") == "Succeeded"
        assert seconds(later, "main") == pytest.approx(STEP + 2 * STEP + WORKSPACE + 2 * STEP)
        store.close()


def test_another_of_that_name_has_to_wait(arm: Arm, deploying: Deployments, parameters: dict[str, Any]) -> None:
    answer = deploying.put("main", MAIN, **parameters)
    assert arm.error(answer) == (409, "DeploymentActive")
    assert answer.json()["error"]["message"] == (
        "Unable to edit or replace deployment 'main': previous deployment from '1/15/2027 8:00:00 AM' is still active "
        "(expiration time is '1/22/2027 8:00:00 AM'). Please see https://aka.ms/arm-deploy-resources for usage details."
    )
    assert arm.error(arm.send("DELETE", deploying.path("main"), API)) == (409, "DeploymentActive")
    arm.clock.advance(3 * STEP)
    assert state(deploying, "keyVault", "rg-dbx-development") == "Running"
    inner = template(nested("keyVault", template(), resourceGroup="rg-dbx-development"), at="subscription")
    assert arm.error(deploying.put("other", inner)) == (409, "DeploymentActive")
    arm.clock.advance(86_400)
    assert deploying.put("main", MAIN, **parameters).status_code == 200


def test_polling(arm: Arm, deployments: Deployments) -> None:
    arm.register("ManagedIdentity")
    arm.group()
    freeze(arm)
    answer = deployments.put("d", template(identity()), group="rg-one")
    address = answer.headers["Azure-AsyncOperation"]
    status = arm.get(address)
    assert status.json() == {"status": "Running"}
    assert status.headers["Retry-After"] == "1"
    assert [one["provisioningState"] for one in deployments.operations("d", "rg-one")] == ["Running"]
    running = {"$filter": "provisioningState eq 'Running'"}
    assert len(arm.get(deployments.path("", "rg-one"), API, **running).json()["value"]) == 1
    arm.clock.advance(STEP)
    done = arm.get(address)
    assert (done.json(), "Retry-After" in done.headers) == ({"status": "Succeeded"}, False)
    assert arm.error(arm.get(address.replace("operationStatuses/", "operationStatuses/9"))) == (
        404,
        "DeploymentOperationNotFound",
    )


def test_a_serial_loop_goes_one_by_one(arm: Arm, deployments: Deployments) -> None:
    arm.register("ManagedIdentity")
    arm.group()
    freeze(arm)
    ends = {}
    for mode in ("parallel", "serial"):
        loop = {"name": "many", "count": 4, "mode": mode, "batchSize": 2}
        deployments.put(mode, template(identity(f"[concat('{mode}', copyIndex())]", copy=loop)), group="rg-one")
        began = arm.clock.now() - START
        arm.clock.advance(100)
        ends[mode] = seconds(deployments, mode, "rg-one") - began
    assert ends == {"parallel": pytest.approx(STEP), "serial": pytest.approx(2 * STEP)}


def test_cancel(arm: Arm, deployments: Deployments) -> None:
    arm.register("ManagedIdentity")
    arm.group()
    freeze(arm)
    inner = template(identity("one"), identity("two", dependsOn=["one"]))
    deployments.put("d", template(nested("n", inner)), group="rg-one")
    assert arm.send("POST", f"{deployments.path('d', 'rg-one')}/cancel", API).status_code == 204
    arm.clock.advance(100)
    for name in ("d", "n"):
        found = deployments.get(name, "rg-one")["properties"]
        assert (found["provisioningState"], found["error"]["code"]) == ("Canceled", "DeploymentCanceled")
    kinds = "Microsoft.ManagedIdentity/userAssignedIdentities"
    listed = arm.get(f"{SUBSCRIPTION}/resourceGroups/rg-one/providers/{kinds}", "2023-01-31").json()["value"]
    assert [one["name"] for one in listed] == ["one"]
    answer = arm.send("POST", f"{deployments.path('d', 'rg-one')}/cancel", API)
    assert arm.error(answer) == (409, "DeploymentCannotBeCancelled")


def test_new_guids_stay_the_same_while_it_runs(arm: Arm, deployments: Deployments) -> None:
    """A name that were made anew at each look would be a new resource each time."""
    arm.register("ManagedIdentity")
    arm.group()
    freeze(arm)
    fresh = {"id": {"type": "string", "defaultValue": "[newGuid()]"}}
    first = template(identity("[parameters('id')]"), parameters=fresh)
    second = template(identity("[concat('x', parameters('id'))]"), parameters=fresh)
    wanted = template(nested("first", first), nested("second", second, dependsOn=["first"]))
    deployments.put("d", wanted, group="rg-one")
    arm.clock.advance(100)
    assert len(deployments.get("d", "rg-one")["properties"]["outputResources"]) == 2
    assert seconds(deployments, "d", "rg-one") == pytest.approx(2 * STEP)


def test_complete_mode_waits_for_what_it_deletes(arm: Arm, deployments: Deployments) -> None:
    """The workspace is gone only some time after the deletion began."""
    arm.register(*NEEDED, "Databricks")
    arm.group()
    workspace = {
        "type": "Microsoft.Databricks/workspaces",
        "apiVersion": "2026-01-01",
        "name": "dbx",
        "location": "westeurope",
        "properties": {
            "computeMode": "Hybrid",
            "managedResourceGroupId": "[concat(subscription().id, '/resourceGroups/rg-managed')]",
        },
    }
    deployments.succeed("first", template(workspace), group="rg-one")
    freeze(arm)
    deployments.put("second", template(storage()), group="rg-one", mode="Complete")
    arm.clock.advance(STEP)
    assert state(deployments, "second", "rg-one") == "Running"
    arm.clock.advance(100)
    assert state(deployments, "second", "rg-one") == "Succeeded"
    assert seconds(deployments, "second", "rg-one") == pytest.approx(STEP + REAL.seconds("workspace.delete"))


def test_secrets_are_forgotten_when_it_ends(arm: Arm, deployments: Deployments) -> None:
    arm.register("ManagedIdentity")
    arm.group()
    freeze(arm)
    wanted = template(
        identity(tags={"size": "[string(length(parameters('word')))]"}), parameters={"word": {"type": "secureString"}}
    )
    deployments.put("d", wanted, group="rg-one", word="canary-55d0")

    def kinds() -> set[str]:
        rows = arm.store._connection.execute("SELECT kind, body FROM documents").fetchall()
        return {kind for kind, body in rows if "canary-55d0" in body}

    assert kinds() == {"_deployment"}
    arm.clock.advance(100)
    assert state(deployments, "d", "rg-one") == "Succeeded"
    assert kinds() == set()
