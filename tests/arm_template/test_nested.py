"""Deployments within deployments: whose expressions they are, and where they go."""

from __future__ import annotations

from typing import Any

import pytest

from dbxwizard.arm_template import DeploymentScope, Evaluator, Expansion, TemplateError, expand
from dbxwizard.arm_template.template_hash import template_hash

BASE = "https://schema.management.azure.com/schemas"
SCHEMAS = {
    "group": f"{BASE}/2019-04-01/deploymentTemplate.json#",
    "subscription": f"{BASE}/2018-05-01/subscriptionDeploymentTemplate.json#",
    "management": f"{BASE}/2019-08-01/managementGroupDeploymentTemplate.json#",
    "tenant": f"{BASE}/2019-08-01/tenantDeploymentTemplate.json#",
}
SCOPES = {
    "group": DeploymentScope("t", subscription_id="s", resource_group="g", location="here"),
    "subscription": DeploymentScope("t", subscription_id="s", location="here"),
    "management": DeploymentScope("t", management_group="m", location="here"),
    "tenant": DeploymentScope("t", location="here"),
}


def template(level: str = "group", **sections: Any) -> dict[str, Any]:
    return {"$schema": SCHEMAS[level], "contentVersion": "1.0.0.0", "resources": [], **sections}


def nested(inner: dict[str, Any], *, evaluation: str = "inner", name: str = "nested", **more: Any) -> dict[str, Any]:
    properties = {"mode": "Incremental", "expressionEvaluationOptions": {"scope": evaluation}, "template": inner}
    parameters = more.pop("parameters", None)
    if parameters is not None:
        properties["parameters"] = parameters
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": name,
        "properties": properties,
        **more,
    }


def thing(name: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "Contoso.Web/sites", "apiVersion": "2024-01-01", "name": name, **more}


def run(outer: dict[str, Any], level: str = "group") -> Expansion:
    return expand(outer, {}, SCOPES[level])


SHOWN = {"shown": {"type": "string", "value": "[reference('nested').outputs.v.value]"}}


@pytest.mark.parametrize(("scope", "expected"), [("inner", "nested"), ("outer", "parent"), ("Outer", "parent")])
def test_variables_are_those_of_the_evaluation_scope(scope: str, expected: str) -> None:
    inner = template(variables={"v": "nested"}, outputs={"v": {"type": "string", "value": "[variables('v')]"}})
    outer = template(variables={"v": "parent"}, resources=[nested(inner, evaluation=scope)], outputs=SHOWN)
    assert run(outer).outputs["shown"].value == expected


def test_without_options_the_parent_evaluates() -> None:
    resource = nested(
        template(outputs={"v": {"type": "string", "value": "[resourceGroup().name]"}}), resourceGroup="other"
    )
    del resource["properties"]["expressionEvaluationOptions"]
    assert run(template(resources=[resource], outputs=SHOWN)).outputs["shown"].value == "g"


def test_a_doubled_bracket_leaves_an_expression_to_the_inner_template() -> None:
    inner = template(outputs={"v": {"type": "string", "value": "[[resourceGroup().name]"}})
    outer = template(resources=[nested(inner, evaluation="outer", resourceGroup="other")], outputs=SHOWN)
    assert run(outer).outputs["shown"].value == "other"


def test_an_inner_template_sees_only_its_own_parameters() -> None:
    inner = template(
        parameters={"p": {"type": "string"}}, outputs={"v": {"type": "string", "value": "[parameters('p')]"}}
    )
    good = nested(inner, parameters={"p": {"value": "[variables('v')]"}})
    outer = template(variables={"v": "given"}, resources=[good], outputs=SHOWN)
    assert run(outer).outputs["shown"].value == "given"
    with pytest.raises(TemplateError, match="The value for the template parameter 'p' is not provided"):
        run(template(resources=[nested(inner)]))


@pytest.mark.parametrize(
    ("level", "inner", "where", "expected"),
    [
        ("group", "group", {}, "/subscriptions/s/resourceGroups/g"),
        ("group", "group", {"resourceGroup": "o"}, "/subscriptions/s/resourceGroups/o"),
        ("group", "group", {"subscriptionId": "s2", "resourceGroup": "o"}, "/subscriptions/s2/resourceGroups/o"),
        ("group", "group", {"subscriptionId": "", "resourceGroup": "o"}, "/subscriptions/s/resourceGroups/o"),
        ("group", "subscription", {"subscriptionId": "s", "location": "l"}, "/subscriptions/s"),
        ("group", "tenant", {"scope": "/", "location": "l"}, ""),
        ("subscription", "subscription", {"location": "l"}, "/subscriptions/s"),
        ("subscription", "subscription", {"subscriptionId": "s2", "location": "l"}, "/subscriptions/s2"),
        ("subscription", "group", {"resourceGroup": "o"}, "/subscriptions/s/resourceGroups/o"),
        (
            "subscription",
            "management",
            {"scope": "Microsoft.Management/managementGroups/m2", "location": "l"},
            "/providers/Microsoft.Management/managementGroups/m2",
        ),
        ("management", "management", {"location": "l"}, "/providers/Microsoft.Management/managementGroups/m"),
        ("management", "subscription", {"subscriptionId": "s2", "location": "l"}, "/subscriptions/s2"),
        ("management", "group", {"subscriptionId": "s2", "resourceGroup": "o"}, "/subscriptions/s2/resourceGroups/o"),
        (
            "tenant",
            "management",
            {"scope": "Microsoft.Management/managementGroups/m", "location": "l"},
            "/providers/Microsoft.Management/managementGroups/m",
        ),
        ("tenant", "subscription", {"subscriptionId": "s2", "location": "l"}, "/subscriptions/s2"),
        (
            "subscription",
            "group",
            {"scope": "/subscriptions/s2/resourceGroups/o"},
            "/subscriptions/s2/resourceGroups/o",
        ),
    ],
)
def test_goes_where_it_says(level: str, inner: str, where: dict[str, Any], expected: str) -> None:
    outer = template(level, resources=[nested(template(inner, resources=[thing()]), **where)])
    assert [item.id for item in run(outer, level).resources] == [f"{expected}/providers/Contoso.Web/sites/x"]


@pytest.mark.parametrize(
    ("level", "where", "message"),
    [
        ("group", {"scope": "/subscriptions/s/providers/A.B/c/d"}, "is none that a deployment can have"),
        ("tenant", {"resourceGroup": "o"}, "'SubscriptionId' property must be specified"),
    ],
)
def test_refuses_where_it_can_not_go(level: str, where: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        run(template(level, resources=[nested(template("group"), **where)]), level)
    assert message in caught.value.message


def test_a_template_of_another_level_is_refused_but_that_of_a_group_is_taken() -> None:
    assert run(template("group"), "subscription").resources == ()
    with pytest.raises(TemplateError, match="not supported for one at ResourceGroup scope"):
        run(template("subscription"), "group")


@pytest.mark.parametrize(("given", "waits"), [("[reference('x').a]", True), ("known", False)])
def test_says_whether_a_nested_deployment_waits_for_values(given: str, waits: bool) -> None:
    inner = template(parameters={"name": {"type": "string"}}, resources=[thing("[parameters('name')]")])
    outer = template(resources=[thing(), nested(inner, parameters={"name": {"value": given}})])
    evaluator = Evaluator(outer, {}, SCOPES["group"])
    assert [evaluator.waits(item) for item in evaluator.resources() if item.is_deployment] == [waits]


@pytest.mark.parametrize(
    ("level", "expression", "expected"),
    [
        ("group", "resourceGroup().id", "/subscriptions/s/resourceGroups/g"),
        ("group", "subscription().subscriptionId", "s"),
        ("group", "resourceId('A.B/c', 'd')", "/subscriptions/s/resourceGroups/g/providers/A.B/c/d"),
        ("subscription", "resourceId('A.B/c', 'd')", "/subscriptions/s/providers/A.B/c/d"),
        ("subscription", "resourceId('s2', 'A.B/c', 'd')", "/subscriptions/s2/providers/A.B/c/d"),
        (
            "subscription",
            "subscriptionResourceId('Microsoft.Resources/resourceGroups', 'r')",
            "/subscriptions/s/resourceGroups/r",
        ),
        ("subscription", "deployment().location", "here"),
        ("management", "managementGroup().id", "/providers/Microsoft.Management/managementGroups/m"),
        ("management", "managementGroup().type", "/providers/Microsoft.Management/managementGroups"),
        ("management", "managementGroup().properties.tenantId", "t"),
        ("management", "resourceId('A.B/c', 'd')", "/providers/A.B/c/d"),
        (
            "management",
            "managementGroupResourceId('A.B/c', 'd')",
            "/providers/Microsoft.Management/managementGroups/m/providers/A.B/c/d",
        ),
        ("tenant", "tenant().tenantId", "t"),
        ("tenant", "tenantResourceId('A.B/c/', 'd')", "/providers/A.B/c/d"),
    ],
)
def test_functions_of_the_scope(level: str, expression: str, expected: str) -> None:
    outputs = {"o": {"type": "string", "value": f"[{expression}]"}}
    assert run(template(level, outputs=outputs), level).outputs["o"].value == expected


@pytest.mark.parametrize(
    ("level", "expression"),
    [
        ("subscription", "resourceGroup()"),
        ("tenant", "subscription()"),
        ("group", "managementGroup()"),
        ("tenant", "subscriptionResourceId('A.B/c', 'd')"),
        ("subscription", "resourceId('s', 'r', 'A.B/c', 'd')"),
    ],
)
def test_functions_that_the_scope_does_not_have(level: str, expression: str) -> None:
    outputs = {"o": {"type": "string", "value": f"[string({expression})]"}}
    with pytest.raises(TemplateError):
        run(template(level, outputs=outputs), level)


def test_a_deployment_knows_its_own_name_and_the_parameters_that_it_was_given() -> None:
    expression = "[concat(deployment().name, deployment().properties.parameters.p.value, deployment().properties.mode)]"
    inner = template(parameters={"p": {"type": "string"}}, outputs={"v": {"type": "string", "value": expression}})
    outer = template(resources=[nested(inner, parameters={"p": {"value": "-x-"}})], outputs=SHOWN)
    assert run(outer).outputs["shown"].value == "nested-x-Incremental"


def test_dependencies_reach_through_deployments() -> None:
    first = nested(template(resources=[thing("a"), thing("b", dependsOn=["a"])]), name="first")
    second = nested(template(resources=[thing("c")]), name="second", dependsOn=["first"])
    empty = nested(template(), name="empty", dependsOn=["second"])
    expansion = run(template(resources=[thing("d", dependsOn=["empty"]), empty, second, first]))
    waits = {item.name: sorted(other[-1] for other in item.depends_on) for item in expansion.resources}
    assert [item.name for item in expansion.resources] == ["a", "b", "c", "d"]
    assert waits == {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["c"]}


def test_modules_may_be_loops() -> None:
    inner = template(parameters={"n": {"type": "int"}}, resources=[thing("[concat('x', parameters('n'))]")])
    module = nested(inner, name="[concat('m', copyIndex())]", parameters={"n": {"value": "[copyIndex()]"}})
    outer = template(resources=[{**module, "copy": {"name": "modules", "count": 3}}])
    assert [item.name for item in run(outer).resources] == ["x0", "x1", "x2"]


def test_nesting_has_a_limit() -> None:
    inner = template(resources=[thing()])
    for depth in range(5):
        inner = template(resources=[nested(inner, name=f"n{depth}")])
    assert len(run(inner).resources) == 1
    with pytest.raises(TemplateError, match="Limit: '5' and actual: '6'"):
        run(template(resources=[nested(inner)]))


def test_linked_templates_are_not_fetched() -> None:
    linked = nested(template())
    linked["properties"] = {"mode": "Incremental", "templateLink": {"uri": "[uri('https://host/a/', 'b.json')]"}}
    with pytest.raises(TemplateError) as caught:
        run(template(resources=[linked]))
    assert caught.value.code == "InvalidContentLink"
    assert caught.value.message == "Unable to download deployment content from 'https://host/a/b.json'."


def test_a_deployment_knows_the_hash_of_its_template() -> None:
    outputs = {"o": {"type": "string", "value": "[deployment().properties.templateHash]"}}
    wanted = template(outputs=outputs)
    assert run(wanted).outputs["o"].value == template_hash(wanted)
    with pytest.raises(TemplateError, match="'templateHash' doesn't exist"):
        run(template(outputs=outputs, functions=[]))
