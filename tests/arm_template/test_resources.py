"""Resources: names and scopes, loops, conditions, dependencies, and the bodies that come of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dbxwizard.arm_template import DeploymentScope, Evaluator, Expansion, TemplateError, Unknown, expand

Make = Callable[..., dict[str, Any]]
Expand = Callable[..., Expansion]
GROUP = "/subscriptions/bbbbbbbb-0000-4000-8000-000000000002/resourceGroups/rg-test"


def resource(name: str, resource_type: str = "Contoso.Web/sites", **more: Any) -> dict[str, Any]:
    return {"type": resource_type, "apiVersion": "2024-01-01", "name": name, **more}


@pytest.fixture
def expanded(group_template: Make, group_scope: DeploymentScope) -> Expand:
    def run(*resources: dict[str, Any], **sections: Any) -> Expansion:
        return expand(group_template(resources=list(resources), **sections), {}, group_scope)

    return run


@pytest.fixture
def symbolic(group_template: Make, group_scope: DeploymentScope) -> Expand:
    def run(resources: dict[str, Any], **sections: Any) -> Expansion:
        return expand(group_template(resources=resources, **sections), {}, group_scope)

    return run


def tails(expansion: Expansion) -> list[str]:
    return [item.id.removeprefix(f"{GROUP}/providers/") for item in expansion.resources]


def test_the_body_is_what_goes_to_the_provider(expanded: Expand) -> None:
    declared = resource(
        "[concat('a', 'b')]",
        comments="c",
        metadata={"x": 1},
        location="[resourceGroup().location]",
        sku={"name": "S1"},
        tags={"[concat('k', '1')]": "[toUpper('v')]", "plain": "[[literal]"},
        properties={"list": [1, "[add(1, 1)]"], "deep": {"n": None}},
    )
    (made,) = expanded(declared).resources
    assert made.name == "ab"
    assert made.location == "westeurope"
    assert made.body == {
        "location": "westeurope",
        "sku": {"name": "S1"},
        "tags": {"k1": "V", "plain": "[literal]"},
        "properties": {"list": [1, 2], "deep": {"n": None}},
    }


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (resource("a/b", "Contoso.Web/sites/slots"), f"{GROUP}/providers/Contoso.Web/sites/a/slots/b"),
        (
            resource("a/Contoso.Lock/x", "Contoso.Web/sites/providers/locks"),
            f"{GROUP}/providers/Contoso.Web/sites/a/providers/Contoso.Lock/locks/x",
        ),
        (resource("x", "Contoso.Lock/locks", scope="/"), "/providers/Contoso.Lock/locks/x"),
        (
            resource("x", "Contoso.Lock/locks", scope="Contoso.Web/sites/a"),
            f"{GROUP}/providers/Contoso.Web/sites/a/providers/Contoso.Lock/locks/x",
        ),
        (
            resource("x", "Contoso.Lock/locks", scope="[resourceId('Contoso.Web/sites/slots', 'a', 'b')]"),
            f"{GROUP}/providers/Contoso.Web/sites/a/slots/b/providers/Contoso.Lock/locks/x",
        ),
        (
            resource("x", "Contoso.Lock/locks", scope="Microsoft.Management/managementGroups/top"),
            "/providers/Microsoft.Management/managementGroups/top/providers/Contoso.Lock/locks/x",
        ),
    ],
)
def test_ids(declared: dict[str, Any], expected: str, expanded: Expand) -> None:
    assert expanded(declared).resources[0].id == expected


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (
            resource("a/b"),
            "has incorrect segment lengths. A nested resource type must have identical number of segments",
        ),
        (resource("[parameters('absent')]"), "The template parameter 'absent' is not found."),
        (resource(""), "Its name is not a string, or empty."),
        ({"type": "A.B/c", "name": "n"}, "Its apiVersion is not a string"),
        (resource("n", condition="[string(1)]"), "Its condition is not a boolean."),
        (resource("n", copy={"name": "l", "count": 801}), "invalid copy count of: '801'. The copy count must be"),
        (
            resource("n", copy={"name": "l", "count": -1}),
            "copy count of: '-1'. The copy count must be a non-negative integer",
        ),
        (resource("n", copy={"name": "l", "count": "many"}), "has an invalid copy count of type 'String'"),
        (resource("n", copy={"name": "l", "count": 0, "mode": "often"}), "a mode that is not 'Parallel' or 'Serial'"),
        (resource("n", copy={"name": "l", "count": 0, "batchSize": 0}), "has an invalid copy batch size"),
        (resource("n", copy={"count": 1}), "The copy element needs a name and a count."),
        (resource("n", dependsOn=["absent"]), "The resource 'absent' is not defined in the template."),
        (resource("n", properties={"a": "[nothing()]"}), "The template function 'nothing' is not valid."),
    ],
)
def test_refuses_a_declaration(declared: dict[str, Any], message: str, expanded: Expand) -> None:
    with pytest.raises(TemplateError) as caught:
        expanded(declared)
    assert caught.value.code == "InvalidTemplate"
    assert caught.value.message.startswith("Deployment template validation failed: '")
    assert message in caught.value.message


def test_the_same_resource_twice_is_refused(expanded: Expand) -> None:
    with pytest.raises(
        TemplateError, match=rf"The resource '{GROUP}/providers/.*/N' is defined multiple times in a template"
    ):
        expanded(resource("n"), resource("N"))


def test_a_circle_of_dependencies_is_refused(expanded: Expand) -> None:
    with pytest.raises(TemplateError, match=r"Circular dependency detected on resource: '/subscriptions/.*/sites/a'\."):
        expanded(resource("a", dependsOn=["b"]), resource("b", dependsOn=["c"]), resource("c", dependsOn=["a"]))


def test_a_diamond_of_dependencies_is_no_circle(expanded: Expand) -> None:
    made = expanded(
        resource("a", dependsOn=["b", "c"]),
        resource("c", dependsOn=["d"]),
        resource("d", dependsOn=["b"]),
        resource("b"),
    )
    assert [item.name for item in made.resources] == ["b", "d", "c", "a"]


@pytest.mark.parametrize(
    "reference",
    [
        "other",
        "Contoso.Web/sites/other",
        "contoso.web/SITES/other",
        "[resourceId('Contoso.Web/sites', 'other')]",
        "[concat('Contoso.Web/sites/', 'other')]",
    ],
)
def test_a_dependency_has_many_names(reference: str, expanded: Expand) -> None:
    made = expanded(resource("one", dependsOn=[reference]), resource("other"))
    assert [item.name for item in made.resources] == ["other", "one"]
    assert made.resources[1].depends_on == (made.resources[0].id,)


@pytest.mark.parametrize(
    ("expression", "waits"),
    [
        ("[reference('other').x]", True),
        ("[listKeys('other', '2024-01-01').x]", True),
        ("[reference(resourceId('Contoso.Web/sites', 'other')).x]", True),
        ("[reference(resourceId('Contoso.Web/sites', 'other'), '2024-01-01').x]", False),
        ("[resourceId('Contoso.Web/sites', 'other')]", False),
    ],
)
def test_a_reference_by_name_is_a_dependency(expression: str, waits: bool, expanded: Expand) -> None:
    made = expanded(resource("one", properties={"deep": [{"x": expression}]}), resource("other"))
    assert [item.name for item in made.resources] == (["other", "one"] if waits else ["one", "other"])


def test_a_false_condition_takes_the_resource_out_of_the_order(expanded: Expand) -> None:
    made = expanded(
        resource("one", dependsOn=["off"]),
        resource("off", condition="[equals(1, 2)]", dependsOn=["last"]),
        resource("last"),
    )
    assert [item.name for item in made.resources] == ["one", "last"]
    assert made.resources[0].depends_on == ()


def test_a_loop_makes_one_resource_a_turn(expanded: Expand) -> None:
    made = expanded(
        resource(
            "[format('s{0}{1}', copyIndex(), copyIndex('sites', 5))]",
            copy={"name": "sites", "count": "[length('abc')]"},
        ),
        resource("after", dependsOn=["sites"]),
        resource("none", copy={"name": "never", "count": 0}),
    )
    assert [item.name for item in made.resources] == ["s05", "s16", "s27", "after"]
    assert len(made.resources[3].depends_on) == 3


def test_a_serial_loop_goes_batch_by_batch(expanded: Expand) -> None:
    loop = {"name": "sites", "count": 5, "mode": "Serial", "batchSize": 2}
    made = expanded(resource("[concat('s', copyIndex())]", copy=loop))
    waits = {item.name: [other.rsplit("/", 1)[1] for other in item.depends_on] for item in made.resources}
    assert waits == {"s0": [], "s1": [], "s2": ["s0", "s1"], "s3": ["s0", "s1"], "s4": ["s2", "s3"]}


def test_property_loops_stand_within_resource_loops(expanded: Expand) -> None:
    disks = {"name": "disks", "count": 2, "input": {"lun": "[copyIndex('disks')]", "of": "[copyIndex()]"}}
    names = {"name": "names", "count": 1, "input": "[concat('n', copyIndex('names', 1))]"}
    made = expanded(
        resource(
            "[concat('vm', copyIndex())]", copy={"name": "vms", "count": 2}, properties={"copy": [disks, names], "k": 1}
        )
    )
    assert made.resources[1].body["properties"] == {
        "disks": [{"lun": 0, "of": 1}, {"lun": 1, "of": 1}],
        "names": ["n1"],
        "k": 1,
    }


def test_outputs_may_be_loops_and_conditional(expanded: Expand) -> None:
    made = expanded(
        outputs={
            "list": {"type": "array", "copy": {"count": 3, "input": "[mul(copyIndex(), 2)]"}},
            "off": {"type": "string", "condition": "[equals(1, 2)]", "value": "[nothing()]"},
        }
    )
    assert {name: item.value for name, item in made.outputs.items()} == {"list": [0, 2, 4]}


def test_an_output_has_its_type(expanded: Expand) -> None:
    with pytest.raises(
        TemplateError, match="The template output 'o' is not valid: Template output JToken type is not valid"
    ):
        expanded(outputs={"o": {"type": "int", "value": "five"}})


def test_children_may_be_nested_in_their_parent(expanded: Expand) -> None:
    child = {
        "type": "slots",
        "apiVersion": "1",
        "name": "[copyIndex('sites')]",
        "dependsOn": ["[concat('s', copyIndex())]"],
    }
    child["name"] = "[concat('c', copyIndex())]"
    full = resource("[concat('s', copyIndex(), '/full')]", "Contoso.Web/sites/slots")
    made = expanded(resource("[concat('s', copyIndex())]", copy={"name": "sites", "count": 2}, resources=[child, full]))
    assert tails(made) == [
        "Contoso.Web/sites/s0",
        "Contoso.Web/sites/s0/slots/c0",
        "Contoso.Web/sites/s0/slots/full",
        "Contoso.Web/sites/s1",
        "Contoso.Web/sites/s1/slots/c1",
        "Contoso.Web/sites/s1/slots/full",
    ]
    assert made.resources[1].depends_on == (made.resources[0].id,)
    assert "resources" not in made.resources[0].body


def test_a_nested_child_can_not_be_a_loop(expanded: Expand) -> None:
    child = resource("c", "slots", copy={"name": "l", "count": 2})
    with pytest.raises(TemplateError, match="copy loop can't be used on a resource that is nested"):
        expanded(resource("a", resources=[child]))


def test_symbolic_names_are_names_of_their_own(symbolic: Expand) -> None:
    made = symbolic(
        {
            "kv": resource("sa", properties={"id": "[resourceInfo('sa').id]", "v": "[resourceInfo('sa').apiVersion]"}),
            "sa": resource("kv", "Contoso.Data/stores", dependsOn=["kv"]),
        }
    )
    assert [(item.symbolic_name, item.name) for item in made.resources] == [("kv", "sa"), ("sa", "kv")]
    assert made.resources[0].body["properties"] == {
        "id": f"{GROUP}/providers/Contoso.Data/stores/kv",
        "v": "2024-01-01",
    }
    assert made.resources[1].depends_on == (made.resources[0].id,)


def test_symbolic_loops_are_referred_to_by_index(symbolic: Expand) -> None:
    made = symbolic(
        {
            "one": resource(
                "one", dependsOn=["[format('many[{0}]', 1)]"], properties={"x": "[reference('many[0]').y]"}
            ),
            "many": resource("[concat('m', copyIndex())]", copy={"name": "many", "count": 3}),
            "all": resource("all", properties={"x": "[references('many')]"}),
        }
    )
    by_name = {item.symbolic_name: item for item in made.resources}
    assert [other.rsplit("/", 1)[1] for other in by_name["one"].depends_on] == ["m1", "m0"]
    assert len(by_name["all"].depends_on) == 3
    assert [isinstance(item, Unknown) for item in by_name["all"].body["properties"]["x"]] == [True] * 3


def test_existing_resources_are_named_but_not_made(symbolic: Expand) -> None:
    made = symbolic(
        {
            "vault": {**resource("v", "Contoso.Vault/vaults"), "existing": True, "resourceGroup": "elsewhere"},
            "site": resource("s", dependsOn=["vault"], properties={"uri": "[reference('vault').uri]"}),
        },
        outputs={"id": {"type": "string", "value": "[resourceInfo('vault').id]"}},
    )
    assert [item.existing for item in made.resources] == [True, False]
    assert made.outputs["id"].value.endswith("/resourceGroups/elsewhere/providers/Contoso.Vault/vaults/v")
    assert isinstance(made.resources[1].body["properties"]["uri"], Unknown)


def test_what_only_live_state_tells_stays_in_its_place(expanded: Expand) -> None:
    live = "reference('/a/providers/B.C/d/e', '2020-01-01')"
    properties = {
        "plain": f"[{live}.x[0]['y']]",
        "part": f"[createObject('known', 1, 'live', {live}.x)]",
        "list": f"[concat(createArray('a'), createArray({live}.x))]",
        "merged": f"[union(createObject('a', 1), createObject('b', {live}))]",
        "text": f"[format('{{0}}-{{1}}', 'a', {live}.x)]",
        "choice": f"[if({live}.x, 'a', 'b')]",
        "decided": f"[if(and(false(), {live}.x), 'a', 'b')]",
        "short": f"[or({live}.x, true())]",
        "mapped": f"[map(createArray(1, 2), lambda('i', if(equals(lambdaVariables('i'), 1), 'one', {live}.x)))]",
        "filtered": f"[filter(createArray(1), lambda('i', {live}.x))]",
        "sorted": f"[sort(createArray(1, 2), lambda('a', 'b', {live}.x))]",
        "tried": f"[tryGet({live}, 'x')]",
        "counted": f"[length(createArray({live}, 1))]",
        "keyed": {f"[{live}.x]": 1},
    }
    body = expanded(resource("n", properties=properties)).resources[0].body["properties"]
    unknown = {name for name, item in body.items() if isinstance(item, Unknown)}
    assert unknown == {"plain", "text", "choice", "filtered", "sorted", "tried", "keyed"}
    assert body["part"]["known"] == 1
    assert isinstance(body["part"]["live"], Unknown)
    assert body["list"][0] == "a"
    assert body["merged"]["a"] == 1
    assert body["decided"] == "b"
    assert body["short"] is True
    assert body["mapped"][0] == "one"
    assert body["counted"] == 2
    assert "B.C/d/e" in str(body["plain"])


class Live:
    """A runtime that says what it was asked."""

    def reference(self, resource_id: str, api_version: str, full: bool) -> Any:
        if api_version == "" and full:
            return {"location": "northeurope", "tags": {"t": "1"}, "properties": {"provisioningState": "Succeeded"}}
        return {"asked": f"{resource_id.rsplit('/', 1)[1]} {api_version} {full}"}

    def list(self, resource_id: str, function: str, api_version: str, value: Any) -> Any:
        return {"asked": f"{function} {resource_id.rsplit('/', 1)[1]} {api_version} {value}"}

    def secret(self, vault_id: str, name: str, version: str) -> Any:
        raise AssertionError


def test_with_a_runtime_bodies_are_evaluated_one_by_one(group_template: Make, group_scope: DeploymentScope) -> None:
    template = group_template(
        resources=[
            resource(
                "late",
                properties={"a": "[reference('first', '2020-02-02', 'Full').asked]", "b": "[reference('first').asked]"},
            ),
            resource("first", location="[resourceGroup().location]"),
            resource("bad", properties={"x": "[reference('first').absent]"}),
        ],
        outputs={"key": {"type": "string", "value": "[listKeys('first', '2021-01-01', createObject('k', 1)).asked]"}},
    )
    evaluator = Evaluator(template, {}, group_scope, runtime=Live())
    first, late, bad = evaluator.resources()
    assert evaluator.evaluate(first).location == "northeurope"
    assert late.depends_on == (first.key,)
    assert evaluator.evaluate(late).body["properties"] == {"a": "first 2020-02-02 True", "b": "first 2024-01-01 False"}
    assert evaluator.outputs()["key"].value == "listKeys first 2021-01-01 {'k': 1}"
    with pytest.raises(TemplateError) as caught:
        evaluator.evaluate(bad)
    assert caught.value.target == bad.id
    assert caught.value.message == (
        f"Unable to process template language expressions for resource '{bad.id}'. "
        "'The language expression property 'absent' doesn't exist, available properties are 'asked'.'"
    )


def test_a_runtime_may_not_know(group_template: Make, group_scope: DeploymentScope) -> None:
    class Partial(Live):
        def reference(self, resource_id: str, api_version: str, full: bool) -> Any:
            return Unknown("not there yet")

    template = group_template(
        resources=[
            resource(
                "n",
                location="[resourceGroup().location]",
                properties={"x": "[reference('/a/providers/B.C/d/e', '1').x]"},
            )
        ]
    )
    body = expand(template, {}, group_scope, runtime=Partial()).resources[0].body
    assert isinstance(body["location"], Unknown)
    assert isinstance(body["properties"]["x"], Unknown)


@pytest.mark.parametrize(
    ("section", "count", "item"),
    [
        ("parameters", 257, {"type": "string", "defaultValue": "x"}),
        ("variables", 257, "x"),
        ("outputs", 65, {"type": "string", "value": "x"}),
    ],
)
def test_sections_have_limits(section: str, count: int, item: Any, expanded: Expand) -> None:
    with pytest.raises(TemplateError, match=rf"limit exceeded\. Limit: '{count - 1}' and actual: '{count}'\."):
        expanded(**{section: {f"n{index}": item for index in range(count)}})


def test_resources_have_a_limit(expanded: Expand) -> None:
    loops = [resource(f"[concat('{name}', copyIndex())]", copy={"name": name, "count": 500}) for name in "ab"]
    with pytest.raises(
        TemplateError, match=r"The number of template resources limit exceeded\. Limit: '800' and actual: '1000'"
    ):
        expanded(*loops)


def test_a_template_has_a_size(expanded: Expand) -> None:
    with pytest.raises(TemplateError, match="The template size limit exceeded"):
        expanded(variables={"v": "x" * (4 * 1024 * 1024)})


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "is not an object"),
        ([], "is not an object"),
        ({}, "no content version"),
        ({"contentVersion": "1.0.0.0"}, "schema 'None' is not supported"),
        (
            {
                "contentVersion": "1.0.0.0",
                "$schema": "https://schema.management.azure.com/schemas/x/tenantDeploymentTemplate.json#",
            },
            "Tenant",
        ),
        (
            {"contentVersion": "1.0.0.0", "resourcez": []},
            "Could not find member 'resourcez' on object of type 'Template'.",
        ),
        ({"contentVersion": "1.0.0.0", "languageVersion": "9.0"}, "language version '9.0' is not supported"),
        ({"contentVersion": "1.0.0.0", "resources": {}}, "need the template language version '2.0'"),
    ],
)
def test_refuses_what_is_no_template(template: Any, message: str, group_scope: DeploymentScope) -> None:
    with pytest.raises(TemplateError) as caught:
        expand(template, {}, group_scope)
    assert message in caught.value.message


def test_what_depends_on_a_loop_without_a_turn_depends_on_nothing(symbolic: Expand, expanded: Expand) -> None:
    loop = {"name": "many", "count": 0}
    named = {"many": resource("x", copy=loop), "last": resource("last", dependsOn=["many"])}
    assert tails(symbolic(named)) == ["Contoso.Web/sites/last"]
    assert tails(expanded(resource("x", copy=loop), resource("last", dependsOn=["many"]))) == ["Contoso.Web/sites/last"]
    with pytest.raises(TemplateError, match="The resource 'none' is not defined in the template"):
        symbolic({"last": resource("last", dependsOn=["none"])})


def test_only_what_is_deployed_needs_a_name(expanded: Expand) -> None:
    assert tails(expanded(resource("", condition=False), resource("x"))) == ["Contoso.Web/sites/x"]
    with pytest.raises(TemplateError, match="Its name is not a string, or empty"):
        expanded(resource("", condition=True))
