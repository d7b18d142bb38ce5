"""The part of the Kusto query language that the sandbox knows, read into a pipeline; the rest is refused.

learn.microsoft.com/kusto/query: a table or a union of them, then where, project, extend, order (sort) by, take
(limit), count, summarize count() by.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Item = TypeVar("Item")

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<datetime>datetime\([^)\n]*\))
      | (?P<span>\d+(?:\.\d+)?(?:ms|s|m|h|d)\b)
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<word>!?[A-Za-z_][A-Za-z0-9_]*~?)
      | (?P<sign>==|!=|=~|!~|<=|>=|[<>=()\[\],.|;+-])""",
    re.VERBOSE,
)
_COMPARING = ("==", "!=", "=~", "!~", "<", "<=", ">", ">=")
_WORDED = (
    "contains", "!contains", "has", "!has", "startswith", "!startswith", "endswith", "!endswith", "in", "!in",
)  # fmt: skip


class QuerySyntaxError(Exception):
    """The query can't be read: `position` counts characters from 0."""

    def __init__(self, token: str, position: int) -> None:
        super().__init__(f"Query could not be parsed at '{token}'")
        self.token, self.position = token, position


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Literal:
    value: object


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and the keys below it: `customDimensions["commit"]`."""

    name: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """`and`, `or`, a comparison, `+` or `-`, of two; the right side of `in` is a tuple of expressions."""

    name: str
    left: Expression
    right: Expression | tuple[Expression, ...]


Expression = Literal | Span | Column | Function | Operation


@dataclass(frozen=True, slots=True)
class Named:
    """A column of project or extend; `name` is "" where the expression has to give it."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Order:
    column: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class Where:
    condition: Expression


@dataclass(frozen=True, slots=True)
class Project:
    columns: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Extend:
    columns: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class OrderBy:
    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Take:
    count: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are; `by`: for each value of these."""

    name: str = "Count"
    by: tuple[Named, ...] = ()


Stage = Where | Project | Extend | OrderBy | Take | Count


@dataclass(frozen=True, slots=True)
class Query:
    tables: tuple[str, ...]
    stages: tuple[Stage, ...] = field(default=())


def parse(text: str) -> Query:
    """Raises QuerySyntaxError."""
    return _Parser(list(_tokens(text)), len(text)).query()


def _tokens(text: str) -> Sequence[Token]:
    found, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise QuerySyntaxError(text[position], position)
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), position))
        position = match.end()
    return found


class _Parser:
    """Reads from the left; each method one thing of the grammar."""

    def __init__(self, tokens: list[Token], end: int) -> None:
        self._tokens, self._at, self._end = tokens, 0, end

    def query(self) -> Query:
        tables = self._source()
        stages: list[Stage] = []
        while self._given("|"):
            stages.append(self._stage())
        self._given(";")
        if self._peek() is not None:
            raise self._problem()
        return Query(tables, tuple(stages))

    def _source(self) -> tuple[str, ...]:
        name = self._word()
        return self._list(self._word) if name == "union" else (name,)

    def _stage(self) -> Stage:  # noqa: PLR0911  one for each operator
        token = self._next()
        if token.text in ("where", "filter"):
            return Where(self._expression())
        if token.text == "project":
            return Project(self._list(self._named))
        if token.text == "extend":
            return Extend(self._list(self._named))
        if token.text in ("order", "sort"):
            self._expect("by")
            return OrderBy(self._list(self._order))
        if token.text in ("take", "limit"):
            return Take(int(self._of_kind("number").text))
        if token.text == "count":
            return Count()
        if token.text == "summarize":
            return self._summarize()
        raise QuerySyntaxError(token.text, token.position)

    def _summarize(self) -> Count:
        counted = self._named()
        if counted.expression != Function("count", ()):
            raise self._problem(-1)
        return Count(counted.name or "count_", self._list(self._named) if self._given("by") else ())

    def _order(self) -> Order:
        column = self._expression()
        if self._given("asc"):
            return Order(column, descending=False)
        self._given("desc")
        return Order(column, descending=True)  # what Kusto takes where nothing is said

    def _named(self) -> Named:
        after = self._tokens[self._at + 1 : self._at + 2]
        if after and after[0].text == "=":
            name = self._word()
            self._expect("=")
            return Named(name, self._expression())
        return Named("", self._expression())

    # Expressions, from what binds least.

    def _expression(self) -> Expression:
        left = self._all_of()
        while self._given("or"):
            left = Operation("or", left, self._all_of())
        return left

    def _all_of(self) -> Expression:
        left = self._comparison()
        while self._given("and"):
            left = Operation("and", left, self._comparison())
        return left

    def _comparison(self) -> Expression:
        left = self._sum()
        token = self._peek()
        if token is None or token.text not in (*_COMPARING, *_WORDED):
            return left
        self._at += 1
        if token.text in ("in", "!in"):
            self._expect("(")
            choices = self._list(self._expression)
            self._expect(")")
            return Operation(token.text, left, choices)
        return Operation(token.text, left, self._sum())

    def _sum(self) -> Expression:
        left = self._value()
        while (token := self._peek()) is not None and token.text in ("+", "-"):
            self._at += 1
            left = Operation(token.text, left, self._value())
        return left

    def _value(self) -> Expression:  # noqa: PLR0911  one for each kind of token
        token = self._next()
        if token.text == "(":
            inner = self._expression()
            self._expect(")")
            return inner
        if token.kind == "string":
            return Literal(_unquoted(token.text))
        if token.kind == "number":
            return Literal(float(token.text) if "." in token.text else int(token.text))
        if token.kind == "span":
            return Span(_seconds(token.text))
        if token.kind == "datetime":  # what stands in it needs no quotes
            return Function("datetime", (Literal(token.text[len("datetime(") : -1].strip(" \"'")),))
        if token.text in ("true", "false"):
            return Literal(token.text == "true")
        if token.kind != "word":
            raise QuerySyntaxError(token.text, token.position)
        return self._call(token) if self._given("(") else Column(token.text, self._keys())

    def _call(self, token: Token) -> Expression:
        arguments = () if self._given(")") else self._list(self._expression)
        if arguments:
            self._expect(")")
        return Function(token.text, arguments)

    def _keys(self) -> tuple[str, ...]:
        keys: list[str] = []
        while True:
            if self._given("["):
                keys.append(_unquoted(self._of_kind("string").text))
                self._expect("]")
            elif self._given("."):
                keys.append(self._word())
            else:
                return tuple(keys)

    # Tokens.

    def _list(self, read: Callable[[], Item]) -> tuple[Item, ...]:
        found = [read()]
        while self._given(","):
            found.append(read())
        return tuple(found)

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> Token:
        token = self._peek()
        if token is None:
            raise self._problem()
        self._at += 1
        return token

    def _given(self, text: str) -> bool:
        token = self._peek()
        found = token is not None and token.kind != "string" and token.text == text
        self._at += found
        return found

    def _expect(self, text: str) -> None:
        if not self._given(text):
            raise self._problem()

    def _of_kind(self, kind: str) -> Token:
        token = self._next()
        if token.kind != kind:
            raise QuerySyntaxError(token.text, token.position)
        return token

    def _word(self) -> str:
        return self._of_kind("word").text

    def _problem(self, offset: int = 0) -> QuerySyntaxError:
        at = self._at + offset
        if at < len(self._tokens):
            return QuerySyntaxError(self._tokens[at].text, self._tokens[at].position)
        return QuerySyntaxError("<EOF>", self._end)


def _unquoted(text: str) -> str:
    escapes = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda match: escapes.get(match.group(1), match.group(1)), text[1:-1])


def _seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]  # the token's shape
    return float(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
