"""The values that a deployment's parameters have: those given, checked, and the defaults of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from dbxwizard.arm_template.errors import ExpressionError, TemplateError, invalid
from dbxwizard.arm_template.expressions import Call, Literal, is_expression, parse, walk
from dbxwizard.arm_template.template import Template
from dbxwizard.arm_template.types import MismatchError, Types
from dbxwizard.arm_template.values import JsonObject, JsonValue, find_key

_HELP = "Please see https://aka.ms/arm-create-parameter-file for usage details."


@dataclass(frozen=True, slots=True)
class TypedValue:
    """The value of a parameter or output, and its declared type ("" where that is only a reference to a definition)."""

    type: str
    value: JsonValue = field(repr=False)
    secure: bool = False


def typed(types: Types, declaration: JsonObject, value: JsonValue) -> TypedValue:
    resolved = types.resolve(declaration)
    return TypedValue(str(resolved.get("type", "")), value, types.is_secure(declaration))


def given_values(
    template: Template, given: Mapping[str, JsonValue], secret: Callable[[JsonObject], JsonValue]
) -> dict[str, JsonValue]:
    """What was passed, by the names of the template. Raises TemplateError for what the template does not have.

    `given` has the form of a parameter file, name → {"value": …} or {"reference": …}; `secret` resolves a reference.
    """
    unknown = [name for name in given if find_key(template.parameters, name) is None]
    if unknown:
        raise invalid(
            f"The template parameters '{', '.join(unknown)}' in the parameters file are not valid; they are not "
            "present in the original template and can therefore not be provided at deployment time. The only supported "
            f"parameters for this template are '{', '.join(template.parameters)}'. "
            "Please see https://aka.ms/arm-pass-parameter-values for usage details."
        )
    values: dict[str, JsonValue] = {}
    for name, entry in given.items():
        key = find_key(template.parameters, name) or name
        if isinstance(entry, dict) and "value" in entry:
            values[key] = entry["value"]
        elif isinstance(entry, dict) and isinstance(entry.get("reference"), dict):
            values[key] = secret(entry["reference"])
        else:
            raise TemplateError(
                "InvalidRequestContent",
                f"The request content was invalid: the parameter '{name}' has neither a value nor a reference.",
            )
    return values


def is_missing(template: Template, values: Mapping[str, JsonValue], name: str) -> bool:
    """Whether the default counts: nothing was passed, or null where that is not allowed and there is a default."""
    if name not in values:
        return True
    declaration = template.parameters[name]
    nullable = template.types.resolve(declaration).get("nullable") is True
    return values[name] is None and not nullable and "defaultValue" in declaration


def check_value(template: Template, name: str, value: JsonValue) -> None:
    """Raises TemplateError for a value that the declaration does not allow."""
    try:
        template.types.check(value, template.parameters[name])
    except MismatchError as error:
        place = f"{name}{'' if error.path.startswith('[') or not error.path else '.'}{error.path}"
        raise invalid(
            f"The provided value for the template parameter '{place}' is not valid. {error.reason} {_HELP}"
        ) from None
    except ExpressionError as error:
        raise invalid(f"The template parameter '{name}' is not valid: {error}") from None


def not_provided(name: str) -> TemplateError:
    return invalid(f"The value for the template parameter '{name}' is not provided. {_HELP}")


def references(value: JsonValue, function: str) -> Iterator[str]:
    """The names in `function('name')` anywhere in a value, as far as they stand there literally."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from references(key, function)
            yield from references(item, function)
    elif isinstance(value, list):
        for item in value:
            yield from references(item, function)
    elif isinstance(value, str) and is_expression(value):
        try:
            nodes = list(walk(parse(value)))
        except ExpressionError:
            return
        for node in nodes:
            if isinstance(node, Call) and node.name.lower() == function and len(node.arguments) == 1:
                argument = node.arguments[0]
                if isinstance(argument, Literal) and isinstance(argument.value, str):
                    yield argument.value


def evaluation_order(section: Mapping[str, JsonValue], function: str) -> list[str]:
    """The names of a section, each after those that it refers to, so that evaluating one never nests deeply.

    A name in a circle comes somewhere; evaluating it finds the circle.
    """
    order: dict[str, None] = {}
    for start in section:
        path = [(start, references(section[start], function))]
        visited = {start}
        while path:
            name, rest = path[-1]
            keys = (find_key(section, other) for other in rest)
            following = next((key for key in keys if key and key not in order and key not in visited), None)
            if following is None:
                path.pop()
                order[name] = None
            else:
                visited.add(following)
                path.append((following, references(section[following], function)))
    return list(order)
