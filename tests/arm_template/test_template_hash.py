"""The fingerprint of templates, on those of Azure/bicep's samples that have next to nothing in them."""

from __future__ import annotations

from typing import Any

import pytest

from dbxwizard.arm_template.template_hash import template_hash

_BASE = "https://schema.management.azure.com/schemas"
_SUBSCRIPTION = f"{_BASE}/2018-05-01/subscriptionDeploymentTemplate.json#"
_MANAGEMENT_GROUP = f"{_BASE}/2019-08-01/managementGroupDeploymentTemplate.json#"


def compiled(schema: str = f"{_BASE}/2019-04-01/deploymentTemplate.json#", **sections: Any) -> dict[str, Any]:
    """As the compiler orders it, which is not as it is hashed."""
    generator = {"name": "bicep", "version": "dev"}
    return {"$schema": schema, "contentVersion": "1.0.0.0", "metadata": {"_generator": generator}, **sections}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (compiled(resources=[]), "12740863314443779634"),
        (compiled(languageVersion="2.0", resources={}), "12008068100903792477"),
        (compiled(_SUBSCRIPTION, languageVersion="2.0", resources={}), "14199795393625847763"),
        (compiled(_MANAGEMENT_GROUP, languageVersion="2.0", resources={}), "16611309855645743767"),
        (
            compiled(languageVersion="2.0", parameters={"text": {"type": "string"}}, resources={}),
            "14129907358754064188",
        ),
    ],
    ids=["empty", "symbolic", "subscription", "management group", "parameter"],
)
def test_known_hashes(template: dict[str, Any], expected: str) -> None:
    assert template_hash(template) == expected


def test_upper_and_lower_case_are_the_same() -> None:
    assert template_hash(compiled(resources=[], variables={"A": 1})) == template_hash(
        compiled(resources=[], variables={"a": 1})
    )


def test_a_part_of_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="functions"):
        template_hash(compiled(resources=[], functions=[]))
