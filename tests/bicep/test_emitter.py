"""The emitter follows the compiler in what bicep/ uses, and refuses the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lark.exceptions import LarkError

from dbxwizard.arm_template.template_hash import template_hash
from tests.bicep.arm_emitter import emit
from tests.bicep.bicep_tree import BicepFile, read_file

EMPTY = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def compiled(text: str, **modules: str) -> Any:
    def read(_: BicepFile, path: str) -> BicepFile:
        return read_file(Path(path), modules[path])

    return emit(read_file(Path("main.bicep"), text), read)


def value(expression: str) -> Any:
    return compiled(f"param p object\nparam l array\nvar v = {expression}\n")["variables"]["v"]


@pytest.mark.parametrize(
    ("bicep", "arm"),
    [
        ("'text'", "text"),
        ("'it\\'s'", "it's"),
        ("'[text'", "[[text"),
        ("7", 7),
        ("true", True),
        ("null", None),
        ("[\n 1\n 'a'\n]", [1, "a"]),
        ("p.a.b", "[parameters('p').a.b]"),
        ("'${p.a}-{${l}'", "[format('{0}-{{{1}', parameters('p').a, parameters('l'))]"),
        ("empty(p) ? true : null", "[if(empty(parameters('p')), true(), null())]"),
        (
            "(empty(p) && empty(l)) ? 'it\\'s' : 1",
            "[if(and(empty(parameters('p')), empty(parameters('l'))), 'it''s', 1)]",
        ),
        ("length(l) == 1", "[equals(length(parameters('l')), 1)]"),
        ("union(p, {a: [1]})", "[union(parameters('p'), createObject('a', createArray(1)))]"),
        ("take('${toLower('A')}b', 1)", "[take(format('{0}b', toLower('A')), 1)]"),
    ],
)
def test_values_and_expressions(bicep: str, arm: Any) -> None:
    assert value(bicep) == arm


def test_a_parameter_carries_its_decorators() -> None:
    text = "@description('Size.')\n@minValue(1)\n@maxValue(3)\n@allowed([\n 1\n 2\n])\nparam size int = 1\n"
    assert compiled(text)["parameters"]["size"] == {
        "type": "int",
        "defaultValue": 1,
        "allowedValues": [1, 2],
        "minValue": 1,
        "maxValue": 3,
        "metadata": {"description": "Size."},
    }


FAMILY = """
param names array
resource mother 'Contoso.Test/mothers@2020-01-01' = {
  name: 'm'
  properties: {
    list: [for name in names: {
      name: name
    }]
    kind: 'x'
  }
}
resource child 'Contoso.Test/mothers/children@2020-01-01' = [for name in names: {
  parent: mother
  name: name
}]
resource note 'Contoso.Note/notes@2021-01-01' = {
  name: guid(mother.id)
  scope: mother
  properties: {
    from: mother.properties.from
    who: mother.identity.who
  }
}
"""


def test_a_loop_in_a_property_becomes_a_copy_that_comes_first() -> None:
    loop = {
        "name": "list",
        "count": "[length(parameters('names'))]",
        "input": {"name": "[parameters('names')[copyIndex('list')]]"},
    }
    properties = compiled(FAMILY)["resources"][0]["properties"]
    assert list(properties.items()) == [("copy", [loop]), ("kind", "x")]


def test_a_child_carries_its_parents_name_and_waits_for_it() -> None:
    assert compiled(FAMILY)["resources"][1] == {
        "copy": {"name": "child", "count": "[length(parameters('names'))]"},
        "type": "Contoso.Test/mothers/children",
        "apiVersion": "2020-01-01",
        "name": "[format('{0}/{1}', 'm', parameters('names')[copyIndex()])]",
        "dependsOn": ["[resourceId('Contoso.Test/mothers', 'm')]"],
    }


def test_an_extension_names_its_scope_and_reads_what_it_needs() -> None:
    mother = "resourceId('Contoso.Test/mothers', 'm')"
    assert compiled(FAMILY)["resources"][2] == {
        "type": "Contoso.Note/notes",
        "apiVersion": "2021-01-01",
        "scope": f"[{mother}]",
        "name": f"[guid({mother})]",
        "properties": {
            "from": f"[reference({mother}, '2020-01-01').from]",
            "who": f"[reference({mother}, '2020-01-01', 'full').identity.who]",
        },
        "dependsOn": [f"[{mother}]"],
    }


HOUSE = """
targetScope = 'subscription'
resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg'
  location: 'here'
}
module roof 'roof.bicep' = {
  name: 'theRoof'
  scope: group
  params: {
    colour: 'red'
  }
}
output seen string = roof.outputs.colour
"""
ROOF = "param colour string\noutput colour string = colour\n"


def test_a_module_is_a_nested_deployment_in_its_group() -> None:
    template = compiled(HOUSE, **{"roof.bicep": ROOF})
    module = template["resources"][1]
    assert {key: module[key] for key in ("type", "apiVersion", "name", "resourceGroup")} == {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2025-04-01",
        "name": "theRoof",
        "resourceGroup": "rg",
    }
    assert module["properties"]["parameters"] == {"colour": {"value": "red"}}
    assert module["properties"]["template"]["parameters"] == {"colour": {"type": "string"}}
    assert module["dependsOn"] == ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'rg')]"]
    group = "format('/subscriptions/{0}/resourceGroups/{1}', subscription().subscriptionId, 'rg')"
    deployment = f"extensionResourceId({group}, 'Microsoft.Resources/deployments', 'theRoof')"
    assert template["outputs"]["seen"]["value"] == f"[reference({deployment}, '2025-04-01').outputs.colour.value]"


@pytest.mark.parametrize(
    "text",
    [
        "resource r 'Contoso.Test/a@2020-01-01' existing = {\n  name: 'x'\n}\n",
        "@secure()\nparam p string\n",
        "@sealed('x')\nparam p object\n",
        "type t = 'a'\n",
        "param c bool\nresource r 'Contoso.Test/a@2020-01-01' = if (c) {\n  name: 'x'\n}\n",
        "var v = unheardOf\n",
        "var v = 1 % 2\n",
        "param a bool\nparam b bool\nvar v = a && b ? 1 : 2\n",
        "param p object\nvar v = p.a ? 1 : 2\n",
        "resource r 'Contoso.Test/a@2020-01-01' = {\n  name: 'x'\n}\noutput o string = r.name\n",
        "var v = map([], x => x)\n",
        "this is no Bicep\n",
    ],
)
def test_what_it_does_not_know_is_refused(text: str) -> None:
    with pytest.raises((ValueError, LarkError)):
        compiled(text)


def test_the_hash_of_the_compilers_own_empty_sample() -> None:
    """Azure/bicep, src/Bicep.Core.Samples/Files/baselines/Empty/main.json."""
    generator = {"name": "bicep", "version": "dev"}
    template = {"$schema": EMPTY, "contentVersion": "1.0.0.0", "metadata": {"_generator": generator}, "resources": []}
    assert template_hash(template) == "12740863314443779634"
