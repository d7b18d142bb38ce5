"""A job on a runner: its steps one after the other, until the end whatever happens to one of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from dbxwizard.sandbox.actions.expressions.errors import ExpressionError
from dbxwizard.sandbox.actions.expressions.evaluate import Scope, condition, expand
from dbxwizard.sandbox.actions.expressions.hash_files import hash_files
from dbxwizard.sandbox.actions.expressions.status import for_step
from dbxwizard.sandbox.actions.expressions.values import CaseSensitive, Value, to_number, to_text
from dbxwizard.sandbox.actions.running.commands import Annotation, Commands
from dbxwizard.sandbox.actions.running.files import FileError, StepFiles
from dbxwizard.sandbox.actions.running.masks import Masker
from dbxwizard.sandbox.actions.running.process import Ended, Stop, run
from dbxwizard.sandbox.actions.running.shells import ShellError, command, template
from dbxwizard.sandbox.actions.workflows.model import RunDefaults, Step

_AFTER_CANCELLATION = 300.0  # seconds: .../workflow-cancellation

Log = Callable[[str], None]


class StepError(Exception):
    """Why a step failed, as its log says it."""


@dataclass(slots=True)
class ActionCall:
    """What an action is given, and what it gives back: variables, paths and outputs."""

    inputs: Mapping[str, str]
    environment: Mapping[str, str]
    workspace: Path
    log: Log
    outputs: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)


# Does what the action of that name and commit does. Raises StepError.
Action = Callable[[ActionCall], None]


@dataclass(frozen=True, slots=True)
class StepEnd:
    """`outcome` is before continue-on-error, `conclusion` after it: success, failure, cancelled or skipped."""

    outcome: str
    conclusion: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class JobEnd:
    """`result`: success, failure or cancelled. `environment_url`: of the environment, as the job says it at its end."""

    result: str
    outputs: Mapping[str, str]
    environment_url: str = ""


class Listener(Protocol):
    """Is told what happens; steps count from 1, and 0 is the job as a whole."""

    def steps_planned(self, names: Mapping[int, str]) -> None: ...

    def step_started(self, number: int, name: str) -> None: ...

    def line(self, number: int, text: str) -> None: ...

    def annotated(self, number: int, annotation: Annotation) -> None: ...

    def step_ended(self, number: int, end: StepEnd) -> None: ...


@dataclass(frozen=True, slots=True)
class JobPlan:
    """What a runner is sent.

    `contexts` are those that are known before: github, needs, strategy, matrix, inputs, vars and secrets. `env` are the
    mappings of workflow and job, as they are written; `environment` are the runner's own variables. `masks` are values
    beside the secrets that no log may show.
    """

    steps: tuple[Step, ...]
    contexts: Mapping[str, Value]
    environment: Mapping[str, str]
    env: tuple[Mapping[str, str], ...] = ()
    defaults: RunDefaults = field(default_factory=RunDefaults)
    outputs: Mapping[str, str] = field(default_factory=dict)
    environment_url: str = ""
    timeout_minutes: float = 360.0
    masks: tuple[str, ...] = ()


def run_job(
    plan: JobPlan, folder: Path, listener: Listener, stop: Stop, actions: Mapping[str, Action] | None = None
) -> JobEnd:
    """Runs all steps in `folder`, which is made: `work` is the workspace, `temp` what the runner keeps beside it."""
    return _JobRun(plan, folder, listener, stop, actions or {}).go()


class _JobRun:
    def __init__(
        self, plan: JobPlan, folder: Path, listener: Listener, stop: Stop, actions: Mapping[str, Action]
    ) -> None:
        self._plan = plan
        self._listener = listener
        self._stop = stop
        self._actions = actions
        self._workspace, self._temp = folder / "work", folder / "temp"
        for each in (self._workspace, self._temp):
            each.mkdir(parents=True, exist_ok=True)
        self._status = "success"
        self._steps: dict[str, Value] = {}
        self._env = CaseSensitive()
        self._paths: list[str] = []
        secrets = plan.contexts.get("secrets") or {}
        self._masker = Masker([*map(to_text, secrets.values()), *plan.masks])
        self._deadline = time.monotonic() + 60 * plan.timeout_minutes

    def go(self) -> JobEnd:
        try:
            self._check_actions()
            for mapping in self._plan.env:
                self._env.update(self._texts(mapping, self._scope()))
        except (StepError, ExpressionError) as error:
            self._tell(0, f"##[error]{error}")
            self._listener.annotated(0, Annotation("failure", self._masker.masked(str(error))))
            return JobEnd("failure", {})
        self._listener.steps_planned({step.number: self._title(step) for step in self._plan.steps})
        for step in self._plan.steps:
            self._step(step)
        return JobEnd(self._status, self._outputs(), self._environment_url())

    def _check_actions(self) -> None:
        """Actions are fetched before the first step: one that there is none of fails the job."""
        for step in self._plan.steps:
            if step.uses and step.uses not in self._actions:
                known = ", ".join(sorted(self._actions)) or "none"
                raise StepError(f"The sandbox does not run the action {step.uses}. It runs: {known}")

    def _title(self, step: Step) -> str:
        """A step's name before it begins: as it is written where it can't be said yet."""
        name = step.name or _default_name(step)
        with suppress(ExpressionError):
            name = to_text(expand(name, self._scope()))
        return self._masker.masked(name)

    def _outputs(self) -> dict[str, str]:
        """An output that holds a secret is not set, and said so (docs: jobs.<job_id>.outputs)."""
        found: dict[str, str] = {}
        for name, raw in self._plan.outputs.items():
            text = to_text(expand(raw, self._scope()))
            if self._masker.masked(text) != text:
                self._tell(0, f"##[warning]Skip output '{name}' since it may contain secret.")
            elif text:
                found[name] = text
        return found

    def _environment_url(self) -> str:
        """Only what may be shown of it (docs: jobs.<job_id>.environment)."""
        return self._masker.masked(to_text(expand(self._plan.environment_url, self._scope())))

    def _scope(self, env: Mapping[str, Value] | None = None) -> Scope:
        contexts = {
            **self._plan.contexts,
            "env": CaseSensitive({**self._env, **(env or {})}),
            "steps": self._steps,
            "job": {"status": self._status},
            "runner": {"os": "Linux", "arch": "X64", "name": "sandbox", "temp": str(self._temp)},
        }
        functions = {**for_step(self._status), "hashFiles": hash_files(self._workspace)}
        return Scope(contexts, functions)

    @staticmethod
    def _texts(mapping: Mapping[str, str], scope: Scope) -> dict[str, str]:
        """A mapping with its expressions replaced; the empty name stands for a whole that is an expression."""
        if "" in mapping:
            whole = expand(mapping[""], scope)
            return {name: to_text(value) for name, value in whole.items()} if isinstance(whole, dict) else {}
        return {name: to_text(expand(text, scope)) for name, text in mapping.items()}

    def _tell(self, number: int, text: str) -> None:
        self._listener.line(number, self._masker.masked(text))

    # One step.

    def _step(self, step: Step) -> None:
        if self._stop.is_set:
            self._status = "cancelled"
        name = step.name or _default_name(step)
        files = StepFiles(self._temp / f"step-{step.number}")
        continues = False
        try:
            env = self._texts(step.env, self._scope())
            scope = self._scope(env)
            name = to_text(expand(name, scope))
            self._listener.step_started(step.number, self._masker.masked(name))
            if not condition(step.condition, scope):
                self._finish(step, "skipped", "skipped", files)
                return
            continues = _is_true(step.continue_on_error, scope)
            outcome = self._run(step, scope, env, files)
        except (StepError, ExpressionError, FileError, ShellError, OSError) as error:
            self._fail(step, str(error))
            outcome = "failure"
        conclusion = "success" if continues and outcome == "failure" else outcome
        if conclusion != "success" and self._status == "success":
            self._status = conclusion
        self._finish(step, outcome, conclusion, files)

    def _finish(self, step: Step, outcome: str, conclusion: str, files: StepFiles) -> None:
        outputs = self._steps.get(step.id, {}).get("outputs", {}) if step.id else {}
        if step.id:
            self._steps[step.id] = {"outputs": outputs, "outcome": outcome, "conclusion": conclusion}
        summary = self._masker.masked(files.summary())
        self._listener.step_ended(step.number, StepEnd(outcome, conclusion, summary))

    def _fail(self, step: Step, message: str) -> None:
        self._tell(step.number, f"##[error]{message}")
        self._listener.annotated(step.number, Annotation("failure", self._masker.masked(message)))

    def _run(self, step: Step, scope: Scope, env: Mapping[str, str], files: StepFiles) -> str:
        if step.uses:
            self._act(step, scope, env, files)
            return "success"
        ended = self._run_script(step, scope, env, files)
        self._take(step, files)
        if ended.reason == "cancelled" or (ended.reason == "timeout" and time.monotonic() >= self._deadline):
            self._fail(step, "The operation was canceled.")
            return "cancelled"
        if ended.reason == "timeout":
            minutes = to_text(_number(step.timeout_minutes, scope))
            self._fail(step, f"The action '{to_text(expand(step.name or _default_name(step), scope))}' has timed out "
                             f"after {minutes} minutes.")  # fmt: skip
            return "failure"
        if ended.code:
            self._fail(step, f"Process completed with exit code {ended.code}.")
            return "failure"
        return "success"

    def _run_script(self, step: Step, scope: Scope, env: Mapping[str, str], files: StepFiles) -> Ended:
        script = self._temp / f"step-{step.number}.sh"
        text = to_text(expand(step.run or "", scope))
        script.write_text(text if text.endswith("\n") else text + "\n", "utf-8")
        shell = step.shell or self._plan.defaults.shell
        place = to_text(expand(step.working_directory or self._plan.defaults.working_directory, scope))
        self._announce(step.number, text, template(shell), env)
        commands = Commands(self._masker, lambda found: self._listener.annotated(step.number, found))

        def on_line(line: str) -> None:
            shown = commands.take(line)
            if shown is not None:
                self._tell(step.number, shown)

        return run(
            command(shell, script),
            folder=self._workspace / place,
            environment=self._variables(env, files),
            on_line=on_line,
            # What runs after a cancellation was let run by its condition.
            stop=Stop() if self._status == "cancelled" else self._stop,
            seconds=self._seconds(step, scope),
        )

    def _seconds(self, step: Step, scope: Scope) -> float:
        """How long the step may take: its own limit or what is left of the job's."""
        left = max(0.0, self._deadline - time.monotonic()) if self._status != "cancelled" else _AFTER_CANCELLATION
        own = _number(step.timeout_minutes, scope)
        return left if own is None else min(left, 60 * own)

    def _announce(self, number: int, text: str, shell: str, env: Mapping[str, str]) -> None:
        """The head of a step's log."""
        lines = text.rstrip("\n").split("\n")
        self._tell(number, f"##[group]Run {lines[0]}")
        shown = {**self._env, **env}
        variables = ["env:", *(f"  {name}: {value}" for name, value in shown.items())] if shown else []
        for line in (*lines, f"shell: {shell}", *variables):
            self._tell(number, line)
        self._tell(number, "##[endgroup]")

    def _variables(self, env: Mapping[str, str], files: StepFiles) -> dict[str, str]:
        """What a step has as its environment; nobody may overwrite what begins with GITHUB_ or RUNNER_."""
        own = {**self._plan.environment, **self._env, **env}
        path = ":".join([*reversed(self._paths), own.get("PATH", "/usr/bin:/bin")])
        fixed = {name: text for name, text in self._plan.environment.items() if name.startswith(("GITHUB_", "RUNNER_"))}
        places = {"GITHUB_WORKSPACE": str(self._workspace), "RUNNER_TEMP": str(self._temp)}
        return {**own, "CI": "true", "PATH": path, **fixed, **places, **files.variables()}

    def _take(self, step: Step, files: StepFiles) -> None:
        """What the step wrote into its files. Raises FileError."""
        self._env.update(files.environment())
        self._paths += files.paths()
        if step.id:
            self._steps[step.id] = {"outputs": files.outputs()}
        else:
            files.outputs()

    def _act(self, step: Step, scope: Scope, env: Mapping[str, str], files: StepFiles) -> None:
        inputs = self._texts(step.inputs, scope)
        self._tell(step.number, f"##[group]Run {step.uses}")
        for name, value in inputs.items():
            self._tell(step.number, f"  {name}: {value}")
        self._tell(step.number, "##[endgroup]")
        variables = self._variables(env, files)
        call = ActionCall(inputs, variables, self._workspace, lambda text: self._tell(step.number, text))
        self._actions[step.uses](call)
        self._env.update(call.variables)
        self._paths += call.paths
        if step.id:
            self._steps[step.id] = {"outputs": call.outputs}


def _default_name(step: Step) -> str:
    return f"Run {step.uses or (step.run or '').strip().split(chr(10))[0]}"


def _is_true(value: Value, scope: Scope) -> bool:
    found = expand(value, scope) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise StepError(f"Unexpected value '{to_text(found)}'")
    return found


def _number(value: Value, scope: Scope) -> float | None:
    if value is None:
        return None
    return to_number(expand(value, scope) if isinstance(value, str) else value)
