"""The expressions of the template language: from the text between the brackets to a small tree.

Grammar (learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions): a literal, or a call followed
by any number of `.name` and `[expression]`. A string literal stands in single quotes, a quote in it is doubled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from dbxwizard.arm_template.errors import ExpressionError
from dbxwizard.arm_template.values import INT_MAX, INT_MIN

MAX_LENGTH = 24_576  # characters in an expression, from the limits of Resource Manager
MAX_DEPTH = 100  # calls within calls; keeps evaluation within the interpreter's stack

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*')
      | (?P<number>-?\d+)
      | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
      | (?P<punctuation>[().,\[\]])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int


@dataclass(frozen=True, slots=True)
class Call:
    """`name` holds the namespace of a user-defined function: `contoso.uniqueName`."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """`target.name` (the key is a Literal) or `target[key]`."""

    target: Node
    key: Node


Node = Literal | Call | Access


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


_END = _Token("end", "")


def is_expression(text: str) -> bool:
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def unescape(text: str) -> str:
    """`[[literal]` stands for `[literal]`; a string that does not end in a bracket needs no escape."""
    return text[1:] if text.startswith("[[") and text.endswith("]") else text


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    if isinstance(node, Call):
        for argument in node.arguments:
            yield from walk(argument)
    elif isinstance(node, Access):
        yield from walk(node.target)
        yield from walk(node.key)


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """The tree of an expression with its brackets, `[concat('a', 'b')]`. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"The template language expression limit exceeded. Limit: '{MAX_LENGTH}' and actual: '{len(text)}'."
        )
    return _Parser(text, list(_tokens(text, text[1:-1]))).parse()


def _tokens(whole: str, text: str) -> Iterator[_Token]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            character = text[position:].lstrip()[0]
            raise ExpressionError(
                f"Unable to parse language expression '{whole[1:-1]}': unexpected character '{character}'."
            )
        yield _Token(match.lastgroup, match.group(match.lastgroup))
        position = match.end()


class _Parser:
    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._expression()
        if self._peek() is not _END:
            raise self._unexpected("EndOfData", self._peek())
        return node

    def _peek(self) -> _Token:
        return self._tokens[self._position] if self._position < len(self._tokens) else _END

    def _next(self) -> _Token:
        token = self._peek()
        self._position += 1
        return token

    def _expect(self, text: str, name: str) -> None:
        token = self._next()
        if token.kind != "punctuation" or token.text != text:
            raise self._unexpected(name, token)

    def _unexpected(self, expected: str, token: _Token) -> ExpressionError:
        actual = token.text or "EndOfData"
        return ExpressionError(
            f"Unable to parse language expression '{self._text[1:-1]}': "
            f"expected token '{expected}' and actual '{actual}'."
        )

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"The template language expression is nested more than {MAX_DEPTH} levels deep.")
        node = self._primary()
        self._depth -= 1
        return node

    def _primary(self) -> Node:
        token = self._next()
        if token.kind == "string":
            return Literal(token.text[1:-1].replace("''", "'"))
        if token.kind == "number":
            return Literal(_integer(token.text))
        if token.kind != "name":
            raise self._unexpected("Identifier", token)
        return self._postfix(self._call(token.text))

    def _call(self, name: str) -> Node:
        if self._peek().text == ".":
            self._next()
            member = self._next()
            if member.kind != "name":
                raise self._unexpected("Identifier", member)
            name = f"{name}.{member.text}"
        self._expect("(", "LeftParenthesis")
        return Call(name, tuple(self._arguments()))

    def _arguments(self) -> Iterator[Node]:
        if self._peek().text == ")":
            self._next()
            return
        while True:
            yield self._expression()
            token = self._next()
            if token.kind == "punctuation" and token.text == ")":
                return
            if token.kind != "punctuation" or token.text != ",":
                raise self._unexpected("RightParenthesis", token)

    def _postfix(self, node: Node) -> Node:
        steps = 0
        while self._peek().kind == "punctuation" and self._peek().text in ".[":
            steps += 1
            if steps > MAX_DEPTH:
                raise ExpressionError(f"The template language expression is nested more than {MAX_DEPTH} levels deep.")
            if self._next().text == ".":
                member = self._next()
                if member.kind not in ("name", "number"):
                    raise self._unexpected("Identifier", member)
                node = Access(node, Literal(member.text))
            else:
                node = Access(node, self._expression())
                self._expect("]", "RightSquareBracket")
        return node


def _integer(text: str) -> int:
    value = int(text)
    if not INT_MIN <= value <= INT_MAX:
        raise ExpressionError(f"The template language expression literal '{text}' is not a valid integer.")
    return value
