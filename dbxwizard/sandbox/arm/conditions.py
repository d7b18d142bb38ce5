"""Conditions of role assignments (ABAC, version 2.0): parsed and evaluated.

The language: learn.microsoft.com/azure/role-based-access-control/conditions-format. An attribute that the request
does not have fulfils no comparison.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any


class ConditionError(ValueError):
    """The text is no condition."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a condition may look at, by `namespace/type:Name` in lower case; a value is a string or a list of them."""

    request: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    principal: Mapping[str, Any] = field(default_factory=dict)

    def find(self, source: str, name: str) -> Any:
        values = {"request": self.request, "resource": self.resource, "principal": self.principal}.get(source, {})
        return values.get(name)


Test = Callable[[str, Attributes], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<attribute>@(?P<source>Request|Resource|Principal|Environment)\s*\[(?P<name>[^\]]+)\])"
    r"|(?P<number>-?\d+(?:\.\d+)?)(?![\w-])"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<word>[A-Za-z]+(?::[A-Za-z]+)?)"
    r"|(?P<sign>&&|\|\||[!(){},]))",
    re.IGNORECASE,
)


def evaluate(text: str, action: str, attributes: Attributes) -> bool:
    """Whether the condition is fulfilled for `action`. Raises ConditionError for a text that is none."""
    return parse(text)(action, attributes)


@lru_cache(maxsize=256)
def parse(text: str) -> Test:
    """The condition as a function. Raises ConditionError."""
    parser = _Parser(_tokens(text))
    test = parser.either()
    if parser.kind:
        raise ConditionError(f"unexpected '{parser.text}'")
    return test


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ConditionError(f"unexpected character at {position}")
        kind = next(
            name for name in ("string", "attribute", "guid", "number", "word", "sign") if match[name] is not None
        )
        value = f"{match['source'].lower()}:{match['name'].strip().lower()}" if kind == "attribute" else match[kind]
        found.append((kind, value))
        position = match.end()
    return found


class _Parser:
    """Recursive descent: OR binds weakest, then AND, then NOT."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    @property
    def text(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def either(self) -> Test:
        parts = [self.both()]
        while self._accept("OR", "||"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda action, given: any(part(action, given) for part in parts)

    def both(self) -> Test:
        parts = [self.negated()]
        while self._accept("AND", "&&"):
            parts.append(self.negated())
        return parts[0] if len(parts) == 1 else lambda action, given: all(part(action, given) for part in parts)

    def negated(self) -> Test:
        if self._accept("NOT", "!"):
            inner = self.negated()
            return lambda action, given: not inner(action, given)
        return self.primary()

    def primary(self) -> Test:
        if self._accept("("):
            inner = self.either()
            self._expect(")")
            return inner
        if self._accept("ActionMatches"):
            return _action_test(self._set())
        if self._accept("SubOperationMatches"):
            self._set()
            return lambda _action, _given: False  # no operation of the sandbox has suboperations
        if self._accept("Exists"):
            source, name = self._attribute()
            return lambda _action, given: given.find(source, name) is not None
        return self._comparison()

    def _comparison(self) -> Test:
        source, name = self._attribute()
        if self.kind != "word":
            raise ConditionError(f"expected an operator, not '{self.text}'")
        compare = _operator(self._next())
        if self.kind == "attribute":
            other, other_name = self._attribute()
            return lambda _action, given: _compare(compare, given.find(source, name), given.find(other, other_name))
        values = self._set() if self.text == "{" else [self._value()]
        return lambda _action, given: _compare(compare, given.find(source, name), values)

    def _attribute(self) -> tuple[str, str]:
        if self.kind != "attribute":
            raise ConditionError(f"expected an attribute, not '{self.text}'")
        source, _, name = self._next().partition(":")
        return source, name

    def _set(self) -> list[str]:
        self._expect("{")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        self._expect("}")
        return values

    def _value(self) -> str:
        if self.kind not in ("string", "guid", "number", "word"):
            raise ConditionError(f"expected a value, not '{self.text}'")
        kind, text = self.kind, self._next()
        return re.sub(r"\\(.)", r"\1", text[1:-1]) if kind == "string" else text

    def _next(self) -> str:
        text = self.text
        self._at += 1
        return text

    def _accept(self, *texts: str) -> bool:
        if self.kind in ("word", "sign") and self.text.lower() in {text.lower() for text in texts}:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise ConditionError(f"expected '{text}', not '{self.text}'")


def _action_test(patterns: Sequence[str]) -> Test:
    lowered = [pattern.lower() for pattern in patterns]
    return lambda action, _given: any(fnmatchcase(action.lower(), pattern) for pattern in lowered)


Compare = Callable[[list[str], list[str]], bool]

_SCALARS: dict[str, Callable[[str, str], bool]] = {
    "stringequals": lambda have, want: have == want,
    "stringequalsignorecase": lambda have, want: have.lower() == want.lower(),
    "stringlike": fnmatchcase,
    "stringlikeignorecase": lambda have, want: fnmatchcase(have.lower(), want.lower()),
    "stringstartswith": lambda have, want: have.startswith(want),
    "stringstartswithignorecase": lambda have, want: have.lower().startswith(want.lower()),
    "guidequals": lambda have, want: have.lower() == want.lower(),
    "boolequals": lambda have, want: have.lower() == want.lower(),
    "numericequals": lambda have, want: float(have) == float(want),
}
_QUANTIFIERS: dict[str, Callable[[list[str], list[str], Callable[[str, str], bool]], bool]] = {
    "foranyofanyvalues": lambda have, want, same: any(same(left, right) for left in have for right in want),
    "forallofanyvalues": lambda have, want, same: all(any(same(left, right) for right in want) for left in have),
    "foranyofallvalues": lambda have, want, same: any(all(same(left, right) for right in want) for left in have),
    "forallofallvalues": lambda have, want, same: all(same(left, right) for left in have for right in want),
}


def _operator(text: str) -> Compare:
    quantifier, _, scalar = text.lower().rpartition(":")
    # StringNotEquals and its like are the denial of the comparison without Not.
    positive = scalar.replace("not", "", 1) if "not" in scalar else scalar
    if positive not in _SCALARS or (quantifier and quantifier not in _QUANTIFIERS):
        raise ConditionError(f"unknown operator '{text}'")
    test, quantify = _SCALARS[positive], _QUANTIFIERS[quantifier or "foranyofanyvalues"]
    if positive == scalar:
        return lambda have, want: quantify(have, want, test)
    return lambda have, want: quantify(have, want, lambda left, right: not test(left, right))


def _compare(compare: Compare, have: Any, want: Any) -> bool:
    if have is None or want is None:
        return False
    return compare(*([str(item) for item in (side if isinstance(side, list) else [side])] for side in (have, want)))
