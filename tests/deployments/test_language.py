"""What templates can say, seen in what is there afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from tests.arm.conftest import SUBSCRIPTION, Arm

from .conftest import API, Deployments, group, identity, nested, storage, template, vault

IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
VERSION = "2023-01-31"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-one"


def names(arm: Arm, scope: str = "rg-one") -> list[str]:
    found = arm.get(f"{SUBSCRIPTION}/resourceGroups/{scope}/providers/{IDENTITIES}", VERSION).json()["value"]
    return [entry["name"] for entry in found]


def output(value: str, kind: str = "string") -> dict[str, str]:
    return {"type": kind, "value": value}


def test_conditions(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    wanted = template(
        identity("one", condition="[parameters('both')]"),
        identity("two", dependsOn=[f"[resourceId('{IDENTITIES}', 'one')]"]),
        parameters={"both": {"type": "bool"}},
    )
    deployments.succeed("d", wanted, group="rg-one", both=False)
    assert names(arm) == ["two"]
    deployments.succeed("d", wanted, group="rg-one", both=True)
    assert names(arm) == ["one", "two"]


@pytest.mark.parametrize("mode", ["parallel", "serial"])
def test_loops(arm: Arm, deployments: Deployments, mode: str) -> None:
    arm.group()
    loop = {"name": "robots", "count": 3, "mode": mode, "batchSize": 1}
    found = deployments.succeed(
        "d",
        template(
            identity("[concat('robot', copyIndex())]", copy=loop),
            outputs={
                "all": {
                    "type": "array",
                    "copy": {"count": 3, "input": f"[resourceId('{IDENTITIES}', concat('robot', copyIndex()))]"},
                }
            },
        ),
        group="rg-one",
    )
    assert names(arm) == ["robot0", "robot1", "robot2"]
    assert found["outputs"]["all"]["value"][2].endswith("/robot2")
    assert len(found["outputResources"]) == 3


def test_references_between_resources(arm: Arm, deployments: Deployments) -> None:
    """A storage account carries the principal of an identity that the same template makes, as a tag."""
    arm.group()
    principal = f"[reference(resourceId('{IDENTITIES}', 'robot'), '{VERSION}').principalId]"
    wanted = template(
        storage(dependsOn=[f"[resourceId('{IDENTITIES}', 'robot')]"], tags={"principal": principal}),
        identity(),
        outputs={"tag": output("[reference('stone', '2025-06-01', 'full').tags.principal]")},
    )
    found = deployments.succeed("d", wanted, group="rg-one")
    robot = arm.get(f"{GROUP}/providers/{IDENTITIES}/robot", VERSION).json()
    assert found["outputs"]["tag"]["value"] == robot["properties"]["principalId"]


def test_symbolic_names_and_existing_resources(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    deployments.succeed("first", template(identity("old")), group="rg-one")
    wanted = template(
        languageVersion="2.0",
        outputs={
            "old": output("[reference('old').principalId]"),
            "names": output("[map(references('many'), lambda('one', lambdaVariables('one').clientId))]", "array"),
        },
    )
    wanted["resources"] = {
        "old": {"existing": True, "type": IDENTITIES, "apiVersion": VERSION, "name": "old"},
        "many": identity("[format('new{0}', copyIndex())]", copy={"name": "many", "count": 2}, dependsOn=["old"]),
    }
    found = deployments.succeed("second", wanted, group="rg-one")
    old = arm.get(f"{GROUP}/providers/{IDENTITIES}/old", VERSION).json()
    assert found["outputs"]["old"]["value"] == old["properties"]["principalId"]
    assert len(set(found["outputs"]["names"]["value"])) == 2
    assert [item["id"].rsplit("/", 1)[-1] for item in found["outputResources"]] == ["new0", "new1"]


def test_list_functions(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    keys = "[listKeys('stone', '2025-06-01').keys[0].keyName]"
    found = deployments.succeed("d", template(storage(), outputs={"key": output(keys)}), group="rg-one")
    assert found["outputs"]["key"]["value"] == "key1"


def test_functions_of_the_surroundings(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    wanted = template(
        parameters={"id": {"type": "string", "defaultValue": "[newGuid()]"}},
        outputs={
            "who": output("[deployer().objectId]"),
            "where": output("[resourceGroup().location]"),
            "what": output("[deployment().name]"),
            "whose": output("[subscription().displayName]"),
            "id": output("[parameters('id')]"),
        },
    )
    found = deployments.succeed("d", wanted, group="rg-one")
    values = {name: entry["value"] for name, entry in found["outputs"].items()}
    assert values | {"id": ""} == {
        "who": arm.object_id,
        "where": "westeurope",
        "what": "d",
        "whose": "dbxwizard sandbox",
        "id": "",
    }
    assert values["id"] == found["parameters"]["id"]["value"]
    again = deployments.succeed("d", wanted, group="rg-one")
    assert again["outputs"]["id"]["value"] != values["id"]


def test_nested_in_another_group_and_at_the_subscription(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    inner_group = template(identity("far"), outputs={"id": output("[resourceGroup().name]")})
    at_subscription = template(
        group("rg-two"), nested("deeper", inner_group, resourceGroup="rg-two", dependsOn=["rg-two"]), at="subscription"
    )
    wanted = template(
        nested("outer", at_subscription, subscriptionId="[subscription().subscriptionId]", location="westeurope"),
        nested("here", template(identity("near"))),
        outputs={"deepest": output("[reference('outer').outputResources[1].id]")},
    )
    found = deployments.succeed("d", wanted, group="rg-one")
    assert (names(arm), names(arm, "rg-two")) == (["near"], ["far"])
    assert found["outputs"]["deepest"]["value"].endswith(f"/rg-two/providers/{IDENTITIES}/far")
    assert deployments.get("outer")["location"] == "westeurope"
    assert deployments.get("deeper", "rg-two")["properties"]["outputs"]["id"]["value"] == "rg-two"
    assert "location" not in deployments.get("here", "rg-one")


def test_a_module_that_takes_the_output_of_another(arm: Arm, deployments: Deployments) -> None:
    """The name of its resource is known only while the deployment runs."""
    arm.group()
    first = template(identity("one"), outputs={"client": output(f"[reference('one', '{VERSION}').clientId]")})
    second = template(identity("[concat('of-', parameters('who'))]"), parameters={"who": {"type": "string"}})
    given = {"parameters": {"who": {"value": "[reference('first').outputs.client.value]"}}}
    wanted = template(nested("first", first), nested("second", second, properties=given))
    preview = deployments.what_if("d", wanted, group="rg-one")
    assert [change["resourceId"].rsplit("/", 1)[-1] for change in preview["properties"]["changes"]] == ["one"]
    (warning,) = preview["properties"]["diagnostics"]
    assert warning["code"] == "NestedDeploymentShortCircuited"
    assert warning["target"].endswith("/deployments/second")
    deployments.succeed("d", wanted, group="rg-one")
    client = arm.get(f"{GROUP}/providers/{IDENTITIES}/one", VERSION).json()["properties"]["clientId"]
    assert names(arm) == [f"of-{client}", "one"]


def test_outer_scope_sees_the_variables_around_it(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    inner = template(identity("[variables('name')]"))
    deployments.succeed("d", template(nested("n", inner, scope="outer"), variables={"name": "outer"}), group="rg-one")
    assert names(arm) == ["outer"]


def secretive() -> dict[str, Any]:
    """A secure parameter that goes through a module, and comes out as a secure output and as a tag."""
    inner = template(
        parameters={"word": {"type": "securestring"}},
        outputs={"word": output("[parameters('word')]", "securestring"), "size": output("[length('four')]", "int")},
    )
    given = {"parameters": {"word": {"value": "[parameters('word')]"}}}
    reading = "[listOutputsWithSecureValues('inner', '2025-04-01').word]"
    return template(
        nested("inner", inner, properties=given),
        identity(dependsOn=["inner"], tags={"length": f"[string(length({reading[1:-1]}))]"}),
        parameters={"word": {"type": "securestring"}, "open": {"type": "string", "defaultValue": "seen"}},
        outputs={"word": output("[parameters('word')]", "securestring")},
    )


def test_secure_values_are_never_answered(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    word = "canary-7f3a"
    found = deployments.succeed("d", secretive(), group="rg-one", word=word)
    assert found["parameters"] == {"word": {"type": "SecureString"}, "open": {"type": "String", "value": "seen"}}
    assert found["outputs"] == {"word": {"type": "SecureString"}}
    robot = arm.get(f"{GROUP}/providers/{IDENTITIES}/robot", VERSION).json()
    assert robot["tags"] == {"length": str(len(word))}
    everything = [arm.get(deployments.path(name, "rg-one"), API).text for name in ("d", "inner")]
    everything += [
        arm.send("POST", f"{deployments.path(name, 'rg-one')}/exportTemplate", API).text for name in ("d", "inner")
    ]
    everything.append(arm.get(f"{deployments.path('d', 'rg-one')}/operations", API).text)
    everything.append(deployments.post("d", "validate", secretive(), group="rg-one", word=word).text)
    assert not [text for text in everything if word in text]
    rows = arm.store._connection.execute("SELECT kind, body FROM documents").fetchall()
    assert not [kind for kind, body in rows if word in body]


def secret_in_vault(arm: Arm, deployments: Deployments, value: str, **settings: Any) -> dict[str, Any]:
    """A vault with one secret; how a parameter refers to it."""
    deployments.succeed("vault", template(vault(properties=settings)), group="rg-one")
    with arm.store.transaction():
        versions = [{"id": "v1", "value": "older"}, {"id": "v2", "value": value}]
        arm.store.put("vault.secret", "kv-one/word", {"name": "word", "versions": versions})
    return {
        "reference": {"keyVault": {"id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-one"}, "secretName": "word"}
    }


def test_parameters_from_a_key_vault(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    reference = secret_in_vault(arm, deployments, "canary-91c2", enabledForTemplateDeployment=True)
    wanted = template(
        identity(tags={"length": "[string(length(parameters('word')))]"}), parameters={"word": {"type": "string"}}
    )
    found = deployments.succeed("d", wanted, group="rg-one", word=reference)
    assert arm.get(f"{GROUP}/providers/{IDENTITIES}/robot", VERSION).json()["tags"] == {"length": "11"}
    assert found["parameters"] == {"word": {"type": "String"}}
    older = {"reference": {**reference["reference"], "secretVersion": "v1"}}
    deployments.succeed("d", wanted, group="rg-one", word=older)
    assert arm.get(f"{GROUP}/providers/{IDENTITIES}/robot", VERSION).json()["tags"] == {"length": "5"}


def test_key_vault_references_that_fail(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    wanted = template(parameters={"word": {"type": "securestring"}})
    reference = secret_in_vault(arm, deployments, "x")

    def refusal(by: Deployments = deployments, **given: Any) -> tuple[int, str, str]:
        answer = by.put("d", wanted, group="rg-one", word={"reference": {**reference["reference"], **given}})
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    status, code, message = refusal()
    assert (status, code) == (400, "KeyVaultParameterReferenceSecretRetrieveFailed")
    assert "The secret of KeyVault parameter 'word' cannot be retrieved. Http status code: 'Forbidden'" in message
    nowhere = {"id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-two"}
    assert refusal(keyVault=nowhere)[1] == "KeyVaultParameterReferenceNotFound"
    secret_in_vault(arm, deployments, "x", enabledForTemplateDeployment=True)
    assert "Http status code: 'NotFound'" in refusal(secretName="other")[2]
    robot = arm.principal()
    arm.assign(robot, "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59")  # Managed Application Contributor: no right on vaults
    assert refusal(Deployments(arm.acting_as(robot)))[:2] == (403, "AuthorizationFailed")


def test_complete_mode_deletes_what_the_template_does_not_have(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    deployments.succeed("first", template(identity("one"), identity("two"), storage()), group="rg-one")
    wanted = template(identity("one"), identity("two", condition=False), identity("three"))
    preview = deployments.what_if("second", wanted, group="rg-one", mode="Complete")["properties"]["changes"]
    assert {change["resourceId"].rsplit("/", 1)[-1]: change["changeType"] for change in preview} == {
        "one": "Modify",  # the provider filled something in
        "two": "Delete",
        "three": "Create",
        "stone": "Delete",
    }
    deployments.succeed("second", wanted, group="rg-one", mode="Complete")
    assert names(arm) == ["one", "three"]
    assert arm.get(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stone", "2025-06-01").status_code == 404
    kinds = {entry["provisioningOperation"] for entry in deployments.operations("second", "rg-one")}
    assert kinds == {"Create", "Delete"}


def test_incremental_mode_leaves_it(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    deployments.succeed("first", template(identity("one")), group="rg-one")
    preview = deployments.what_if("second", template(identity("two")), group="rg-one")["properties"]["changes"]
    assert [change["changeType"] for change in preview] == ["Ignore", "Create"]
    deployments.succeed("second", template(identity("two")), group="rg-one")
    assert names(arm) == ["one", "two"]


def test_what_if_in_short(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    body = deployments.body(template(identity()), group="rg-one")
    body["properties"]["whatIfSettings"] = {"resultFormat": "ResourceIdOnly"}
    answer = arm.send("POST", f"{deployments.path('d', 'rg-one')}/whatIf", API, body)
    (change,) = arm.get(answer.headers["Location"]).json()["properties"]["changes"]
    assert set(change) == {"resourceId", "changeType"}


def test_what_if_of_an_array(arm: Arm, deployments: Deployments) -> None:
    arm.group()
    rules = {"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.1"}]}}
    deployments.succeed("d", template(storage(properties=rules)), group="rg-one")
    rules["networkAcls"]["ipRules"] = [{"value": "203.0.113.2"}, {"value": "203.0.113.3"}]
    (change,) = deployments.what_if("d", template(storage(properties=rules)), group="rg-one")["properties"]["changes"]
    array = next(one for one in change["delta"] if one["path"] == "properties.networkAcls.ipRules")
    assert array["propertyChangeType"] == "Array"
    assert [(one["path"], one["propertyChangeType"]) for one in array["children"]] == [
        ("0.value", "Modify"),
        ("1", "Create"),
    ]


def test_a_container_needs_no_blob_service_in_the_template(arm: Arm, deployments: Deployments) -> None:
    """It is there as soon as the account is."""
    arm.group()
    container = {
        "type": "Microsoft.Storage/storageAccounts/blobServices/containers",
        "apiVersion": "2025-06-01",
        "name": "stone/default/logs",
        "dependsOn": ["stone"],
    }
    deployments.succeed("d", template(storage(), container), group="rg-one")
    path = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stone/blobServices/default/containers/logs"
    assert arm.get(path, "2025-06-01").status_code == 200


def test_a_role_of_the_same_template_is_given(arm: Arm, deployments: Deployments) -> None:
    role = {
        "type": "Microsoft.Authorization/roleDefinitions",
        "apiVersion": "2022-04-01",
        "name": "[guid('reader of groups')]",
        "properties": {
            "roleName": "Reader of groups",
            "type": "CustomRole",
            "permissions": [{"actions": ["Microsoft.Resources/subscriptions/resourceGroups/read"]}],
            "assignableScopes": ["[subscription().id]"],
        },
    }
    robot, given = arm.principal(), "'Microsoft.Authorization/roleDefinitions', guid('reader of groups')"
    assignment = {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": "[guid('robot')]",
        "dependsOn": ["[guid('reader of groups')]"],
        "properties": {
            "principalId": robot,
            "principalType": "ServicePrincipal",
            "roleDefinitionId": f"[subscriptionResourceId({given})]",
        },
    }
    deployments.succeed("d", template(role, assignment, at="subscription"))
    arm.group()
    assert arm.acting_as(robot).get(GROUP, "2025-04-01").status_code == 200
