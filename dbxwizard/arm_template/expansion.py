"""All that a template wants, nested deployments included, as one flat list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dbxwizard.arm_template.evaluator import Evaluator, Expected
from dbxwizard.arm_template.host import Runtime, Surroundings
from dbxwizard.arm_template.parameters import TypedValue
from dbxwizard.arm_template.scope import DeploymentScope
from dbxwizard.arm_template.values import JsonValue


@dataclass(frozen=True, slots=True)
class Expansion:
    """`resources` come each after those that they depend on; the deployments themselves are not among them."""

    resources: tuple[Expected, ...]
    outputs: Mapping[str, TypedValue]
    parameters: Mapping[str, TypedValue]


def expand(
    template: JsonValue,
    parameters: Mapping[str, JsonValue],
    scope: DeploymentScope,
    *,
    runtime: Runtime | None = None,
    surroundings: Surroundings | None = None,
) -> Expansion:
    """Everything that a deployment of the template at the scope would make.

    `parameters` has the form of the request: name → {"value": …} or {"reference": …}. Without a `runtime` nothing is
    asked of anybody: what only live state can tell becomes Unknown. Raises TemplateError.
    """
    evaluator = Evaluator(template, parameters, scope, runtime=runtime, surroundings=surroundings)
    resources = _flatten(evaluator, ())
    return Expansion(tuple(resources), evaluator.outputs(), evaluator.parameters)


def _flatten(evaluator: Evaluator, above: tuple[str, ...]) -> list[Expected]:
    """`above`: the ids that the deployment itself waits for."""
    made: dict[str, tuple[str, ...]] = {}  # key of a resource → ids of what it comes to
    result: list[Expected] = []
    for resource in evaluator.resources():
        waits = tuple(dict.fromkeys((*above, *(item for key in resource.depends_on for item in made[key]))))
        if resource.is_deployment and not resource.existing:
            parts = _flatten(evaluator.nested(resource), waits)
        else:
            parts = [replace(evaluator.evaluate(resource), depends_on=waits)]
        made[resource.key] = tuple(part.id for part in parts) or waits
        result.extend(parts)
    return result
