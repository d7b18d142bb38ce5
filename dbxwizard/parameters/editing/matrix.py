"""All environments side by side: which values differ, and a value copied from one file to others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dbxwizard.core.errors import UsageError
from dbxwizard.parameters.edit import as_json
from dbxwizard.parameters.editing.form import SHOW_UNSET, shown
from dbxwizard.parameters.editing.history import Change
from dbxwizard.parameters.editing.operations import paste, take_out
from dbxwizard.parameters.editing.paths import FieldPath, entry_name, node_at, shape_below
from dbxwizard.parameters.editing.session import Session
from dbxwizard.parameters.fields import ENVIRONMENT
from dbxwizard.parameters.nodes import Array, Node, Object, Scalar, to_value
from dbxwizard.parameters.shapes import Field, ListOf, MapOf, Record, Shape

# Entries of lists go together by name, not by their place: `Clusters`, `dbx-sp-cluster`, `spark_version`.
Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one file has: `path` is where, None where it has no such entry; `is_set` False where a default holds."""

    text: str
    path: FieldPath | None = None
    is_set: bool = False


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One field of all files, in their order. `differs`: not the same everywhere."""

    key: Key
    label: str
    help: str
    cells: tuple[Cell, ...]
    differs: bool
    is_container: bool

    @property
    def depth(self) -> int:
        return len(self.key) - 1


def matrix(roots: Sequence[Node | None], opened: Collection[Key], *, only_differences: bool = False) -> list[MatrixRow]:
    """The visible rows: the fields of all files, and what is in the containers of `opened`. A file that can't be read
    (None) has no value anywhere and makes no difference."""
    columns = [_Place(root, ()) if root is not None else None for root in roots]
    found = list(_rows(columns, ENVIRONMENT, (), opened))
    return [row for row in found if row.differs] if only_differences else found


@dataclass(frozen=True, slots=True)
class _Place:
    """A value of one file (None: not there) and its path."""

    node: Node | None
    path: FieldPath | None


def _rows(
    columns: Sequence[_Place | None], shape: Shape | None, key: Key, opened: Collection[Key]
) -> Iterator[MatrixRow]:
    for name in _names(columns, shape):
        below = [None if column is None else _below(column, name, shape) for column in columns]
        row = _row((*key, name), below, shape)
        yield row
        if row.is_container and row.key in opened:
            yield from _rows(below, _shape(shape, name), row.key, opened)


def _names(columns: Sequence[_Place | None], shape: Shape | None) -> list[str]:
    """What the containers hold, each once, in the order of the declaration and then of the files."""
    there: dict[str, None] = {}
    for column in columns:
        there.update(dict.fromkeys(_identities(column.node if column else None)))
    if not isinstance(shape, Record):
        return list(there)
    declared = [one.name for one in shape.fields if one.name in there or len(shape.fields) <= SHOW_UNSET]
    return [*declared, *(name for name in there if name not in declared)]


def _identities(node: Node | None) -> list[str]:
    if isinstance(node, Object):
        return [member.name for member in node.members]
    names: list[str] = []
    for index, item in enumerate(node.items if isinstance(node, Array) else ()):
        name = entry_name(item) or f"#{index + 1}"
        again = names.count(name)  # two of one name: the second one is `name (2)`
        names.append(f"{name} ({again + 1})" if again else name)
    return names


def _shape(shape: Shape | None, name: str) -> Shape | None:
    return shape.item if isinstance(shape, ListOf) else shape_below(shape, name)


def _below(place: _Place, name: str, shape: Shape | None) -> _Place:
    node, path = place.node, place.path
    if isinstance(node, Array):
        names = _identities(node)
        index = names.index(name) if name in names else -1
        return _Place(node.items[index], (*path, index)) if index >= 0 and path is not None else _Place(None, None)
    if path is None or isinstance(shape, ListOf):
        return _Place(None, None)
    return _Place(node.get(name) if isinstance(node, Object) else None, (*path, name))


def _row(key: Key, below: Sequence[_Place | None], above: Shape | None) -> MatrixRow:
    field = next((one for one in above.fields if one.name == key[-1]), None) if isinstance(above, Record) else None
    shape = _shape(above, key[-1])
    values = {_value(place, field) for place in below if place is not None}
    return MatrixRow(
        key=key,
        label=key[-1],
        help=field.doc if field else "",
        cells=tuple(_cell(place, field) for place in below),
        differs=len(values) > 1,
        is_container=_opens(shape) or any(_holds(place.node) for place in below if place),
    )


def _opens(shape: Shape | None) -> bool:
    return isinstance(shape, Record | MapOf) or (isinstance(shape, ListOf) and isinstance(shape.item, Record))


def _holds(node: Node | None) -> bool:
    """A list of plain values is one value here."""
    if isinstance(node, Array):
        return any(not isinstance(item, Scalar) for item in node.items)
    return isinstance(node, Object)


def _value(place: _Place, field: Field | None) -> object:
    """What holds, for a comparison: the value, the default of a field that is not there, or that there is nothing."""
    if place.node is not None:
        return _canonical(place.node)
    if place.path is None or field is None or field.default in (None, "", {}):
        return None
    return as_json(field.default)


def _canonical(node: Node) -> str:
    import json

    return json.dumps(to_value(node), ensure_ascii=False, sort_keys=True)


def _cell(place: _Place | None, field: Field | None) -> Cell:
    if place is None:
        return Cell("?")
    if place.node is not None:
        return Cell(shown(place.node), place.path, is_set=True)
    default = field.default if field and place.path is not None else None
    return Cell(
        "" if default in (None, "", [], {}) else str(default if isinstance(default, str) else as_json(default)),
        place.path,
    )


def resolve(root: Node | None, key: Key) -> FieldPath:
    """Where a row of the matrix is, or would be, in a file.

    Raises UsageError where the file lacks the entry that it is in.
    """
    place, shape = _Place(root, ()), ENVIRONMENT
    current: Shape | None = shape
    for index, name in enumerate(key):
        node = place.node
        last = index == len(key) - 1
        place = _below(place, name, current)
        if place.path is None and last and isinstance(node, Array):
            return (*resolve(root, key[:-1]), len(node.items))
        if place.path is None and last and isinstance(current, ListOf):
            return (*resolve(root, key[:-1]), 0)
        if place.path is None:
            message = f"it has no {' › '.join(key[: index + 1])}"
            raise UsageError("unknown-pointer", message, fix="copy that entry as a whole first")
        current = _shape(current, name)
    return place.path or ()


def copy_value(key: Key, source: Session, targets: Sequence[Session]) -> list[tuple[Session, Change]]:
    """Gives other files the value that one has, each as a change of its own; what one leaves out is taken out.

    Raises UsageError before anything is changed where a file can't take it.
    """
    node = node_at(source.root, resolve(source.root, key))
    plans = [(target, resolve(target.root, key)) for target in targets if target is not source]
    changes = []
    for target, path in plans:
        change = _copy(target, path, (source.text, node), f"{' › '.join(key)} copied from {source.name}")
        if change:
            changes.append((target, change))
    return changes


def _copy(target: Session, path: FieldPath, source: tuple[str, Node | None], label: str) -> Change | None:
    text, node = source
    if node is not None:
        return target.edit(paste(target.text, target.root, path, (text, node)), label)
    gone = node_at(target.root, path) is None
    return None if gone else target.edit(take_out(target.text, target.root, path), label)
