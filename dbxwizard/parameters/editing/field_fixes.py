"""What mends a problem of a value or a key, where there is one right answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from dbxwizard.parameters import catalog
from dbxwizard.parameters.edit import apply, as_json, difference, replace
from dbxwizard.parameters.editing.analysis import Mark
from dbxwizard.parameters.editing.operations import rename_key, set_value, take_out
from dbxwizard.parameters.editing.paths import FieldPath, field_at, member_at, node_at, shape_at
from dbxwizard.parameters.editing.starters import starter_of
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Node, Object, Scalar, text_of, to_value
from dbxwizard.parameters.problems import Edit
from dbxwizard.parameters.shapes import Flag, ListOf, Record, Shape, Text, Whole
from dbxwizard.parameters.syntax import parse

Found: TypeAlias = tuple[str, list[Edit]] | None

_MEANT = re.compile(r'(?:did you mean|write) "([^"…]+)"\??(?: If not.*)?')  # as our own checks advise
_RUNTIME = re.compile(r"([0-9]+\.[0-9]+)(.*-scala)(2\.[0-9]+)")
_MISSING = re.compile(r'has no "([^"]+)"')
_WORDS = {"true": True, "false": False}
# What two settings that disagree become, by what the check says: keys of the object that are set (None: taken out).
_CONFLICTS: dict[str, dict[str, JsonValue]] = {
    "an access mode for one user, and no user": {"single_user_name": "databricks-spn"},
    "both autoscale and num_workers": {"num_workers": None},
    "neither autoscale nor num_workers": {"autoscale": {"min_workers": 1, "max_workers": 2}},
    "no worker, and not set up as a single node": {"kind": "CLASSIC_PREVIEW", "is_single_node": True},
    "addresses are allowed, but the public network is not": {"AllowedIpRanges": []},
    "a cluster without a node type": {"node_type_id": "Standard_D4ds_v5"},
}


def mend(text: str, root: Node, mark: Mark) -> Found:
    """A label and edits; None where a person has to decide."""
    return _meant(text, root, mark) or _MENDERS.get(mark.problem.code, _no)(text, root, mark)


def _no(text: str, root: Node, mark: Mark) -> Found:
    return None


def _meant(text: str, root: Node, mark: Mark) -> Found:
    """The word that our own advice names, in place of the key or the value that the problem is at."""
    meant = _MEANT.fullmatch(mark.problem.fix)
    node = node_at(root, mark.path)
    if not meant or node is None:
        return None
    label = f"write {as_json(meant[1])}"
    member = member_at(root, mark.path)
    if member and member.key_start == mark.offset:
        taken = node_at(root, (*mark.path[:-1], meant[1])) is not None
        return None if taken else (label, rename_key(root, mark.path, meant[1]))
    return (label, [replace(node, meant[1])]) if node.start == mark.offset and isinstance(node, Scalar) else None


def _out(text: str, root: Node, mark: Mark) -> Found:
    return ("take it out", take_out(text, root, mark.path)) if mark.path else None


def _runtime(text: str, root: Node, mark: Mark) -> Found:
    new = _RUNTIME.fullmatch(catalog.recommended_runtime())
    node = node_at(root, mark.path)
    old = _RUNTIME.fullmatch(text_of(node) or "")
    if not (old and new and node):
        return None
    version = f"{new[1]}{old[2]}{new[3]}"
    return f"write {as_json(version)}", [replace(node, version)]


def _type(text: str, root: Node, mark: Mark) -> Found:
    node = node_at(root, mark.path)
    value = None if node is None else _converted(to_value(node), shape_at(mark.path))
    return None if value is None else (f"write {as_json(value)}", set_value(text, root, mark.path, value))


def _converted(value: JsonValue, shape: Shape | None) -> JsonValue:
    """The same value in the type that is wanted, None where it has none."""
    match shape:
        case Text() if isinstance(value, int | float):
            return as_json(value)
        case Whole() if isinstance(value, str | float):
            return _whole(value)
        case Flag() if isinstance(value, str | int):
            return _WORDS.get(str(value).casefold())
        case ListOf(item=Text()) if isinstance(value, str):
            return [value]
    return None


def _whole(value: str | float) -> int | None:
    digits = str(value).strip().removesuffix(".0")
    return int(digits) if re.fullmatch(r"-?[0-9]{1,15}", digits) else None


def _range(text: str, root: Node, mark: Mark) -> Found:
    node, shape, field = node_at(root, mark.path), shape_at(mark.path), field_at(mark.path)
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(shape, Whole) and isinstance(value, int) and not isinstance(value, bool):
        near = min(max(value, shape.least), shape.most)
        return f"write {near}", set_value(text, root, mark.path, near)
    if value == "" and field and not field.required:
        return _out(text, root, mark)
    return None


def _missing(text: str, root: Node, mark: Mark) -> Found:
    found = _MISSING.search(mark.problem.message)
    shape = shape_at(mark.path)
    fields = shape.fields if isinstance(shape, Record) else ()
    field = next((one for one in fields if found and one.name == found[1]), None)
    if not field:
        return _conflict(text, root, mark)
    path: FieldPath = (*mark.path, field.name)
    value = starter_of(field, root, path)
    return f"add {as_json(field.name)}", set_value(text, root, path, value)


def _conflict(text: str, root: Node, mark: Mark) -> Found:
    node = node_at(root, mark.path)
    if mark.problem.message == "min_workers is larger than max_workers" and isinstance(node, Object):
        least, most = node.get("min_workers"), node.get("max_workers")
        return ("swap them", _swap(text, least, most)) if least and most else None
    changes = _CONFLICTS.get(mark.problem.message, {})
    after = text
    for key, value in changes.items():
        path: FieldPath = (*mark.path, key)
        tree = parse(after).root
        after = apply(after, take_out(after, tree, path) if value is None else set_value(after, tree, path, value))
    label = " and ".join(
        f"take out {key}" if value is None else f"write {as_json(key)}: {as_json(value)}"
        for key, value in changes.items()
    )
    return (label, [difference(text, after)]) if changes else None


def _swap(text: str, one: Node, other: Node) -> list[Edit]:
    first, second = sorted((one, other), key=lambda node: node.start)
    return [
        Edit(first.start, first.end, text[second.start : second.end]),
        Edit(second.start, second.end, text[first.start : first.end]),
    ]


_MENDERS: dict[str, Callable[[str, Node, Mark], Found]] = {
    "unknown-key": _out,
    "credential-in-file": _out,
    "end-of-support": _runtime,
    "wrong-type": _type,
    "out-of-range": _range,
    "missing-key": _missing,
    "conflicting-settings": _conflict,
}
