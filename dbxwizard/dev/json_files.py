"""JSON files of editors, with comments: what is wanted is put in, everything else stays letter for letter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from dbxwizard.core.errors import UsageError
from dbxwizard.dev.changes import FileChange, exists
from dbxwizard.parameters.document import Document
from dbxwizard.parameters.edit import apply
from dbxwizard.parameters.editing.operations import set_value
from dbxwizard.parameters.editing.paths import FieldPath, node_at
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Array, Node, Object, to_value
from dbxwizard.parameters.syntax import parse


class How(Enum):
    SET = "has this value"
    OFFER = "has this value where it has none"
    INCLUDE = "is a list with these items"


@dataclass(frozen=True, slots=True)
class Wish:
    path: FieldPath
    value: JsonValue
    how: How = How.SET


def json_change(document: Document, name: str, wishes: Sequence[Wish], why: str) -> FileChange | None:
    """None where the file has it all. Raises UsageError for a file that is no JSON."""
    if not document.text.strip():
        return FileChange(document, name, _new(wishes), yours=False, why=why)
    root = _root(document, name, document.text)
    _require_shapes(document, name, root, wishes)
    text = document.text
    for wish in wishes:
        for path, value in _missing(_root(document, name, text), wish):
            text = apply(text, set_value(text, parse(text).root, path, value))
    return FileChange(document, name, text, exists(document), why) if text != document.text else None


def _missing(root: Node, wish: Wish) -> Iterator[tuple[FieldPath, JsonValue]]:
    """What has to be set for a wish: the value, or the list with what it lacks."""
    node = node_at(root, wish.path)
    if wish.how is How.INCLUDE and isinstance(node, Array) and isinstance(wish.value, list):
        there = [to_value(item) for item in node.items]
        yield from (
            ((*wish.path, len(there) + index), one)
            for index, one in enumerate(one for one in wish.value if one not in there)
        )
    elif node is None or (wish.how is How.SET and to_value(node) != wish.value):
        yield wish.path, wish.value


def _new(wishes: Sequence[Wish]) -> str:
    made: dict[str, JsonValue] = {}
    for wish in wishes:
        place = made
        for part in wish.path[:-1]:
            place = place.setdefault(str(part), {})  # paths lead through objects
        place[str(wish.path[-1])] = wish.value
    return json.dumps(made, indent=4, ensure_ascii=False) + "\n"


def _root(document: Document, name: str, text: str) -> Node:
    parsed = parse(text)
    wrong = next((one for one in parsed.findings if one.severity == "error"), None)
    if wrong:
        problem = document.describe(wrong)
        raise UsageError(problem.code, problem.message, resource=name, fix=problem.fix, location=problem.location)
    if not isinstance(parsed.root, Object):
        raise UsageError("not-an-object", "the file has to be an object: { … }", resource=str(document.path))
    return parsed.root


def _require_shapes(document: Document, name: str, root: Node, wishes: Sequence[Wish]) -> None:
    """What is on the way to a wish has to be an object, and what shall include something a list."""
    for wish in wishes:
        for depth in range(1, len(wish.path) + 1):
            node = node_at(root, wish.path[:depth])
            last = depth == len(wish.path)
            wanted = (Array if wish.how is How.INCLUDE else None) if last else Object
            if node is not None and wanted and not isinstance(node, wanted):
                what = "a list" if wanted is Array else "an object"
                dotted = ".".join(str(part) for part in wish.path[:depth])
                location = document.location(node.start)
                raise UsageError("wrong-type", f"{dotted} has to be {what}", resource=name, location=location)
