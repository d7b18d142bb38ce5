"""A file as a form: one row for each declared field, in the order of the file, with what it means and takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum

from dbxwizard.parameters.credentials import is_hidden
from dbxwizard.parameters.edit import as_json
from dbxwizard.parameters.editing.choices import kind_of
from dbxwizard.parameters.editing.paths import FieldPath, entry_name, shape_at, shape_below
from dbxwizard.parameters.fields import ENVIRONMENT
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Array, Node, Object, Scalar, children, to_value
from dbxwizard.parameters.shapes import Field, Flag, Free, ListOf, MapOf, Record, Shape, Text, Whole
from dbxwizard.parameters.syntax import parse

SHOW_UNSET = 13  # a record with more fields than that shows only those that are set
_LONGEST = 200  # characters of a value in a row


class Kind(Enum):
    """How a row is edited."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "true or false"
    GROUP = "group"  # fields of its own
    LIST = "list"
    MAP = "map"  # keys of the author's choice
    RAW = "JSON"


class State(Enum):
    """Said by a word and a glyph."""

    SET = "set"
    DEFAULT = "default"  # not in the file: the default holds
    MISSING = "missing"  # not in the file, and has to be
    UNKNOWN = "unknown"  # in the file, and nothing reads it


@dataclass(frozen=True, slots=True)
class Row:
    """`value` is one line for people. `size` counts what a container holds. `required`: it can't be taken out."""

    path: FieldPath
    label: str
    kind: Kind
    state: State
    value: str
    help: str = ""
    limits: str = ""
    suggest: str = ""
    required: bool = False
    size: int = 0
    node: Node | None = None

    @property
    def depth(self) -> int:
        return len(self.path) - 1

    @property
    def is_container(self) -> bool:
        return self.kind in (Kind.GROUP, Kind.LIST, Kind.MAP)

    @property
    def is_item(self) -> bool:
        """An entry of a list."""
        return isinstance(self.path[-1], int)


def rows(root: Node | None, opened: Collection[FieldPath], *, every: bool = False) -> list[Row]:
    """The rows that are visible: those of the file and of all containers in `opened`. `every`: unset fields too."""
    return list(_below(root, ENVIRONMENT, (), opened, every))


def _below(
    node: Node | None, shape: Shape | None, path: FieldPath, opened: Collection[FieldPath], every: bool
) -> Iterator[Row]:
    for part, below in children(node) if node is not None else ():
        row = _row(below, shape, (*path, part))
        yield row
        if row.is_container and row.path in opened:
            yield from _below(below, shape_below(shape, part), row.path, opened, every)
    if isinstance(shape, Record):
        there = {member.name for member in node.members} if isinstance(node, Object) else set()
        small = len(shape.fields) <= SHOW_UNSET
        for one in shape.fields:
            if one.name not in there and (one.required or small or every):
                yield from _unset(one, (*path, one.name), opened, every)


def _unset(field: Field, path: FieldPath, opened: Collection[FieldPath], every: bool) -> Iterator[Row]:
    state = State.MISSING if field.required else State.DEFAULT
    value = "" if field.default in (None, "") else _line(field.default)
    kind = _kind_of_shape(field.shape)
    value = "" if kind in (Kind.GROUP, Kind.MAP) else value
    row = _described(path, field.shape, field, kind, state, value, None)
    yield row
    if row.is_container and path in opened:
        yield from _below(None, field.shape, path, opened, every)


def _row(node: Node, above: Shape | None, path: FieldPath) -> Row:
    shape = shape_below(above, path[-1])
    field = next((one for one in above.fields if one.name == path[-1]), None) if isinstance(above, Record) else None
    state = State.SET if shape or above is None or isinstance(above, Free) else State.UNKNOWN
    return _described(path, shape, field, _kind(node, shape), state, shown(node), node)


def _described(
    path: FieldPath, shape: Shape | None, field: Field | None, kind: Kind, state: State, value: str, node: Node | None
) -> Row:
    return Row(
        path=path,
        label=_label(path),
        kind=kind,
        state=state,
        value=value,
        help=field.doc if field else "",
        limits=limits(shape),
        suggest=kind_of(shape),
        required=bool(field and field.required),
        size=len(list(children(node))) if node is not None else 0,
        node=node,
    )


def _label(path: FieldPath) -> str:
    return f"{path[-1] + 1}" if isinstance(path[-1], int) else path[-1]


def _kind(node: Node, shape: Shape | None) -> Kind:
    """By what stands there; a declaration decides only how a single value is written."""
    if isinstance(node, Object):
        return Kind.MAP if isinstance(shape, MapOf) else Kind.GROUP
    if isinstance(node, Array):
        return Kind.LIST
    return _kind_of_shape(shape) if isinstance(shape, Text | Whole | Flag) else Kind.RAW


def _kind_of_shape(shape: Shape) -> Kind:
    kinds: dict[type, Kind] = {
        Text: Kind.TEXT,
        Whole: Kind.NUMBER,
        Flag: Kind.FLAG,
        ListOf: Kind.LIST,
        MapOf: Kind.MAP,
        Record: Kind.GROUP,
    }
    return kinds.get(type(shape), Kind.RAW)


def limits(shape: Shape | None) -> str:
    """What a value has to be, in words; "" where anything goes."""
    match shape:
        case Text(help=words) if words:
            return words
        case Text(most=most) if most:
            return f"at most {most} characters"
        case Whole():
            also = "".join(f", or {number}" for number in shape.also)
            return f"a whole number, {shape.least} to {shape.most}{also}"
        case ListOf(item=item) if isinstance(item, Text) and item.help:
            return f"each: {item.help}"
        case Free():
            return "as JSON"
    return ""


def shown(node: Node) -> str:
    if isinstance(node, Scalar):
        return "?" if not node.valid else _line(node.value)
    if isinstance(node, Object):
        return _title(node) or _count(len(node.members), "field")
    if all(isinstance(item, Scalar) for item in node.items):
        return _line(", ".join(_line(item.value) for item in node.items if isinstance(item, Scalar))) or "none"
    return _count(len(node.items), "entry", "entries")


def _title(node: Object) -> str:
    """What an entry of a list is called, with the roles that it gives."""
    name, roles = entry_name(node), node.get("roles")
    return _line(f"{name}: {shown(roles)}" if name and roles is not None else name)


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"


def _line(value: JsonValue) -> str:
    """On one line, short, and never a credential; a text without quotes."""
    text = value if isinstance(value, str) else as_json(value)
    if is_hidden(text):
        return "***"
    clean = "".join(char if char.isprintable() else "␣" for char in text)
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 1]}…"


def value_of(row: Row) -> JsonValue:
    """The plain value, None where there is none."""
    return None if row.node is None else to_value(row.node)


def written(kind: Kind, node: Node | None) -> str:
    """A value as a person edits it: a text without quotes where the field is one, else JSON; "" where there is none."""
    value = None if node is None else to_value(node)
    if node is None:
        return ""
    return value if isinstance(value, str) and kind is not Kind.RAW else as_json(value)


def kind_at(path: FieldPath, node: Node | None) -> Kind:
    """How the value at a path is edited, be it there or not."""
    shape = shape_at(path)
    if node is not None:
        return _kind(node, shape)
    return _kind_of_shape(shape) if shape else Kind.RAW


def parse_input(kind: Kind, text: str) -> JsonValue:
    """What a person wrote into a field, as a value: JSON where the field is no plain text.

    Raises ValueError with what is wrong.
    """
    if kind is Kind.TEXT:
        return text
    return _number(text) if kind is Kind.NUMBER else _json(text)


def _number(text: str) -> JsonValue:
    try:
        return int(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip() or 'nothing'} is no whole number") from None


def _json(text: str) -> JsonValue:
    parsed = parse(text)
    if parsed.root is None or not parsed.sound or parsed.findings:
        message = parsed.findings[0].message if parsed.findings else "nothing"
        raise ValueError(f'{message}: write JSON, such as "text", 1, true or []')
    return to_value(parsed.root)
