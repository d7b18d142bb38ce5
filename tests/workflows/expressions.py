"""As much of GitHub's expressions and event filters as the workflows use; anything else fails.

docs.github.com/actions/reference/workflows-and-actions/expressions, …/events-that-trigger-workflows
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

Json = Mapping[str, Any]
_TOKEN = re.compile(r"\s*(?:'([^']*)'|(==|!=|&&|\|\||[(),])|([A-Za-z_][\w.-]*)|(\d+))")
_DEFAULT_TYPES = ("opened", "synchronize", "reopened")


def starts(workflow: Json, event: str, payload: Json, github: Json) -> bool:
    """Whether an event starts a workflow. YAML 1.1 reads the key `on` as True."""
    filters = next(value for key, value in workflow.items() if key in ("on", True))
    if event not in filters:
        return False
    found = filters[event] or {}
    if event == "pull_request":
        if payload["action"] not in found.get("types", _DEFAULT_TYPES):
            return False
        return _fits(github["base_ref"], found.get("branches"))
    if event == "push":
        kind, _, name = github["ref"].removeprefix("refs/").partition("/")
        wanted = found.get("tags" if kind == "tags" else "branches")
        # Filters for tags alone leave branches out, and the other way round.
        return _fits(name, wanted) if wanted or not found else False
    return True


def _fits(name: str, patterns: Sequence[str] | None) -> bool:
    return patterns is None or any("/" not in name and fnmatchcase(name, pattern) for pattern in patterns)


def evaluate(text: str, contexts: Json) -> Any:
    """The value of an expression, without `${{ }}`."""
    tokens = _tokens(text)
    value = _or(tokens, contexts)
    assert not tokens, f"left over in {text!r}: {tokens}"
    return value


def interpolate(value: Any, contexts: Json) -> Any:
    """A value of a workflow with its `${{ }}` replaced: one expression alone keeps its type."""
    if not isinstance(value, str):
        return value
    if whole := re.fullmatch(r"\$\{\{((?:(?!\}\}).)*)\}\}", value):
        return evaluate(whole[1], contexts)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _text(evaluate(found[1], contexts)), value)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        assert match, f"no expression: {text[at:]!r}"
        kind = ("text", "sign", "name", "number")[next(i for i, one in enumerate(match.groups()) if one is not None)]
        found.append((kind, next(one for one in match.groups() if one is not None)))
        at = match.end()
    return found


def _or(tokens: list[tuple[str, str]], contexts: Json) -> Any:
    value = _and(tokens, contexts)
    while tokens and tokens[0][1] == "||" and tokens.pop(0):
        other = _and(tokens, contexts)
        value = value or other
    return value


def _and(tokens: list[tuple[str, str]], contexts: Json) -> Any:
    value = _comparison(tokens, contexts)
    while tokens and tokens[0][1] == "&&" and tokens.pop(0):
        other = _comparison(tokens, contexts)
        value = value and other
    return value


def _comparison(tokens: list[tuple[str, str]], contexts: Json) -> Any:
    value = _operand(tokens, contexts)
    if tokens and tokens[0][1] in ("==", "!="):
        equal = tokens.pop(0)[1] == "=="
        return (_text(value).lower() == _text(_operand(tokens, contexts)).lower()) is equal
    return value


def _operand(tokens: list[tuple[str, str]], contexts: Json) -> Any:
    kind, text = tokens.pop(0)
    if kind == "text":
        return text
    if kind == "number":
        return int(text)
    assert kind == "name", f"not known here: {text}"
    if tokens and tokens[0][1] == "(":
        return _call(text, tokens, contexts)
    return _path(text.split("."), contexts)


def _call(name: str, tokens: list[tuple[str, str]], contexts: Json) -> str:
    assert name == "format", f"not known here: {name}"
    arguments = []
    while tokens.pop(0)[1] in ("(", ","):
        arguments.append(_text(_or(tokens, contexts)))
    return arguments[0].format(*arguments[1:])


def _path(names: Sequence[str], contexts: Json) -> Any:
    """None for what a payload does not have; a context that does not exist is a mistake."""
    assert names[0] in contexts, f"there is no context {names[0]}"
    value: Any = contexts
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
