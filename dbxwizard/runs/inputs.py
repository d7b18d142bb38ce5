"""What a workflow asks of who starts it by hand.

docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#onworkflow_dispatchinputs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from dbxwizard.core.errors import SeveralErrors, UsageError

_TRUTHS = ("true", "false")


@dataclass(frozen=True, slots=True)
class Input:
    """`type`: string, boolean, choice, number or environment; `default` and `options` as text."""

    name: str
    description: str
    type: str
    required: bool
    default: str
    options: tuple[str, ...]


def read_inputs(text: str) -> tuple[Input, ...] | None:
    """The inputs of a workflow file; None for one that can't be started by hand, or that nobody can read."""
    try:
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes strings, lists and mappings alone
    except yaml.YAMLError:
        return None
    triggers = document.get("on") if isinstance(document, dict) else None
    if isinstance(triggers, str | list):
        return () if "workflow_dispatch" in triggers else None
    if not isinstance(triggers, dict) or "workflow_dispatch" not in triggers:
        return None
    asked = _mapping(_mapping(triggers["workflow_dispatch"]).get("inputs"))
    return tuple(_input(str(name), _mapping(one)) for name, one in asked.items())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _input(name: str, data: Mapping[str, Any]) -> Input:
    options = data.get("options")
    return Input(
        name,
        str(data.get("description", "")),
        str(data.get("type", "string")),
        data.get("required") == "true",
        str(data.get("default", "")),
        tuple(map(str, options)) if isinstance(options, list) else (),
    )


def check_inputs(known: tuple[Input, ...], given: Mapping[str, str], workflow: str) -> None:
    """Raises UsageError, or SeveralErrors, for what GitHub would refuse, before anything is sent."""
    problems = [
        UsageError("input-invalid", text, resource=f"{workflow}: {name}", fix=fix)
        for name, text, fix in _problems(known, given)
    ]
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise SeveralErrors(problems)


def _problems(known: tuple[Input, ...], given: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    names = [one.name for one in known]
    for name in given.keys() - names:
        yield name, "the workflow has no such input", f"It has: {', '.join(names) or 'none'}."
    for one in known:
        value = given.get(one.name, one.default)
        if one.required and not value:
            yield one.name, "this input has to be given", f"-i {one.name}=… ({one.description or one.type})"
        elif one.type == "choice" and value and value not in one.options:
            yield one.name, f"{value!r} is not one of its choices", f"Choose of: {', '.join(one.options)}."
        elif one.type == "boolean" and value and value not in _TRUTHS:
            yield one.name, f"{value!r} is neither true nor false", f"-i {one.name}=true"
        elif one.type == "number" and value and not _is_number(value):
            yield one.name, f"{value!r} is not a number", ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
