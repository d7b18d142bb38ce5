"""The resources of a template: what they are called and where they live, once loops are unrolled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dbxwizard.arm_template import copies
from dbxwizard.arm_template.errors import ExpressionError, UnknownValueError, invalid
from dbxwizard.arm_template.evaluation import Frame, Iteration, evaluate
from dbxwizard.arm_template.scope import (
    DEPLOYMENT_TYPE,
    MANAGEMENT_GROUP_TYPE,
    DeploymentScope,
    resource_id,
    segments,
)
from dbxwizard.arm_template.template import Template
from dbxwizard.arm_template.values import JsonObject, JsonValue, Unknown


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, declared but not yet evaluated; a turn of a copy loop is a resource of its own.

    `key` identifies it within its template. `scope` is the id of what it is deployed to, or extends. `depends_on` holds
    keys. `declaration` and `frame` are what its body is evaluated from.
    """

    key: str
    symbolic_name: str
    loop: str
    index: int | None
    id: str
    type: str
    name: str
    api_version: str
    scope: str
    existing: bool
    deployed: bool  # its condition holds
    declaration: JsonObject = field(repr=False)
    frame: Frame = field(repr=False)
    batch_size: int = 0  # of a serial loop; 0: all at once
    depends_on: tuple[str, ...] = ()

    @property
    def is_deployment(self) -> bool:
        return self.type.lower() == DEPLOYMENT_TYPE.lower()


@dataclass(frozen=True, slots=True)
class _Declaration:
    """A declaration as written; `type_prefix` and `name_prefix` come from the resource that it is nested in."""

    symbolic_name: str
    body: JsonObject
    frame: Frame
    parent: Resource | None = None


def unroll(template: Template, frame: Frame, scope: DeploymentScope) -> list[Resource]:
    """Every resource of the template, in the order of declaration. Raises TemplateError."""
    return [
        resource
        for symbolic_name, body in template.resources
        for resource in _resources(_Declaration(symbolic_name, body, frame), scope)
    ]


def _resources(declaration: _Declaration, scope: DeploymentScope) -> Iterator[Resource]:
    label = _label(declaration)
    try:
        for turn in _turns(declaration):
            resource = _resource(turn, scope)
            yield resource
            for child in _children(declaration.body):
                yield from _resources(_Declaration("", child, turn.frame, parent=resource), scope)
    except ExpressionError as error:
        text = f"The template resource '{label}' is not valid: {error}."
        raise invalid(f"{text} Please see https://aka.ms/arm-functions for usage details.") from None


def _children(body: JsonObject) -> list[JsonObject]:
    children = body.get("resources") or []
    if not isinstance(children, list) or not all(isinstance(child, dict) for child in children):
        raise ExpressionError("The nested resources are not a list of objects.")
    return children


def _label(declaration: _Declaration) -> str:
    return declaration.symbolic_name or str(declaration.body.get("name", ""))


def _turns(declaration: _Declaration) -> Iterator[_Declaration]:
    loop = declaration.body.get("copy")
    if loop is None:
        yield declaration
        return
    if declaration.parent is not None:
        raise ExpressionError("A copy loop can't be used on a resource that is nested within another.")
    name = loop.get("name") if isinstance(loop, dict) else None
    if not isinstance(name, str) or not name or "count" not in loop:
        raise ExpressionError("The copy element needs a name and a count.")
    _batch_size(loop)  # also that of a loop without a turn
    for index in range(copies.checked_count(evaluate(loop["count"], declaration.frame), name)):
        turn = Iteration(name, index)
        yield replace(declaration, frame=replace(declaration.frame.within(turn), turn=turn))


def _batch_size(loop: JsonObject) -> int:
    """How many resources of a loop are deployed at once, 0 for all."""
    mode, batch = loop.get("mode", "Parallel"), loop.get("batchSize", 1)
    what = f"The template 'copy' definition '{loop['name']}'"
    if not isinstance(mode, str) or mode.lower() not in ("parallel", "serial"):
        raise ExpressionError(f"{what} has a mode that is not 'Parallel' or 'Serial'.")
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise ExpressionError(
            f"{what} has an invalid copy batch size. The copy batch size must be a positive integer value. "
            "Please see https://aka.ms/arm-copy for usage details."
        )
    return batch if mode.lower() == "serial" else 0


def loop_names(template: Template) -> Iterator[str]:
    """What the copy loops of resources are called: their symbolic names, else the names in their copy elements."""
    for symbolic_name, body in template.resources:
        loop = body.get("copy")
        if isinstance(loop, dict):
            yield symbolic_name or str(loop.get("name", ""))


def known_text(value: JsonValue, what: str, frame: Frame, *, empty: bool = False) -> str:
    """A property that has to be a string, and known before anything is deployed."""
    evaluated = evaluate(value, frame)
    if isinstance(evaluated, Unknown):
        raise UnknownValueError(f"Its {what} is not known before deployment: {evaluated.expression}.")
    if not isinstance(evaluated, str) or not (evaluated or empty):
        raise ExpressionError(f"Its {what} is not a string, or empty.")
    return evaluated


def _resource(declaration: _Declaration, scope: DeploymentScope) -> Resource:
    body, frame, parent = declaration.body, declaration.frame, declaration.parent
    resource_type = known_text(body.get("type"), "type", frame)
    deployed = _condition(body, frame)
    name = known_text(body.get("name"), "name", frame, empty=not deployed)
    if parent is not None:
        resource_type, name = _within(parent, resource_type, name)
    turn = frame.turn if "copy" in body else None
    at = base_scope(body, frame, scope)
    identifier = resource_id(at, resource_type, name)
    symbolic = declaration.symbolic_name
    key = (f"{symbolic}[{turn.index}]" if turn else symbolic) if symbolic else identifier.lower()
    return Resource(
        key=key,
        symbolic_name=symbolic,
        loop=turn.name if turn else "",
        index=turn.index if turn else None,
        id=identifier,
        type=resource_type,
        name=name,
        api_version=known_text(body.get("apiVersion"), "apiVersion", frame),
        scope=at,
        existing=body.get("existing") is True,
        deployed=deployed,
        declaration=body,
        frame=frame,
        batch_size=_batch_size(body["copy"]) if turn else 0,
    )


def _within(parent: Resource, resource_type: str, name: str) -> tuple[str, str]:
    """Type and name of a resource nested in another; either may be written in full."""
    if not resource_type.lower().startswith(parent.type.lower() + "/"):
        resource_type = f"{parent.type}/{resource_type}"
    if name.count("/") < resource_type.count("/") - 1:
        name = f"{parent.name}/{name}"
    return resource_type, name


def _condition(body: JsonObject, frame: Frame) -> bool:
    value = evaluate(body.get("condition", True), frame)
    if isinstance(value, Unknown):
        raise UnknownValueError(f"Its condition is not known before deployment: {value.expression}.")
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ExpressionError("Its condition is not a boolean.")
    return value


def base_scope(body: JsonObject, frame: Frame, scope: DeploymentScope) -> str:
    """The id of the scope that the resource's own id starts with."""
    if "scope" in body:
        return _absolute(known_text(body["scope"], "scope", frame), scope)
    return target_scope(body, frame, scope).id


def target_scope(body: JsonObject, frame: Frame, scope: DeploymentScope) -> DeploymentScope:
    """Where a nested deployment or an existing resource says that it is: by scope, or subscription and group."""
    if "scope" in body:
        return _parse_scope(_absolute(known_text(body["scope"], "scope", frame), scope), scope)
    named = known_text(body.get("subscriptionId", ""), "subscriptionId", frame, empty=True)
    group = known_text(body.get("resourceGroup", ""), "resourceGroup", frame, empty=True)
    subscription = named or scope.subscription_id
    if group and not subscription:
        raise ExpressionError("'SubscriptionId' property must be specified if 'ResourceGroup' is specified.")
    if group or named:
        return replace(scope, subscription_id=subscription, resource_group=group)
    return scope


def _absolute(text: str, scope: DeploymentScope) -> str:
    if text.startswith("/"):
        return text.rstrip("/") or "/"
    if text.lower().startswith(MANAGEMENT_GROUP_TYPE.lower() + "/"):
        return f"/providers/{text}"
    namespace, *parts = text.strip("/").split("/")
    if len(parts) % 2 or not parts:
        raise ExpressionError(f"Its scope '{text}' is not a resource id.")
    tail = segments("/".join([namespace, *parts[::2]]), "/".join(parts[1::2]))
    return f"{scope.id.rstrip('/')}/{tail}"


def _parse_scope(identifier: str, scope: DeploymentScope) -> DeploymentScope:
    """The scope that a nested deployment names by its id."""
    bare = DeploymentScope(tenant_id=scope.tenant_id)
    if identifier == "/":
        return bare
    parts = identifier.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    if len(parts) == 2 and lowered[0] == "subscriptions":
        return replace(bare, subscription_id=parts[1])
    if len(parts) == 4 and lowered[0] == "subscriptions" and lowered[2] == "resourcegroups":
        return replace(bare, subscription_id=parts[1], resource_group=parts[3])
    if len(parts) == 4 and "/".join(lowered[:3]) == f"providers/{MANAGEMENT_GROUP_TYPE.lower()}":
        return replace(bare, management_group=parts[3])
    raise ExpressionError(f"Its scope '{identifier}' is none that a deployment can have.")
