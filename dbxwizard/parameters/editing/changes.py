"""What made one text of another: edits of whole values, found along the tree.

A comparison of the letters alone would take the value of one entry for that of the next one when an entry was added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from dbxwizard.parameters.editing.differing import Block, blocks
from dbxwizard.parameters.editing.paths import entry_name
from dbxwizard.parameters.nodes import Array, Node, Object
from dbxwizard.parameters.problems import Edit
from dbxwizard.parameters.syntax import parse

_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"?|//[^\n]*|#[^\n]*|/\*.*?\*/|[ \t]+|\r?\n|[^\s,:{}\[\]"#/]+|.', re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a text: a token, or a value with its key. Two with the same `key` are the same one, then and now."""

    key: str
    start: int
    end: int
    node: Node | None = None


def changes(before: str, after: str) -> list[Edit]:
    """The edits that make one text of the other; disjoint and in order. A text that is no JSON is compared by lines."""
    old, new = parse(before), parse(after)
    if old.sound and new.sound and old.root and new.root:
        return list(_compared(before, after, _whole(before, old.root), _whole(after, new.root)))
    return list(_compared(before, after, _lines(before), _lines(after)))


def _compared(before: str, after: str, old: list[_Piece], new: list[_Piece]) -> Iterator[Edit]:
    differing = blocks([piece.key for piece in old], [piece.key for piece in new])
    for block, following in pairwise([(0, 0, 0, 0), *differing, (len(old), len(old), len(new), len(new))]):
        yield from _edit(after, old, new, block)
        for one, other in zip(old[block[1] : following[0]], new[block[3] : following[2]], strict=True):
            yield from _within(before, after, one, other)


def _edit(after: str, old: list[_Piece], new: list[_Piece], block: Block) -> Iterator[Edit]:
    i1, i2, j1, j2 = block
    text = after[new[j1].start : new[j2 - 1].end] if j2 > j1 else ""
    start = old[i1].start if i1 < len(old) else old[-1].end if old else 0
    end = old[i2 - 1].end if i2 > i1 else start
    if text or end > start:
        yield Edit(start, end, text)


def _within(before: str, after: str, old: _Piece, new: _Piece) -> Iterator[Edit]:
    """The same entry, then and now."""
    one, other = old.node, new.node
    if one is None or other is None or before[old.start : old.end] == after[new.start : new.end]:
        return
    if old.start < one.start:
        keys = (_tokens(before, old.start, one.start), _tokens(after, new.start, other.start))
        yield from _compared(before, after, *keys)
    if isinstance(one, Object | Array) and type(one) is type(other):
        yield from _compared(before, after, _inside(before, one), _inside(after, other))
    elif before[one.start : one.end] != after[other.start : other.end]:
        yield Edit(one.start, one.end, after[other.start : other.end])


def _whole(text: str, root: Node) -> list[_Piece]:
    return [
        *_tokens(text, 0, root.start),
        _Piece("value", root.start, root.end, root),
        *_tokens(text, root.end, len(text)),
    ]


def _inside(text: str, node: Object | Array) -> list[_Piece]:
    """All of a container: its brackets, what is between its entries, and these."""
    pieces: list[_Piece] = []
    position = node.start
    for key, start, value in _entries(text, node):
        pieces += [*_tokens(text, position, start), _Piece(key, start, value.end, value)]
        position = value.end
    return [*pieces, *_tokens(text, position, node.end)]


def _entries(text: str, node: Object | Array) -> Iterator[tuple[str, int, Node]]:
    """Each with what it is known by: its key, its name, or itself."""
    if isinstance(node, Object):
        yield from ((f"key {member.name}", member.key_start, member.value) for member in node.members)
        return
    for item in node.items:
        yield f"entry {entry_name(item) or text[item.start : item.end]}", item.start, item


def _tokens(text: str, start: int, end: int) -> list[_Piece]:
    return [_Piece(found[0], *found.span()) for found in _TOKEN.finditer(text, start, end)]


def _lines(text: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    position = 0
    for line in text.splitlines(keepends=True):
        pieces.append(_Piece(line, position, position + len(line)))
        position += len(line)
    return pieces
