"""YAML as GitHub reads it: the core schema of YAML 1.2, so `on` is a string; every node knows its place.

PyYAML knows 1.1, of which only its grammar is used here: what a scalar is, is decided by
yaml.org/spec/1.2.0/#id2604037 and by the examples yaml-schema-*.yml of github.com/actions/languageservices
(workflow-parser/testdata/reader).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import yaml

from dbxwizard.sandbox.actions.expressions.values import Value
from dbxwizard.sandbox.actions.workflows.problems import Problem

# Not published; those of actions/runner (PipelineTemplateConstants, TemplateReader).
MAX_DEPTH = 50
MAX_NODES = 100_000
MAX_CHARACTERS = 1024 * 1024

_TAG = "tag:yaml.org,2002:"
_UNTAGGED = "?"
_NULLS = frozenset({"", "null", "Null", "NULL", "~"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = frozenset({".nan", ".NaN", ".NAN"})
_STYLES = {"'": "SingleQuoted", '"': "DoubleQuoted", "|": "Literal", ">": "Folded"}


@dataclass(frozen=True, slots=True)
class Node:
    """`value`: a scalar's, a list of Nodes, or a list of pairs of Nodes for a mapping (see `Entries`)."""

    line: int
    column: int
    value: Value

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, Entries)

    @property
    def is_sequence(self) -> bool:
        return isinstance(self.value, list) and not self.is_mapping

    @property
    def is_scalar(self) -> bool:
        return not isinstance(self.value, list)

    def entries(self) -> list[tuple[Node, Node]]:
        """The pairs of a mapping; none where it is something else."""
        return list(self.value) if self.is_mapping else []

    def items(self) -> list[Node]:
        """The elements of a sequence; the node itself where it is something else but null."""
        if self.is_sequence:
            return list(self.value)
        return [] if self.value is None else [self]

    def get(self, name: str) -> Node | None:
        """The value of a key; null counts as none."""
        return next((value for key, value in self.entries() if key.value == name and value.value is not None), None)

    def plain(self) -> Value:
        """The value without places: dicts, lists and scalars."""
        if self.is_mapping:
            return {key.value: value.plain() for key, value in self.value}
        return [item.plain() for item in self.value] if self.is_sequence else self.value

    def problem(self, message: str) -> Problem:
        return Problem(self.line, self.column, message)


class Entries(list[tuple[Node, Node]]):
    """The pairs of a mapping, in their order."""


class YamlError(Exception):
    """Text that is no YAML, or more of it than is read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read_yaml(text: str) -> Node:
    """The document. Raises YamlError."""
    if len(text) > MAX_CHARACTERS:
        raise _whole(f"The maximum file size of {MAX_CHARACTERS} characters has been exceeded")
    try:
        root = _compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise YamlError(Problem(line, 1, f"You have an error in your yaml syntax on line {line}")) from error
    except yaml.YAMLError as error:
        raise _whole("You have an error in your yaml syntax on line 1") from error
    except RecursionError as error:
        raise _whole("Maximum object depth exceeded") from error
    return _Reader().node(root, 1) if root is not None else Node(1, 1, None)


def _compose(text: str) -> yaml.Node | None:
    """PyYAML's nodes, with the tag `?` for scalars that name none."""
    loader = yaml.SafeLoader(text)
    loader.yaml_implicit_resolvers = {}
    loader.DEFAULT_SCALAR_TAG = _UNTAGGED
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _whole(message: str) -> YamlError:
    return YamlError(Problem(0, 0, message))


class _Reader:
    """Counts what it reads: an alias stands for its whole anchor each time."""

    def __init__(self) -> None:
        self._count = 0

    def node(self, node: yaml.Node, depth: int) -> Node:
        self._count += 1
        if depth > MAX_DEPTH:
            raise _whole("Maximum object depth exceeded")
        if self._count > MAX_NODES:
            raise _whole("Maximum object size exceeded")
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        return Node(line, column, self._value(node, depth))

    def _value(self, node: yaml.Node, depth: int) -> Value:
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if node.tag not in {f"{_TAG}map", f"{_TAG}seq"}:
            raise _whole(f"Unexpected tag '{node.tag}'")
        if isinstance(node, yaml.MappingNode):
            return Entries((self.node(key, depth + 1), self.node(value, depth + 1)) for key, value in node.value)
        return [self.node(item, depth + 1) for item in node.value]


def _scalar(node: yaml.ScalarNode) -> Value:
    """What a scalar is: by its explicit tag, else by how it is written if it is plain."""
    text: str = node.value
    tag = node.tag.removeprefix(_TAG) if node.tag.startswith(_TAG) else node.tag
    if tag in {"str", _UNTAGGED}:
        return _untagged(text) if tag == _UNTAGGED and node.style is None else text
    if tag not in {"null", "bool", "int", "float"}:
        raise _whole(f"Unexpected tag '{node.tag}'")
    where = f"on line {node.start_mark.line + 1} and column {node.start_mark.column + 1}"
    if node.style is not None:
        raise _whole(f"The scalar style '{_STYLES[node.style]}' {where} is not valid with the tag '{node.tag}'")
    value = _untagged(text)
    fits = {"null": value is None, "bool": isinstance(value, bool)}.get(tag, _is_number(value))
    if not fits:
        raise _whole(f"The value '{text}' {where} is invalid for the type '{node.tag}'")
    return value


def _is_number(value: Value) -> bool:
    return isinstance(value, float)


def _untagged(text: str) -> Value:
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    return math.nan if text in _NAN else text


def _integer(text: str) -> float:
    if text.startswith(("0x", "0o")):
        return float.fromhex(text) if text[1] == "x" else float(int(text[2:], 8) if len(text) < 300 else math.inf)
    return float(text)
