"""The tokens of an expression.

A number, a word or an illegal symbol goes on until a boundary, as at GitHub: `0xFZ` and `=2` are each one unexpected
symbol.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum

from dbxwizard.sandbox.actions.expressions.errors import ParseError
from dbxwizard.sandbox.actions.expressions.values import Value, parse_number

MAX_LENGTH = 21_000

_OPERATORS = re.compile(r"[!=<>]=|&&|\|\||[()\[\],.!<>*]")
_STRING = re.compile(r"'(?:[^']|'')*'")
_WORD = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]*")
_UNTIL_BOUNDARY = re.compile(r".[^\s()\[\],.!<>=&|]*", re.DOTALL)
_NUMBER_UNTIL_BOUNDARY = re.compile(r"[^\s()\[\],!<>=&|]+")
_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None, "NaN": math.nan, "Infinity": math.inf}
# After these a dot reads a property; anywhere else it begins a number.
_BEFORE_PROPERTY = ("]", ")", "*")


class Kind(Enum):
    LITERAL = "literal"
    WORD = "word"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """`start` counts from 0; `value` is that of a literal."""

    kind: Kind
    text: str
    start: int
    value: Value = None


def tokenize(expression: str) -> list[Token]:
    """All tokens and an END. Raises ParseError for a symbol that is none."""
    if len(expression) > MAX_LENGTH:
        raise ParseError(f"Exceeded max expression length {MAX_LENGTH}", expression)
    tokens: list[Token] = []
    position = 0
    while position < len(expression):
        if expression[position].isspace():
            position += 1
            continue
        token = _next(expression, position, tokens[-1] if tokens else None)
        tokens.append(token)
        position += len(token.text)
    return [*tokens, Token(Kind.END, "", position)]


def _next(expression: str, position: int, before: Token | None) -> Token:
    first = expression[position]
    if first == "'":
        return _string(expression, position)
    if first.isascii() and (first.isdigit() or first in "+-" or (first == "." and not _reads_property(before))):
        return _number(expression, position)
    symbol = _OPERATORS.match(expression, position)
    return Token(Kind.SYMBOL, symbol[0], position) if symbol else _word(expression, position, before)


def _reads_property(before: Token | None) -> bool:
    return before is not None and (before.kind is Kind.WORD or before.text in _BEFORE_PROPERTY)


def _string(expression: str, position: int) -> Token:
    found = _STRING.match(expression, position)
    if not found:
        raise _unexpected(expression, position, expression[position:])
    return Token(Kind.LITERAL, found[0], position, found[0][1:-1].replace("''", "'"))


def _number(expression: str, position: int) -> Token:
    found = _NUMBER_UNTIL_BOUNDARY.match(expression, position)
    text = found[0] if found else expression[position]
    value = parse_number(text)
    if math.isnan(value):
        raise _unexpected(expression, position, text)
    return Token(Kind.LITERAL, text, position, value)


def _word(expression: str, position: int, before: Token | None) -> Token:
    found = _UNTIL_BOUNDARY.match(expression, position)
    text = found[0] if found else expression[position]
    if not _WORD.fullmatch(text):
        raise _unexpected(expression, position, text)
    if text in _CONSTANTS and not (before and before.text == "."):
        return Token(Kind.LITERAL, text, position, _CONSTANTS[text])
    return Token(Kind.WORD, text, position)


def _unexpected(expression: str, position: int, text: str) -> ParseError:
    return ParseError("Unexpected symbol", expression, text, position + 1)
