"""Expressions: how they are written, what they may refer to, how they fail."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from dbxwizard.arm_template import TemplateError
from dbxwizard.arm_template.registry import FUNCTIONS

Evaluate = Callable[..., Any]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("[[literal]", "[literal]"),
        ("[[no end", "[[no end"),
        ("[no end", "[no end"),
        ("['it''s']", "it's"),
        ("[ concat( 'a' ,'b' ) ]", "ab"),
        ("[TOLOWER('A')]", "a"),
        ("[createObject('Name', 'x').nAME]", "x"),
        ("[createObject('odd key', createArray(1, 2))['odd key'][1]]", 2),
        ("[createArray(1, 2)[sub(2, 1)]]", 2),
        ("[-5]", -5),
    ],
)
def test_writes(text: str, expected: Any, outputs: Evaluate) -> None:
    assert outputs(definitions={}, outputs={"it": {"value": text}})["it"].value == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("nothing()", "The template function 'nothing' is not valid. Please see https://aka.ms/arm-functions"),
        (
            "variables('absent')",
            "The template variable 'absent' is not found. Please see https://aka.ms/arm-syntax-variables",
        ),
        ("parameters('absent')", "The template parameter 'absent' is not found."),
        (
            "createObject('a', 1, 'b', 2).c",
            "The language expression property 'c' doesn't exist, available properties are 'a, b'.",
        ),
        ("createArray(1)[1]", "The language expression property array index '1' is out of bounds."),
        (
            "toLower()",
            "Unable to evaluate template language function 'toLower': function requires 1 argument(s) while 0 were",
        ),
        ("toLower(1)", "expects its parameter to be of type 'String'. The provided value is of type 'Integer'."),
        (
            "length(1)",
            "expects its parameter to be an array, object or a string. The provided value is of type 'Integer'.",
        ),
        ("concat('a', 'b'", "Unable to parse language expression"),
        ("concat('a') x", "expected token 'EndOfData' and actual 'x'"),
        ("add(9223372036854775807, 1)", "overflow"),
        ("div(1, 0)", "divisor of zero"),
        ("fail('no such luck')", "no such luck"),
        ("newGuid()", "can only be used in the default value of a parameter"),
        ("utcNow()", "can only be used in the default value of a parameter"),
        ("copyIndex()", "can only be used in a resource with copy specified"),
        ("lambda('x', 1)", "The template function 'lambda' is not expected at this location."),
        ("string(lambda('x', 1))", "The template function 'lambda' is not expected at this location."),
        ("resourceId('a', 'b')", "function requires fully qualified resource type"),
        ("resourceId('A.B/c/d', 'x')", "the type 'A.B/c/d' requires '2' resource name argument(s)"),
        ("reference('absent')", "The template reference 'absent' is not valid: could not find template resource"),
        ("reference('/a/providers/B.C/d/e')", "requires an API version"),
    ],
)
def test_refuses_in_the_words_of_the_service(expression: str, message: str, value: Evaluate) -> None:
    with pytest.raises(TemplateError) as caught:
        value(expression)
    assert caught.value.code == "InvalidTemplate"
    assert caught.value.message.startswith(
        "Deployment template validation failed: 'The template output 'it' is not valid: "
    )
    assert message in caught.value.message


def test_evaluates_only_what_is_needed(value: Evaluate) -> None:
    assert value("if(true(), 1, fail('x'))") == 1
    assert value("if(false(), fail('x'), 2)") == 2
    assert value("or(true(), fail('x'))") is True
    assert value("and(false(), fail('x'))") is False
    assert value("coalesce('a', fail('x'))") == "a"


@pytest.mark.parametrize("section", ["parameters", "variables", "location"])
def test_live_state_is_for_properties_and_outputs(section: str, outputs: Evaluate) -> None:
    expression = "[reference('/subscriptions/s/providers/A.B/c/d', '2020-01-01').x]"
    sections: dict[str, Any] = {"variables": {"v": expression}}
    if section == "parameters":
        sections = {"parameters": {"p": {"type": "string", "defaultValue": expression}}}
    if section == "location":
        resource = {"type": "A.B/c", "apiVersion": "1", "name": "n", "condition": f"[equals({expression[1:-1]}, 1)]"}
        sections = {"resources": [resource]}
    with pytest.raises(TemplateError, match="'reference' is not expected at this location"):
        outputs(**sections)


@pytest.mark.parametrize("depth", [90, 200, 3000])
def test_depth_is_limited(depth: int, value: Evaluate) -> None:
    expression = "concat(" * depth + "'a'" + ")" * depth
    if depth < 100:
        assert value(expression) == "a"
        return
    with pytest.raises(TemplateError, match="levels deep"):
        value(expression)


def test_length_is_limited(value: Evaluate) -> None:
    assert value(f"length('{'x' * 20_000}')") == 20_000
    with pytest.raises(TemplateError, match="Limit: '24576' and actual: '3001"):
        value(f"length('{'x' * 30_000}')")


@pytest.mark.parametrize(
    "expression",
    [
        "length(reduce(range(0, 60), 'x', lambda('a', 'b', concat(lambdaVariables('a'), lambdaVariables('a')))))",
        "reduce(range(0, 60), 1, lambda('a', 'b', createArray(lambdaVariables('a'), lambdaVariables('a'))))",
        "padLeft('x', 2000000000)",
        "format('{0,2000000000}', 'x')",
        "format('{0:N2000}', 1)",
        "range(0, 2000000000)",
    ],
)
def test_values_can_not_grow_without_end(expression: str, value: Evaluate) -> None:
    with pytest.raises(TemplateError):
        value(expression)


def test_variables_that_double_each_other_are_refused(outputs: Evaluate) -> None:
    variables = {"v0": "x", **{f"v{n}": [f"[variables('v{n - 1}')]"] * 2 for n in range(1, 60)}}
    with pytest.raises(TemplateError, match="larger than a template may be"):
        outputs(variables=variables)


ARGUMENTS = [
    "''",
    "'{0:X}{1:E}'",
    "'10.0.0.0/8'",
    "'A.B/c'",
    "'http://a[b'",
    "0",
    "-1",
    "true()",
    "null()",
    "createArray()",
]
ARGUMENTS += ["createArray(1, 'a')", "createObject('a', 1)", "lambda('x', 'y', true())", "parameters('huge')", "'P1Y'"]
NAMES = sorted("listKeys" if name == "list*" else function.name for name, function in FUNCTIONS.items())


@pytest.mark.parametrize("name", NAMES)
def test_any_arguments_give_a_value_or_the_error_of_the_service(name: str, outputs: Evaluate) -> None:
    parameters = {"huge": {"type": "int", "defaultValue": 10**300}}
    for count in range(3):
        for arguments in product(ARGUMENTS, repeat=count):
            expression = f"[{name}({', '.join(arguments)})]"
            try:
                outputs(definitions={}, parameters=parameters, outputs={"it": {"nullable": True, "value": expression}})
            except TemplateError as error:
                assert error.code == "InvalidTemplate"  # noqa: PT017
