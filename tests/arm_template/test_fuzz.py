"""Whatever a template says, the answer is a value or a TemplateError."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dbxwizard.arm_template import DeploymentScope, TemplateError, expand
from dbxwizard.arm_template.registry import FUNCTIONS

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
SCOPE = DeploymentScope("tenant", subscription_id="subscription", resource_group="group", location="here")
NAMES = sorted(name for name in FUNCTIONS if name != "list*")

texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["{0:N200}", "{0,9}", "{1:E9}", "P1Y", "2024-02-30", "10.0.0.0/33", "a*b", "data:,", "M.x/y", "{'a':"]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


leaves = st.one_of(
    texts.map(quoted),
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(
        ["parameters('p')", "lambda('x', lambdaVariables('x'))", "lambda('x', 'y', less(1, 2))", "variables('v')"]
    ),
)
calls = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda name, arguments, tail: f"{name}({', '.join(arguments)}){tail}",
        st.sampled_from([*NAMES, "listKeys", "contoso.f", "nothing"]),
        st.lists(inner, max_size=4),
        st.sampled_from(["", "", ".id", "[0]", "['a']"]),
    ),
    max_leaves=6,
)


def template(expression: str) -> dict[str, Any]:
    return {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "languageVersion": "2.0",
        "definitions": {},
        "parameters": {"p": {"nullable": True}},
        "variables": {"v": {"a": [1, "x"]}},
        "functions": [{"namespace": "contoso", "members": {"f": {"output": {"value": "[contoso.f()]"}}}}],
        "resources": {},
        "outputs": {"it": {"nullable": True, "value": expression}},
    }


@settings(max_examples=150)
@given(expression=calls, parameter=values)
def test_any_call_gives_a_value_or_the_service_error(expression: str, parameter: Any) -> None:
    with contextlib.suppress(TemplateError):
        result = expand(template(f"[{expression}]"), {"p": {"value": parameter}}, SCOPE)
        assert "it" in result.outputs


@given(text=st.text(alphabet="[]()'.,a0-${} \\\"\n", max_size=30))
def test_any_text_in_brackets_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(TemplateError):
        expand(template(f"[{text}]"), {}, SCOPE)


SECTIONS = ["$schema", "contentVersion", "definitions", "parameters", "functions", "variables", "resources", "outputs"]
KEYS = [
    *SECTIONS,
    "type",
    "name",
    "apiVersion",
    "copy",
    "count",
    "input",
    "properties",
    "template",
    "dependsOn",
    "condition",
]
KEYS += [
    "value",
    "defaultValue",
    "allowedValues",
    "$ref",
    "scope",
    "items",
    "discriminator",
    "mapping",
    "members",
    "output",
]
WORDS = ["string", "object", "array", "Microsoft.Resources/deployments", "a/b", "n", "2020-01-01", "[parameters('a')]"]
WORDS += [SCHEMA, "#/definitions/a", "[copyIndex()]", "[reference('n')]"]
documents = st.recursive(
    st.one_of(scalars, st.sampled_from(WORDS)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.sampled_from(["a", "n"])), inner, max_size=5),
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(section=st.sampled_from(SECTIONS), document=documents, parameters=st.dictionaries(st.just("a"), documents))
def test_any_document_is_expanded_or_refused(section: str, document: Any, parameters: dict[str, Any]) -> None:
    whole = {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "languageVersion": "2.0",
        "resources": [],
        section: document,
    }
    with contextlib.suppress(TemplateError):
        expand(whole, parameters, SCOPE)


@given(body=st.dictionaries(st.sampled_from(KEYS), documents, max_size=6))
def test_any_resource_is_expanded_or_refused(body: dict[str, Any]) -> None:
    resource = {"type": "Contoso.Web/sites", "apiVersion": "2024-01-01", "name": "n", **body}
    whole = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [json.loads(json.dumps(resource))]}
    with contextlib.suppress(TemplateError):
        expand(whole, {}, SCOPE)
