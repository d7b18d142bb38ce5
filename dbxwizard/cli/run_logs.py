"""Jobs' logs on stdout as they arrive, whatever their size."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from contextlib import aclosing, nullcontext

from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.output import harmless
from dbxwizard.clients.github import GitHubClient
from dbxwizard.clients.run_types import Run, RunJob
from dbxwizard.core.errors import OperationError
from dbxwizard.runs.logs import LogLine, lines

# What GitHub's own page shows in another way: docs.github.com/actions/reference/workflows-and-actions/workflow-commands
_MARK = re.compile(r"^##\[(group|command|error|warning|notice|debug)\]")
_GROUP_END = "##[endgroup]"


async def print_logs(invocation: Invocation, client: GitHubClient, run: Run, jobs: Sequence[RunJob]) -> None:
    """Text: the lines, each job below its name. JSON: an object a line. Raises OperationError where there is none."""
    ready = [job for job in jobs if job.has_log]
    if not ready:
        states = ", ".join(f"{job.name} is {job.state}" for job in jobs) or f"the run is {run.state}"
        raise OperationError(
            "log-not-there",
            f"there is no log: {states}",
            resource=run.html_url,
            fix=f"A job's log comes with its end; `dbxwizard runs watch {run.id}` shows its steps until then.",
        )
    shown = harmless(sys.stdout) if invocation.output == "github" else nullcontext()
    with shown:
        for job in ready:
            await _print(invocation, client, job, titled=len(ready) > 1)


async def _print(invocation: Invocation, client: GitHubClient, job: RunJob, *, titled: bool) -> None:
    pieces = await client.runs.log(job.id)
    if pieces is None:
        return
    as_json = invocation.output == "json"
    if titled and not as_json:
        print(f"=== {job.name}: {job.state}")
    async with aclosing(pieces):
        async for line in lines(pieces):
            if as_json:
                print(_json(job, line))
            elif line.text != _GROUP_END:
                print(_text(line))


def _json(job: RunJob, line: LogLine) -> str:
    return json.dumps({"job": job.name, "at": line.at, "text": line.text}, ensure_ascii=False)


def _text(line: LogLine) -> str:
    return _MARK.sub(lambda found: "" if found[1] in ("group", "command") else f"{found[1]}: ", line.text)
