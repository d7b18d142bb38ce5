"""Runs on GitHub with fixed facts, for pictures: what others named looks like markup."""

from __future__ import annotations

from pathlib import Path

from dbxwizard.backend.console.github_runs import LaunchForm, RunList, WatchedRun
from dbxwizard.clients.run_types import Budget, Run, RunJob, RunStep, WaitingEnvironment, Workflow
from dbxwizard.runs.digest import Failure, Subjects
from dbxwizard.runs.graph import Node
from dbxwizard.runs.inputs import Input
from dbxwizard.runs.launching import Launchable
from tests.screens.canned_runs import NOW

_WEB = "https://github.com/contoso/lake/actions/runs"
BUDGET = Budget(5000, 4812, NOW + 600)


def _run(number: int, title: str, status: str, conclusion: str, ago: float, branch: str = "main") -> Run:
    path, event = ".github/workflows/deploy.yml", "workflow_dispatch"
    commit, at = "1a2b3c4d5e6f70819293a4b5c6d7e8f901234567", NOW - ago
    facts = (branch, commit, "[b]ada[/b]", at, at, at + 95.0, f"{_WEB}/{number}")
    return Run(number, number, 1 + (number == 8), "Deploy", title, path, event, status, conclusion, *facts)


RUNS = (
    _run(9, "Deploy [bold]Production[/]", "waiting", "", 95.0, "v1.2.0"),
    _run(8, "Deploy UAT", "completed", "failure", 3700.0, "feature/[red]x[/red]"),
    _run(7, "Deploy Development [/b]", "completed", "success", 90_000.0),
    _run(6, "Drift", "in_progress", "", 12.0),
)
LIST = RunList(
    RUNS, {9: ("Production",), 8: ("UAT",), 7: ("Development", "[b]Extra")}, BUDGET, NOW - 3, 3600.0, NOW + 3607
)


def _job(number: int, name: str, conclusion: str, *steps: RunStep) -> RunJob:
    status = "completed" if conclusion else "waiting"
    ended = NOW - 3600 if conclusion else 0.0
    return RunJob(number, 8, 1, name, status, conclusion, NOW - 3700, ended, f"{_WEB}/8/job/{number}", steps)


_FAILED = _job(
    81,
    "[UAT]",
    "failure",
    RunStep(1, "Set up [b]job[/b]", "completed", "success", NOW - 3700, NOW - 3698),
    RunStep(2, "Deploy", "completed", "failure", NOW - 3698, NOW - 3603),
    RunStep(3, "Tell", "completed", "skipped", NOW - 3603, NOW - 3603),
)
_NODES = (
    Node("checks", "checks", (), (_job(80, "Checks", "success"),)),
    Node("deploy", "${{ inputs.environment }}", ("checks",), (_FAILED,)),
    Node("approve", "Production", ("checks",), (_job(82, "Production", ""),)),
    Node("after", "After [i]all[/i]", ("deploy", "approve")),
)
_WAITING = (WaitingEnvironment(1, "Production", True, ("ada", "[b]ops[/b]"), 5, NOW - 60),)
WATCHED = WatchedRun(RUNS[1], _NODES, _WAITING, ("Production",), BUDGET, NOW)
FAILURES = (
    Failure(
        _FAILED,
        _FAILED.steps[1],
        ("error: UAT: AADSTS700213: No matching federated identity record, [b]it says[/b]", "Exit code 3."),
        ("Run `dbxwizard setup` [again].",),
        Subjects("repo:contoso/lake:environment:UAT", ("repo:contoso@1/lake@2:environment:UAT",)),
    ),
)
FORM = LaunchForm(
    "main",
    (
        Launchable(
            Workflow(1, "Deploy [red]by hand[/red]", ".github/workflows/deploy.yml", "active"),
            (
                Input("environment", "Which [b]one[/b]", "choice", True, "", ("Development", "Production")),
                Input("what_if", "Only look", "boolean", False, "false", ()),
                Input("note", "", "string", False, "[i]none", ()),
            ),
        ),
    ),
)
_LOG = "".join(
    f"2027-01-15T08:00:0{number % 10}.0000000Z {text}\n"
    for number, text in enumerate(
        (
            "##[group]Run dbxwizard deploy [b]-e[/b] UAT",
            "dbxwizard deploy -e UAT --non-interactive, in a line that is longer than a small terminal has columns",
            "env: [red]none[/red]",
            "##[endgroup]",
            "\x1b[32mgreen[/]\x1b[0m and \x1b[1;31mred\x1b[0m",
            "##[warning]be careful [with] it",
            *(f"line {number} of [many]" for number in range(30)),
            "##[error]it may not",
        )
    )
)


def log(folder: Path) -> Path:
    path = folder / "81.log"
    path.write_text(_LOG, "utf-8")
    return path
