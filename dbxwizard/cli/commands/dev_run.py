"""`dbxwizard dev run`: a script or notebook of the working tree on the cluster; ends as it ends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from dbxwizard.cli.developing import targeted, telling
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.core.result import Status
from dbxwizard.dev.one_time_runs import RunEnd
from dbxwizard.dev.running import Script, find_script, named_parameters, read_script, run_script
from dbxwizard.parameters import Environment


def run(invocation: Invocation, environment: Environment) -> Report:
    words = invocation.words[1:]
    if not words:
        raise UsageError("usage", "dev run needs a script or a notebook", resource="dbxwizard dev run")
    return asyncio.run(_run(invocation, environment, find_script(words[0], environment), words[1:]))


async def _run(invocation: Invocation, environment: Environment, path: Path, words: Sequence[str]) -> Report:
    script = await read_script(path)
    if script.form.is_notebook:
        named_parameters(words)  # told before anybody signs in
    async with targeted(invocation, environment) as target:
        with telling(invocation) as tell:
            end = await run_script(target, script, words, clock=SystemClock(), tell=tell)
    return _report(invocation, environment.name, script, words, end)


def _report(invocation: Invocation, environment: str, script: Script, words: Sequence[str], end: RunEnd) -> Report:
    status = {"SUCCESS": Status.SUCCESS, "CANCELED": Status.CANCELLED}.get(end.state, Status.ERROR)
    errors = (_error(end, environment),) if status is Status.ERROR else ()
    lines = [*end.output.splitlines(), *(["… the rest is on the run's page"] if end.truncated else [])]
    if end.result is not None:
        lines.append(end.result)
    if invocation.output == "text" and not invocation.flag("quiet"):
        _tell_end(end, script)
    return Report(
        invocation.command,
        invocation.run_id,
        status,
        errors=errors,
        text=tuple(lines),
        extra={"run": _run_json(script, words, end)},
        code=end.exit_code,
    )


def _tell_end(end: RunEnd, script: Script) -> None:
    """Beside what it printed, which is the command's data, and may have told of the error already."""
    trace = _own_part(end.trace, script.name)
    if trace and trace[-1] not in end.output:
        print("\n".join(trace), file=sys.stderr)
    print(f"run {end.run_id} {end.state} ({end.seconds:.0f} s): {end.url}", file=sys.stderr, flush=True)


def _own_part(trace: str, name: str) -> list[str]:
    """The lines of a traceback from the script's own first one on."""
    lines = trace.rstrip().splitlines()
    start = next((number for number, line in enumerate(lines) if f'/{name}", line ' in line), 1)
    return [*lines[:1], *lines[max(start, 1) :]]


def _error(end: RunEnd, environment: str) -> OperationError:
    return OperationError(
        "run-failed",
        end.error or f"the run ended as {end.state}",
        resource=end.url or f"run {end.run_id}",
        fix=f"See what it told: dbxwizard logs -e {environment} --job-run {end.run_id}",
    )


def _run_json(script: Script, words: Sequence[str], end: RunEnd) -> dict[str, object]:
    return {
        "id": end.run_id,
        "script": str(script.path),
        "commit": script.commit,
        "parameters": named_parameters(words) if script.form.is_notebook else list(words),
        "state": end.state,
        "exit_code": end.exit_code,
        "output": end.output,
        "truncated": end.truncated,
        "result": end.result,
        "error": end.error,
        "seconds": end.seconds,
        "url": end.url,
    }
