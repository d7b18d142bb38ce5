"""A workflow that was read. Values that may have expressions are kept as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbxwizard.sandbox.actions.expressions.values import Value


@dataclass(frozen=True, slots=True)
class Schedule:
    cron: str
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Input:
    """An input of workflow_dispatch or workflow_call. `default` None: none is set."""

    type: str = "string"
    is_required: bool = False
    default: Value = None
    options: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One event under `on`. `filters`: patterns by key (`branches`, `paths-ignore` …); `types` empty: the default."""

    event: str
    types: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    workflows: tuple[str, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Concurrency:
    """`queue`: single (a third one takes the place of the one that waits) or max (up to 100 wait)."""

    group: str
    cancel_in_progress: Value = False
    queue: str = "single"


@dataclass(frozen=True, slots=True)
class Environment:
    """`deploys`: whether the job is a deployment, or only stands before the environment's rules and has its values."""

    name: str
    url: str = ""
    deploys: Value = True


@dataclass(frozen=True, slots=True)
class RunDefaults:
    shell: str = ""
    working_directory: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """`run` or `uses` is set. `number` counts from 1 in its job."""

    number: int
    id: str
    name: str
    condition: str
    run: str | None
    uses: str
    inputs: Mapping[str, str]
    env: Mapping[str, str]
    shell: str
    working_directory: str
    continue_on_error: Value
    timeout_minutes: Value


@dataclass(frozen=True, slots=True)
class Job:
    """`uses` is set for a job that calls a workflow, `steps` for any other.

    `strategy`: None, what is under it, or an expression. `permissions` None: those of the workflow. `secrets`: by
    name, or `inherit`. `line` and `column`: where its id stands.
    """

    id: str
    name: str
    needs: tuple[str, ...]
    condition: str
    strategy: Value
    permissions: Mapping[str, str] | str | None
    concurrency: Concurrency | None
    environment: Environment | None
    runs_on: Value
    outputs: Mapping[str, str]
    env: Mapping[str, str]
    defaults: RunDefaults
    timeout_minutes: Value
    continue_on_error: Value
    steps: tuple[Step, ...]
    uses: str
    inputs: Mapping[str, Value]
    secrets: Mapping[str, str] | str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Workflow:
    """`name` is the path where the file names none."""

    path: str
    name: str
    run_name: str
    triggers: Mapping[str, Trigger]
    permissions: Mapping[str, str] | str | None
    env: Mapping[str, str]
    defaults: RunDefaults
    concurrency: Concurrency | None
    jobs: Mapping[str, Job]
