"""The tree of a file: every value with the place where it stands.

Offsets count characters in the text (without a byte order mark); `end` is the first offset behind. The parser bounds
the depth, so walking a tree by recursion is safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from dbxwizard.parameters.model import JsonValue


@dataclass(slots=True, eq=False)
class Scalar:
    """A text, number, true, false or null. `valid` is False where the text of the file is no JSON value: a problem was
    reported there, and no check looks at it."""

    value: str | int | float | bool | None
    start: int
    end: int
    valid: bool = True


@dataclass(slots=True, eq=False)
class Array:
    """`commas[i]` is the offset of the comma behind items[i], -1 where there is none."""

    start: int
    end: int = -1
    items: list[Node] = field(default_factory=list)
    commas: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Member:
    name: str
    key_start: int
    key_end: int
    value: Node


@dataclass(slots=True, eq=False)
class Object:
    """`commas[i]` is the offset of the comma behind members[i], -1 where there is none."""

    start: int
    end: int = -1
    members: list[Member] = field(default_factory=list)
    commas: list[int] = field(default_factory=list)

    def member(self, name: str) -> Member | None:
        """The last one of that name: as the standard json module reads it."""
        return next((member for member in reversed(self.members) if member.name == name), None)

    def get(self, name: str) -> Node | None:
        found = self.member(name)
        return found.value if found else None


Node: TypeAlias = Scalar | Array | Object


def to_value(node: Node) -> JsonValue:
    """The plain value, as the standard json module gives it."""
    if isinstance(node, Object):
        return {member.name: to_value(member.value) for member in node.members}
    if isinstance(node, Array):
        return [to_value(item) for item in node.items]
    return node.value


def children(node: Node) -> Iterator[tuple[str | int, Node]]:
    if isinstance(node, Object):
        yield from ((member.name, member.value) for member in node.members)
    elif isinstance(node, Array):
        yield from enumerate(node.items)


def child(node: Node | None, part: str | int) -> Node | None:
    """The value of a key, or the item at an index (also written as digits, as in a JSON Pointer); None without one."""
    if isinstance(node, Object):
        return node.get(str(part))
    if isinstance(node, Array) and str(part).isdecimal() and int(part) < len(node.items):
        return node.items[int(part)]
    return None


def elements(node: Node | None) -> list[Node]:
    """The items of a list; nothing where it is no list."""
    return node.items if isinstance(node, Array) else []


def objects(node: Node | None) -> list[Object]:
    """The objects in a list."""
    return [item for item in elements(node) if isinstance(item, Object)]


def text_of(node: Node | None) -> str | None:
    """A text, or None where the node is absent or something else."""
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) and node.valid else None


def pointer(path: tuple[str | int, ...]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def parts(json_pointer: str) -> list[str]:
    """The parts of a JSON Pointer (RFC 6901)."""
    return [part.replace("~1", "/").replace("~0", "~") for part in json_pointer.split("/")[1:]]
