"""Deployments that fail on their way: what was made stays, and the error says what happened where."""

from __future__ import annotations

from typing import Any

from tests.arm.conftest import SUBSCRIPTION, Arm

from .conftest import Deployments, identity, nested, storage, template, vault

GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-one"
IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
_FAILED = (
    "At least one resource deployment operation failed. Please list deployment operations for details. "
    "Please see https://aka.ms/arm-deployment-operations for usage details."
)


def deleted_vault(arm: Arm, deployments: Deployments) -> None:
    """A vault whose name is held by its deleted self."""
    arm.group()
    deployments.succeed("before", template(vault()), group="rg-one")
    assert arm.send("DELETE", f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-one", "2025-05-01").status_code == 200


def there(arm: Arm, name: str) -> bool:
    return arm.get(f"{GROUP}/providers/{IDENTITIES}/{name}", "2023-01-31").status_code == 200


def test_what_depends_on_it_is_left_out_and_the_rest_goes_on(arm: Arm, deployments: Deployments) -> None:
    deleted_vault(arm, deployments)
    wanted = template(
        identity("before"),
        vault(dependsOn=["before"]),
        identity("after", dependsOn=["kv-one"]),
        identity("later", dependsOn=["after"]),
        identity("aside", dependsOn=["before"]),
    )
    found = deployments.run("d", wanted, group="rg-one")
    assert found["provisioningState"] == "Failed"
    assert found["error"]["code"] == "DeploymentFailed"
    assert found["error"]["message"] == _FAILED
    assert found["error"]["target"] == f"{GROUP}/providers/Microsoft.Resources/deployments/d"
    (cause,) = found["error"]["details"]
    assert cause["code"] == "ConflictError"
    assert cause["message"].startswith("A vault with the same name already exists in deleted state.")
    assert [there(arm, name) for name in ("before", "after", "later", "aside")] == [True, False, False, True]
    assert "outputs" not in found
    states = {
        entry["targetResource"]["resourceName"]: (entry["provisioningState"], entry["statusCode"])
        for entry in deployments.operations("d", "rg-one")
    }
    created = ("Succeeded", "Created")
    assert states == {"before": created, "kv-one": ("Failed", "Conflict"), "aside": created}


def test_the_operation_tells_the_same(arm: Arm, deployments: Deployments) -> None:
    deleted_vault(arm, deployments)
    answer = deployments.put("d", template(vault()), group="rg-one")
    assert answer.status_code == 201
    assert answer.json()["properties"]["provisioningState"] == "Accepted"
    status = arm.get(answer.headers["Azure-AsyncOperation"]).json()
    assert status["status"] == "Failed"
    assert status["error"] == deployments.get("d", "rg-one")["properties"]["error"]
    (failed,) = deployments.operations("d", "rg-one")
    assert failed["statusMessage"]["error"]["code"] == "ConflictError"


def test_a_nested_deployment_is_a_detail(arm: Arm, deployments: Deployments) -> None:
    deleted_vault(arm, deployments)
    wanted = template(nested("outer", template(nested("inner", template(vault())))), nested("fine", template()))
    found = deployments.run("d", wanted, group="rg-one")
    path: list[tuple[str, str]] = []
    error: dict[str, Any] = found["error"]
    while error.get("details"):
        path.append((error["code"], error["target"].rsplit("/", 1)[-1]))
        (error,) = error["details"]
    assert path == [
        ("DeploymentFailed", "d"),
        ("ResourceDeploymentFailure", "outer"),
        ("DeploymentFailed", "outer"),
        ("ResourceDeploymentFailure", "inner"),
        ("DeploymentFailed", "inner"),
    ]
    assert error["code"] == "ConflictError"
    states = {name: deployments.get(name, "rg-one")["properties"]["provisioningState"] for name in ("outer", "fine")}
    assert states == {"outer": "Failed", "fine": "Succeeded"}


def test_several_failures(arm: Arm, deployments: Deployments) -> None:
    deleted_vault(arm, deployments)
    missing = "[reference(resourceId('Microsoft.Storage/storageAccounts', 'no'), '2025-06-01').primaryLocation]"
    found = deployments.run("d", template(vault(), identity(tags={"x": missing})), group="rg-one")
    assert [one["code"] for one in found["error"]["details"]] == ["ConflictError", "ResourceNotFound"]


def test_an_expression_that_fails_when_its_turn_comes(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    wanted = template(storage(), identity(tags={"x": "[reference('stone').nothing]"}))
    found = deployments.run("d", wanted, group="rg-one")
    (cause,) = found["error"]["details"]
    assert cause["code"] == "InvalidTemplate"
    assert (
        f"Unable to process template language expressions for resource '{GROUP}/providers/{IDENTITIES}/robot'"
        in (cause["message"])
    )


def test_outputs_that_fail(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    outputs = {"o": {"type": "string", "value": "[reference('stone').nothing]"}}
    found = deployments.run("d", template(storage(), outputs=outputs), group="rg-one")
    assert found["provisioningState"] == "Failed"
    assert found["error"]["code"] == "DeploymentOutputEvaluationFailed"
    assert found["error"]["message"].startswith("Unable to evaluate template outputs: 'o'. ")
    (cause,) = found["error"]["details"]
    assert (cause["code"], cause["target"]) == ("DeploymentOutputEvaluationFailed", "o")
    assert cause["message"].startswith(
        "The template output 'o' is not valid: The language expression property 'nothing'"
    )
    assert arm.get(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stone", "2025-06-01").status_code == 200


def test_parameters_of_a_module_that_are_wrong_when_they_are_known(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    inner = template(parameters={"short": {"type": "string", "maxLength": 3}})
    given = {"parameters": {"short": {"value": "[reference('stone').primaryLocation]"}}}
    found = deployments.run("d", template(storage(), nested("n", inner, properties=given)), group="rg-one")
    (cause,) = found["error"]["details"]
    assert cause["code"] == "InvalidTemplate"
    assert "'short' is not valid" in cause["message"]


def test_a_reading_that_is_not_allowed(arm: Arm, deployments: Deployments) -> None:
    """reference() and list*() ask with the rights of whoever deploys."""
    arm.group()
    arm.group("rg-two")
    deployments.succeed("d", template(storage()), group="rg-two")
    robot = arm.principal()
    arm.assign(robot, "b24988ac-6180-42a0-ab88-20f7382dd24c", GROUP)
    deployer = Deployments(arm.acting_as(robot))
    account = "resourceId('rg-two', 'Microsoft.Storage/storageAccounts', 'stone')"
    for call in (f"reference({account}, '2025-06-01')", f"listKeys({account}, '2025-06-01')"):
        outputs = {"o": {"type": "object", "value": f"[{call}]"}}
        found = deployer.run("d", template(outputs=outputs), group="rg-one")
        assert [one["code"] for one in found["error"]["details"]] == ["AuthorizationFailed"]


def test_the_next_run_completes_it(arm: Arm, deployments: Deployments) -> None:
    deleted_vault(arm, deployments)
    wanted = template(vault(), identity("after", dependsOn=["kv-one"]))
    assert deployments.run("d", wanted, group="rg-one")["provisioningState"] == "Failed"
    wanted["resources"][0]["properties"]["createMode"] = "recover"
    deployments.succeed("d", wanted, group="rg-one")
    assert there(arm, "after")


def test_a_role_that_is_given_twice(arm: Arm, deployments: Deployments) -> None:
    """The same principal, role and scope under another id (platform facts, 13)."""
    arm.group()
    reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    robot = arm.principal()
    arm.assign(robot, reader, GROUP)
    role = {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": "[guid('another')]",
        "properties": {
            "principalId": robot,
            "principalType": "ServicePrincipal",
            "roleDefinitionId": f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{reader}')]",
        },
    }
    found = deployments.run("d", template(role), group="rg-one")
    assert [one["code"] for one in found["error"]["details"]] == ["RoleAssignmentExists"]
