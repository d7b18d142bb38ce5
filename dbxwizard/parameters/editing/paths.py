"""Where a value is: its path in the tree, its span in the text, its declaration."""

from __future__ import annotations

from bisect import bisect_right
from typing import TypeAlias

from dbxwizard.parameters.fields import ENVIRONMENT
from dbxwizard.parameters.nodes import Array, Member, Node, Object, child, text_of
from dbxwizard.parameters.shapes import Field, ListOf, MapOf, Record, Shape

FieldPath: TypeAlias = tuple[str | int, ...]

_NAMES = ("cluster_name", "name", "Name", "task_key", "job_cluster_key", "principal", "Principal", "project", "path")


def node_at(root: Node | None, path: FieldPath) -> Node | None:
    """The value at a path; None where there is none."""
    node = root
    for part in path:
        node = child(node, part)
    return node


def member_at(root: Node | None, path: FieldPath) -> Member | None:
    """The member of an object at a path; None for an item of a list, or where there is none."""
    parent = node_at(root, path[:-1]) if path else None
    return parent.member(str(path[-1])) if isinstance(parent, Object) else None


def path_at(root: Node | None, offset: int) -> FieldPath:
    """The path of the innermost value around an offset; a key belongs to its value."""
    path: list[str | int] = []
    node = root
    while True:
        step = _step(node, offset)
        if step is None:
            return tuple(path)
        part, node = step
        path.append(part)


def _step(node: Node | None, offset: int) -> tuple[str | int, Node] | None:
    if isinstance(node, Object):
        index = bisect_right(node.members, offset, key=lambda one: one.key_start) - 1
        member = node.members[index] if index >= 0 else None
        # Of two members of one name only the last can be reached by its path.
        if member and offset <= member.value.end and node.get(member.name) is member.value:
            return member.name, member.value
    elif isinstance(node, Array):
        index = bisect_right(node.items, offset, key=lambda one: one.start) - 1
        if index >= 0 and offset <= node.items[index].end:
            return index, node.items[index]
    return None


def shape_at(path: FieldPath, shape: Shape = ENVIRONMENT) -> Shape | None:
    """What may stand at a path; None where nothing is declared."""
    for part in path:
        below = shape_below(shape, part)
        if below is None:
            return None
        shape = below
    return shape


def shape_below(shape: Shape | None, part: str | int) -> Shape | None:
    match shape:
        case Record():
            return next((one.shape for one in shape.fields if one.name == part), None)
        case ListOf():
            return shape.item if isinstance(part, int) else None
        case MapOf():
            return shape.value
    return None


def field_at(path: FieldPath) -> Field | None:
    """The declaration of a key; None for an item, a key of a map and what is not declared."""
    above = shape_at(path[:-1]) if path else None
    return next((one for one in above.fields if one.name == path[-1]), None) if isinstance(above, Record) else None


def naming_member(node: Node) -> Member | None:
    """The member that says what an entry of a list is called; None where it has no name."""
    found = (node.member(name) for name in _NAMES) if isinstance(node, Object) else iter(())
    return next((member for member in found if member and text_of(member.value)), None)


def entry_name(node: Node) -> str:
    """What an entry of a list is called; "" where it has no name."""
    member = naming_member(node)
    return (text_of(member.value) or "") if member else ""


def title(path: FieldPath) -> str:
    """A path for people: `Clusters[0].spark_version`."""
    written = ""
    for part in path:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else part
    return written or "the file"
