"""Functions for which no published example says what comes out: what their description promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dbxwizard.arm_template import Surroundings, TemplateError, Unknown

Evaluate = Callable[..., Any]
NESTED = {"o": {"a": {"list": [1, {"b": [2, 3]}], "none": None}}}


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("abc", "ABC", True),
        ("abcdef", "a*c*", True),
        ("abcabc", "*abc", True),
        ("aXbYa", "a*b*a", True),
        ("a", "a*a", False),
        ("abcd", "abc", False),
        ("ab", "*b*a", False),
        ("", "***", True),
        ("a.c", "a?c", False),
    ],
)
def test_like(text: str, pattern: str, matches: bool, value: Evaluate) -> None:
    assert value(f"like('{text}', '{pattern}')") is matches


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("indexFromEnd(variables('o').a.list[1].b, 1)", 3),
        ("indexFromEnd(variables('o').a.list[1].b, 2)", 2),
        ("tryIndexFromEnd(variables('o').a.list, 1, 'b', 0)", 2),
        ("tryIndexFromEnd(variables('o').a.list, 1, 'b', createObject('value', 1, 'fromEnd', true()))", 3),
        ("tryIndexFromEnd(variables('o').a.list, 1, 'b', createObject('value', 1))", 3),
        ("tryIndexFromEnd(variables('o').a.list, 3, fail('not evaluated'))", None),
        ("tryIndexFromEnd(variables('o').a, 1)", None),
        ("tryGet(variables('o'), 'A', 'list', createObject('value', 2, 'fromEnd', true()))", 1),
        ("tryGet(variables('o').a, 'none', 'more')", None),
        ("tryGet(null(), 'a')", None),
        ("distinct(createArray('a', 'A', 'a', createObject('k', 1), createObject('k', 1)))", ["a", "A", {"k": 1}]),
        ("float('1.5')", 1.5),
        ("float(3)", 3.0),
    ],
)
def test_gives_what_is_described(expression: str, result: Any, value: Evaluate) -> None:
    assert value(expression, variables=NESTED) == result


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("indexFromEnd(variables('o').a.list, 0)", "array index '0' is out of bounds"),
        ("indexFromEnd(variables('o').a.list, 3)", "array index '3' is out of bounds"),
        ("tryGet(variables('o'), 'a', 'absent')", "property 'absent' doesn't exist"),
        ("tryGet(variables('o'), 'a', 'none', 'more')", "its target is null"),
        ("tryIndexFromEnd(variables('o').a.list, 1, createObject('value', 1, 'fromEnd', true()))", "is not an array"),
        ("float('1.5x')", "converted to type 'Float'"),
    ],
)
def test_refuses(expression: str, message: str, value: Evaluate) -> None:
    with pytest.raises(TemplateError) as caught:
        value(expression, variables=NESTED)
    assert message in caught.value.message


def test_the_zones_of_a_region_are_known_to_its_provider_alone(value: Evaluate) -> None:
    assert isinstance(value("pickZones('Microsoft.Compute', 'virtualMachines', 'westeurope')"), Unknown)


def test_the_deployer_is_who_the_caller_says(outputs: Evaluate) -> None:
    asked = {"it": {"type": "string", "value": "[deployer().objectId]"}}
    assert isinstance(outputs(outputs=asked)["it"].value, Unknown)
    who = {"objectId": "cccccccc-0000-4000-8000-000000000003", "tenantId": "t"}
    assert outputs(surroundings=Surroundings(deployer=who), outputs=asked)["it"].value == who["objectId"]


def test_the_name_of_the_subscription_is_what_the_caller_says(outputs: Evaluate) -> None:
    asked = {"it": {"type": "string", "value": "[subscription().displayName]"}}
    assert isinstance(outputs(outputs=asked)["it"].value, Unknown)
    said = Surroundings(subscription={"displayName": "Pay-As-You-Go"})
    assert outputs(surroundings=said, outputs=asked)["it"].value == "Pay-As-You-Go"
