"""Holds a file against the rules, and says what is wrong as GitHub does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbxwizard.sandbox.actions.expressions.errors import ParseError
from dbxwizard.sandbox.actions.expressions.evaluate import as_expression, split
from dbxwizard.sandbox.actions.expressions.syntax import Names, parse
from dbxwizard.sandbox.actions.expressions.values import fold, to_text
from dbxwizard.sandbox.actions.workflows.problems import Problem
from dbxwizard.sandbox.actions.workflows.rules import (
    Anything,
    Boolean,
    Fields,
    NotPlayed,
    Null,
    Number,
    OneOf,
    Rule,
    Sequence,
    Text,
)
from dbxwizard.sandbox.actions.workflows.yaml12 import Node


def check(node: Node, rule: Rule, names: Names | None = None) -> Iterator[Problem]:
    """All that `rule` does not allow in `node`; `names` is what expressions may name around it."""
    names = rule.names or names
    if isinstance(rule, NotPlayed):
        yield node.problem("The sandbox does not play this key of GitHub's")
    elif _has_expression(node):
        yield from _check_expression(node, rule, names)
    elif isinstance(rule, OneOf):
        yield from _check_one_of(node, rule, names)
    elif isinstance(rule, Anything):
        yield from _check_anything(node, names)
    elif isinstance(rule, Fields):
        yield from _check_mapping(node, (rule,), names)
    elif isinstance(rule, Sequence):
        yield from _check_sequence(node, rule, names)
    else:
        yield from _check_scalar(node, rule, names)


def _has_expression(node: Node) -> bool:
    return isinstance(node.value, str) and "${{" in node.value


def _check_expression(node: Node, rule: Rule, names: Names | None) -> Iterator[Problem]:
    if names is None:
        yield node.problem("A template expression is not allowed in this context")
        return
    try:
        parse(as_expression(node.value, names), names)
        is_whole = len(list(split(node.value))) == 1
    except ParseError as error:
        yield node.problem(str(error))
        return
    if not is_whole and not _takes_text(rule):
        yield node.problem(f"Unexpected value '{node.value}'")


def _takes_text(rule: Rule) -> bool:
    """Whether it may hold text beside an expression."""
    if isinstance(rule, OneOf):
        return any(map(_takes_text, rule.alternatives))
    return isinstance(rule, Text | Anything)


def _check_scalar(node: Node, rule: Rule, names: Names | None) -> Iterator[Problem]:
    if not node.is_scalar:
        yield node.problem(f"A {'mapping' if node.is_mapping else 'sequence'} was not expected")
    elif not _fits(node, rule):
        yield node.problem(f"Unexpected value '{to_text(node.value)}'")
    elif isinstance(rule, Text) and rule.is_condition and names is not None:
        try:
            parse(to_text(node.value).strip(), names)
        except ParseError as error:
            yield node.problem(str(error))


def _fits(node: Node, rule: Rule) -> bool:
    value = node.value
    if isinstance(rule, Text):
        text = to_text(value)
        return bool(text or not (rule.is_required or rule.allowed)) and (not rule.allowed or text in rule.allowed)
    if isinstance(rule, Boolean):
        return isinstance(value, bool)
    if isinstance(rule, Number):
        return isinstance(value, float)
    return value is None


def _check_sequence(node: Node, rule: Sequence, names: Names | None) -> Iterator[Problem]:
    if not node.is_sequence:
        yield _not_expected(node)
        return
    for item in node.value:
        yield from check(item, rule.item, names)


def _not_expected(node: Node) -> Problem:
    if node.is_mapping or node.is_sequence:
        return node.problem(f"A {'mapping' if node.is_mapping else 'sequence'} was not expected")
    return node.problem(f"Unexpected value '{to_text(node.value)}'")


def _check_anything(node: Node, names: Names | None) -> Iterator[Problem]:
    for key, value in node.entries():
        yield from check(key, Text(), names)
        yield from check(value, Anything(), names)
    for item in node.value if node.is_sequence else ():
        yield from check(item, Anything(), names)


def _check_one_of(node: Node, rule: OneOf, names: Names | None) -> Iterator[Problem]:
    mappings = tuple(one for one in rule.alternatives if isinstance(one, Fields))
    sequences = [one for one in rule.alternatives if isinstance(one, Sequence)]
    scalars = [one for one in rule.alternatives if isinstance(one, Text | Boolean | Number | Null)]
    if node.is_mapping and mappings:
        yield from _check_mapping(node, mappings, names)
    elif node.is_sequence and sequences:
        yield from check(node, sequences[0], names)
    elif not scalars or not node.is_scalar:
        yield _not_expected(node)
    else:
        problems = [list(check(node, one, names)) for one in scalars]
        yield from [] if [] in problems else problems[0]


@dataclass(slots=True)
class _Seen:
    """The keys of a mapping so far, and what it may still be."""

    keys: set[str]
    candidates: tuple[Fields, ...]


def _check_mapping(node: Node, candidates: tuple[Fields, ...], names: Names | None) -> Iterator[Problem]:
    """Its keys decide which of the candidates it is."""
    if not node.is_mapping:
        yield _not_expected(node)
        return
    seen = _Seen(set(), candidates)
    for key, value in node.value:
        yield from _check_entry(key, value, seen, names)
    if len(seen.candidates) > 1:
        yield node.problem(_not_enough(seen.candidates))
        return
    [rule] = seen.candidates
    for name in rule.required:
        if fold(name) not in seen.keys:
            yield node.problem(f"Required property is missing: {name}")


def _check_entry(key: Node, value: Node, seen: _Seen, names: Names | None) -> Iterator[Problem]:
    if not key.is_scalar or key.value is None:
        yield _not_expected(key)
        return
    if _has_expression(key):
        yield key.problem("A template expression is not allowed in this context")
        return
    name = to_text(key.value)
    if fold(name) in seen.keys:
        yield key.problem(f"'{name}' is already defined")
        return
    seen.keys.add(fold(name))
    rules = [(one, one.properties.get(name, one.others)) for one in seen.candidates]
    known = [(one, rule) for one, rule in rules if rule is not None]
    if not name or not known:
        yield key.problem(f"Unexpected value '{name}'")
        return
    seen.candidates = tuple(one for one, _ in known)
    # What several candidates have in common is the same in each.
    if known[0][1] is not None:
        yield from check(value, known[0][1], known[0][0].names or names)


def _not_enough(candidates: tuple[Fields, ...]) -> str:
    common = set.intersection(*(set(one.properties) for one in candidates))
    own = sorted({name for one in candidates for name in one.properties if name not in common})
    return f"There's not enough info to determine what you meant. Add one of these properties: {', '.join(own)}"
