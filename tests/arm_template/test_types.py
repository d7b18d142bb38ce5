"""Types of languageVersion 2.0: definitions with properties, items, unions and constraints."""

from __future__ import annotations

from typing import Any

import pytest

from dbxwizard.arm_template.types import MismatchError, Types

TYPES = Types(
    {
        "name": {"type": "string", "minLength": 3, "metadata": {"description": "short"}},
        "level": {"type": "int", "minValue": 0},
        "pair": {
            "type": "object",
            "properties": {"foo": {"$ref": "#/definitions/name"}, "bar": {"$ref": "#/definitions/level"}},
        },
        "closed": {"$ref": "#/definitions/pair", "additionalProperties": False},
        "words": {
            "type": "object",
            "properties": {"n": {"type": "int", "nullable": True}},
            "additionalProperties": {"type": "string"},
        },
        "tuple": {"type": "array", "prefixItems": [{"type": "int"}, {"type": "bool"}], "items": {"type": "int"}},
        "exact": {"type": "array", "prefixItems": [{"type": "int"}, {"type": "bool"}], "items": False},
        "second": {"$ref": "#/definitions/tuple/prefixItems/1"},
        "tree": {"type": "object", "properties": {"next": {"$ref": "#/definitions/tree", "nullable": True}}},
        "tagged": {
            "type": "object",
            "discriminator": {
                "propertyName": "type",
                "mapping": {
                    "ints": {"type": "object", "additionalProperties": {"type": "int"}},
                    "pair": {"$ref": "#/definitions/closed"},
                },
            },
        },
        "mixed": {"type": "array", "allowedValues": ["a", 1, None, {"k": "v"}]},
        "loop": {"$ref": "#/definitions/loop2"},
        "loop2": {"$ref": "#/definitions/loop"},
        "any": {"nullable": True},
    }
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "abc"),
        ("pair", {"foo": "string", "bar": 1}),
        ("pair", {"FOO": "string", "bar": 1, "more": []}),
        ("closed", {"foo": "string", "bar": 1}),
        ("words", {"a": "b", "n": None}),
        ("words", {}),
        ("tuple", [1, True]),
        ("tuple", [1, True, 1, 1]),
        ("exact", [1, True]),
        ("second", False),
        ("tree", {"next": {"next": {"next": None}}}),
        ("tagged", {"type": "ints", "foo": 1}),
        ("tagged", {"type": "pair", "foo": "string", "bar": 1}),
        ("mixed", ["a", None, {"k": "v"}]),
        ("any", None),
        ("any", {"x": 1}),
    ],
)
def test_fits(name: str, value: Any) -> None:
    TYPES.check(value, {"$ref": f"#/definitions/{name}"})


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("name", "ab", ""),
        ("name", None, ""),
        ("pair", {"foo": "string", "bar": -1}, "bar"),
        ("pair", {"foo": "string"}, "bar"),
        ("closed", {"foo": "string", "bar": 1, "fizz": "buzz"}, "fizz"),
        ("words", {"a": 1}, "a"),
        ("tuple", [1, "x"], "[1]"),
        ("tuple", [1], ""),
        ("tuple", [1, True, "x"], "[2]"),
        ("exact", [1, True, 1], ""),
        ("tree", {"next": {"next": 5}}, "next.next"),
        ("tagged", {"type": "ints", "foo": "x"}, "foo"),
        ("tagged", {"type": "other"}, "type"),
        ("tagged", {}, "type"),
        ("mixed", ["b"], ""),
    ],
)
def test_does_not_fit(name: str, value: Any, path: str) -> None:
    with pytest.raises(MismatchError) as caught:
        TYPES.check(value, {"$ref": f"#/definitions/{name}"})
    assert caught.value.path == path


@pytest.mark.parametrize("reference", ["#/definitions/loop", "#/definitions/absent", "http://elsewhere", 5])
def test_a_reference_that_leads_nowhere_is_refused(reference: Any) -> None:
    with pytest.raises(Exception, match=r"refers to itself|can't be resolved"):
        TYPES.check(1, {"$ref": reference})
