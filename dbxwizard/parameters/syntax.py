"""Reads JSON with comments as people write it, and goes on after a mistake.

Beyond RFC 8259: `#`, `//` and `/* */` comments, trailing commas, and a comma missing at a line's end (a warning).
Stricter than the standard json module: no NaN or Infinity, no number beyond a double, no lone surrogate, no key twice,
at most 100 brackets inside each other. Time is linear in the text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import isinf

from dbxwizard.parameters.nodes import Array, Member, Node, Object, Scalar
from dbxwizard.parameters.problems import Edit, Finding, Severity

MAX_DEPTH = 100
MAX_SYNTAX_PROBLEMS = 20

_GAP = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*"')
_STRING_TO_LINE_END = re.compile(r'"[^\r\n]*')
_SINGLE_QUOTED = re.compile(r"'[^'\r\n]*'")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![^ \t\r\n,:{}\[\]\"#/])")
_WORD = re.compile(r"[^ \t\r\n,:{}\[\]\"#/]+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_ADVICE = {
    "True": 'write "true" in small letters, without quotes',
    "False": 'write "false" in small letters, without quotes',
    "None": "write null",
    "undefined": "write null, or leave the key out",
    "NaN": "JSON has no NaN",
    "Infinity": "JSON has no Infinity",
    "-Infinity": "JSON has no Infinity",
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """`root` is None where there is no value at all. `sound`: the shape of the tree is what the author meant; if not,
    only `findings` count."""

    root: Node | None
    findings: tuple[Finding, ...]
    sound: bool


class _GaveUpError(Exception):
    """Reading on makes no sense."""


def parse(text: str) -> Parsed:
    """Reads a whole text. Never raises."""
    return _Parser(text).run()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0
        self.sound = True
        self.errors = 0
        self.findings: list[Finding] = []

    def run(self) -> Parsed:
        root: Node | None = None
        try:
            self.gap()
            if self.position == len(self.text):
                fix = "write an object: { … }, or run: dbxwizard init"
                self.broken(0, "empty-file", "the file holds no value", fix)
            else:
                root = self.value()
                self.end()
        except _GaveUpError:
            self.sound = False
        return Parsed(root, tuple(self.findings), self.sound)

    def end(self) -> None:
        self.gap()
        if self.position < len(self.text):
            self.broken(self.position, "trailing-content", "something follows the end", "remove it")

    # reporting

    def report(
        self,
        offset: int,
        code: str,
        message: str,
        fix: str,
        severity: Severity = "error",
        edits: tuple[Edit, ...] = (),
    ) -> None:
        self.findings.append(Finding(offset, severity, code, message, fix, edits))
        self.errors += severity == "error"
        if self.errors == MAX_SYNTAX_PROBLEMS:
            message = "reading stopped here"
            self.findings.append(Finding(offset, "error", "too-many-problems", message, "mend these first"))
            raise _GaveUpError

    def broken(self, offset: int, code: str, message: str, fix: str) -> None:
        """A mistake after which brackets and commas can't be trusted."""
        self.sound = False
        self.report(offset, code, message, fix)

    # tokens

    def gap(self) -> None:
        found = _GAP.match(self.text, self.position)
        self.position = found.end() if found else self.position
        if self.text.startswith("/*", self.position):
            self.broken(self.position, "unterminated-comment", "this comment has no end", "write */ where it ends")
            raise _GaveUpError

    def peek(self) -> str:
        return self.text[self.position] if self.position < len(self.text) else ""

    def value(self) -> Node:
        char = self.peek()
        if char in ("{", "["):
            return self.container(char)
        if char == '"':
            return self.string()
        if char in ("", ",", ":", "]", "}"):
            fix = 'write one, such as "text", 1 or true'
            self.report(self.position, "missing-value", "a value is missing here", fix)
            return Scalar(None, self.position, self.position, valid=False)
        return self.literal()

    def container(self, char: str) -> Node:
        if self.depth == MAX_DEPTH:
            message = f"more than {MAX_DEPTH} brackets inside each other"
            self.broken(self.position, "too-deep", message, "make it flatter")
            raise _GaveUpError
        self.depth += 1
        node = self.read_object() if char == "{" else self.read_array()
        self.depth -= 1
        return node

    def literal(self) -> Scalar:
        start = self.position
        number = _NUMBER.match(self.text, start)
        if number:
            self.position = number.end()
            return self.number(number)
        quoted = _SINGLE_QUOTED.match(self.text, start)
        if quoted:
            return self.invalid(quoted.end(), "a text in single quotes", 'use double quotes: "…"')
        word = _WORD.match(self.text, start)
        end = word.end() if word else start + 1
        content = self.text[start:end]
        if content in _LITERALS:
            self.position = end
            return Scalar(_LITERALS[content], start, end)
        if not content[0].isprintable():
            return self.invalid(end, f"the invisible character U+{ord(content[0]):04X}", "remove it")
        return self.invalid(end, "this is no JSON value", _ADVICE.get(content, 'put a text into double quotes: "…"'))

    def invalid(self, end: int, message: str, fix: str) -> Scalar:
        start, self.position = self.position, end
        self.report(start, "invalid-literal", message, fix)
        return Scalar(None, start, end, valid=False)

    def number(self, found: re.Match[str]) -> Scalar:
        try:
            value: int | float = float(found[0]) if found[1] or found[2] else int(found[0])
        except ValueError:  # more digits than int() converts
            value = float("inf")
        if isinstance(value, float) and isinf(value):
            self.report(found.start(), "number-out-of-range", "this number is too large", "write a smaller one")
            return Scalar(None, found.start(), found.end(), valid=False)
        return Scalar(value, found.start(), found.end())

    # strings

    def string(self) -> Scalar:
        start = self.position
        found = _STRING.match(self.text, start)
        if not found:
            return self.unterminated()
        self.position = found.end()
        raw = found[0]
        if "\\" not in raw and not _CONTROL.search(raw):
            return Scalar(raw[1:-1], start, found.end())
        return self.unescape(raw, start)

    def unterminated(self) -> Scalar:
        found = _STRING_TO_LINE_END.match(self.text, self.position)
        start, self.position = self.position, found.end() if found else len(self.text)
        self.broken(start, "unterminated-string", "this text is not closed on its line", 'write " where it ends')
        return Scalar(None, start, self.position, valid=False)

    def unescape(self, raw: str, start: int) -> Scalar:
        try:
            value = json.loads(raw)
            value.encode()
        except ValueError:
            self.bad_string(raw, start)
            return Scalar(None, start, start + len(raw), valid=False)
        return Scalar(value, start, start + len(raw))

    def bad_string(self, raw: str, start: int) -> None:
        control = _CONTROL.search(raw)
        if control:
            self.report(start + control.start(), "control-character", "a bare control character", "write \\t for a tab")
            return
        for escape in _ESCAPE.finditer(raw):
            if not escape[1] and escape[2] not in '"\\/bfnrt':
                fix = "write \\\\ for a backslash, or / in a path"
                self.report(start + escape.start(), "invalid-escape", "JSON does not know this escape", fix)
                return
        halves = (found.start() for found in _ESCAPE.finditer(raw) if found[1] and found[1][0] in "dD")
        offset = next(halves, 0)
        self.report(start + offset, "invalid-escape", "half of a surrogate pair", "write the character itself")

    # containers

    def read_array(self) -> Array:
        node = Array(self.position)
        self.position += 1
        while self.more(node, "]"):
            node.items.append(self.value())
            node.commas.append(self.comma(node, in_object=False))
        return node

    def read_object(self) -> Object:
        node = Object(self.position)
        self.position += 1
        seen: dict[str, int] = {}
        while self.more(node, "}"):
            member = self.member()
            if member is None:
                continue
            self.note_duplicate(member, seen)
            node.members.append(member)
            node.commas.append(self.comma(node, in_object=True))
        return node

    def more(self, node: Array | Object, closing: str) -> bool:
        """Steps to the next item; False, with `end` set, where the container closes."""
        self.gap()
        while self.peek() == ",":
            self.report(self.position, "missing-value", "a comma with no value before it", "remove the comma")
            self.position += 1
            self.gap()
        char = self.peek()
        if char == closing:
            self.position += 1
        elif char in ("", "]", "}"):
            kind = "object" if closing == "}" else "list"
            self.broken(node.start, "unclosed", f"this {kind} is not closed", f"write {closing} where it ends")
            if char and self.depth == 1:
                raise _GaveUpError
        else:
            return True
        node.end = self.position
        return False

    def member(self) -> Member | None:
        start = self.position
        key = self.string() if self.peek() == '"' else self.bare_key()
        key_end = self.position
        self.gap()
        if self.peek() != ":":
            self.broken(start, "missing-colon", "a key without a value", 'write "key": value')
            if self.peek() not in ("", ",", "]", "}"):
                self.value()
            return None
        self.position += 1
        self.gap()
        value = self.value()
        return Member(str(key.value), start, key_end, value) if key.valid else None

    def bare_key(self) -> Scalar:
        start = self.position
        found = _SINGLE_QUOTED.match(self.text, start) or _WORD.match(self.text, start)
        self.position = found.end() if found else start + 1
        if found:
            self.broken(start, "invalid-literal", "a key that is no text in double quotes", 'write "key": value')
        else:
            self.broken(start, "unexpected-token", "a key is expected here", 'write "key": value')
        return Scalar(None, start, self.position, valid=False)

    def note_duplicate(self, member: Member, seen: dict[str, int]) -> None:
        first = seen.setdefault(member.name, member.key_start)
        if first != member.key_start:
            line = self.text.count("\n", 0, first) + 1
            column = first - self.text.rfind("\n", 0, first)
            message = f"this key is already at {line}:{column}"
            self.report(member.key_start, "duplicate-key", message, "keep one of the two")

    def comma(self, node: Array | Object, *, in_object: bool) -> int:
        """Steps over the comma behind a value and gives its offset; -1 where there is none."""
        value_end = self.position
        self.gap()
        char = self.peek()
        if char == ",":
            self.position += 1
            return self.position - 1
        if char in ("", "]", "}"):
            return -1
        if char == ":" or (in_object and not self.key_follows()):
            fix = "write a comma or a closing bracket before it"
            self.broken(self.position, "unexpected-token", "this can't follow a value", fix)
            self.skip()
            return -1
        self.missing_comma(value_end)
        return -1

    def key_follows(self) -> bool:
        found = _STRING.match(self.text, self.position)
        gap = _GAP.match(self.text, found.end()) if found else None
        return gap is not None and self.text.startswith(":", gap.end())

    def missing_comma(self, value_end: int) -> None:
        if "\n" in self.text[value_end : self.position] or "\r" in self.text[value_end : self.position]:
            edits = (Edit(value_end, value_end, ","),)
            fix = "write one at the end of this value, or run: dbxwizard validate --fix"
            self.report(value_end, "missing-comma", "a comma is missing here", fix, "warning", edits)
        else:
            self.report(value_end, "missing-comma", "a comma is missing here", "write one between the two values")

    def skip(self) -> None:
        """Steps over what is not understood, up to the next comma or bracket of this container."""
        while self.peek() not in ("", ",", "]", "}"):
            if self.peek() == ":":
                self.position += 1
            else:
                self.value()
            self.gap()
        if self.peek() == ",":
            self.position += 1
