"""Which fields an operation knows: small declarative descriptions, checked strictly.

A `Spec` is a type (`str`, `int`, `float`, `bool`, `dict` for any object, `list` for any array, `object` for all), a
list with one Spec for its elements, a mapping of field name to Spec, a frozenset of strings (one of them, whatever its
case), or a tuple of alternatives. A field name that ends in `?` may be missing or null; in a mapping with the key `*`
other names are allowed with that Spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Spec = Any


@dataclass(frozen=True, slots=True)
class FieldProblem:
    path: str
    message: str


def check(value: Any, spec: Spec, path: str = "") -> FieldProblem | None:
    """The first thing in `value` that `spec` does not allow; None when all is known."""
    if isinstance(spec, tuple):
        problems = [check(value, alternative, path) for alternative in spec]
        return None if None in problems else problems[-1]
    if isinstance(spec, Mapping):
        return _check_object(value, spec, path)
    if isinstance(spec, list):
        return _check_array(value, spec[0], path)
    if isinstance(spec, frozenset):
        return _check_choice(value, spec, path)
    return None if _is_instance(value, spec) else FieldProblem(path, f"expected {spec.__name__}")


def _is_instance(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind in (bool, object)
    return isinstance(value, (int, float) if kind is float else kind)


def _check_choice(value: Any, choices: frozenset[str], path: str) -> FieldProblem | None:
    if isinstance(value, str) and value.lower() in {choice.lower() for choice in choices}:
        return None
    return FieldProblem(path, f"expected one of {', '.join(sorted(choices))}")


def _check_array(value: Any, element: Spec, path: str) -> FieldProblem | None:
    if not isinstance(value, list):
        return FieldProblem(path, "expected list")
    problems = (check(item, element, f"{path}[{index}]") for index, item in enumerate(value))
    return next((problem for problem in problems if problem), None)


def _check_object(value: Any, spec: Mapping[str, Spec], path: str) -> FieldProblem | None:
    if not isinstance(value, Mapping):
        return FieldProblem(path, "expected dict")
    known = {name.rstrip("?"): (name.endswith("?"), field) for name, field in spec.items()}
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        optional, field = known.get(name) or known.get("*") or (False, None)
        if field is None:
            return FieldProblem(inner, "unknown")
        if item is None and optional:
            continue
        problem = check(item, field, inner)
        if problem:
            return problem
    missing = [name for name, (optional, _) in known.items() if not optional and name != "*" and name not in value]
    return FieldProblem(f"{path}.{missing[0]}" if path else missing[0], "missing") if missing else None
