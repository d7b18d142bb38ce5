"""Reads a Bicep file through pycep-parser's grammar into a small tree.

pycep's own JSON gives a name and a quoted string the same form, so this reads the tokens of its parse tree. Its
grammar has no operator precedence: of two operators the left one stands in parentheses. What is not read is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from lark import Token, Tree
from pycep import BicepParser


@dataclass(frozen=True)
class Node:
    """A value or an expression."""


@dataclass(frozen=True)
class Literal(Node):
    value: str | int | bool | None


@dataclass(frozen=True)
class Name(Node):
    name: str


@dataclass(frozen=True)
class Interpolated(Node):
    """`'a${x}b'` has the text parts ('a', 'b') and the expressions (x,)."""

    texts: tuple[str, ...]
    expressions: tuple[Node, ...]


@dataclass(frozen=True)
class Operation(Node):
    """A call of a function; an operator is the call of the ARM function that the compiler writes for it."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Property(Node):
    base: Node
    name: str


@dataclass(frozen=True)
class Array(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Object(Node):
    pairs: tuple[tuple[str, Node], ...]

    def get(self, name: str) -> Node | None:
        return dict(self.pairs).get(name)

    def without(self, *names: str) -> Object:
        return Object(tuple(pair for pair in self.pairs if pair[0] not in names))


@dataclass(frozen=True)
class Loop(Node):
    item: str
    array: Node
    body: Node


def walk(part: object) -> Iterator[Node]:
    """The node and every node inside it."""
    if isinstance(part, Node):
        yield part
        yield from walk(tuple(getattr(part, one.name) for one in fields(part)))
    elif isinstance(part, tuple):
        for child in part:
            yield from walk(child)


@dataclass(frozen=True)
class Declaration:
    """One param, var, resource, module or output; `kind` says which.

    `detail` is the data type, the resource type with its api-version, or the path of the module.
    """

    kind: str
    name: str
    detail: str
    value: Node | None
    decorators: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True)
class BicepFile:
    path: Path
    target_scope: str
    metadata: dict[str, str]
    declarations: tuple[Declaration, ...]

    def of(self, kind: str) -> list[Declaration]:
        return [declaration for declaration in self.declarations if declaration.kind == kind]


OPERATORS = {"conditional": "if", "and_op": "and", "or_op": "or", "equals": "equals"}
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", "$": "$"}


@cache
def _parser() -> BicepParser:
    return BicepParser(cache=False)


def read_file(path: Path, text: str | None = None) -> BicepFile:
    """Reads the file, or `text` in its place. Raises lark's UnexpectedInput or ValueError where it cannot be read."""
    source = path.read_text(encoding="utf-8-sig") if text is None else text
    tree = _parser().lark_parser.parse(source + "\n")
    scope, metadata, declarations = "resourceGroup", {}, []
    for element in _trees(tree):
        children = element.children
        if element.data == "scope":
            scope = _plain(children[0])
        elif element.data == "metadata":
            metadata[str(children[0])] = _plain(_tree(children[1]).children[0])
        else:
            declarations.append(_declaration(element))
    return BicepFile(path, scope, metadata, tuple(declarations))


def _declaration(element: Tree[Token]) -> Declaration:
    decorators, name, *rest = element.children
    kind = str(element.data)
    if kind not in ("param", "var", "resource", "module", "output") or (kind == "resource" and rest[1] is not None):
        raise ValueError(f"{name}: {kind} is not read, or not with `existing`")
    value = rest[-1]
    return Declaration(
        kind,
        str(name),
        _detail(kind, rest[0]),
        None if value is None else _node(value),
        tuple(_decorator(tree) for tree in (_trees(decorators) if isinstance(decorators, Tree) else ())),
    )


def _detail(kind: str, child: object) -> str:
    if kind == "var":
        return ""
    if kind in ("param", "output"):
        return "".join(str(token) for token in _tree(child).scan_values(lambda _: True))
    return _plain(_tree(child).children[0])


def _decorator(tree: Tree[Token]) -> tuple[str, Node]:
    name, argument = tree.children
    return str(name).removeprefix("sys."), _node(argument)


def _node(child: object) -> Node:
    tree = _tree(child)
    if tree.data not in READERS:
        raise ValueError(f"{tree.data} is not read")
    return READERS[tree.data](tree)


def _nodes(children: Iterable[object]) -> tuple[Node, ...]:
    return tuple(_node(child) for child in children)


def _operator(tree: Tree[Token]) -> Node:
    tree = _tree(tree.children[0])
    rule, children = str(tree.data), tree.children
    if rule == "property_accessor":
        return _property(_node(children[0]), _node(children[1]))
    if rule not in OPERATORS:
        raise ValueError(f"the operator {rule} is not read")
    operands = _nodes(children)
    if isinstance(operands[-1], Operation) and operands[-1].function in OPERATORS.values():
        raise ValueError(f"{rule}: which operator comes first is not known; write it in two variables")
    return Operation(OPERATORS[rule], operands)


def _property(base: Node, path: Node) -> Node:
    """pycep reads `a.b.c` as a.(b.c)."""
    if isinstance(path, Name):
        return Property(base, path.name)
    if isinstance(path, Property):
        return Property(_property(base, path.base), path.name)
    raise ValueError(f"{path} is no property")


def _loop(tree: Tree[Token]) -> Loop:
    variables, condition, body = tree.children
    variables = _tree(variables)
    if variables.data != "loop_array" or condition is not None:
        raise ValueError(f"a loop of the form {variables.data} is not read")
    return Loop(str(variables.children[0]), _node(variables.children[1]), _node(body))


def _pair(tree: Tree[Token]) -> tuple[str, Node]:
    if tree.data != "pair":
        raise ValueError(f"{tree.data} in an object is not read")
    key, value = tree.children
    text = str(_tree(key).children[0])
    return (_plain(text) if text.startswith("'") else text), _node(value)


def _name_or_string(text: str) -> Node:
    if not text.startswith("'"):
        return Name(text)
    texts, expressions, position = [""], [], 1
    while position < len(text) - 1:
        if text[position] == "\\":
            texts[-1] += ESCAPES[text[position + 1]]
            position += 2
        elif text.startswith("${", position):
            end = _end_of_expression(text, position + 2)
            expressions.append(_expression(text[position + 2 : end]))
            texts.append("")
            position = end + 1
        else:
            texts[-1] += text[position]
            position += 1
    return Interpolated(tuple(texts), tuple(expressions)) if expressions else Literal(texts[0])


def _end_of_expression(text: str, start: int) -> int:
    depth = 0
    for match in re.compile(r"'(?:\\.|[^'\\])*'|[{}]").finditer(text, start):
        if match.group() == "}" and depth == 0:
            return match.start()
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
    raise ValueError(f"no end of ${{ in {text}")


def _expression(text: str) -> Node:
    tree = _parser().lark_parser.parse(f"var x = {text}\n")
    return _node(_tree(_tree(tree.children[0]).children[-1]))


def _plain(token: object) -> str:
    literal = _name_or_string(str(token))
    if not isinstance(literal, Literal) or not isinstance(literal.value, str):
        raise ValueError(f"{token} must be a plain string")  # noqa: TRY004
    return literal.value


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _tree(child: object) -> Tree[Token]:
    if not isinstance(child, Tree):
        raise ValueError(f"{child} is not read")  # noqa: TRY004
    return child


READERS: dict[str, Callable[[Tree[Token]], Node]] = {
    "true": lambda _: Literal(True),
    "false": lambda _: Literal(False),
    "null": lambda _: Literal(None),
    "int_type": lambda tree: Literal(int(str(tree.children[0]))),
    "string": lambda tree: _name_or_string(str(tree.children[0])),
    "array": lambda tree: Array(_nodes(tree.children)),
    "object": lambda tree: Object(tuple(_pair(_tree(child)) for child in tree.children)),
    "function": lambda tree: Operation(str(tree.children[0]).rstrip("( "), _nodes(tree.children[1:])),
    "operator": _operator,
    "loop": _loop,
}
