"""Holds a tree against its declaration and reports everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from dbxwizard.parameters import rules
from dbxwizard.parameters.catalog import did_you_mean
from dbxwizard.parameters.credentials import is_hidden, show
from dbxwizard.parameters.nodes import Array, Node, Object, Scalar, text_of
from dbxwizard.parameters.problems import MOST_PROBLEMS, Finding
from dbxwizard.parameters.shapes import Field, Flag, Free, ListOf, MapOf, Record, Shape, Text, Whole
from dbxwizard.parameters.values import CHECKS, principal_meant

_PLACEHOLDER = re.compile(r"<[^<>]*>")
_SETUP = "run dbxwizard setup: it fills this in"
_KINDS = {"object": "an object", "array": "a list", "number": "a number", "text": "a text"}


class _FullError(Exception):
    """So many problems that more help nobody."""


def check(
    root: Node,
    shape: Shape,
    *,
    place: Callable[[int], str],
    hidden: Iterable[int] = (),
    ci: bool = False,
    project: Path | None = None,
) -> list[Finding]:
    """All findings in a tree. `place` writes an offset as line:column; `hidden` are the offsets of values that hold a
    credential, which no other check looks at; `project` is the folder that paths start from (None: paths are not looked
    up)."""
    checker = Checker(place, set(hidden), ci=ci, project=project)
    try:
        checker.value(root, shape, "the file")
    except _FullError:
        message = f"more than {MOST_PROBLEMS} problems"
        last = checker.findings[-1].offset
        checker.findings.append(Finding(last, "error", "too-many-problems", message, "mend these first"))
    return checker.findings


class Checker:
    """Walks a tree. `name` in its methods is what a message calls the value: its key, in quotes."""

    def __init__(self, place: Callable[[int], str], hidden: set[int], *, ci: bool, project: Path | None) -> None:
        self.place = place
        self.hidden = hidden
        self.ci = ci
        self.project = project
        self.findings: list[Finding] = []

    def error(self, offset: int, code: str, message: str, fix: str) -> None:
        self._add(Finding(offset, "error", code, message, fix))

    def warning(self, offset: int, code: str, message: str, fix: str) -> None:
        self._add(Finding(offset, "warning", code, message, fix))

    def _add(self, finding: Finding) -> None:
        if len(self.findings) == MOST_PROBLEMS:
            raise _FullError
        self.findings.append(finding)

    def value(self, node: Node, shape: Shape, name: str) -> None:
        if node.start in self.hidden or (isinstance(node, Scalar) and not node.valid):
            return
        match shape:
            case Text():
                self.text(node, shape, name)
            case Whole():
                self.whole(node, shape, name)
            case Flag():
                if not (isinstance(node, Scalar) and isinstance(node.value, bool)):
                    self.wrong_type(node, name, "true or false")
            case ListOf():
                self.list_of(node, shape, name)
            case MapOf():
                self.map_of(node, shape, name)
            case Free():
                self.free(node, shape, name)
            case Record():
                self.record(node, shape, name)

    def wrong_type(self, node: Node, name: str, wanted: str) -> None:
        self.error(node.start, "wrong-type", f"{name} takes {wanted}, not {kind_of(node)}", f"write {wanted}")

    # single values

    def text(self, node: Node, shape: Text, name: str) -> None:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            empty = shape.fill == "principal" and isinstance(node, Scalar) and node.value is None
            self.missing_principal(node, name) if empty else self.wrong_type(node, name, "a text")
        elif is_hidden(node.value) or self.placeholder(node, node.value, shape, name):
            return
        elif shape.fill == "principal" and not node.value.strip():
            self.missing_principal(node, name)
        elif shape.allowed:
            self.choice(node, node.value, shape, name)
        elif self.form(node, node.value, shape, name) and shape.check:
            for issue in CHECKS[shape.check](node.value, ci=self.ci):
                self._add(Finding(node.start, *issue))

    def missing_principal(self, node: Node, name: str) -> None:
        fix = "write databricks-spn, main-spn, me, user:NAME@DOMAIN, group:NAME or an object id"
        self.error(node.start, "missing-principal", f"{name} names nobody", fix)

    def placeholder(self, node: Scalar, text: str, shape: Text, name: str) -> bool:
        whole = bool(_PLACEHOLDER.fullmatch(text.strip()))
        inside = bool(shape.pattern or shape.check or shape.fill) and bool(_PLACEHOLDER.search(text))
        if shape.free or not (whole or inside):
            return False
        self.error(
            node.start, "placeholder", f"{name} is still to be filled in", _SETUP if shape.fill else "write the value"
        )
        return True

    def choice(self, node: Scalar, text: str, shape: Text, name: str) -> None:
        if text not in shape.allowed:
            fix = did_you_mean(text, shape.allowed) or f"write one of {', '.join(shape.allowed)}"
            self.error(node.start, "not-allowed", f"{name} can't be {show(text)}", fix)

    def form(self, node: Scalar, text: str, shape: Text, name: str) -> bool:
        if shape.pattern and not re.fullmatch(shape.pattern, text, re.ASCII):
            meant = principal_meant(text) if shape.fill == "principal" else ""
            said = name if shape.secret else f"{name}: {show(text)}"
            self.error(node.start, shape.code, f"{said} is not {shape.help}", meant or f"write {shape.help}")
            return False
        if not text.strip() and not shape.free:
            self.error(node.start, "out-of-range", f"{name} is empty", "write a value, or leave the key out")
            return False
        if shape.most and len(text) > shape.most:
            self.error(node.start, "out-of-range", f"{name} is longer than {shape.most} characters", "make it shorter")
            return False
        return True

    def whole(self, node: Node, shape: Whole, name: str) -> None:
        if not isinstance(node, Scalar) or type(node.value) is not int:
            self.wrong_type(node, name, "a whole number")
        elif not shape.least <= node.value <= shape.most and node.value not in shape.also:
            also = "".join(f", or {number}" for number in shape.also)
            wanted = f"{shape.least} to {shape.most}{also}"
            self.error(node.start, "out-of-range", f"{name} is not {wanted}", f"write a number: {wanted}")

    def free(self, node: Node, shape: Free, name: str) -> None:
        if kind_of(node) != _KINDS[shape.kind]:
            self.wrong_type(node, name, _KINDS[shape.kind])

    # containers

    def list_of(self, node: Node, shape: ListOf, name: str) -> None:
        if not isinstance(node, Array):
            self.wrong_type(node, name, "a list")
            return
        self.size(node, len(node.items), shape.least, shape.most, name)
        seen: dict[str, int] = {}
        for item in node.items:
            self.value(item, shape.item, f"an item of {name}")
            if shape.unique is not None:
                self.unique(item, shape.unique, name, seen)

    def size(self, node: Node, size: int, least: int, most: int, name: str) -> None:
        if size < least:
            self.error(node.start, "out-of-range", f"{name} is empty", "write at least one")
        elif most and size > most:
            self.error(node.start, "out-of-range", f"{name} has {size} entries", f"at most {most} are allowed")

    def unique(self, item: Node, key: str, name: str, seen: dict[str, int]) -> None:
        node = item.get(key) if key and isinstance(item, Object) else item
        text = text_of(node)
        if node is None or text is None or node.start in self.hidden or _PLACEHOLDER.fullmatch(text.strip()):
            return
        first = seen.setdefault(text, node.start)
        if first != node.start:
            message = f"{show(text)} is already in {name}, at {self.place(first)}"
            self.error(node.start, "duplicate-name", message, "keep one, or give it another name")

    def map_of(self, node: Node, shape: MapOf, name: str) -> None:
        if not isinstance(node, Object):
            self.wrong_type(node, name, "an object")
            return
        self.size(node, len(node.members), 0, shape.most, name)
        for member in node.members:
            key = Scalar(member.name, member.key_start, member.key_end)
            if shape.key.pattern:
                self.form(key, member.name, shape.key, f"a key of {name}")
            self.value(member.value, shape.value, show(member.name))

    def record(self, node: Node, shape: Record, name: str) -> None:
        if not isinstance(node, Object):
            self.wrong_type(node, name, "an object")
            return
        fields = {one.name: one for one in shape.fields}
        for member in node.members:
            one = fields.get(member.name)
            if one and not (one.default == "" and text_of(member.value) == ""):
                self.value(member.value, one.shape, show(member.name))
            elif not one:
                self.unknown_key(member.key_start, member.name, fields)
        self.required(node, fields, name)
        for rule in shape.rules:
            rules.RULES[rule](node, self)

    def unknown_key(self, offset: int, key: str, fields: dict[str, Field]) -> None:
        fix = did_you_mean(key, fields) or "take it out, or see docs/parameter-file.md"
        self.error(offset, "unknown-key", f"nothing reads {show(key)} here", fix)

    def required(self, node: Object, fields: dict[str, Field], name: str) -> None:
        there = {member.name for member in node.members}
        for one in fields.values():
            if one.required and one.name not in there:
                self.error(node.start, "missing-key", f'{name} has no "{one.name}"', f"add it: {one.doc}")


def kind_of(node: Node) -> str:
    if isinstance(node, Object):
        return "an object"
    if isinstance(node, Array):
        return "a list"
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    if node.value is None:
        return "null"
    return "a text" if isinstance(node.value, str) else "a number"
