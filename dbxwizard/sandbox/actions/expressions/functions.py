"""The functions that every expression may call.

docs.github.com/actions/reference/workflows-and-actions/expressions#functions. The texts of their errors are those of
actions/languageservices. `success`, `failure`, `always`, `cancelled` and `hashFiles` belong to where an expression
stands: `status` and `hash_files` make them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from dbxwizard.sandbox.actions.expressions.errors import EvaluationError
from dbxwizard.sandbox.actions.expressions.values import Value, fold, is_equal, is_primitive, to_text

MAX_ARGUMENTS = 255
# Characters of two bytes. A runner counts the memory of a whole evaluation (10 MiB); here the longest string is
# bounded alone. How much GitHub allows before a job has a runner is not published.
MAX_RESULT = 10 * 1024 * 1024 // 2

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{0*([0-9]{1,3})\}|[{}]")


@dataclass(frozen=True, slots=True)
class Function:
    """What a name calls, and the least and most number of its arguments."""

    call: Callable[..., Value]
    least: int
    most: int


def bounded(text: str) -> str:
    """The text. Raises EvaluationError where it is longer than an evaluation may become."""
    return text if len(text) <= MAX_RESULT else _too_large()


def _too_large() -> NoReturn:
    raise EvaluationError("The maximum allowed memory size was exceeded")


def _contains(search: Value, item: Value) -> Value:
    if isinstance(search, list):
        return any(is_equal(item, element) for element in search)
    return is_primitive(search) and is_primitive(item) and fold(to_text(item)) in fold(to_text(search))


def _starts_with(search: Value, prefix: Value) -> Value:
    return is_primitive(search) and is_primitive(prefix) and fold(to_text(search)).startswith(fold(to_text(prefix)))


def _ends_with(search: Value, suffix: Value) -> Value:
    return is_primitive(search) and is_primitive(suffix) and fold(to_text(search)).endswith(fold(to_text(suffix)))


def _format(template: Value, *arguments: Value) -> Value:
    pattern = to_text(template)
    texts = [to_text(argument) for argument in arguments]
    size = len(pattern)

    def replace(found: re.Match[str]) -> str:
        nonlocal size
        if found[0] in {"{{", "}}"}:
            return found[0][0]
        if found[1] is None or int(found[1]) > MAX_ARGUMENTS:
            raise EvaluationError(f"The following format string is invalid: {pattern}")
        if int(found[1]) >= len(texts):
            raise EvaluationError(
                f"The following format string references more arguments than were supplied: {pattern}"
            )
        size += len(texts[int(found[1])])
        return texts[int(found[1])] if size <= MAX_RESULT else _too_large()

    return _PLACEHOLDER.sub(replace, pattern)


def _join(values: Value, separator: Value = ",") -> Value:
    if isinstance(values, list):
        between = to_text(separator) if is_primitive(separator) else ","
        return bounded(between.join(map(to_text, values)))
    return to_text(values) if is_primitive(values) else ""


def _to_json(value: Value) -> Value:
    try:
        return bounded(json.dumps(_plain(value), indent=2, ensure_ascii=False))
    except RecursionError:
        _too_large()


def _plain(value: Value) -> Value:
    """Whole numbers without a fraction, as GitHub prints them."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _from_json(value: Value) -> Value:
    text = to_text(value)
    if not text.strip():
        raise EvaluationError("empty input")
    try:
        return json.loads(text, parse_int=float, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise EvaluationError("Error parsing JSON when evaluating fromJson") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _choose(*arguments: Callable[[], Value]) -> Value:
    """`case`: its arguments come unevaluated, so that a branch that is not taken can't fail."""
    for at in range(0, len(arguments) - 1, 2):
        chosen = arguments[at]()
        if not isinstance(chosen, bool):
            raise EvaluationError("case predicate must evaluate to a boolean value")
        if chosen:
            return arguments[at + 1]()
    return arguments[-1]()


LAZY = frozenset({"case"})
WELL_KNOWN: Mapping[str, Function] = {
    "contains": Function(_contains, 2, 2),
    "startswith": Function(_starts_with, 2, 2),
    "endswith": Function(_ends_with, 2, 2),
    "format": Function(_format, 1, MAX_ARGUMENTS),
    "join": Function(_join, 1, 2),
    "tojson": Function(_to_json, 1, 1),
    "fromjson": Function(_from_json, 1, 1),
    "case": Function(_choose, 3, MAX_ARGUMENTS),
}
