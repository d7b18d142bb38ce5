"""What the tests of the template language share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dbxwizard.arm_template import DeploymentScope, Runtime, Surroundings, TypedValue, expand

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
SUBSCRIPTION = "bbbbbbbb-0000-4000-8000-000000000002"
GROUP_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
SUBSCRIPTION_SCHEMA = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"

Evaluate = Callable[..., Any]


@pytest.fixture
def group_scope() -> DeploymentScope:
    return DeploymentScope(TENANT, subscription_id=SUBSCRIPTION, resource_group="rg-test", location="westeurope")


@pytest.fixture
def subscription_scope() -> DeploymentScope:
    return DeploymentScope(TENANT, subscription_id=SUBSCRIPTION, location="northeurope")


@pytest.fixture
def group_template() -> Callable[..., dict[str, Any]]:
    """Makes a template of sections for a resource group; `resources` as an object makes it symbolic."""

    def make(**sections: Any) -> dict[str, Any]:
        template = {"$schema": GROUP_SCHEMA, "contentVersion": "1.0.0.0", "resources": [], **sections}
        if isinstance(template["resources"], dict) or "definitions" in template:
            template.setdefault("languageVersion", "2.0")
        return template

    return make


@pytest.fixture
def outputs(group_scope: DeploymentScope, group_template: Callable[..., dict[str, Any]]) -> Evaluate:
    """Evaluates a template in a resource group and gives its outputs."""

    def run(
        given: dict[str, Any] | None = None,
        runtime: Runtime | None = None,
        surroundings: Surroundings | None = None,
        **sections: Any,
    ) -> dict[str, TypedValue]:
        parameters = {name: {"value": value} for name, value in (given or {}).items()}
        template = group_template(**sections)
        return dict(expand(template, parameters, group_scope, runtime=runtime, surroundings=surroundings).outputs)

    return run


@pytest.fixture
def value(outputs: Evaluate) -> Evaluate:
    """The value of one expression, given with or without its brackets, as the output of a template."""

    def run(expression: Any, **sections: Any) -> Any:
        text = f"[{expression}]" if isinstance(expression, str) and not expression.startswith("[") else expression
        declared = {"definitions": {}, **sections, "outputs": {"it": {"nullable": True, "value": text}}}
        return outputs(**declared)["it"].value

    return run
