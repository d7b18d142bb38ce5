"""The tree of an expression.

Precedence, from the loosest: `||`, `&&`, `== !=`, `< <= > >=`, `!`, then `.` `[]` and calls
(docs.github.com/actions/reference/workflows-and-actions/expressions#operators).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from dbxwizard.sandbox.actions.expressions.errors import ParseError
from dbxwizard.sandbox.actions.expressions.tokens import Kind, Token, tokenize
from dbxwizard.sandbox.actions.expressions.values import Value, fold

MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Literal:
    value: Value


@dataclass(frozen=True, slots=True)
class Context:
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """`key` None is `*`."""

    target: Node
    key: Node | None


@dataclass(frozen=True, slots=True)
class Not:
    operand: Node


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logical:
    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """`name` as GitHub spells it in small letters."""

    name: str
    arguments: tuple[Node, ...]


Node = Literal | Context | Index | Not | Compare | Logical | Call


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression may name: contexts, and functions with the least and most number of their arguments."""

    contexts: Collection[str]
    functions: Mapping[str, tuple[int, int]]


def parse(expression: str, names: Names) -> Node:
    """The tree; an empty expression is null. Raises ParseError."""
    return _Parser(expression, names).whole()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in _children(node):
        yield from walk(child)


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Index(target, key):
            return (target,) if key is None else (target, key)
        case Not(operand):
            return (operand,)
        case Compare(_, left, right):
            return left, right
        case Logical(_, operands):
            return operands
        case Call(_, arguments):
            return arguments
    return ()


class _Parser:
    def __init__(self, expression: str, names: Names) -> None:
        self._expression = expression
        self._tokens = tokenize(expression)
        self._at = 0
        self._depth = 0
        self._contexts = {fold(name) for name in names.contexts}
        self._functions = {name.lower(): bounds for name, bounds in names.functions.items()}

    def whole(self) -> Node:
        if self._is_at_end:
            return Literal(None)
        node = self._expression_node()
        if not self._is_at_end:
            raise self._unexpected()
        return node

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    @property
    def _is_at_end(self) -> bool:
        return self._token.kind is Kind.END

    def _take(self) -> Token:
        token = self._token
        self._at += 1
        return token

    def _takes(self, *symbols: str) -> str | None:
        """The symbol, if it is the next token."""
        if self._token.kind is Kind.SYMBOL and self._token.text in symbols:
            return self._take().text
        return None

    def _expect(self, symbol: str) -> None:
        if not self._takes(symbol):
            raise self._unexpected()

    @contextmanager
    def _level(self) -> Iterator[Callable[[], None]]:
        """One level deeper inside, and one more for each call of what it yields."""
        before = self._depth

        def deeper() -> None:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise ParseError(f"Exceeded max expression depth {MAX_DEPTH}", self._expression)

        yield deeper
        self._depth = before

    def _expression_node(self) -> Node:
        with self._level() as deeper:
            deeper()
            return self._logical("||", lambda: self._logical("&&", self._equality))

    def _logical(self, operator: str, operand: Callable[[], Node]) -> Node:
        with self._level() as deeper:
            operands = [operand()]
            while self._takes(operator):
                if len(operands) == 1:
                    deeper()
                operands.append(operand())
            return Logical(operator, tuple(operands)) if operands[1:] else operands[0]

    def _equality(self) -> Node:
        return self._comparison(("==", "!="), lambda: self._comparison(("<", "<=", ">", ">="), self._unary))

    def _comparison(self, operators: tuple[str, ...], operand: Callable[[], Node]) -> Node:
        with self._level() as deeper:
            node = operand()
            while operator := self._takes(*operators):
                deeper()
                node = Compare(operator, node, operand())
            return node

    def _unary(self) -> Node:
        if not self._takes("!"):
            return self._indexed()
        with self._level() as deeper:
            deeper()
            return Not(self._unary())

    def _indexed(self) -> Node:
        with self._level() as deeper:
            is_literal = self._token.kind is Kind.LITERAL
            node = self._primary()
            while not is_literal and (symbol := self._takes("[", ".")):
                node = Index(node, self._key(symbol))
                deeper()
            return node

    def _key(self, symbol: str) -> Node | None:
        if self._takes("*"):
            key = None
        elif symbol == ".":
            if self._token.kind is not Kind.WORD:
                raise self._unexpected()
            return Literal(self._take().text)
        else:
            key = self._expression_node()
        if symbol == "[":
            self._expect("]")
        return key

    def _primary(self) -> Node:
        if self._token.kind is Kind.LITERAL:
            return Literal(self._take().value)
        if self._token.kind is Kind.WORD:
            return self._named(self._take())
        if self._takes("("):
            node = self._expression_node()
            self._expect(")")
            return node
        raise self._unexpected()

    def _named(self, word: Token) -> Node:
        if self._takes("("):
            return self._call(word)
        if fold(word.text) not in self._contexts:
            raise self._error("Unrecognized named-value", word)
        return Context(word.text)

    def _call(self, word: Token) -> Node:
        arguments: list[Node] = []
        while not self._takes(")"):
            if arguments:
                self._expect(",")
            arguments.append(self._expression_node())
        name = word.text.lower()
        if name not in self._functions:
            raise self._error("Unrecognized function", word)
        least, most = self._functions[name]
        if len(arguments) < least:
            raise self._error("Too few parameters supplied", word)
        if len(arguments) > most:
            raise self._error("Too many parameters supplied", word)
        if name == "case" and len(arguments) % 2 == 0:
            raise self._error("Even number of parameters supplied, requires an odd number of parameters", word)
        return Call(name, tuple(arguments))

    def _unexpected(self) -> ParseError:
        if self._is_at_end:
            return self._error("Unexpected end of expression", self._tokens[self._at - 1])
        return self._error("Unexpected symbol", self._token)

    def _error(self, message: str, token: Token) -> ParseError:
        return ParseError(message, self._expression, token.text, token.start + 1)
