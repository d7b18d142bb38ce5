"""From the arguments to an exit code: one command, one report, no traceback."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from dbxwizard.cli.commands import BY_NAME, OPEN
from dbxwizard.cli.parser import build, parse
from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.core.secret import hide

if TYPE_CHECKING:
    from dbxwizard.cli.invocation import Invocation
    from dbxwizard.cli.report import Report

CANCELLED = 130


def run(arguments: Sequence[str]) -> int:
    """Runs the command of `arguments`, prints its report and returns the exit code."""
    _open_streams()
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        print("cancelled", file=sys.stderr)
        return CANCELLED
    except BrokenPipeError:
        # The reader of our output has gone; nothing more can be said, and Python would complain again while leaving.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _open_streams() -> None:
    """Makes every stream one that can be written to: closed ones lead nowhere, and a character that the terminal's
    encoding lacks becomes a question mark."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  for as long as the process lives
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _run(arguments: Sequence[str]) -> int:
    try:
        values = parse(arguments or ([OPEN] if _in_terminal() else []))
    except UsageError as error:
        return _show("", _form(arguments), error)
    if not values["command"]:
        build().print_help()
        return 0
    return _invoke(values)


def _in_terminal() -> bool:
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _invoke(values: dict[str, object]) -> int:
    invocation = _invocation(values, os.environ)
    report = _report(invocation)
    # Only now: the terminal program's first frame needs nothing of what a report is made of.
    from dbxwizard.cli.output import render

    render(report, invocation.output)
    return report.exit_code


def _report(invocation: Invocation) -> Report:
    from dbxwizard.cli.checks import check
    from dbxwizard.cli.masking import masked

    try:
        check(invocation)
        with masked(invocation.output):
            report: Report = import_module(f"dbxwizard.cli.commands.{invocation.command}").run(invocation)
            return report
    except OperationError as error:
        return _failed(invocation.command, invocation.run_id, error)
    except OSError as error:
        return _failed(invocation.command, invocation.run_id, _from_system(error))
    except Exception as error:  # the last door: a defect of ours, told without a traceback
        return _failed(invocation.command, invocation.run_id, _unexpected(error, invocation))


def _failed(command: str, run_id: str, error: OperationError) -> Report:
    from dbxwizard.cli.report import Report

    return Report.failed(command, run_id, error)


def invocation_of(arguments: Sequence[str], environ: Mapping[str, str]) -> Invocation:
    """The call that `arguments` make in this environment. Raises UsageError."""
    return _invocation(parse(arguments), environ)


def _invocation(values: dict[str, object], environ: Mapping[str, str]) -> Invocation:
    from dbxwizard.cli.invocation import Invocation, is_interactive, output_form

    command = BY_NAME[str(values.pop("command"))]
    words = values.pop("words")
    return Invocation(
        command=command.name,
        options={option.key: option for option in command.options},
        values=values,
        words=words,  # type: ignore[arg-type]  # a tuple of strings
        environ=dict(environ),
        interactive=is_interactive(values, environ),
        output=output_form(values, environ),
        run_id=uuid.uuid4().hex,
    )


def _form(arguments: Sequence[str]) -> str:
    """The form of output that wrong arguments ask for, as far as it can be told."""
    asked = ("json" in arguments and "--output" in arguments) or "--output=json" in arguments
    return "json" if asked else "text"


def _show(command: str, form: str, error: OperationError) -> int:
    from dbxwizard.cli.output import render

    report = _failed(command, uuid.uuid4().hex, error)
    render(report, form)
    return report.exit_code


def _from_system(error: OSError) -> OperationError:
    resource = str(error.filename or "")
    return OperationError("system-error", error.strerror or str(error), resource=resource)


def _unexpected(error: Exception, invocation: Invocation) -> OperationError:
    """Says that it is our fault, and where the details are: in the log file alone."""
    log_file = invocation.text("log_file")
    if log_file:
        import traceback

        with suppress(OSError), Path(log_file).open("a", encoding="utf-8") as file:
            file.write(hide("".join(traceback.format_exception(error))))
    return OperationError(
        "internal-error",
        hide(f"unexpected {type(error).__name__}: {error}"),
        resource=invocation.command,
        fix="This is a defect of dbxwizard. Run again with --log-file FILE and report it with that file.",
    )
