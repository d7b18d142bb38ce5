"""Runs the terminal program to any end: the terminal is given back, and a defect leaves a report without secrets."""

from __future__ import annotations

import asyncio
import io
import os
import platform
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbxwizard import __version__
from dbxwizard.cli.terminal import Terminal
from dbxwizard.core.secret import hide

if TYPE_CHECKING:
    from textual.app import App


def run(app: App[Any], reports: Path) -> int:
    """The exit code of `app`, which runs until it ends: its own; 1 after a defect, which is reported in a file under
    `reports` and on stderr in one line; 128 + n after signal n."""
    terminal = Terminal()
    said = _quiet(app)
    error: BaseException | None = None
    with terminal.ending(lambda number: _leave(app, 128 + number)):
        try:
            app.run()
        except BaseException as raised:  # restored before it goes on its way
            terminal.restore()
            if not isinstance(raised, Exception):
                raise
            error = raised
    terminal.restore_settings()
    if terminal.ended_by:
        return 128 + terminal.ended_by
    error = error or app._exception  # what a handler or a worker raised; Textual has no public name for it
    if error or (app.return_code is None and said.getvalue()):
        print(_report(error, said.getvalue(), reports), file=sys.stderr, flush=True)
        return 1
    sys.stderr.write(said.getvalue())
    return app.return_code or 0


def _quiet(app: App[Any]) -> io.StringIO:
    """Takes what Textual would print at the end: after a defect that is a traceback with every local variable."""
    from rich.console import Console

    said = io.StringIO()
    app.error_console = Console(file=said, markup=False, highlight=False, width=200)
    return said


def _leave(app: App[Any], code: int) -> None:
    """Called in a signal handler: the loop has to be woken, or it would sleep on until the next key."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # before the loop runs or after it: nothing is drawn
        sys.exit(code)
    loop.call_soon_threadsafe(app.exit, None, code)


def _report(error: BaseException | None, said: str, reports: Path) -> str:
    """Writes the report and returns the line that tells of it."""
    # A worker's error comes wrapped, without a traceback of its own.
    cause = getattr(error, "error", None)
    error = cause if isinstance(cause, BaseException) else error
    what = f"dbxwizard ended by a defect of its own ({type(error).__name__ if error else 'panic'})"
    now = datetime.now(UTC)
    path = reports / f"{now:%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
    try:
        reports.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(_text(error, said, now))
    except OSError as problem:
        return f"{what}; its report could not be written to {path}: {problem.strerror}"
    return f"{what}; report, without secrets: {path}"


def _text(error: BaseException | None, said: str, now: datetime) -> str:
    """Versions, names of options, the traceback without locals. Never the value of an option or of the environment."""
    from importlib.metadata import version

    options = [argument.partition("=")[0] for argument in sys.argv[1:] if argument.startswith("--")]
    lines = (
        f"dbxwizard {__version__}, Textual {version('textual')}, Python {platform.python_version()}",
        platform.platform(),
        f"{now.isoformat(timespec='seconds')}; options: {' '.join(options) or 'none'}",
        "",
        "".join(traceback.format_exception(error)) if error else said,
    )
    return hide("\n".join(lines))
