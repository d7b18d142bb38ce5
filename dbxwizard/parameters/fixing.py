"""Writes into environment files: old forms rewritten, values set by setup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.errors import UsageError
from dbxwizard.parameters import credentials
from dbxwizard.parameters.document import Document, read
from dbxwizard.parameters.edit import apply, as_json, insert, replace, write
from dbxwizard.parameters.fields import ENVIRONMENT
from dbxwizard.parameters.loading import Loaded, load
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Array, Node, Object, child, children, parts, pointer, text_of
from dbxwizard.parameters.problems import Edit, Problem
from dbxwizard.parameters.rewrite import rewrite
from dbxwizard.parameters.shapes import ListOf, Record, Shape, Text
from dbxwizard.parameters.syntax import parse


@dataclass(frozen=True, slots=True)
class FixResult:
    """`diff` is a unified diff without credentials, "" where nothing changed; `problems` are those that are left."""

    changed: bool
    diff: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Blank:
    """A value that setup fills in. `pointer` (RFC 6901) is for set_values; `fill` says what belongs here:
    subscription-id, repository-url, git-username or principal (`value` is then `me`, `user:…` or a `<>`)."""

    pointer: str
    fill: str
    value: str


def fix(path: Path | str) -> FixResult:
    """Rewrites old forms and missing commas in the file; everything else stays byte for byte. Twice is as once.

    Raises OperationError as `edit.write` does.
    """
    document = read(Path(path))
    if document.problem:
        return FixResult(False, "", (document.problem,))
    text = rewrite(document.text).text
    if text == document.text:
        return FixResult(False, "", load(path).problems)
    write(document, text)
    return FixResult(True, diff(document, text), load(path).problems)


def diff(document: Document, text: str) -> str:
    """A unified diff from what was read to `text`, without credentials."""
    import difflib

    before, after = (_lines(one) for one in (document.text, text))
    return "".join(difflib.unified_diff(before, after, document.name, document.name))


def _lines(text: str) -> list[str]:
    parsed = parse(text)
    shown = credentials.redacted(text, parsed.root if parsed.sound else None)
    return [f"{line}\n" for line in shown.splitlines()]


def set_values(path: Path | str, values: Mapping[str, JsonValue]) -> bool:
    """Sets values by JSON Pointer, replacing only what changes; True where the file changed.

    The last part of a pointer may be a key that is not there yet, or the number of a list's items: it is added.
    Raises UsageError (`unknown-pointer`, or the file's own problem) and OperationError as `edit.write` does.
    """
    document = read(Path(path))
    if document.problem:
        raise _refused(document.problem)
    text = document.text
    for where, value in values.items():
        parsed = parse(text)
        if parsed.root is None or not parsed.sound:
            raise _refused(document.describe(parsed.findings[0]))
        text = apply(text, _set(text, parsed.root, where, value))
    if text == document.text:
        return False
    write(document, text)
    return True


def _refused(problem: Problem) -> UsageError:
    return UsageError(problem.code, problem.message, fix=problem.fix, location=problem.location)


def _set(text: str, root: Node, where: str, value: JsonValue) -> list[Edit]:
    if not where.startswith("/"):
        raise _nowhere(where)
    node: Node | None = root
    *above, last = parts(where)
    for part in above:
        node = child(node, part)
    target = child(node, last)
    if target is not None:
        return [] if _same(text, target, value) else [replace(target, value)]
    if isinstance(node, Object):
        return insert(text, node, f"{as_json(last)}: {as_json(value)}")
    if isinstance(node, Array) and last == str(len(node.items)):
        return insert(text, node, as_json(value))
    raise _nowhere(where)


def _nowhere(where: str) -> UsageError:
    return UsageError("unknown-pointer", f"the file has nothing at {credentials.show(where)}", fix="check the pointer")


def _same(text: str, node: Node, value: JsonValue) -> bool:
    return text[node.start : node.end] == as_json(value)


def blanks(loaded: Loaded) -> tuple[Blank, ...]:
    """What setup has to fill in: each `<>` of those kinds, each `me`, `user:…` and `group:…`, old forms included."""
    if not loaded.rewritten or not loaded.rewritten.parsed.root or not loaded.rewritten.parsed.sound:
        return ()
    written = _pointers(parse(loaded.document.text).root)
    found = _fillable(loaded.rewritten.parsed.root, ENVIRONMENT)
    placed = ((written.get(loaded.rewritten.original(node.start)), fill, value) for node, fill, value in found)
    return tuple(Blank(where, fill, value) for where, fill, value in placed if where is not None)


def _fillable(node: Node, shape: Shape) -> Iterator[tuple[Node, str, str]]:
    value = text_of(node)
    if isinstance(shape, Text) and shape.fill and value is not None and _is_blank(value):
        yield node, shape.fill, value
    elif isinstance(shape, Record) and isinstance(node, Object):
        shapes = {one.name: one.shape for one in shape.fields}
        for member in node.members:
            yield from _fillable(member.value, shapes[member.name]) if member.name in shapes else ()
    elif isinstance(shape, ListOf) and isinstance(node, Array):
        for item in node.items:
            yield from _fillable(item, shape.item)


def _is_blank(value: str) -> bool:
    return value == "me" or value.startswith(("user:", "group:")) or "<" in value


def _pointers(node: Node | None, path: tuple[str | int, ...] = ()) -> dict[int, str]:
    """Offset of each value that is no container: its pointer."""
    if node is None:
        return {}
    if not isinstance(node, Array | Object):
        return {node.start: pointer(path)}
    found: dict[int, str] = {}
    for name, value in children(node):
        found |= _pointers(value, (*path, name))
    return found
