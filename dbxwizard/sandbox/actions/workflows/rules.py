"""What a workflow file may hold, and what each value may name.

docs.github.com/actions/reference/workflows-and-actions/workflow-syntax, and for contexts
.../contexts#context-availability; keys that these pages leave open are those of workflow-v1.0.json in
github.com/actions/languageservices (workflow-parser/src). What is NotPlayed is refused by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbxwizard.sandbox.actions.expressions.functions import MAX_ARGUMENTS, WELL_KNOWN
from dbxwizard.sandbox.actions.expressions.syntax import Names


@dataclass(frozen=True, slots=True)
class Rule:
    """`names`: what expressions in it may name; None: those of the value around it, at the top none."""

    names: Names | None = None


@dataclass(frozen=True, slots=True)
class Text(Rule):
    """A scalar, as a string. `allowed` empty: any. `is_condition`: an expression though it has no `${{ }}`."""

    is_required: bool = False
    allowed: tuple[str, ...] = ()
    is_condition: bool = False


@dataclass(frozen=True, slots=True)
class Boolean(Rule):
    pass


@dataclass(frozen=True, slots=True)
class Number(Rule):
    pass


@dataclass(frozen=True, slots=True)
class Anything(Rule):
    pass


@dataclass(frozen=True, slots=True)
class Null(Rule):
    pass


@dataclass(frozen=True, slots=True)
class NotPlayed(Rule):
    """GitHub takes it, the sandbox doesn't."""


@dataclass(frozen=True, slots=True)
class Sequence(Rule):
    item: Rule = field(default_factory=Anything)


@dataclass(frozen=True, slots=True)
class Fields(Rule):
    """`properties` by name; `others` is what a key of any other name holds, None where there may be none."""

    properties: Mapping[str, Rule] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    others: Rule | None = None


@dataclass(frozen=True, slots=True)
class OneOf(Rule):
    alternatives: tuple[Rule, ...] = ()


_STATUS = {"always": (0, 0), "cancelled": (0, 0)}
_HASH_FILES = {"hashfiles": (1, MAX_ARGUMENTS)}


def _names(contexts: str, **functions: tuple[int, int]) -> Names:
    known = {name: (function.least, function.most) for name, function in WELL_KNOWN.items()}
    return Names(frozenset(contexts.split()), known | functions)


FOR_WORKFLOW = _names("github inputs vars")
FOR_WORKFLOW_ENV = _names("github inputs vars secrets")
FOR_CALL_OUTPUT = _names("github inputs vars jobs")
FOR_JOB_CONDITION = _names(
    "github inputs vars needs", success=(0, MAX_ARGUMENTS), failure=(0, MAX_ARGUMENTS), **_STATUS
)
FOR_STRATEGY = _names("github inputs vars needs")
FOR_JOB = _names("github inputs vars needs strategy matrix")
FOR_JOB_SECRETS = _names("github inputs vars needs strategy matrix secrets")
FOR_JOB_DEFAULTS = _names("github inputs vars needs strategy matrix env")
FOR_OUTPUTS = _names("github inputs vars needs strategy matrix secrets steps job runner env")
FOR_URL = _names("github inputs vars needs strategy matrix steps job runner env")
FOR_STEP = _names("github inputs vars needs strategy matrix secrets steps job runner env", **_HASH_FILES)
FOR_STEP_CONDITION = _names(
    "github inputs vars needs strategy matrix steps job runner env",
    success=(0, 0),
    failure=(0, 0),
    **_STATUS,
    **_HASH_FILES,
)

_TEXT, _NAME = Text(), Text(is_required=True)
_NAMES = OneOf(alternatives=(_NAME, Sequence(item=_NAME)))
_LEVELS = {"any": ("read", "write", "none"), "write": ("write", "none"), "read": ("read", "none")}
PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("actions", "artifact-metadata", "attestations", "checks", "code-quality", "contents", "deployments"),
            *("discussions", "drives", "issues", "packages", "pages", "pull-requests", "repository-projects"),
            *("security-events", "statuses"),
        ),
        _LEVELS["any"],
    ),
    **dict.fromkeys(("id-token", "copilot-requests"), _LEVELS["write"]),
    **dict.fromkeys(("models", "vulnerability-alerts"), _LEVELS["read"]),
}
_PERMISSIONS = OneOf(
    alternatives=(
        Fields(properties={name: Text(allowed=levels) for name, levels in PERMISSIONS.items()}),
        Text(allowed=("read-all", "write-all")),
    )
)
_DEFAULTS = {"shell": _NAME, "working-directory": _NAME}


def _concurrency(names: Names) -> Rule:
    return OneOf(
        names=names,
        alternatives=(
            _NAME,
            Fields(
                properties={"group": _NAME, "cancel-in-progress": Boolean(), "queue": Text(allowed=("single", "max"))},
                required=("group",),
            ),
        ),
    )


# Events: their activity types, for `types`. Those without are in _PLAIN_EVENTS.
_PULL_REQUEST_TYPES = (
    *("assigned", "unassigned", "labeled", "unlabeled", "opened", "edited", "closed", "reopened", "synchronize"),
    *("converted_to_draft", "locked", "unlocked", "enqueued", "dequeued", "milestoned", "demilestoned"),
    *("ready_for_review", "review_requested", "review_request_removed", "auto_merge_enabled", "auto_merge_disabled"),
    "stacked",
)
_TYPES: Mapping[str, tuple[str, ...]] = {
    "branch_protection_rule": ("created", "edited", "deleted"),
    "check_run": ("created", "rerequested", "completed", "requested_action"),
    "check_suite": ("completed",),
    "discussion_comment": ("created", "edited", "deleted"),
    "issue_comment": ("created", "edited", "deleted"),
    "label": ("created", "edited", "deleted"),
    "merge_group": ("checks_requested",),
    "milestone": ("created", "closed", "opened", "edited", "deleted"),
    "pull_request": _PULL_REQUEST_TYPES,
    "pull_request_target": _PULL_REQUEST_TYPES,
    "pull_request_review": ("submitted", "edited", "dismissed"),
    "pull_request_review_comment": ("created", "edited", "deleted"),
    "registry_package": ("published", "updated"),
    "release": ("published", "unpublished", "created", "edited", "deleted", "prereleased", "released"),
    "watch": ("started",),
    "workflow_run": ("requested", "completed", "in_progress"),
}
_FREE_TYPES = ("issues", "discussion", "repository_dispatch")
_PLAIN_EVENTS = (
    *("create", "delete", "deployment", "deployment_status", "fork", "gollum", "page_build", "public", "push"),
    *("status", "workflow_call", "workflow_dispatch"),
)
_FILTERS: Mapping[str, tuple[str, ...]] = {
    "push": ("branches", "tags", "paths"),
    "pull_request": ("branches", "paths"),
    "pull_request_target": ("branches", "paths"),
    "merge_group": ("branches",),
    "workflow_run": ("branches",),
}
_INPUT = {"description": _TEXT, "required": Boolean()}
_SCALAR = OneOf(alternatives=(_TEXT, Boolean(), Number()))
_CALL = Fields(
    properties={
        "inputs": Fields(
            others=Fields(
                properties={
                    **_INPUT,
                    "type": Text(allowed=("string", "boolean", "number")),
                    "default": OneOf(names=FOR_WORKFLOW, alternatives=_SCALAR.alternatives),
                },
                required=("type",),
            )
        ),
        "secrets": Fields(others=OneOf(alternatives=(Null(), Fields(properties=_INPUT)))),
        "outputs": Fields(
            others=Fields(properties={"description": _TEXT, "value": Text(names=FOR_CALL_OUTPUT)}, required=("value",))
        ),
    }
)
_DISPATCH_INPUT = Fields(
    properties={
        **_INPUT,
        "type": Text(allowed=("string", "boolean", "number", "choice", "environment")),
        "default": _SCALAR,
        "options": Sequence(item=_TEXT),
        "deprecationMessage": _TEXT,
    }
)
_DISPATCH_INPUTS = Fields(others=OneOf(alternatives=(Null(), _DISPATCH_INPUT)))
_DISPATCH = Fields(properties={"inputs": OneOf(alternatives=(Null(), _DISPATCH_INPUTS))})


def _event(name: str) -> Rule:
    if name == "workflow_call":
        return OneOf(alternatives=(Null(), _CALL))
    if name == "workflow_dispatch":
        return OneOf(alternatives=(Null(), _DISPATCH))
    properties: dict[str, Rule] = {}
    for kind in _FILTERS.get(name, ()):
        properties |= {kind: _NAMES, f"{kind}-ignore": _NAMES}
    if name in _TYPES or name in _FREE_TYPES:
        one = Text(allowed=_TYPES.get(name, ()), is_required=True)
        properties["types"] = OneOf(alternatives=(one, Sequence(item=one)))
    if name == "workflow_run":
        properties["workflows"] = _NAMES
    return OneOf(alternatives=(Null(), Fields(properties=properties)))


_SCHEDULE = Sequence(item=Fields(properties={"cron": _NAME, "timezone": _NAME}, required=("cron",)))
_EVENTS = (*_TYPES, *_FREE_TYPES, *_PLAIN_EVENTS)
_EVENT_NAME = Text(allowed=_EVENTS)
_ON = OneOf(
    alternatives=(
        _EVENT_NAME,
        Sequence(item=_EVENT_NAME),
        Fields(properties={"schedule": _SCHEDULE, **{name: _event(name) for name in _EVENTS}}),
    )
)

_STEP = {
    "name": Text(names=FOR_STEP),
    "id": _NAME,
    "if": Text(names=FOR_STEP_CONDITION, is_condition=True),
    "timeout-minutes": Number(names=FOR_STEP),
    "continue-on-error": Boolean(names=FOR_STEP),
    "env": Fields(names=FOR_STEP, others=_TEXT),
    **dict.fromkeys(("background", "wait", "wait-all", "cancel", "parallel"), NotPlayed()),
}
_STEPS = Sequence(
    item=OneOf(
        alternatives=(
            Fields(
                properties={
                    **_STEP,
                    "run": Text(names=FOR_STEP),
                    "shell": _NAME,
                    "working-directory": Text(names=FOR_STEP),
                },
                required=("run",),
            ),
            Fields(
                properties={**_STEP, "uses": _NAME, "with": Fields(names=FOR_STEP, others=_TEXT)}, required=("uses",)
            ),
        )
    )
)
_MATRIX_ITEMS = Sequence(item=Fields(others=Anything()))
_STRATEGY = Fields(
    names=FOR_STRATEGY,
    properties={
        "fail-fast": Boolean(),
        "max-parallel": Number(),
        "matrix": Fields(properties={"include": _MATRIX_ITEMS, "exclude": _MATRIX_ITEMS}, others=Sequence()),
    },
)
_EVERY_JOB = {
    "name": Text(names=FOR_JOB),
    "needs": _NAMES,
    "if": Text(names=FOR_JOB_CONDITION, is_condition=True),
    "strategy": _STRATEGY,
    "permissions": _PERMISSIONS,
    "concurrency": _concurrency(FOR_JOB),
}
_ENVIRONMENT = OneOf(
    names=FOR_JOB,
    alternatives=(
        _TEXT,
        Fields(properties={"name": _TEXT, "url": Text(names=FOR_URL), "deployment": Boolean()}, required=("name",)),
    ),
)
_RUNS_ON = OneOf(
    names=FOR_JOB,
    alternatives=(_NAME, Sequence(item=_NAME), Fields(properties={"group": NotPlayed(), "labels": _NAMES})),
)
_JOB = Fields(
    properties={
        **_EVERY_JOB,
        "runs-on": _RUNS_ON,
        "timeout-minutes": Number(names=FOR_JOB),
        "cancel-timeout-minutes": Number(names=FOR_JOB),
        "continue-on-error": Boolean(names=FOR_JOB),
        **dict.fromkeys(("container", "services", "snapshot"), NotPlayed()),
        "env": Fields(names=FOR_JOB_SECRETS, others=_TEXT),
        "environment": _ENVIRONMENT,
        "outputs": Fields(others=Text(names=FOR_OUTPUTS)),
        "defaults": Fields(properties={"run": Fields(names=FOR_JOB_DEFAULTS, properties=_DEFAULTS)}),
        "steps": _STEPS,
    },
    required=("runs-on",),
)
_CALLING_JOB = Fields(
    properties={
        **_EVERY_JOB,
        "uses": _NAME,
        "with": Fields(others=OneOf(names=FOR_JOB, alternatives=_SCALAR.alternatives)),
        "secrets": OneOf(
            alternatives=(Fields(others=Text(names=FOR_JOB_SECRETS)), Text(allowed=("inherit",))),
        ),
    },
    required=("uses",),
)

WORKFLOW = Fields(
    properties={
        "name": _TEXT,
        "description": _TEXT,
        "run-name": Text(names=FOR_WORKFLOW),
        "on": _ON,
        "permissions": _PERMISSIONS,
        "env": Fields(names=FOR_WORKFLOW_ENV, others=_TEXT),
        "defaults": Fields(properties={"run": Fields(properties=_DEFAULTS)}),
        "concurrency": _concurrency(FOR_WORKFLOW),
        "jobs": Fields(others=OneOf(alternatives=(_JOB, _CALLING_JOB))),
    },
    required=("on", "jobs"),
)
