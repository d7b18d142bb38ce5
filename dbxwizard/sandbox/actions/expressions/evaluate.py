"""The value of an expression, of a string with expressions in it, and of an `if`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from dbxwizard.sandbox.actions.expressions.errors import ParseError
from dbxwizard.sandbox.actions.expressions.functions import LAZY, WELL_KNOWN, Function
from dbxwizard.sandbox.actions.expressions.syntax import (
    Call,
    Compare,
    Context,
    Index,
    Literal,
    Logical,
    Names,
    Node,
    Not,
    parse,
    walk,
)
from dbxwizard.sandbox.actions.expressions.values import Value, find, index, is_equal, is_less, is_truthy, star

STATUS_FUNCTIONS = frozenset({"success", "failure", "always", "cancelled"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What is known where an expression stands: contexts by name, and functions beyond those that stand everywhere."""

    contexts: Mapping[str, Value] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)

    def function(self, name: str) -> Function:
        own = {key.lower(): function for key, function in self.functions.items()}
        return own.get(name) or WELL_KNOWN[name]

    def names(self) -> Names:
        functions = {**WELL_KNOWN, **self.functions}
        return Names(self.contexts, {name: (entry.least, entry.most) for name, entry in functions.items()})


def evaluate(expression: str, scope: Scope) -> Value:
    """The value of an expression without `${{ }}`. Raises ExpressionError."""
    return value_of(parse(expression, scope.names()), scope)


def value_of(node: Node, scope: Scope) -> Value:
    """The value of a tree. Raises EvaluationError."""
    match node:
        case Literal(value):
            return value
        case Context(name):
            return find(scope.contexts, name)
        case Index(target, key):
            whole = value_of(target, scope)
            return star(whole) if key is None else index(whole, value_of(key, scope))
        case Call(name, arguments):
            return _call(name, arguments, scope)
    return _operation(node, scope)


def _operation(node: Not | Compare | Logical, scope: Scope) -> Value:
    match node:
        case Not(operand):
            return not is_truthy(value_of(operand, scope))
        case Compare(operator, left, right):
            return _compare(operator, value_of(left, scope), value_of(right, scope))
        case Logical(operator, operands):
            return _logical(operator, operands, scope)


def _call(name: str, arguments: tuple[Node, ...], scope: Scope) -> Value:
    function = scope.function(name).call
    if name in LAZY:
        return function(*(partial(value_of, argument, scope) for argument in arguments))
    return function(*(value_of(argument, scope) for argument in arguments))


def _compare(operator: str, left: Value, right: Value) -> bool:
    if operator in {"==", "!="}:
        return is_equal(left, right) == (operator == "==")
    strictly = is_less(left, right) if operator[0] == "<" else is_less(right, left)
    return strictly or (operator.endswith("=") and is_equal(left, right))


def _logical(operator: str, operands: tuple[Node, ...], scope: Scope) -> Value:
    """The operand that decides, not a boolean."""
    value: Value = None
    for operand in operands:
        value = value_of(operand, scope)
        if is_truthy(value) == (operator == "||"):
            break
    return value


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a string: text, or what stands in `${{ }}`."""

    text: str
    is_expression: bool


def split(text: str) -> Iterator[Part]:
    """The pieces of a string with expressions. Raises ParseError for one that is empty or not closed."""
    position = 0
    while (start := text.find("${{", position)) >= 0:
        if start > position:
            yield Part(text[position:start], is_expression=False)
        end = _end(text, start + 3)
        expression = text[start + 3 : end].strip()
        if not expression:
            raise ParseError("An expression was expected", text)
        yield Part(expression, is_expression=True)
        position = end + 2
    if position < len(text):
        yield Part(text[position:], is_expression=False)


def _end(text: str, start: int) -> int:
    """Where the `}}` is that closes: one in a string doesn't."""
    in_string = False
    for position in range(start, len(text)):
        if text[position] == "'":
            in_string = not in_string
        elif text.startswith("}}", position) and not in_string:
            return position
    raise ParseError(
        "The expression is not closed. An unescaped ${{ sequence was found, but the closing }} sequence was not found.",
        text,
    )


def as_expression(text: str, names: Names) -> str:
    """The one expression that a string stands for: GitHub makes a call of `format` of text with expressions in it.

    So the bounds of an expression hold for the whole string. Raises ParseError, for an expression in it first.
    """
    parts = list(split(text))
    for part in parts:
        if part.is_expression:
            parse(part.text, names)
    if len(parts) == 1 and parts[0].is_expression:
        return parts[0].text
    arguments = [part.text for part in parts if part.is_expression]
    positions = count()
    template = "".join(f"{{{next(positions)}}}" if part.is_expression else _quoted(part.text) for part in parts)
    return f"format('{template}', {', '.join(arguments)})"


def _quoted(text: str) -> str:
    return text.replace("'", "''").replace("{", "{{").replace("}", "}}")


def expand(text: str, scope: Scope) -> Value:
    """A string with its expressions replaced; one that is nothing but an expression becomes its value.

    Raises ExpressionError.
    """
    return evaluate(as_expression(text, scope.names()), scope) if "${{" in text else text


def condition(text: str, scope: Scope) -> bool:
    """Whether an `if` holds: `success()` is asked too where it names no status function.

    docs.github.com/actions/reference/workflows-and-actions/expressions#status-check-functions. The `${{ }}` may be
    left out; text around them makes a string of all, which is true unless it is empty. Raises ExpressionError.
    """
    text = text.strip()
    tree = parse(as_expression(text, scope.names()) if "${{" in text else text, scope.names())
    names_status = any(isinstance(node, Call) and node.name in STATUS_FUNCTIONS for node in walk(tree))
    if not names_status and not is_truthy(scope.function("success").call()):
        return False
    return not text or is_truthy(value_of(tree, scope))
