"""JSON Schema (2020-12) for editors, from the declarations: `python -m dbxwizard.parameters.json_schema` prints it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dbxwizard.parameters.fields import ENVIRONMENT
from dbxwizard.parameters.shapes import Field, Flag, Free, ListOf, MapOf, Record, Shape, Text, Whole

_FREE = {"object": "object", "array": "array", "number": "number", "text": "string"}


def schema() -> dict[str, Any]:
    """The schema of an environment file. Names it can't look up (regions, references) are for `validate`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dbxwizard environment",
        "description": "One environment: its Azure resources and what lives in its Databricks workspace.",
        **_schema(ENVIRONMENT),
        "$defs": {name: _object(shape) for name, shape in sorted(_titled(ENVIRONMENT).items())},
    }


def as_text() -> str:
    """As environments/schema.json holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _schema(shape: Shape) -> dict[str, Any]:
    return _WRITERS[type(shape)](shape)


def _text(shape: Text) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "string"}
    if shape.allowed:
        described["enum"] = list(shape.allowed)
    if shape.pattern:
        described["pattern"] = _anchored(f"<[^<>]*>|{shape.pattern}" if shape.fill else shape.pattern)
    if shape.most:
        described["maxLength"] = shape.most
    return described


def _anchored(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _whole(shape: Whole) -> dict[str, Any]:
    limits = {"type": "integer", "minimum": shape.least, "maximum": shape.most}
    return {"anyOf": [limits, {"enum": list(shape.also)}]} if shape.also else limits


def _list(shape: ListOf) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "array", "items": _schema(shape.item)}
    if shape.least:
        described["minItems"] = shape.least
    if shape.most:
        described["maxItems"] = shape.most
    if shape.unique == "":
        described["uniqueItems"] = True
    return described


def _map(shape: MapOf) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "object", "additionalProperties": _schema(shape.value)}
    if shape.key.pattern:
        described["propertyNames"] = {"pattern": _anchored(shape.key.pattern)}
    if shape.most:
        described["maxProperties"] = shape.most
    return described


def _titled(shape: Shape) -> dict[str, Record]:
    """The records with a title, however deep they are."""
    match shape:
        case ListOf():
            return _titled(shape.item)
        case MapOf():
            return _titled(shape.value)
        case Record():
            own = {shape.title: shape} if shape.title else {}
            return own | {name: one for field in shape.fields for name, one in _titled(field.shape).items()}
    return {}


def _record(shape: Record) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{shape.title}"} if shape.title else _object(shape)


def _object(shape: Record) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": "object",
        "properties": {one.name: _property(one) for one in shape.fields},
        "additionalProperties": False,
    }
    required = [one.name for one in shape.fields if one.required]
    return {**described, "required": required} if required else described


def _property(one: Field) -> dict[str, Any]:
    described = {"description": one.doc, **_schema(one.shape)}
    if one.default == "" and "pattern" in described:
        described["pattern"] = f"^$|{described['pattern']}"
    if one.default not in (None, "", {}, []):
        described["default"] = one.default
    return described


_WRITERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    Text: _text,
    Whole: _whole,
    Flag: lambda _: {"type": "boolean"},
    Free: lambda shape: {"type": _FREE[shape.kind]},
    ListOf: _list,
    MapOf: _map,
    Record: _record,
}


if __name__ == "__main__":
    print(as_text(), end="")
