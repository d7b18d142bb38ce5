"""A subscription-scope template with modules, as the Bicep compiler writes it."""

from __future__ import annotations

from typing import Any

import pytest

from dbxwizard.arm_template import DeploymentScope, TemplateError, Unknown, expand

GROUP_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
SUBSCRIPTION_SCHEMA = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"


def module(name: str, parameters: dict[str, Any], template: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2025-04-01",
        "name": name,
        "properties": {
            "expressionEvaluationOptions": {"scope": "inner"},
            "mode": "Incremental",
            "parameters": {key: {"value": value} for key, value in parameters.items()},
            "template": {"$schema": GROUP_SCHEMA, "contentVersion": "1.0.0.0", **template},
        },
        **more,
    }


def storage(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "Contoso.Storage/accounts", "apiVersion": "2024-01-01", "name": name, **more}


@pytest.fixture
def main() -> dict[str, Any]:
    store = {
        "parameters": {"location": {"type": "string", "defaultValue": "[resourceGroup().location]"}},
        "variables": {"name": "[format('st{0}', uniqueString(resourceGroup().id))]"},
        "resources": [
            storage(
                "[variables('name')]",
                location="[parameters('location')]",
                properties={"endpoint": "[format('{0}-x', variables('name'))]"},
            )
        ],
        "outputs": {
            "id": {"type": "string", "value": "[resourceId('Contoso.Storage/accounts', variables('name'))]"},
            "key": {
                "type": "string",
                "value": "[listKeys(resourceId('Contoso.Storage/accounts', variables('name')), '2024-01-01').keys[0]]",
            },
        },
    }
    reader = {
        "parameters": {"target": {"type": "string"}, "secret": {"type": "securestring"}},
        "resources": [
            storage("reader", properties={"of": "[parameters('target')]", "secret": "[parameters('secret')]"})
        ],
    }
    outcome = (
        "reference(extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}', subscription().subscriptionId, "
    )
    outcome += "variables('group')), 'Microsoft.Resources/deployments', 'store'), '2025-04-01').outputs"
    group = "[subscriptionResourceId('Microsoft.Resources/resourceGroups', variables('group'))]"
    deployed = "[extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}', subscription().subscriptionId, "
    deployed += "variables('group')), 'Microsoft.Resources/deployments', 'store')]"
    return {
        "$schema": SUBSCRIPTION_SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {"environment": {"type": "string"}},
        "variables": {"group": "[format('rg-{0}', toLower(parameters('environment')))]"},
        "resources": [
            module(
                "reader",
                {"target": f"[{outcome}.id.value]", "secret": f"[{outcome}.key.value]"},
                reader,
                resourceGroup="[variables('group')]",
                dependsOn=[group, deployed],
            ),
            module("store", {}, store, resourceGroup="[variables('group')]", dependsOn=[group]),
            {
                "type": "Microsoft.Resources/resourceGroups",
                "apiVersion": "2024-07-01",
                "name": "[variables('group')]",
                "location": "[deployment().location]",
            },
        ],
        "outputs": {"store": {"type": "string", "value": f"[{outcome}.id.value]"}},
    }


def test_expands_to_a_flat_list_in_dependency_order(main: dict[str, Any], subscription_scope: DeploymentScope) -> None:
    expansion = expand(main, {"environment": {"value": "Development"}}, subscription_scope)
    group = f"/subscriptions/{subscription_scope.subscription_id}/resourceGroups/rg-development"
    store, reader = expansion.resources[1:]
    assert [resource.type for resource in expansion.resources] == [
        "Microsoft.Resources/resourceGroups",
        "Contoso.Storage/accounts",
        "Contoso.Storage/accounts",
    ]
    assert expansion.resources[0].id == group
    assert expansion.resources[0].location == "northeurope"
    assert store.id.startswith(f"{group}/providers/Contoso.Storage/accounts/st")
    assert store.depends_on == (group,)
    assert reader.depends_on == (group, store.id)


def test_a_group_made_by_the_template_gives_its_location_to_the_module(
    main: dict[str, Any], subscription_scope: DeploymentScope
) -> None:
    expansion = expand(main, {"environment": {"value": "UAT"}}, subscription_scope)
    assert expansion.resources[1].location == "northeurope"


def test_module_outputs_are_known_as_far_as_they_need_no_live_state(
    main: dict[str, Any], subscription_scope: DeploymentScope
) -> None:
    expansion = expand(main, {"environment": {"value": "UAT"}}, subscription_scope)
    store, reader = expansion.resources[1:]
    assert reader.body["properties"]["of"] == store.id
    assert isinstance(reader.body["properties"]["secret"], Unknown)
    assert expansion.outputs["store"].value == store.id


def test_a_name_that_only_live_state_tells_is_refused(
    main: dict[str, Any], subscription_scope: DeploymentScope
) -> None:
    nested = main["resources"][0]["properties"]["template"]
    nested["resources"][0]["name"] = "[parameters('secret')]"
    with pytest.raises(TemplateError, match="name is not known before deployment") as caught:
        expand(main, {"environment": {"value": "UAT"}}, subscription_scope)
    assert caught.value.code == "InvalidTemplate"
