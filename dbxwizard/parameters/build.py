"""Builds the typed model from plain values in the current form, by the same declarations that check them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from dbxwizard.parameters import model
from dbxwizard.parameters.fields import ENVIRONMENT
from dbxwizard.parameters.model import Environment, JsonValue, Resources, RoleAssignment
from dbxwizard.parameters.shapes import Field, ListOf, MapOf, Record, Shape, Text


def build(value: JsonValue, file: Path, root: Path) -> Environment:
    """The environment that a checked file describes; a `<>` in it becomes ""."""
    sections = {one.attribute: _section(one, value) for one in ENVIRONMENT.fields if one.attribute}
    sections["name"] = sections["name"] or name_of(file)
    resources: Resources = sections["resources"]
    if not resources.resource_group:
        sections["resources"] = replace(resources, resource_group=f"rg-dbx-{sections['name'].lower()}")
    sections["role_assignments"] = _once(sections["role_assignments"])
    return Environment(file=file, root=root, **sections)


def name_of(file: Path) -> str:
    """The environment of a file that does not say it: the file's name, with - for what such a name can't have."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", file.stem).strip("-_")[:40] or "environment"


def _once(assignments: tuple[RoleAssignment, ...]) -> tuple[RoleAssignment, ...]:
    """Each role once for a principal and scope, where it was said first."""
    given: set[tuple[str, str, str]] = set()
    kept = []
    for one in assignments:
        roles = tuple(role for role in one.roles if (one.principal, one.scope.casefold(), role) not in given)
        given |= {(one.principal, one.scope.casefold(), role) for role in roles if one.principal}
        kept += [replace(one, roles=roles)] if roles else []
    return tuple(kept)


def _section(one: Field, value: JsonValue) -> JsonValue:
    return _typed(one.shape, value.get(one.name, one.default))


def _typed(shape: Shape, value: JsonValue) -> JsonValue:
    match shape:
        case ListOf():
            return tuple(_typed(shape.item, item) for item in value)
        case MapOf(model=""):
            return dict(value)
        case MapOf():
            return tuple(getattr(model, shape.model)(name, level) for name, level in value.items())
        case Record():
            return _record(shape, value)
        case Text():
            return "" if _blank(shape, value) else value
    return value


def _blank(shape: Text, value: str) -> bool:
    return bool(shape.fill) and "<" in value


def _record(shape: Record, value: JsonValue) -> JsonValue:
    match shape.model:
        case "":
            return dict(value)
        case "Cluster":
            settings = {key: item for key, item in value.items() if key != "libraries"}
            return model.Cluster(value["cluster_name"], settings, tuple(value.get("libraries", ())))
        case "Job":
            return model.Job(value["name"], dict(value))
        case "Resources":
            return _resources(shape, value)
    return getattr(model, shape.model)(**{one.attribute: _section(one, value) for one in shape.fields})


def _resources(shape: Record, value: JsonValue) -> Resources:
    sections = {one.attribute: _section(one, value) for one in shape.fields}
    connector = sections.pop("access_connector")
    return Resources(access_connector_name=connector.get("Name", ""), **sections)
