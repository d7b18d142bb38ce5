"""Reads a workflow file: its YAML, the rules, and what no rule of a single value can say."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from dbxwizard.sandbox.actions.expressions.values import Value, to_text
from dbxwizard.sandbox.actions.workflows.checking import check
from dbxwizard.sandbox.actions.workflows.meaning import check_meaning
from dbxwizard.sandbox.actions.workflows.model import (
    Concurrency,
    Environment,
    Input,
    Job,
    RunDefaults,
    Schedule,
    Step,
    Trigger,
    Workflow,
)
from dbxwizard.sandbox.actions.workflows.problems import WorkflowError
from dbxwizard.sandbox.actions.workflows.rules import WORKFLOW
from dbxwizard.sandbox.actions.workflows.yaml12 import Node, YamlError, read_yaml


@lru_cache(maxsize=64)  # 20 ms a file, and each push asks for all of them
def read_workflow(path: str, text: str) -> Workflow:
    """The workflow of a file; `path` from the repository's root. Raises WorkflowError with all that is wrong."""
    try:
        root = read_yaml(text)
    except YamlError as error:
        raise WorkflowError(path, [error.problem]) from error
    problems = list(check(root, WORKFLOW)) or list(check_meaning(root))
    if problems:
        raise WorkflowError(path, problems)
    return _workflow(path, root)


def _workflow(path: str, root: Node) -> Workflow:
    jobs = root.get("jobs")
    return Workflow(
        path=path,
        name=_text(root, "name") or path,
        run_name=_text(root, "run-name"),
        triggers={trigger.event: trigger for trigger in _triggers(_must(root, "on"))},
        permissions=_permissions(root.get("permissions")),
        env=_texts(root.get("env")),
        defaults=_defaults(root),
        concurrency=_concurrency(root.get("concurrency")),
        jobs={to_text(key.value): _job(key, job) for key, job in (jobs.entries() if jobs else [])},
    )


def _must(node: Node, name: str) -> Node:
    """What the rules demand."""
    found = node.get(name)
    return found or Node(node.line, node.column, None)


def _text(node: Node, name: str) -> str:
    found = node.get(name)
    return to_text(found.value) if found else ""


def _plain(node: Node, name: str, default: Value = None) -> Value:
    found = node.get(name)
    return found.plain() if found else default


def _texts(node: Node | None) -> dict[str, str]:
    """A mapping with strings; one that is an expression as a whole stands under the empty name."""
    if node is None:
        return {}
    if not node.is_mapping:
        return {"": to_text(node.value)}
    return {to_text(key.value): to_text(value.value) for key, value in node.entries()}


def _strings(node: Node | None) -> tuple[str, ...]:
    return tuple(to_text(item.value) for item in node.items()) if node else ()


def _triggers(node: Node) -> list[Trigger]:
    if not node.is_mapping:
        return [Trigger(event) for event in _strings(node)]
    return [_trigger(to_text(key.value), value) for key, value in node.entries()]


def _trigger(event: str, node: Node) -> Trigger:
    if event == "schedule":
        schedules = (Schedule(_text(item, "cron"), _text(item, "timezone") or "UTC") for item in node.items())
        return Trigger(event, schedules=tuple(schedules))
    filters = {
        to_text(key.value): _strings(value)
        for key, value in node.entries()
        if to_text(key.value).removesuffix("-ignore") in {"branches", "tags", "paths"}
    }
    secrets = _must(node, "secrets").entries()
    return Trigger(
        event,
        types=_strings(node.get("types")),
        filters=filters,
        workflows=_strings(node.get("workflows")),
        inputs={to_text(key.value): _input(value) for key, value in _must(node, "inputs").entries()},
        outputs={to_text(key.value): _text(value, "value") for key, value in _must(node, "outputs").entries()},
        secrets={to_text(key.value): _plain(value, "required", default=False) for key, value in secrets},
    )


def _input(node: Node) -> Input:
    return Input(
        type=_text(node, "type") or "string",
        is_required=_plain(node, "required", default=False),
        default=_plain(node, "default"),
        options=_strings(node.get("options")),
        description=_text(node, "description"),
    )


def _permissions(node: Node | None) -> Mapping[str, str] | str | None:
    if node is None:
        return None
    return _texts(node) if node.is_mapping else to_text(node.value)


def _defaults(node: Node) -> RunDefaults:
    run = _must(_must(node, "defaults"), "run")
    return RunDefaults(_text(run, "shell"), _text(run, "working-directory"))


def _concurrency(node: Node | None) -> Concurrency | None:
    if node is None:
        return None
    if not node.is_mapping:
        return Concurrency(to_text(node.value))
    cancel = _plain(node, "cancel-in-progress", default=False)
    return Concurrency(_text(node, "group"), cancel, _text(node, "queue") or "single")


def _environment(node: Node | None) -> Environment | None:
    if node is None:
        return None
    if not node.is_mapping:
        return Environment(to_text(node.value))
    return Environment(_text(node, "name"), _text(node, "url"), _plain(node, "deployment", default=True))


def _job(key: Node, node: Node) -> Job:
    secrets = node.get("secrets")
    return Job(
        id=to_text(key.value),
        name=_text(node, "name"),
        needs=_strings(node.get("needs")),
        condition=_text(node, "if"),
        strategy=_plain(node, "strategy"),
        permissions=_permissions(node.get("permissions")),
        concurrency=_concurrency(node.get("concurrency")),
        environment=_environment(node.get("environment")),
        runs_on=_plain(node, "runs-on"),
        outputs=_texts(node.get("outputs")),
        env=_texts(node.get("env")),
        defaults=_defaults(node),
        timeout_minutes=_plain(node, "timeout-minutes", default=360.0),
        continue_on_error=_plain(node, "continue-on-error", default=False),
        steps=tuple(_step(number, step) for number, step in enumerate(_must(node, "steps").items(), 1)),
        uses=_text(node, "uses"),
        inputs=_plain(node, "with", default={}),
        secrets="inherit" if secrets and not secrets.is_mapping else _texts(secrets),
        line=key.line,
        column=key.column,
    )


def _step(number: int, node: Node) -> Step:
    run = node.get("run")
    return Step(
        number=number,
        id=_text(node, "id"),
        name=_text(node, "name"),
        condition=_text(node, "if"),
        run=to_text(run.value) if run else None,
        uses=_text(node, "uses"),
        inputs=_texts(node.get("with")),
        env=_texts(node.get("env")),
        shell=_text(node, "shell"),
        working_directory=_text(node, "working-directory"),
        continue_on_error=_plain(node, "continue-on-error", default=False),
        timeout_minutes=_plain(node, "timeout-minutes"),
    )
