"""What the form does to the text, as edits: each replaces the span that it is about and nothing else.

All take a text and its tree (`parse(text).root` of a sound text), and raise UsageError (`unknown-pointer`) where the
file has nothing at the path.
"""

from __future__ import annotations

import re
from typing import NoReturn

from dbxwizard.core.errors import UsageError
from dbxwizard.parameters.edit import apply, as_json, indentation, remove, replace, spans
from dbxwizard.parameters.editing.layout import Layout, line_indent, put, reindented
from dbxwizard.parameters.editing.paths import FieldPath, node_at, title
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Array, Node, Object, Scalar, to_value
from dbxwizard.parameters.problems import Edit
from dbxwizard.parameters.syntax import parse

# Comment lines right above an item belong to it; so does a comment that ends its line.
_COMMENT_LINES_ABOVE = re.compile(r"(?:^[ \t]*(?:#|//)[^\n]*\n)+[ \t]*\Z", re.MULTILINE)
_COMMENT_BEHIND = re.compile(r"[ \t]*(?:(?:#|//)[^\r\n]*)?(?=\r?\n)")


def set_value(text: str, root: Node | None, path: FieldPath, value: JsonValue) -> list[Edit]:
    """Replaces the value; a key that is not there yet is added, with what it stands in."""
    node = node_at(root, path)
    if node is not None:
        return _replaced(text, node, value)
    for depth in range(len(path) - 1, -1, -1):
        above = node_at(root, path[:depth])
        if above is not None:
            return _added(text, above, path, depth, value)
    return _nowhere(path)


def _replaced(text: str, node: Node, value: JsonValue) -> list[Edit]:
    if isinstance(node, Scalar) and not isinstance(value, dict | list):
        return [] if text[node.start : node.end] == as_json(value) else [replace(node, value)]
    if to_value(node) == value:
        return []
    return [Edit(node.start, node.end, Layout.of(text).render(value, line_indent(text, node.start)))]


def _added(text: str, above: Node, path: FieldPath, depth: int, value: JsonValue) -> list[Edit]:
    for part in reversed(path[depth + 1 :]):
        value = [value] if isinstance(part, int) else {part: value}
    part = path[depth]
    if isinstance(above, Object) and isinstance(part, str):
        return put(text, above, part, value)
    if isinstance(above, Array) and part == len(above.items):
        return put(text, above, None, value)
    return _nowhere(path)


def take_out(text: str, root: Node | None, path: FieldPath) -> list[Edit]:
    """Removes a key or an item with its comma. Comments stay."""
    above, index = _place(root, path)
    indexes = [index]
    if isinstance(above, Object):  # all of that name, or an earlier one would be read instead
        indexes = [i for i, member in enumerate(above.members) if member.name == path[-1]]
    return sorted(remove(text, above, indexes), key=lambda edit: (edit.start, edit.end))


def duplicate(text: str, root: Node | None, path: FieldPath, renames: dict[str, JsonValue]) -> list[Edit]:
    """Writes an item again behind itself, letter for letter; `renames` are values of its keys that differ."""
    above, index = _place(root, path)
    if not isinstance(above, Array):
        return _nowhere(path)
    item = above.items[index]
    copy = _renamed(text, item, renames)
    own_line = indentation(text, item.start)
    behind = _behind(text, above, index)
    if own_line is None or behind is None:
        return [Edit(item.end, item.end, f", {copy}")]
    line = Layout.of(text).newline + own_line + copy
    if above.commas[index] < 0:
        return [Edit(item.end, item.end, ","), Edit(behind[1], behind[1], line)]
    return [Edit(behind[1], behind[1], f"{line},")]


def _renamed(text: str, item: Node, renames: dict[str, JsonValue]) -> str:
    copy = text[item.start : item.end]
    values = ((item.get(name), value) for name, value in renames.items()) if isinstance(item, Object) else ()
    found = [(node, value) for node, value in values if node is not None]
    for node, value in sorted(found, key=lambda one: -one[0].start):
        copy = copy[: node.start - item.start] + as_json(value) + copy[node.end - item.start :]
    return copy


def move(text: str, root: Node | None, path: FieldPath, by: int) -> list[Edit]:
    """Swaps an item (or a key) with its neighbour, one before (-1) or behind (+1); their comments go with them.

    Empty at the end of the list.
    """
    above, index = _place(root, path)
    if not 0 <= index + by < len(spans(above)):
        return []
    first = min(index, index + by)
    wanted = _moved(root, path, by)
    for edits in (_swapped(text, above, first), _swap(text, *spans(above)[first : first + 2])):
        if _says(apply(text, edits), wanted):
            return edits
    return []


def _moved(root: Node | None, path: FieldPath, by: int) -> list[JsonValue]:
    """What the container holds after the move, in order."""
    above, index = _place(root, path)
    held = _held(above)
    held.insert(index + by, held.pop(index))
    return [path[:-1], held]


def _held(above: Object | Array) -> list[JsonValue]:
    if isinstance(above, Object):
        return [(member.name, to_value(member.value)) for member in above.members]
    return [to_value(item) for item in above.items]


def _says(text: str, wanted: list[JsonValue]) -> bool:
    """Whether the container holds just that: a comment in an odd place can't be moved with its item."""
    parsed = parse(text)
    container = node_at(parsed.root, wanted[0]) if parsed.sound else None
    return isinstance(container, Object | Array) and _held(container) == wanted[1]


def _swapped(text: str, above: Object | Array, first: int) -> list[Edit]:
    """Two neighbours with their comments."""
    edits = _swap(text, *(_core(text, above, one) for one in (first, first + 1)))
    behind = [_behind(text, above, one) for one in (first, first + 1)]
    if all(behind):
        edits += _swap(text, *(span for span in behind if span))
    return sorted(edits, key=lambda edit: edit.start)


def _swap(text: str, one: tuple[int, int], other: tuple[int, int]) -> list[Edit]:
    return [Edit(*one, text[slice(*other)]), Edit(*other, text[slice(*one)])]


def _core(text: str, above: Object | Array, index: int) -> tuple[int, int]:
    """An item with the comment lines above it."""
    start, end = spans(above)[index]
    floor = above.start + 1 if index == 0 else max(above.commas[index - 1] + 1, spans(above)[index - 1][1])
    line_end = text.find("\n", floor, start) + 1  # what follows the item before on its line is not ours
    comments = _COMMENT_LINES_ABOVE.search(text, line_end, start) if line_end else None
    if not comments:
        return start, end
    own = comments.start() + len(line_indent(text, comments.start()))
    return own, end


def _behind(text: str, above: Object | Array, index: int) -> tuple[int, int] | None:
    """The comment behind an item and its comma, up to the end of the line; None where more follows on it."""
    end = spans(above)[index][1]
    comma = above.commas[index]
    found = _COMMENT_BEHIND.match(text, max(end, comma + 1))
    return found.span() if found else None


def paste(text: str, root: Node | None, path: FieldPath, source: tuple[str, Node]) -> list[Edit]:
    """Sets a value to what another file has: letter for letter, comments within included, indented as it is here."""
    other, node = source
    value = to_value(node)
    here = node_at(root, path)
    written = other[node.start : node.end]
    layout = Layout.of(text)
    if "\n" not in written or not layout.newline:
        one_line = written if "\n" not in written else as_json(value)
        if here is None or not isinstance(value, dict | list):
            return set_value(text, root, path, value)
        return [] if text[here.start : here.end] == one_line else [Edit(here.start, here.end, one_line)]
    if here is None:
        return set_value(text, root, path, value)
    moved = reindented(written, line_indent(other, node.start), line_indent(text, here.start), layout.newline)
    return [] if text[here.start : here.end] == moved else [Edit(here.start, here.end, moved)]


def rename_key(root: Node | None, path: FieldPath, name: str) -> list[Edit]:
    """Writes a key in another way; its value stays."""
    above, index = _place(root, path)
    if not isinstance(above, Object):
        return _nowhere(path)
    member = above.members[index]
    return [Edit(member.key_start, member.key_end, as_json(name))]


def _place(root: Node | None, path: FieldPath) -> tuple[Object | Array, int]:
    above = node_at(root, path[:-1]) if path else None
    part = path[-1] if path else None
    if isinstance(above, Object):
        indexes = [index for index, member in enumerate(above.members) if member.name == part]
        if indexes:
            return above, indexes[-1]
    elif isinstance(above, Array) and isinstance(part, int) and part < len(above.items):
        return above, part
    return _nowhere(path)


def _nowhere(path: FieldPath) -> NoReturn:
    raise UsageError("unknown-pointer", f"the file has nothing at {title(path)}", fix="choose the field again")
