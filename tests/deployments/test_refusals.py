"""What is refused before anything is deployed, and in which words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.arm.conftest import SUBSCRIPTION, Arm

from .conftest import API, MAIN, Deployments, group, identity, nested, storage, template

CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-one"


def error(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    return found


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (template(identity("[parameters('no')]")), "The template parameter 'no' is not found"),
        (template(identity(), identity()), "is defined multiple times in a template"),
        (template(identity(dependsOn=["nothing"])), "The resource 'nothing' is not defined in the template"),
        ({"resources": []}, "The template has no content version"),
        (template(identity("a/b")), "has incorrect segment lengths"),
    ],
)
def test_templates(arm: Arm, deployments: Deployments, wanted: Any, message: str) -> None:
    arm.group()
    answer = deployments.put("d", wanted, group="rg-one")
    assert arm.error(answer) == (400, "InvalidTemplate")
    assert error(answer)["message"].startswith("Deployment template validation failed: '")
    assert message in answer.text
    assert arm.get(deployments.path("d", "rg-one"), API).status_code == 404


def test_types_versions_and_places(arm: Arm, deployments: Deployments) -> None:
    arm.group()

    def refusal(**more: Any) -> tuple[int, str]:
        return arm.error(deployments.put("d", template({**identity(), **more}), group="rg-one"))

    assert refusal(type="Contoso.Web/sites") == (404, "InvalidResourceNamespace")
    assert refusal(type="Microsoft.ManagedIdentity/things") == (404, "InvalidResourceType")
    assert refusal(apiVersion="1999-01-01") == (400, "NoRegisteredProviderFound")
    both = template({**identity("one"), "apiVersion": "1999-01-01"}, {**identity("two"), "type": "Contoso.Web/sites"})
    answer = deployments.put("d", both, group="rg-one")
    assert arm.error(answer) == (400, "MultipleErrorsOccurred")
    assert error(answer)["message"] == "Multiple error occurred: BadRequest,NotFound. Please see details."
    assert [one["code"] for one in error(answer)["details"]] == [
        "NoRegisteredProviderFound",
        "InvalidResourceNamespace",
    ]


def test_what_providers_find(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    wanted = template(storage("Too-Big"), identity(location="atlantis"))
    answer = deployments.put("d", wanted, group="rg-one")
    assert arm.error(answer) == (400, "InvalidTemplateDeployment")
    message = error(answer)["message"]
    assert re.fullmatch(
        r"The template deployment 'd' is not valid according to the validation procedure\. The tracking id is "
        r"'[0-9a-f-]{36}'\. See inner errors for details\.",
        message,
    )
    (preflight,) = error(answer)["details"]
    assert preflight["code"] == "PreflightValidationCheckFailed"
    assert [(one["code"], one["target"]) for one in preflight["details"]] == [
        ("AccountNameInvalid", "Too-Big"),
        ("LocationNotAvailableForResourceType", "robot"),
    ]


def test_a_storage_account_of_somebody_else_shows_before(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    arm.group("rg-two")
    deployments.succeed("d", template(storage()), group="rg-two")
    answer = deployments.put("d", template(storage()), group="rg-one")
    (cause,) = error(answer)["details"][0]["details"]
    assert cause == {
        "code": "StorageAccountAlreadyTaken",
        "target": "stone",
        "message": "The storage account named stone is already taken.",
    }


def robot(arm: Arm, *roles: str, scope: str = SUBSCRIPTION) -> Deployments:
    made = arm.principal()
    for role in roles:
        assert arm.assign(made, role, scope).status_code == 201
    return Deployments(arm.acting_as(made))


def test_no_right_to_deploy(arm: Arm) -> None:
    nobody = robot(arm)
    answer = nobody.put("d", template(at="subscription"))
    assert arm.error(answer) == (403, "AuthorizationFailed")
    assert "'Microsoft.Resources/deployments/write' over scope" in error(answer)["message"]
    answer = nobody.post("d", "whatIf", template(at="subscription"))
    assert "'Microsoft.Resources/deployments/whatIf/action'" in answer.text


def test_a_right_that_lacks_for_one_resource(arm: Arm, deployments: Deployments, parameters: dict[str, Any]) -> None:
    """A Contributor can make everything but the role assignment, of which the principal is not even known."""
    contributor = robot(arm, CONTRIBUTOR)
    answer = contributor.put("main", MAIN, **parameters)
    assert arm.error(answer) == (400, "InvalidTemplateDeployment")
    message = error(answer)["message"]
    assert message.startswith(
        "The template deployment failed with error: 'Authorization failed for template resource '"
    )
    assert "' of type 'Microsoft.Authorization/roleAssignments'. The client '" in message
    assert (
        "does not have permission to perform action 'Microsoft.Authorization/roleAssignments/write' at scope '"
        in message
    )
    assert arm.get(f"{SUBSCRIPTION}/resourceGroups/rg-dbx-development", "2025-04-01").status_code == 404
    assert contributor.what_if("main", MAIN, **parameters)["error"]["code"] == "InvalidTemplateDeployment"
    body = contributor.body(MAIN, **parameters)
    body["properties"]["validationLevel"] = "ProviderNoRbac"
    assert contributor.arm.send("POST", f"{contributor.path('main')}/validate", API, body).status_code == 200


def test_rights_that_lack_for_several(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    deployer = robot(arm, CONTRIBUTOR, scope=GROUP)
    wanted = template(
        nested("a", template(identity()), resourceGroup="rg-two"),
        nested("b", template(identity()), resourceGroup="rg-two"),
    )
    arm.group("rg-two")
    message = error(deployer.put("d", wanted, group="rg-one"))["message"]
    assert message.startswith("Deployment failed with multiple errors: 'Authorization failed for template resource 'a'")
    assert message.count(":Authorization failed for template resource '") == 3


def test_names_and_places_of_deployments(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    empty, at_top = template(), template(at="subscription")

    def refusal(name: str, wanted: Any, path: str = "", **body: Any) -> tuple[int, str, str]:
        given = {**deployments.body(wanted, group="x"), **body}
        answer = arm.put(deployments.path(name, path), API, given)
        return answer.status_code, error(answer)["code"], error(answer)["message"]

    assert refusal("d", at_top)[:2] == (400, "InvalidDeployment")
    assert "must be specified for 'd'" in refusal("d", at_top)[2]
    assert "is not allowed for 'd' at resource group scope" in refusal("d", empty, "rg-one", location="westeurope")[2]
    assert refusal("d", at_top, location="atlantis")[1] == "LocationNotAvailableForDeployment"
    assert refusal("d" * 65, empty, "rg-one")[1] == "DeploymentNameLengthLimitExceeded"
    assert refusal("d!", empty, "rg-one")[1] == "DeploymentNameInvalidCharacters"
    assert refusal("d", empty, "rg-two")[:2] == (404, "ResourceGroupNotFound")
    deployments.succeed("d", at_top)
    assert refusal("d", at_top, location="North Europe") == (
        409,
        "InvalidDeploymentLocation",
        "Invalid deployment location 'northeurope'. The deployment 'D' already exists in location 'westeurope'.",
    )
    deployments.succeed("d", at_top)
    assert deployments.put("d", at_top).status_code == 200


def test_modes_and_what_is_not_played(arm: Arm, deployments: Deployments) -> None:
    answer = deployments.put("d", template(at="subscription"), mode="Complete")
    assert arm.error(answer) == (400, "InvalidDeploymentMode")
    for properties in ({"mode": "Sometimes"}, {"onErrorDeployment": {"type": "LastSuccessful"}}):
        body = deployments.body(template(at="subscription"))
        body["properties"] |= properties
        assert arm.error(arm.put(deployments.path("d"), API, body)) == (400, "InvalidRequestContent")
    body = deployments.body(None)
    assert arm.error(arm.put(deployments.path("d"), API, body)) == (400, "InvalidTemplate")
    body["properties"]["templateLink"] = {"uri": "https://example.com/x.json"}
    assert arm.error(arm.put(deployments.path("d"), API, body)) == (400, "InvalidContentLink")


def test_nested_places(arm: Arm, deployments: Deployments) -> None:
    inner = template(at="subscription")
    answer = deployments.put("d", template(nested("n", inner), at="subscription"))
    assert (arm.error(answer), "'n'" in answer.text) == ((400, "InvalidDeployment"), True)
    answer = deployments.put("d", template(nested("n", template(), resourceGroup="rg-none"), at="subscription"))
    assert arm.error(answer) == (404, "ResourceGroupNotFound")
    deployments.succeed("d", template(nested("n", inner, location="westeurope"), at="subscription"))
    answer = deployments.put("d", template(nested("n", inner, location="eastus"), at="subscription"))
    assert arm.error(answer) == (409, "InvalidDeploymentLocation")


def fill(arm: Arm, count: int) -> None:
    prefix = f"{SUBSCRIPTION}/providers/Microsoft.Resources/deployments"
    with arm.store.transaction():
        for number in range(count):
            name, more = f"old{number}", {"resources": [], "location": "westeurope"}
            body = {"id": f"{prefix}/{name}", "name": name, "state": "Succeeded", "startedAt": number, **more}
            arm.store.put("arm.deployment", f"{prefix}/{name}".lower(), body)


def kept(arm: Arm) -> int:
    return len(arm.store.all("arm.deployment"))


def test_the_history_of_a_scope_is_cleared(arm: Arm, deployments: Deployments) -> None:
    fill(arm, 800)
    deployments.succeed("d", template(at="subscription"))
    assert kept(arm) == 601
    assert arm.store.get("arm.deployment", f"{SUBSCRIPTION}/providers/microsoft.resources/deployments/old199") is None


def test_the_history_is_full_for_who_may_not_clear_it(arm: Arm, deployments: Deployments) -> None:
    fill(arm, 800)
    lock = {"properties": {"level": "CanNotDelete"}}
    arm.made(f"{SUBSCRIPTION}/providers/Microsoft.Authorization/locks/keep", "2020-05-01", lock)
    answer = deployments.put("d", template(at="subscription"))
    assert arm.error(answer) == (409, "DeploymentQuotaExceeded")
    assert error(answer)["message"].startswith("Creating the deployment 'd' would exceed the quota of '800'.")
    deployments.succeed("e", template(), group=arm.group().rsplit("/", 1)[-1])


def test_a_group_that_the_template_makes_needs_not_be_there(arm: Arm, deployments: Deployments) -> None:
    wanted = template(
        group(), nested("n", template(identity()), resourceGroup="rg-one", dependsOn=["rg-one"]), at="subscription"
    )
    deployments.succeed("d", wanted)
    assert arm.get(GROUP, "2025-04-01").status_code == 200
