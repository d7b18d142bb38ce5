"""Renders a report: stdout is data, stderr is narration."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from dbxwizard.cli.report import Report
from dbxwizard.core.advice import advise
from dbxwizard.core.errors import OperationError
from dbxwizard.core.result import ChangeResult


def render(report: Report, form: str) -> None:
    """Prints `report` as text, json or github."""
    if report.printed:
        pass
    elif report.document is not None and not report.errors:
        print(report.document)
    elif form == "json":
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=not _takes_every_character(sys.stdout)))
    elif form == "github":
        with grouped(f"dbxwizard {report.command}", sys.stdout), harmless(sys.stdout):
            _print_text(report, sys.stdout)
        _print_annotations(report)
    else:
        _print_text(report, sys.stdout)
    sys.stdout.flush()


@contextmanager
def grouped(title: str, out: TextIO) -> Iterator[None]:
    """What is printed inside folds away in the log of GitHub Actions, which reads commands from both streams."""
    print(f"::group::{title}", file=out, flush=True)
    try:
        yield
    finally:
        print("::endgroup::", file=out, flush=True)


@contextmanager
def harmless(out: TextIO) -> Iterator[None]:
    """GitHub Actions takes nothing of what is printed inside for a command: logs and names are other people's words.

    docs.github.com/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands
    """
    word = secrets.token_hex(16)
    print(f"::stop-commands::{word}", file=out, flush=True)
    try:
        yield
    finally:
        print(f"::{word}::", file=out, flush=True)


def _takes_every_character(out: TextIO) -> bool:
    return (out.encoding or "utf-8").lower().replace("-", "") == "utf8"


def _print_text(report: Report, out: TextIO) -> None:
    for line in report.text:
        print(line, file=out)
    for error in () if report.told else report.errors:
        print(error_line(error), file=sys.stderr)


def error_line(error: OperationError) -> str:
    fix = advise(error)
    where = f"{error.location}: " if error.location else f"{error.resource}: " if error.resource else ""
    return f"error: {where}{error.code}: {error.message}" + (f"\n  → {fix}" if fix else "")


def _print_annotations(report: Report) -> None:
    """GitHub's workflow commands: an annotation per error, the outputs and the job summary."""
    for level, found in (("error", report.errors), ("warning", report.warnings)):
        for error in found:
            place = error.location
            at = f"file={_escaped(place.file, True)},line={place.line},col={place.column}," if place else ""
            print(f"::{level} {at}title={_escaped(error.code, True)}::{_escaped(f'{error.message}; {advise(error)}')}")
    outputs = {"status": report.status.value, "run_id": report.run_id, **report.outputs}
    _append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in outputs.items()))
    _append("GITHUB_STEP_SUMMARY", _summary(report))


def _summary(report: Report) -> str:
    rows = [
        f"| {environment.name or 'all'} | {change.action} | {_cell(change.resource)} | {_cell(_why(change))} |"
        for environment in report.environments
        for change in environment.changes
    ]
    table = ["| environment | action | resource | why |", "| --- | --- | --- | --- |", *rows] if rows else []
    errors = [f"- **{error.code}** {error.message}" for error in report.errors]
    return "\n".join([f"### dbxwizard {report.command}: {report.status.value}", "", *table, *errors, ""]) + "\n"


def _why(change: ChangeResult) -> str:
    return "; ".join(change.reasons)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _escaped(text: str, in_property: bool = False) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace(":", "%3A").replace(",", "%2C") if in_property else escaped


def _append(variable: str, text: str) -> None:
    """What the runner reads after the job; the result does not depend on whether it can be written."""
    path = os.environ.get(variable)
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        print(f"warning: {variable} was not written: {error.strerror or error}", file=sys.stderr)
