"""What a workflow file must fulfil as a whole: jobs that exist and come to an end, ids, filters, schedules, steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from zoneinfo import available_timezones

from dbxwizard.sandbox.actions.expressions.tokens import MAX_LENGTH
from dbxwizard.sandbox.actions.expressions.values import to_text
from dbxwizard.sandbox.actions.workflows.cron import parse_cron
from dbxwizard.sandbox.actions.workflows.problems import Problem
from dbxwizard.sandbox.actions.workflows.yaml12 import Node

_ID = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,98}")
_ACTION = re.compile(r"[^/@]+/[^/@]+(/[^@]*)?@.+")
_LOCAL_WORKFLOW = re.compile(r"[.$]/\.github/workflows/[^/@]+\.ya?ml")
_REMOTE_WORKFLOW = re.compile(r"[\w.-]+/[\w.-]+/\.github/workflows/[^/@]+\.ya?ml@.+")


def check_meaning(root: Node) -> Iterator[Problem]:
    """All that is wrong in a file that fits the rules."""
    events = root.get("on")
    for key, trigger in events.entries() if events else ():
        yield from _check_trigger(to_text(key.value), trigger)
    yield from _check_concurrency(root)
    jobs = root.get("jobs")
    if jobs is None:
        return
    for key, job in jobs.entries():
        yield from _check_id(key)
        yield from _check_steps(job)
        yield from _check_called(job)
        yield from _check_matrix(job)
        yield from _check_concurrency(job)
    yield from _check_needs(jobs)


def _check_trigger(event: str, node: Node) -> Iterator[Problem]:
    names = {to_text(key.value) for key, _ in node.entries()}
    for kind in ("branches", "tags", "paths"):
        if {kind, f"{kind}-ignore"} <= names:
            message = f"you may only define one of `{kind}` and `{kind}-ignore` for a single event"
            yield node.problem(message)
    if event == "schedule":
        for item in node.items():
            yield from _check_schedule(item)
    if event == "workflow_dispatch":
        for _, value in _entries(node.get("inputs")):
            input_type = value.get("type")
            if input_type and input_type.value == "choice" and not _items(value, "options"):
                yield value.problem("Missing 'options' for choice input")


def _entries(node: Node | None) -> list[tuple[Node, Node]]:
    return node.entries() if node else []


def _items(node: Node, name: str) -> list[Node]:
    found = node.get(name)
    return found.items() if found else []


def _check_schedule(node: Node) -> Iterator[Problem]:
    cron, zone = node.get("cron"), node.get("timezone")
    if cron and parse_cron(to_text(cron.value)) is None:
        yield cron.problem("Invalid cron expression. Expected format: '* * * * *' (minute hour day month weekday)")
    if zone and to_text(zone.value) not in available_timezones():
        yield zone.problem(f"Invalid timezone: {to_text(zone.value)}")


def _check_concurrency(node: Node) -> Iterator[Problem]:
    """docs.github.com/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency; the words
    of that error are not published."""
    group = node.get("concurrency")
    if group is None or not group.is_mapping:
        return
    queue, cancels = group.get("queue"), group.get("cancel-in-progress")
    if queue and cancels and queue.value == "max" and cancels.value is True:
        yield group.problem("`queue: max` can't be combined with `cancel-in-progress: true`")


def _check_id(node: Node) -> Iterator[Problem]:
    name = to_text(node.value)
    if name.startswith("__"):
        yield node.problem(f"The identifier '{name}' is invalid. IDs starting with '__' are reserved.")
    elif not _ID.fullmatch(name):
        yield node.problem(
            f"The identifier '{name}' is invalid. IDs may only contain alphanumeric characters, '_', and '-'. "
            "IDs must start with a letter or '_' and and must be less than 100 characters."
        )


def _check_steps(job: Node) -> Iterator[Problem]:
    taken: set[str] = set()
    for step in _items(job, "steps"):
        step_id, run, uses = step.get("id"), step.get("run"), step.get("uses")
        if step_id:
            yield from _check_id(step_id)
            name = to_text(step_id.value)
            if name.lower() in taken:
                yield step_id.problem(f"The identifier '{name}' may not be used more than once within the same scope.")
            taken.add(name.lower())
        if run and len(to_text(run.value)) > MAX_LENGTH:
            yield run.problem(f"Exceeded max expression length {MAX_LENGTH}")
        if uses:
            yield from _check_action(uses)


def _check_action(node: Node) -> Iterator[Problem]:
    uses = to_text(node.value)
    if not uses.startswith(("docker://", "./", "$/")) and not _ACTION.fullmatch(uses):
        yield node.problem(f"Expected format {{org}}/{{repo}}[/path]@ref. Actual '{uses}'")


def _check_called(job: Node) -> Iterator[Problem]:
    uses = job.get("uses")
    if uses and not any(form.fullmatch(to_text(uses.value)) for form in (_LOCAL_WORKFLOW, _REMOTE_WORKFLOW)):
        yield uses.problem(f"invalid value workflow reference: {to_text(uses.value)}")


def _check_matrix(job: Node) -> Iterator[Problem]:
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if strategy else None
    for key, value in _entries(matrix):
        if value.is_sequence and not value.value and key.value not in {"include", "exclude"}:
            yield value.problem(f"Matrix vector '{to_text(key.value)}' does not contain any values")


def _check_needs(jobs: Node) -> Iterator[Problem]:
    needs = {to_text(key.value): _needed(job) for key, job in jobs.entries()}
    if all(needs.values()):
        first = jobs.entries()[0][0] if jobs.entries() else jobs
        yield first.problem("The workflow must contain at least one job with no dependencies.")
        return
    for job, named in needs.items():
        for other, node in named.items():
            if other not in needs:
                yield node.problem(f"Job '{job}' depends on unknown job '{other}'.")
            elif _leads_to(other, job, needs):
                yield node.problem(
                    f"Job '{job}' depends on job '{other}' which creates a cycle in the dependency graph."
                )


def _needed(job: Node) -> dict[str, Node]:
    return {to_text(node.value): node for node in _items(job, "needs")}


def _leads_to(start: str, goal: str, needs: Mapping[str, Mapping[str, Node]]) -> bool:
    reached, waiting = set[str](), [start]
    while waiting:
        job = waiting.pop()
        if job == goal:
            return True
        if job not in reached:
            reached.add(job)
            waiting.extend(needs.get(job, {}))
    return False
