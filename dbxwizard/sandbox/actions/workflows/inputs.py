"""Inputs of a workflow: those of a start by hand, and those that a calling job hands over.

docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#onworkflow_dispatchinputs and
#onworkflow_callinputs. The words of a refused start are those of the REST API as they are quoted on github.com; that
of a number is not published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from dbxwizard.sandbox.actions.expressions.evaluate import Scope, expand
from dbxwizard.sandbox.actions.expressions.values import Value, parse_number, to_text
from dbxwizard.sandbox.actions.workflows.model import Input, Job, Trigger

_EMPTY: Mapping[str, Value] = {"boolean": False, "number": 0.0}


class InputError(Exception):
    """Inputs that the workflow doesn't take."""


def dispatch_inputs(trigger: Trigger, given: Mapping[str, Value]) -> dict[str, Value]:
    """The `inputs` context of a start by hand. Raises InputError in the words of the 422 that the API answers."""
    unexpected = [name for name in given if name not in trigger.inputs]
    if unexpected:
        raise InputError(f"Unexpected inputs provided: {json.dumps(unexpected)}")
    return {name: _given(name, spec, given.get(name)) for name, spec in trigger.inputs.items()}


def _given(name: str, spec: Input, value: Value) -> Value:
    """An empty string counts as none."""
    text = to_text(value)
    if not text:
        if spec.is_required and spec.default is None:
            raise InputError(f"Required input '{name}' not provided")
        text = to_text(spec.default)
    allowed = {"boolean": ("true", "false"), "choice": spec.options}.get(spec.type)
    if text and allowed and text not in allowed:
        raise InputError(f"Provided value '{text}' for input '{name}' not in the list of allowed values")
    return _typed(name, spec, text)


def _typed(name: str, spec: Input, text: str) -> Value:
    if spec.type == "boolean":
        return text == "true"
    if spec.type != "number":
        return text
    number = parse_number(text)
    if number != number:  # noqa: PLR0124 - NaN
        raise InputError(f"Provided value '{text}' for input '{name}' is not a number")
    return number


def called_inputs(job: Job, trigger: Trigger, scope: Scope) -> dict[str, Value]:
    """The `inputs` context of a called workflow. Raises InputError, and ExpressionError of the calling job's values."""
    for name in job.inputs:
        if name not in trigger.inputs:
            raise InputError(f"Invalid input, {name} is not defined in the referenced workflow.")
    return {name: _called(name, spec, job, scope) for name, spec in trigger.inputs.items()}


def _called(name: str, spec: Input, job: Job, scope: Scope) -> Value:
    if name not in job.inputs:
        if spec.is_required:
            raise InputError(f"Input {name} is required, but not provided while calling.")
        default = spec.default
        if default is None:
            return _EMPTY.get(spec.type, "")
        return expand(default, scope) if isinstance(default, str) else default
    value = job.inputs[name]
    return _fitting(spec, expand(value, scope) if isinstance(value, str) else value)


def _fitting(spec: Input, value: Value) -> Value:
    if spec.type == "string":
        return to_text(value)
    expected: type = bool if spec.type == "boolean" else float
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, expected):
        raise InputError(f"Unexpected value '{to_text(value)}'")
    return value


def check_secrets(job: Job, trigger: Trigger) -> None:
    """Whether a calling job hands over the secrets that the workflow names. Raises InputError."""
    if isinstance(job.secrets, str):
        return
    for name in job.secrets:
        if name not in trigger.secrets:
            raise InputError(f"Invalid secret, {name} is not defined in the referenced workflow.")
    for name, is_required in trigger.secrets.items():
        if is_required and name not in job.secrets:
            raise InputError(f"Secret {name} is required, but not provided while calling.")
