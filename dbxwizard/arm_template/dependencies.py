"""Which resource waits for which, and the order that follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dbxwizard.arm_template.errors import ExpressionError, TemplateError, invalid
from dbxwizard.arm_template.evaluation import evaluate, evaluate_node
from dbxwizard.arm_template.expressions import Call, is_expression, parse, walk
from dbxwizard.arm_template.resources import Resource
from dbxwizard.arm_template.scope import segments
from dbxwizard.arm_template.values import JsonValue

_REFERRING = ("reference", "references")


class Directory:
    """Finds the resources of a template by every name that a dependency or a reference may use for them."""

    def __init__(self, resources: list[Resource], loops: Iterable[str] = ()) -> None:
        """`loops`: what the loops of the template are called, those without a turn too."""
        self._by_name: dict[str, list[Resource]] = {}
        self._loops = {name.lower() for name in loops}
        for resource in resources:
            for name in _names(resource):
                self._by_name.setdefault(name, []).append(resource)

    def find(self, name: str) -> list[Resource]:
        """Empty where the name means no resource of the template; several for a copy loop."""
        found = self._by_name.get(name.lower().rstrip("/")) or []
        if found or name.startswith("/"):
            return found
        return self._by_name.get(name.lower().strip("/")) or []

    def is_loop(self, name: str) -> bool:
        """Whether a loop is called so, which may come to nothing."""
        return name.lower() in self._loops

    def one(self, name: str) -> Resource | None:
        found = self.find(name)
        return found[0] if len(found) == 1 else None


def _names(resource: Resource) -> set[str]:
    if resource.symbolic_name:
        return {name.lower() for name in (resource.id, resource.key, resource.symbolic_name)}
    names = {resource.id, resource.name, segments(resource.type, resource.name).removeprefix("providers/")}
    names |= {f"{resource.type}/{resource.name}", resource.loop} - {""}
    return {name.lower() for name in names}


def with_dependencies(resources: list[Resource], directory: Directory) -> list[Resource]:
    """The resources with `depends_on` filled in, each after all that it depends on. Raises TemplateError."""
    linked = [replace(item, depends_on=tuple(_dependencies(item, directory))) for item in resources]
    return _sorted(linked)


def _dependencies(resource: Resource, directory: Directory) -> list[str]:
    keys: dict[str, None] = {}
    for found in (*_explicit(resource, directory), *_implicit(resource, directory), *_batch(resource, directory)):
        if found.key != resource.key and found.deployed:
            keys[found.key] = None
    return list(keys)


def _explicit(resource: Resource, directory: Directory) -> Iterator[Resource]:
    entries = resource.declaration.get("dependsOn") or []
    for entry in entries if isinstance(entries, list) else [entries]:
        try:
            name = evaluate(entry, resource.frame)
        except ExpressionError as error:
            raise _not_valid(resource, str(error)) from None
        names = name if isinstance(name, list) else [name]
        for text in names:
            if not isinstance(text, str):
                raise _not_valid(resource, "A dependency is not a string.")
            found = directory.find(text)
            if not found and not directory.is_loop(text):
                raise invalid(
                    f"The resource '{text}' is not defined in the template. "
                    "Please see https://aka.ms/arm-syntax-resources for usage details."
                )
            yield from found


def _batch(resource: Resource, directory: Directory) -> Iterator[Resource]:
    """In a serial loop each batch waits for the one before it."""
    if resource.batch_size and resource.index is not None:
        batch = resource.index // resource.batch_size
        for other in directory.find(resource.symbolic_name or resource.loop):
            if other.index is not None and other.index // resource.batch_size == batch - 1:
                yield other


def _not_valid(resource: Resource, reason: str) -> TemplateError:
    return invalid(
        f"The template resource '{resource.name}' is not valid: {reason}. "
        "Please see https://aka.ms/arm-functions for usage details."
    )


def _implicit(resource: Resource, directory: Directory) -> Iterator[Resource]:
    """By reference() or list*() of a name, a symbolic name, or an id without an API version."""
    for text in _texts(resource.declaration, inner=is_inner(resource)):
        try:
            calls = [node for node in walk(parse(text)) if isinstance(node, Call) and _refers(node)]
        except ExpressionError:
            continue
        for call in calls:
            target = _target(call, resource)
            if target and (not target.startswith("/") or len(call.arguments) == 1):
                yield from directory.find(target)


def _refers(call: Call) -> bool:
    return bool(call.arguments) and (call.name.lower() in _REFERRING or call.name.lower().startswith("list"))


def _target(call: Call, resource: Resource) -> str:
    """The resource that a call names, "" where that shows only while the body is evaluated."""
    try:
        value = evaluate_node(call.arguments[0], resource.frame)
    except ExpressionError:
        return ""
    return value if isinstance(value, str) else ""


def is_inner(resource: Resource) -> bool:
    """Whether a nested template is evaluated by itself, not as a part of this one."""
    properties = resource.declaration.get("properties")
    options = properties.get("expressionEvaluationOptions") if isinstance(properties, dict) else None
    wanted = options.get("scope") if isinstance(options, dict) else None
    return resource.is_deployment and isinstance(wanted, str) and wanted.lower() == "inner"


def _texts(value: JsonValue, *, inner: bool) -> Iterator[str]:
    """Every expression within a declaration, those of an inner nested template and of nested resources left out."""
    if isinstance(value, str):
        if is_expression(value):
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, inner=inner)
    elif isinstance(value, dict):
        for key, item in value.items():
            if (inner and key == "template") or key in ("dependsOn", "resources"):
                continue
            if is_expression(key):
                yield key
            yield from _texts(item, inner=inner)


def _sorted(resources: list[Resource]) -> list[Resource]:
    """Depth first, in the order of declaration; without recursion, so that a chain may have any length."""
    by_key = {resource.key: resource for resource in resources}
    done: dict[str, Resource] = {}
    for start in resources:
        path: list[tuple[Resource, Iterator[str]]] = [(start, iter(start.depends_on))]
        open_keys = {start.key}
        while path and start.key not in done:
            resource, rest = path[-1]
            following = next((key for key in rest if key not in done), None)
            if following is None:
                path.pop()
                open_keys.discard(resource.key)
                done[resource.key] = resource
                continue
            if following in open_keys:
                raise invalid(
                    f"Circular dependency detected on resource: '{by_key[following].id}'. "
                    "Please see https://aka.ms/arm-syntax-resources for usage details."
                )
            open_keys.add(following)
            path.append((by_key[following], iter(by_key[following].depends_on)))
    return list(done.values())
