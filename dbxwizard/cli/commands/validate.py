"""`dbxwizard validate [FILE…]`: every problem of the parameter files at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dbxwizard import parameters
from dbxwizard.backend.project import as_error
from dbxwizard.cli.invocation import Invocation, in_ci
from dbxwizard.cli.report import Report
from dbxwizard.core.result import Status
from dbxwizard.parameters import Problem


def run(invocation: Invocation) -> Report:
    """Exit code 0 (warnings allowed) or 2. With --fix old forms are rewritten first."""
    paths = [Path(word) for word in invocation.words]
    where: Path | list[Path] = paths or invocation.root
    lines = _fix(paths or list(parameters.find_files(invocation.root))) if invocation.flag("fix") else []
    problems = parameters.validate(where, ci=in_ci(invocation.environ))
    errors = tuple(as_error(problem) for problem in problems if problem.severity == "error")
    warnings = [problem for problem in problems if problem.severity == "warning"]
    lines += [_line(problem) for problem in problems]
    lines.append(f"{_counted(len(errors), 'error')}, {_counted(len(warnings), 'warning')}")
    return Report(
        "validate",
        invocation.run_id,
        Status.ERROR if errors else Status.SUCCESS,
        errors=errors,
        text=tuple(lines),
        told=True,
        warnings=tuple(as_error(problem) for problem in warnings),
    )


def _fix(paths: Sequence[Path]) -> list[str]:
    """Rewrites old forms; a line for each file, then what changed in it."""
    lines = []
    for path in paths:
        result = parameters.fix(path)
        lines.append(f"{path}: {'rewritten' if result.changed else 'nothing to rewrite'}")
        lines += result.diff.splitlines()
    return lines


def _line(problem: Problem) -> str:
    return str(problem) if problem.severity == "error" else f"{problem} (warning)"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
