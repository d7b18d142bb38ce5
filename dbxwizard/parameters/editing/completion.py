"""What can be written where the cursor is in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dbxwizard.parameters.edit import as_json
from dbxwizard.parameters.editing.choices import Choices, choices_at, keys_at
from dbxwizard.parameters.editing.layout import Layout, line_indent
from dbxwizard.parameters.editing.paths import FieldPath, member_at, node_at, path_at, shape_at, shape_below
from dbxwizard.parameters.editing.starters import starter
from dbxwizard.parameters.nodes import Array, Node, Object, Scalar
from dbxwizard.parameters.problems import Edit
from dbxwizard.parameters.shapes import Flag, MapOf
from dbxwizard.parameters.syntax import Parsed

_WORD_BEFORE = re.compile(r'"?[\w.$:/ -]*\Z')
_WORD_BEHIND = re.compile(r'[\w.$:/-]*"?')
_KEY_FOLLOWS = re.compile(r"\s*:")


@dataclass(frozen=True, slots=True)
class Completion:
    """`choices` for text[start:end], of which `written` is there already. `is_key`: a key of an object at `path`."""

    start: int
    end: int
    written: str
    choices: Choices
    path: FieldPath
    is_key: bool = False


def completion_at(text: str, parsed: Parsed, offset: int) -> Completion | None:
    """None where nothing is known. Works on a text that is broken at the cursor too, as far as it was read."""
    path = path_at(parsed.root, offset)
    node = node_at(parsed.root, path)
    member = member_at(parsed.root, path)
    if member and member.key_start <= offset <= member.key_end:
        return _key(text, parsed.root, path[:-1], member.key_start, member.key_end, offset)
    if isinstance(node, Scalar) and node.start <= offset <= node.end:
        return _value(text, parsed.root, path, node.start, node.end, offset)
    start, end = _word(text, offset)
    if isinstance(node, Array):
        return _value(text, parsed.root, (*path, len(node.items)), start, end, offset)
    if isinstance(node, Object) and node.start < offset:
        return _key(text, parsed.root, path, start, end, offset)
    return None


def _word(text: str, offset: int) -> tuple[int, int]:
    line = text.rfind("\n", 0, offset) + 1
    before, behind = _WORD_BEFORE.search(text[line:offset]), _WORD_BEHIND.match(text, offset)
    word = before[0] if before else ""
    blank = len(word) - len(word.lstrip())
    return offset - len(word) + blank, behind.end() if behind else offset


def _value(text: str, root: Node | None, path: FieldPath, start: int, end: int, offset: int) -> Completion | None:
    choices = choices_at(root, path)
    return Completion(start, end, _written(text, start, offset), choices, path) if choices and choices.items else None


def _key(text: str, root: Node | None, path: FieldPath, start: int, end: int, offset: int) -> Completion | None:
    choices = keys_at(root, path)
    if not choices or not choices.items:
        return None
    return Completion(start, end, _written(text, start, offset), choices, path, is_key=True)


def _written(text: str, start: int, offset: int) -> str:
    return text[start:offset].strip('"')


def complete(text: str, root: Node | None, completion: Completion, chosen: str) -> list[Edit]:
    """The edit that writes a choice; a new key comes with a value to start from."""
    if not completion.is_key:
        flag = isinstance(shape_at(completion.path), Flag)
        return [Edit(completion.start, completion.end, chosen if flag else as_json(chosen))]
    if _KEY_FOLLOWS.match(text, completion.end):
        return [Edit(completion.start, completion.end, as_json(chosen))]
    above = shape_at(completion.path)
    shape = above.value if isinstance(above, MapOf) else shape_below(above, chosen)
    value = starter(shape, root, (*completion.path, chosen))
    written = Layout.of(text).member(chosen, value, line_indent(text, completion.start))
    comma = "," if text[completion.end :].lstrip()[:1] == '"' else ""
    return [Edit(completion.start, completion.end, written + comma)]
