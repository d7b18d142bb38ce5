"""The types of parameters, outputs and function arguments: plain ones, and the schemas of languageVersion 2.0.

learn.microsoft.com/azure/azure-resource-manager/templates/definitions and …/templates/parameters
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from dbxwizard.arm_template.errors import ExpressionError
from dbxwizard.arm_template.values import JsonObject, JsonValue, Unknown, equal, find_key, to_text, type_name

_SECURE = ("securestring", "secureobject")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "securestring": (str,),
    "int": (int,),
    "bool": (bool,),
    "array": (list,),
    "object": (dict,),
    "secureobject": (dict,),
}
_SERVICE_NAMES = {
    "string": "String",
    "securestring": "String",
    "int": "Integer",
    "bool": "Boolean",
    "array": "Array",
    "object": "Object",
    "secureobject": "Object",
}
_MAX_REFERENCES = 32


class MismatchError(ExpressionError):
    """A value that its type does not allow: `path` leads into the value ("" for itself), `reason` is a sentence."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Types:
    """Resolves and checks type declarations against the `definitions` of a template."""

    definitions: Mapping[str, JsonValue]

    def resolve(self, declaration: Mapping[str, JsonValue]) -> JsonObject:
        """The declaration with what it refers to by `$ref` filled in; its own keys win. Raises ExpressionError."""
        result = dict(declaration)
        for _ in range(_MAX_REFERENCES):
            reference = result.pop("$ref", None)
            if reference is None:
                return result
            result = {**self._follow(reference), **result}
        raise ExpressionError("The type definition refers to itself.")

    def _follow(self, reference: JsonValue) -> JsonObject:
        node: JsonValue = {"definitions": dict(self.definitions)}
        pointer = reference if isinstance(reference, str) else ""
        for part in pointer.removeprefix("#/").split("/"):
            step = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and step.isdigit() and int(step) < len(node):
                node = node[int(step)]
                continue
            key = find_key(node, step) if isinstance(node, dict) else None
            node = node[key] if key is not None else None
        if not pointer.startswith("#/definitions/") or not isinstance(node, dict):
            raise ExpressionError(f"The type definition reference '{reference}' can't be resolved.")
        return node

    def is_secure(self, declaration: Mapping[str, JsonValue]) -> bool:
        return str(self.resolve(declaration).get("type", "")).lower() in _SECURE

    def check(self, value: JsonValue, declaration: Mapping[str, JsonValue], path: str = "") -> None:
        """Raises MismatchError. An Unknown fits every type."""
        if isinstance(value, Unknown):
            return
        schema = self.resolve(declaration)
        if value is None and (schema.get("nullable") is True or "type" not in schema):
            return
        _check_type(value, schema, path)
        _check_allowed(value, schema, path)
        _check_range(value, schema, path)
        if isinstance(value, list):
            self._check_items(value, schema, path)
        if isinstance(value, dict):
            self._check_properties(value, self._variant(value, schema, path), path)

    def _check_items(self, value: list[JsonValue], schema: JsonObject, path: str) -> None:
        first = schema.get("prefixItems") or []
        for index, declaration in enumerate(first):
            if index >= len(value):
                if self.resolve(declaration).get("nullable") is not True:
                    reason = f"The array has {len(value)} element(s) where at least {len(first)} are expected."
                    raise MismatchError(path, reason)
                continue
            self.check(value[index], declaration, f"{path}[{index}]")
        rest = schema.get("items")
        if rest is False and len(value) > len(first):
            raise MismatchError(path, f"The array has {len(value)} element(s) where at most {len(first)} are expected.")
        if isinstance(rest, dict):
            for index in range(len(first), len(value)):
                self.check(value[index], rest, f"{path}[{index}]")

    def _variant(self, value: JsonObject, schema: JsonObject, path: str) -> JsonObject:
        """The schema that the discriminator chooses for the value, joined with what all variants share."""
        discriminator = schema.get("discriminator")
        if not isinstance(discriminator, dict):
            return schema
        name = discriminator.get("propertyName", "")
        found = find_key(value, name)
        mapping = discriminator.get("mapping") or {}
        chosen = value[found] if found is not None else None
        if isinstance(chosen, Unknown):
            return {}
        if not isinstance(chosen, str) or chosen not in mapping:
            raise MismatchError(
                f"{path}.{name}" if path else name,
                f"The value '{to_text(chosen)}' is not part of the allowed value(s): '{','.join(mapping)}'.",
            )
        variant = self.resolve(mapping[chosen])
        shared = {name: {"type": "string"}, **(schema.get("properties") or {})}
        return {**variant, "properties": {**shared, **(variant.get("properties") or {})}}

    def _check_properties(self, value: JsonObject, schema: JsonObject, path: str) -> None:
        properties = schema.get("properties") or {}
        for name, declaration in properties.items():
            key = find_key(value, name)
            inner = f"{path}.{name}" if path else name
            if key is not None:
                self.check(value[key], declaration, inner)
            elif self.resolve(declaration).get("nullable") is not True:
                raise MismatchError(inner, "The value is missing and the type is not nullable.")
        rest = schema.get("additionalProperties")
        for key in value:
            if find_key(properties, key) is not None:
                continue
            if rest is False:
                raise MismatchError(f"{path}.{key}" if path else key, f"The property '{key}' is not allowed.")
            if isinstance(rest, dict):
                self.check(value[key], rest, f"{path}.{key}" if path else key)


def _check_type(value: JsonValue, schema: JsonObject, path: str) -> None:
    declared = schema.get("type")
    if declared is None:
        return
    wanted = str(declared).lower()
    if wanted not in _PYTHON_TYPES:
        raise ExpressionError(f"The type '{declared}' is not valid.")
    if wanted == "array" and "allowedValues" in schema and not isinstance(value, list):
        return  # a union of literals of several types, each of which is an element that is allowed
    if (isinstance(value, bool) and wanted == "int") or not isinstance(value, _PYTHON_TYPES[wanted]):
        raise MismatchError(
            path,
            f"Expected a value of type '{_SERVICE_NAMES[wanted]}', but received a value of type '{type_name(value)}'.",
        )


def _check_allowed(value: JsonValue, schema: JsonObject, path: str) -> None:
    allowed = schema.get("allowedValues")
    if not isinstance(allowed, list) or any(_same(value, item) for item in allowed):
        return
    if isinstance(value, list) and all(any(_same(item, choice) for choice in allowed) for item in value):
        return
    shown = "" if str(schema.get("type", "")).lower() in _SECURE else f" '{to_text(value)}'"
    choices = ",".join(map(to_text, allowed))
    raise MismatchError(path, f"The value{shown} is not part of the allowed value(s): '{choices}'.")


def _same(value: JsonValue, allowed: JsonValue) -> bool:
    if isinstance(value, str) and isinstance(allowed, str):
        return value.lower() == allowed.lower()
    return equal(value, allowed)


def _check_range(value: JsonValue, schema: JsonObject, path: str) -> None:
    if isinstance(value, int) and not isinstance(value, bool):
        _check_bounds(value, schema.get("minValue"), schema.get("maxValue"), path, "The value")
    elif isinstance(value, (str, list)):
        _check_bounds(len(value), schema.get("minLength"), schema.get("maxLength"), path, "Length of the value")


def _check_bounds(number: int, minimum: JsonValue, maximum: JsonValue, path: str, subject: str) -> None:
    if isinstance(minimum, int) and number < minimum:
        raise MismatchError(path, f"{subject} should be greater than or equal to '{minimum}'.")
    if isinstance(maximum, int) and number > maximum:
        raise MismatchError(path, f"{subject} should be less than or equal to '{maximum}'.")
