"""What a template would deploy, told before anything is deployed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbxwizard.arm_template import Evaluator, Expected, Resource
from dbxwizard.arm_template.expressions import Call, Node, is_expression, parse, walk
from dbxwizard.sandbox.store import Document


@dataclass(frozen=True, slots=True)
class Planned:
    """One resource, a nested deployment too. `closed`: a deployment that nobody can look into before it runs."""

    resource: Resource
    wanted: Expected
    closed: bool = False

    @property
    def id(self) -> str:
        return self.resource.id


def survey(evaluator: Evaluator) -> Iterator[Planned]:
    """Everything below `evaluator`, each after what it depends on. Raises TemplateError."""
    for resource in evaluator.resources():
        if resource.existing:
            continue
        wanted = evaluator.evaluate(resource)
        if not resource.is_deployment:
            yield Planned(resource, wanted)
            continue
        closed = _asks_what_is_live(resource) or evaluator.waits(resource)
        yield Planned(resource, wanted, closed)
        if not closed:
            yield from survey(evaluator.nested(resource))


def _asks_what_is_live(resource: Resource) -> bool:
    """Whether the parameters of a nested deployment use reference() or list*(), which are answered while it runs."""
    properties = resource.declaration.get("properties")
    given = properties.get("parameters") if isinstance(properties, dict) else None
    return any(_is_live(node) for text in _texts(given) if is_expression(text) for node in walk(parse(text)))


def _is_live(node: Node) -> bool:
    return isinstance(node, Call) and node.name.lower().startswith(("reference", "list"))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)


def providers(own: Evaluator, *, located: bool = True) -> list[Document]:
    """The `providers` of a deployment's answer: types and locations of its own resources.

    A deployment that runs can't be asked where resources go that are not there yet: `located` False.
    """
    found: dict[str, dict[str, list[str | None]]] = {}
    for resource in own.resources():
        namespace, kind = resource.type.split("/", 1)
        locations = found.setdefault(namespace, {}).setdefault(kind, [])
        location = (own.evaluate(resource).location or None) if located else None
        if location not in locations:
            locations.append(location)
    return [
        {
            "namespace": namespace,
            "resourceTypes": [{"resourceType": kind, "locations": places} for kind, places in kinds.items()],
        }
        for namespace, kinds in found.items()
    ]


def dependencies(own: Evaluator) -> list[Document]:
    """The `dependencies` of a deployment's answer."""
    by_key = {resource.key: resource for resource in own.resources()}
    return [
        {"dependsOn": [_link(by_key[key]) for key in resource.depends_on if key in by_key], **_link(resource)}
        for resource in by_key.values()
        if any(key in by_key for key in resource.depends_on)
    ]


def _link(resource: Resource) -> Document:
    return {"id": resource.id, "resourceType": resource.type, "resourceName": resource.name}
