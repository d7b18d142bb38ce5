"""Jobs on the sandbox's runner: real shells, and what their steps tell and leave.

docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.sandbox.actions.running.commands import Annotation
from dbxwizard.sandbox.actions.running.job import Action, ActionCall, JobEnd, JobPlan, StepEnd, StepError, run_job
from dbxwizard.sandbox.actions.running.process import Stop
from dbxwizard.sandbox.actions.workflows.reading import read_workflow

ENVIRONMENT = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "contoso/databricks"}


@dataclass
class Heard:
    """What a listener was told."""

    names: dict[int, str] = field(default_factory=dict)
    planned: dict[int, str] = field(default_factory=dict)
    lines: dict[int, list[str]] = field(default_factory=dict)
    annotations: list[Annotation] = field(default_factory=list)
    ends: dict[int, StepEnd] = field(default_factory=dict)
    on_line: Callable[[str], None] = lambda _text: None

    def steps_planned(self, names: Mapping[int, str]) -> None:
        self.planned = dict(names)

    def step_started(self, number: int, name: str) -> None:
        self.names[number] = name

    def line(self, number: int, text: str) -> None:
        self.lines.setdefault(number, []).append(text)
        self.on_line(text)

    def annotated(self, _number: int, annotation: Annotation) -> None:
        self.annotations.append(annotation)

    def step_ended(self, number: int, end: StepEnd) -> None:
        self.ends[number] = end

    def conclusions(self) -> list[str]:
        return [end.conclusion for end in self.ends.values()]

    def output(self, number: int) -> list[str]:
        """What a step printed, without the head of its log."""
        lines = self.lines[number]
        return lines[lines.index("##[endgroup]") + 1 :]


@dataclass
class Runner:
    folder: Path
    heard: Heard = field(default_factory=Heard)
    stop: Stop = field(default_factory=Stop)
    actions: dict[str, Action] = field(default_factory=dict)

    def run(self, job: str, **contexts: Any) -> JobEnd:
        """Runs the keys of a job, as YAML."""
        head = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n"
        read = read_workflow("a.yml", head + "".join(f"    {line}\n" for line in job.splitlines())).jobs["a"]
        names = ("github", "needs", "strategy", "matrix", "inputs", "vars", "secrets")
        known = {**{name: {} for name in names}, **contexts}
        plan = JobPlan(read.steps, known, ENVIRONMENT, (read.env,), read.defaults, read.outputs)
        return run_job(plan, self.folder, self.heard, self.stop, self.actions)

    def steps(self, *runs: str, **contexts: Any) -> JobEnd:
        return self.run("steps:\n" + "".join("- run: |\n" + _indented(each) for each in runs), **contexts)


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path / "job")


def test_a_step_that_fails_ends_the_job_with_its_code_in_the_log(runner: Runner) -> None:
    value = secrets.token_hex(8)
    end = runner.steps(f"echo {value}\nexit 7", "echo never")
    assert end.result == "failure"
    assert runner.heard.output(1) == [value, "##[error]Process completed with exit code 7."]
    assert runner.heard.conclusions() == ["failure", "skipped"]
    assert runner.heard.annotations == [Annotation("failure", "Process completed with exit code 7.")]


def test_a_shell_stops_at_the_first_command_that_fails(runner: Runner) -> None:
    assert runner.steps("false\necho after").result == "failure"
    assert runner.heard.output(1) == ["##[error]Process completed with exit code 1."]


@pytest.mark.parametrize(
    ("shell", "script", "result", "printed"),
    [
        ("", "false | true; echo $0 | grep -c sh", "success", ["1"]),
        ("bash", "false | true; echo no", "failure", []),
        ("sh", "echo sh", "success", ["sh"]),
        ("python", "import sys; print(sys.argv[1:], flush=True)", "success", ["[]"]),
        ("python -u {0} more", "import sys; print(sys.argv[1:])", "success", ["['more']"]),
        ("nonsense {0}", "echo a", "failure", []),
        ("nonsense", "echo a", "failure", []),
    ],
)
def test_shells_are_those_of_a_runner(runner: Runner, shell: str, script: str, result: str, printed: list[str]) -> None:
    key = f"  shell: {shell}\n" if shell else ""
    assert runner.run(f"steps:\n- run: '{script}'\n{key}").result == result
    assert [line for line in runner.heard.lines[1] if line in printed] == printed
    assert any("shell" in line or "nonsense" in line for line in runner.heard.lines[1])


def test_steps_hand_on_variables_paths_and_outputs(runner: Runner) -> None:
    end = runner.run(
        """
outputs: {all: '${{ steps.one.outputs.first }}+${{ steps.one.outputs.lines }}', none: '${{ steps.one.outputs.x }}'}
steps:
- id: one
  run: |
    echo "first=a=b" >>"$GITHUB_OUTPUT"
    printf 'lines<<END\\n1\\n2\\nEND\\n' >>"$GITHUB_OUTPUT"
    echo "SET=from one" >>"$GITHUB_ENV"
    mkdir "$RUNNER_TEMP/tools"
    printf '#!/bin/sh\\necho tool\\n' >"$RUNNER_TEMP/tools/my-tool"
    chmod +x "$RUNNER_TEMP/tools/my-tool"
    echo "$RUNNER_TEMP/tools" >>"$GITHUB_PATH"
    echo '# Summary' >>"$GITHUB_STEP_SUMMARY"
- run: |
    echo "$SET ${{ env.SET }} ${{ steps.one.outputs.first }} ${{ steps.one.outcome }}"
    my-tool
"""
    )
    assert end.outputs == {"all": "a=b+1\n2"}
    assert runner.heard.output(2) == ["from one from one a=b success", "tool"]
    assert runner.heard.ends[1].summary == "# Summary\n"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo wrong >>$GITHUB_OUTPUT", "Unable to process file command 'output' successfully.\n"
         "Invalid format 'wrong'"),
        ("printf 'a<<END\\nb\\n' >>$GITHUB_ENV", "Unable to process file command 'env' successfully.\nInvalid value. "
         "Matching delimiter not found 'END'"),
        ("echo NODE_OPTIONS=a >>$GITHUB_ENV", "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command."),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_fail_the_step(runner: Runner, script: str, message: str) -> None:
    assert runner.steps(script).result == "failure"
    assert runner.heard.annotations[-1].message == message


def test_the_environment_is_the_runners_not_the_sandboxs(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_SANDBOX", "x")
    runner.run(
        """
env: {LEVEL: job, JOB: '${{ github.ref }}', GITHUB_REPOSITORY: mine}
steps:
- env: {LEVEL: step, OWN: '${{ env.JOB }}!'}
  if: env.OWN == 'main!'
  run: |
    echo "$LEVEL $JOB $OWN $CI $GITHUB_REPOSITORY"
    echo "${A_SECRET_OF_THE_SANDBOX-unset}"
    pwd | grep -c "^$GITHUB_WORKSPACE$"
- run: echo "$LEVEL ${OWN-unset}"
""",
        github={"ref": "main"},
    )
    assert runner.heard.output(1) == ["step main main! true contoso/databricks", "unset", "1"]
    assert runner.heard.output(2) == ["job unset"]


def test_commands_annotate_group_and_mask(runner: Runner) -> None:
    runner.steps(
        "echo '::error file=a.py,line=3,endLine=4,title=Bad%3A it::one%0Atwo 100%25'\n"
        "echo '::warning::careful'\necho '::notice title=T::so'\necho '::debug::no'\n"
        "echo '::group::Inside'\necho in\necho '::endgroup::'\n"
        "echo '::add-mask::hunter2'\necho 'it is hunter2'\n"
        "echo '::stop-commands::token'\necho '::error::not one'\necho '::token::'\necho '::notice::again'\n"
        "echo '::unknown::kept'"
    )
    assert runner.heard.annotations == [
        Annotation("failure", "one\ntwo 100%", "Bad: it", "a.py", 3, 4),
        Annotation("warning", "careful"),
        Annotation("notice", "so", "T"),
        Annotation("notice", "again"),
    ]
    assert runner.heard.output(1) == [
        "##[error]one\ntwo 100%", "##[warning]careful", "##[notice]so", "##[group]Inside", "in", "##[endgroup]",
        "it is ***", "::error::not one", "##[notice]again", "::unknown::kept",
    ]  # fmt: skip


def test_secrets_are_seen_nowhere(runner: Runner) -> None:
    secret = "s3cret 'of' \"mine\"\nsecond line"
    end = runner.run(
        """
outputs: {leak: '${{ steps.a.outputs.leak }}', fine: '1'}
steps:
- id: a
  name: Use ${{ secrets.KEY }}
  env: {KEY: '${{ secrets.KEY }}'}
  run: |
    echo "$KEY"
    echo "$KEY" | base64 -w0; echo
    echo "::error::$KEY"
    echo "::warning::second line"
    echo "leak=second line" >>"$GITHUB_OUTPUT"
    echo "$KEY" >>"$GITHUB_STEP_SUMMARY"
""",
        secrets={"KEY": secret},
    )
    everything = repr((runner.heard.names, runner.heard.lines, runner.heard.annotations, runner.heard.ends, end))
    assert "s3cret" not in everything
    assert "second line" not in everything
    assert end.outputs == {"fine": "1"}
    assert runner.heard.lines[0] == ["##[warning]Skip output 'leak' since it may contain secret."]


CONDITIONS = """
steps:
- run: exit 3
  id: bad
  continue-on-error: true
- run: echo ${{ steps.bad.outcome }} ${{ steps.bad.conclusion }}
- run: exit 1
- run: echo skipped
- run: echo failed
  if: failure()
- run: echo always
  if: always() && job.status == 'failure'
- run: echo not cancelled
  if: '!cancelled()'
- run: echo ${{ fromJSON('broken') }}
  if: always()
"""


def test_conditions_decide_after_a_failure(runner: Runner) -> None:
    assert runner.run(CONDITIONS).result == "failure"
    assert runner.heard.output(2) == ["failure success"]
    assert runner.heard.conclusions() == [
        "success", "success", "failure", "skipped", "success", "success", "success", "failure",
    ]  # fmt: skip
    assert runner.heard.ends[1].outcome == "failure"
    assert runner.heard.annotations[-1].message == "Error parsing JSON when evaluating fromJson"


def has_ended(pid: int) -> bool:
    """Whether the process is gone; one that was just killed may need a moment for it."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 60)[0])
    finally:
        os.close(process)


def test_a_cancelled_job_ends_its_whole_group(runner: Runner) -> None:
    started, pids = threading.Event(), list[int]()

    def on_line(text: str) -> None:
        if text.startswith("child "):
            pids.append(int(text.split()[1]))
            started.set()

    runner.heard.on_line = on_line

    def cancel() -> None:
        started.wait(120)
        runner.stop.set()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    end = runner.run(
        """
steps:
- run: |
    sleep 300 &
    echo "child $!"
    wait
- run: echo no
- run: echo cleaning
  if: cancelled()
"""
    )
    canceller.join()
    assert end.result == "cancelled"
    assert runner.heard.conclusions() == ["cancelled", "skipped", "success"]
    assert runner.heard.output(3) == ["cleaning"]
    assert "##[error]The operation was canceled." in runner.heard.lines[1]
    assert has_ended(pids[0])


def test_a_step_has_its_time(runner: Runner) -> None:
    end = runner.run(
        "steps:\n- name: Slow\n  timeout-minutes: 0.005\n  run: sleep 300\n- run: echo no\n- run: x\n  if: false"
    )
    assert end.result == "failure"
    assert runner.heard.output(1) == ["##[error]The action 'Slow' has timed out after 0.005 minutes."]


def test_what_a_step_leaves_behind_holds_up_nothing(runner: Runner) -> None:
    assert runner.steps("sleep 300 &\necho $!").result == "success"
    assert has_ended(int(runner.heard.output(1)[0]))


def test_a_killed_shell_is_a_failure(runner: Runner) -> None:
    assert runner.steps(f"kill -{signal.SIGKILL.value} $$").result == "failure"
    assert runner.heard.output(1) == ["##[error]Process completed with exit code 137."]


def test_output_that_is_no_text_and_has_no_end_of_line(runner: Runner) -> None:
    runner.steps("printf 'a\\377b\\r\\nlast'")
    assert runner.heard.output(1) == ["a\ufffdb", "last"]


def test_actions_are_known_by_name_and_commit(runner: Runner) -> None:
    def greet(call: ActionCall) -> None:
        call.log(f"Hello {call.inputs['who']}")
        call.outputs["greeting"], call.variables["GREETED"] = "done", call.inputs["who"]
        if call.inputs["who"] == "nobody":
            raise StepError("Nobody is there")

    runner.actions["o/greet@v1"] = greet
    end = runner.run(
        """
steps:
- {id: a, uses: o/greet@v1, with: {who: '${{ vars.WHO }}'}}
- run: echo "${{ steps.a.outputs.greeting }} $GREETED"
- {uses: o/greet@v1, with: {who: nobody}, continue-on-error: true}
""",
        vars={"WHO": "Ada"},
    )
    assert end.result == "success"
    assert runner.heard.output(1) == ["Hello Ada"]
    assert runner.heard.output(2) == ["done Ada"]
    assert runner.heard.output(3)[-1] == "##[error]Nobody is there"


def test_any_other_action_is_refused_by_name_before_the_first_step(runner: Runner) -> None:
    end = runner.run("steps:\n- run: echo a\n- uses: evil/action@main\n")
    assert end.result == "failure"
    assert runner.heard.lines == {0: ["##[error]The sandbox does not run the action evil/action@main. It runs: none"]}


def test_a_job_has_its_time_too(runner: Runner) -> None:
    read = read_workflow("a.yml", "on: push\njobs: {a: {runs-on: x, steps: [{run: sleep 300}, {run: x}]}}").jobs["a"]
    plan = JobPlan(read.steps, {}, ENVIRONMENT, timeout_minutes=0.005)
    end = run_job(replace(plan), runner.folder, runner.heard, runner.stop)
    assert end.result == "cancelled"
    assert runner.heard.conclusions() == ["cancelled", "skipped"]
