"""Parameters, variables and functions of a template's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dbxwizard.arm_template import DeploymentScope, Runtime, TemplateError, Unknown, expand

Make = Callable[..., dict[str, Any]]
Evaluate = Callable[..., Any]

REFUSED: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "string"}, 5, "Expected a value of type 'String', but received a value of type 'Integer'."),
    ({"type": "int"}, "5", "Expected a value of type 'Integer', but received a value of type 'String'."),
    ({"type": "int"}, True, "Expected a value of type 'Integer', but received a value of type 'Boolean'."),
    ({"type": "bool"}, "true", "Expected a value of type 'Boolean'"),
    ({"type": "array"}, {}, "Expected a value of type 'Array'"),
    ({"type": "secureObject"}, [], "Expected a value of type 'Object'"),
    ({"type": "string"}, None, "Expected a value of type 'String', but received a value of type 'Null'."),
    ({"type": "string", "allowedValues": ["a", "b"]}, "c", "The value 'c' is not part of the allowed value(s): 'a,b'."),
    ({"type": "string", "maxLength": 3}, "abcd", "Length of the value should be less than or equal to '3'."),
    ({"type": "string", "minLength": 3}, "ab", "Length of the value should be greater than or equal to '3'."),
    ({"type": "array", "minLength": 1}, [], "Length of the value should be greater than or equal to '1'."),
    ({"type": "int", "minValue": 3}, 2, "The value should be greater than or equal to '3'."),
    ({"type": "int", "maxValue": 3}, 4, "The value should be less than or equal to '3'."),
]


@pytest.mark.parametrize(("declaration", "given", "message"), REFUSED)
def test_refuses_a_value(
    declaration: dict[str, Any], given: Any, message: str, group_template: Make, group_scope: DeploymentScope
) -> None:
    with pytest.raises(TemplateError) as caught:
        expand(group_template(parameters={"p": declaration}), {"p": {"value": given}}, group_scope)
    assert caught.value.message == (
        f"Deployment template validation failed: 'The provided value for the template parameter 'p' is not valid. "
        f"{caught.value.message.split('is not valid. ', 1)[1]}"
    )
    assert message in caught.value.message


def test_a_secure_value_is_in_no_message_and_no_repr(group_template: Make, group_scope: DeploymentScope) -> None:
    declaration = {"type": "securestring", "allowedValues": ["a"]}
    with pytest.raises(TemplateError) as caught:
        expand(group_template(parameters={"p": declaration}), {"p": {"value": "hunter2"}}, group_scope)
    assert "hunter2" not in caught.value.message
    template = group_template(
        parameters={"p": {"type": "securestring"}}, outputs={"o": {"type": "string", "value": "x"}}
    )
    expansion = expand(template, {"p": {"value": "hunter2"}}, group_scope)
    assert expansion.parameters["p"].secure
    assert "hunter2" not in repr(expansion)


def test_names_what_is_missing_and_what_is_too_much(group_template: Make, group_scope: DeploymentScope) -> None:
    template = group_template(parameters={"name": {"type": "string"}, "other": {"type": "int", "defaultValue": 1}})
    with pytest.raises(
        TemplateError, match=r"The value for the template parameter 'name' is not provided\. Please see https"
    ):
        expand(template, {}, group_scope)
    with pytest.raises(
        TemplateError, match="The template parameters 'x, y' in the parameters file are not valid; they are not"
    ):
        expand(template, {"x": {"value": 1}, "y": {"value": 2}}, group_scope)


def test_names_ignore_case(group_template: Make, group_scope: DeploymentScope) -> None:
    template = group_template(
        parameters={"siteName": {"type": "String"}},
        outputs={"o": {"type": "string", "value": "[parameters('SITENAME')]"}},
    )
    assert expand(template, {"SiteName": {"value": "x"}}, group_scope).outputs["o"].value == "x"


def test_a_default_may_refer_to_other_parameters_in_any_order(outputs: Evaluate) -> None:
    result = outputs(
        given={"c": "z"},
        parameters={
            "a": {"type": "string", "defaultValue": "[concat(parameters('b'), '!')]"},
            "b": {"type": "string", "defaultValue": "[parameters('c')]"},
            "c": {"type": "string"},
        },
        outputs={"o": {"type": "string", "value": "[parameters('a')]"}},
    )
    assert result["o"].value == "z!"


@pytest.mark.parametrize("section", ["parameters", "variables"])
def test_a_circle_is_refused(section: str, outputs: Evaluate) -> None:
    declared = {name: f"[{section}('{other}')]" for name, other in (("a", "b"), ("b", "a"))}
    if section == "parameters":
        declared = {name: {"type": "string", "defaultValue": value} for name, value in declared.items()}  # type: ignore[misc]
    with pytest.raises(TemplateError, match="Circular reference"):
        outputs(**{section: declared})


def test_a_chain_of_all_variables_is_evaluated(outputs: Evaluate) -> None:
    chain = {f"v{n}": f"[add(variables('v{n + 1}'), 1)]" for n in range(255)}
    assert (
        outputs(variables={**chain, "v255": 0}, outputs={"o": {"type": "int", "value": "[variables('v0')]"}})["o"].value
        == 255
    )


def test_null_takes_the_default_unless_it_is_allowed(outputs: Evaluate) -> None:
    declared = {
        "kept": {"type": "string", "nullable": True},
        "absent": {"type": "string", "nullable": True},
        "filled": {"type": "string", "defaultValue": "d"},
    }
    shown = {name: {"type": "string", "nullable": True, "value": f"[parameters('{name}')]"} for name in declared}
    result = outputs(given={"kept": None, "filled": None}, definitions={}, parameters=declared, outputs=shown)
    assert {name: item.value for name, item in result.items()} == {"kept": None, "absent": None, "filled": "d"}


class Vault:
    """A runtime that knows one secret."""

    def reference(self, resource_id: str, api_version: str, full: bool) -> Any:
        raise AssertionError

    def list(self, resource_id: str, function: str, api_version: str, value: Any) -> Any:
        raise AssertionError

    def secret(self, vault_id: str, name: str, version: str) -> Any:
        return f"{vault_id}|{name}|{version}"


@pytest.mark.parametrize("runtime", [None, Vault()])
def test_a_parameter_may_come_from_a_key_vault(
    runtime: Runtime | None, group_template: Make, group_scope: DeploymentScope
) -> None:
    template = group_template(
        parameters={"p": {"type": "securestring"}},
        outputs={"o": {"type": "securestring", "value": "[parameters('p')]"}},
    )
    reference = {"keyVault": {"id": "/v"}, "secretName": "s"}
    output = expand(template, {"p": {"reference": reference}}, group_scope, runtime=runtime).outputs["o"]
    assert output.secure
    assert output.value == ("/v|s|" if runtime else Unknown("/v/secrets/s"))


def test_variables_may_be_loops(outputs: Evaluate) -> None:
    variables = {
        "copy": [{"name": "items", "count": 3, "input": "[concat('item', copyIndex('items', 1))]"}],
        "object": {
            "kept": 1,
            "copy": [{"name": "list", "count": "[length(variables('items'))]", "input": "[copyIndex('list')]"}],
        },
    }
    shown = {name: {"type": "object", "value": {"v": f"[variables('{name}')]"}} for name in ("items", "object")}
    result = outputs(variables=variables, outputs=shown)
    assert result["items"].value["v"] == ["item1", "item2", "item3"]
    assert result["object"].value["v"] == {"kept": 1, "list": [0, 1, 2]}


def functions(**members: Any) -> list[dict[str, Any]]:
    return [{"namespace": "__bicep", "members": members}]


def test_functions_take_arguments_and_call_each_other(outputs: Evaluate) -> None:
    text = {"type": "string"}
    members = functions(
        greet={
            "parameters": [{"name": "who", **text}],
            "output": {**text, "value": "[format('Hi {0}!', parameters('who'))]"},
        },
        all={
            "parameters": [{"name": "names", "type": "array"}],
            "output": {
                "type": "object",
                "value": {"said": "[map(parameters('names'), lambda('n', __bicep.greet(lambdaVariables('n'))))]"},
            },
        },
    )
    shown = {"o": {"type": "object", "value": "[__BICEP.ALL(createArray('a', 'b'))]"}}
    assert outputs(functions=members, outputs=shown)["o"].value == {"said": ["Hi a!", "Hi b!"]}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("__bicep.f(1)", "The argument 'text' of the template function '__bicep.f' is not valid."),
        ("__bicep.f()", "function requires 1 argument(s) while 0 were provided"),
        ("__bicep.g()", "The template function '__bicep.g' is not valid."),
        ("__bicep.v()", "a user-defined function can't access variables"),
        ("__bicep.again()", "is called from within itself"),
    ],
)
def test_functions_are_checked(call: str, message: str, outputs: Evaluate) -> None:
    members = functions(
        f={
            "parameters": [{"name": "text", "type": "string"}],
            "output": {"type": "string", "value": "[parameters('text')]"},
        },
        v={"output": {"type": "string", "value": "[variables('x')]"}},
        again={"output": {"type": "string", "value": "[__bicep.again()]"}},
    )
    with pytest.raises(TemplateError) as caught:
        outputs(functions=members, variables={"x": "y"}, outputs={"o": {"type": "string", "value": f"[{call}]"}})
    assert message in caught.value.message
