"""What a new value starts as: what has to be there, filled in as far as one can know."""

from __future__ import annotations

import re
from collections.abc import Collection

from dbxwizard.parameters.catalog import recommended_runtime
from dbxwizard.parameters.databricks_fields import CLUSTER, JOB
from dbxwizard.parameters.editing.choices import choices_at, kind_of
from dbxwizard.parameters.editing.paths import FieldPath, node_at
from dbxwizard.parameters.fields import ROLE_ASSIGNMENT
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Node, objects, text_of
from dbxwizard.parameters.shapes import Field, Flag, Free, ListOf, MapOf, Record, Shape, Text, Whole

BLANK = "<>"  # a problem until somebody fills it in
_NODE_TYPE = "Standard_D4ds_v5"
_FREE: dict[str, JsonValue] = {"object": {}, "array": [], "number": 0, "text": BLANK}
_NUMBERED = re.compile(r"(.*?)-?(\d*)")
_NAME_KEYS = ("cluster_name", "name", "task_key", "job_cluster_key", "Name", "path")
# What the services want beside what the declaration demands.
_BESIDE: dict[int, JsonValue] = {
    id(CLUSTER): {
        "node_type_id": _NODE_TYPE,
        "autoscale": {"min_workers": 1, "max_workers": 2},
        "autotermination_minutes": 20,
    },
    id(ROLE_ASSIGNMENT): {"principal": "databricks-spn"},
}


def starter(shape: Shape | None, root: Node | None, path: FieldPath) -> JsonValue:
    """A value for the place at a path."""
    match shape:
        case Record():
            return _record(shape, root, path)
        case ListOf():
            return [starter(shape.item, root, (*path, 0))] if shape.least else []
        case Text():
            return _text(shape, root, path)
    return _plain(shape)


def _plain(shape: Shape | None) -> JsonValue:
    match shape:
        case MapOf():
            return {}
        case Whole():
            return shape.least
        case Flag():
            return False
        case Free():
            return _FREE[shape.kind]
    return BLANK


def starter_of(field: Field, root: Node | None, path: FieldPath) -> JsonValue:
    """A value for a key: its default where that is one."""
    return starter(field.shape, root, path) if field.default in (None, "", [], {}) else field.default


def _record(shape: Record, root: Node | None, path: FieldPath) -> JsonValue:
    value = {one.name: _required(one, root, (*path, one.name)) for one in shape.fields if one.required}
    value |= _BESIDE.get(id(shape), {})
    if shape is JOB:
        value["tasks"] = [{"task_key": "main", **_on_cluster(root), "notebook_task": {"notebook_path": BLANK}}]
    return value


def _on_cluster(root: Node | None) -> dict[str, JsonValue]:
    found = choices_at(root, ("Jobs", 0, "tasks", 0, "cluster_name"))
    return {"cluster_name": found.items[0].value if found and found.items else BLANK}


def _required(field: Field, root: Node | None, path: FieldPath) -> JsonValue:
    if field.name in _NAME_KEYS and isinstance(path[-2], int):
        base = {"cluster_name": "cluster", "name": "job", "task_key": "task", "Name": "scope"}.get(field.name, "new")
        return free_name(f"new-{base}", names_in(root, path[:-2], field.name))
    return starter(field.shape, root, path)


def _text(shape: Text, root: Node | None, path: FieldPath) -> JsonValue:
    kind = kind_of(shape)
    if shape.allowed:
        return shape.allowed[0]
    if kind == "runtime":
        return recommended_runtime()
    if kind == "node-type":
        return _NODE_TYPE
    if kind in ("cluster", "job", "git-folder"):
        found = choices_at(root, path)
        return found.items[0].value if found and found.items else BLANK
    return BLANK


def names_in(root: Node | None, path: FieldPath, key: str) -> list[str]:
    """The texts that the objects of a list have under a key."""
    names = (text_of(one.get(key)) for one in objects(node_at(root, path)))
    return [name for name in names if name is not None]


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or the next one like it with a number that nobody has yet."""
    found = _NUMBERED.fullmatch(name)
    base, number = (found[1], int(found[2] or 1)) if found else (name, 1)
    while name in taken:
        number += 1
        name = f"{base}-{number}" if base else str(number)
    return name
