"""A script or notebook of the working tree, run once on the cluster.

It is uploaded into a folder of its own, which goes when the run has ended, and run with what ties its telemetry to the
run and to the commit. A notebook gets that as parameters, which one that does not ask for them never sees. A script
would see them: what begins it (_LAUNCH) takes its own parameter away and sets the framework's variables.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.dev.commit import commit_of
from dbxwizard.dev.notebooks import Form, form_of, remote_name
from dbxwizard.dev.one_time_runs import RunEnd, run_once
from dbxwizard.dev.own_files import MAX_BYTES, own_folder
from dbxwizard.dev.telling import Tell

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient
    from dbxwizard.dev.target import Target
    from dbxwizard.parameters.model import Environment

_ENDINGS = ("", ".py", ".ipynb")
_LAUNCHER = "dbxwizard_launch.py"
_RUN_ID = "{{job.run_id}}"  # learn.microsoft.com/azure/databricks/jobs/dynamic-value-references
# Begins the script on the cluster. Some runtimes set __file__, others argv[0] alone; the script lies beside.
_LAUNCH = """import os, runpy, sys
run_id = sys.argv.pop(1) if len(sys.argv) > 1 else ""
variables = {variables!r}
if run_id.isdigit():
    variables["DBK_JOB_RUN_ID"] = run_id
os.environ.update(variables)
folders = [os.path.dirname(os.path.abspath(path)) for path in (globals().get("__file__"), sys.argv[0]) if path]
paths = [os.path.join(folder, {name!r}) for folder in (*folders, {folder!r})]
path = next((path for path in paths if os.path.isfile(path)), paths[-1])
sys.argv[0] = path
sys.path.insert(0, os.path.dirname(path))
given = {{name: globals()[name] for name in ("spark", "sc", "dbutils", "display") if name in globals()}}
runpy.run_path(path, init_globals=given, run_name="__main__")
"""


@dataclass(frozen=True, slots=True)
class Script:
    """`kind` as `form_of` tells it. `commit`: "" where none is known."""

    path: Path
    content: bytes
    form: Form
    commit: str

    @property
    def name(self) -> str:
        return self.path.name


def find_script(named: str, environment: Environment) -> Path:
    """The file: from the working folder, from the project's root, or an example of a project in WheelFiles; its ending
    may be left out. Raises UsageError `script-missing`."""
    examples = [environment.root / wheel.project / "examples" for wheel in environment.wheels]
    folders = (Path(), environment.root, *examples)
    found = [folder / f"{named}{ending}" for folder in folders for ending in _ENDINGS]
    chosen = next((path for path in found if path.is_file()), None)
    if chosen is None:
        places = ", ".join(dict.fromkeys(str(folder.resolve()) for folder in folders))
        fix = f"Say its path, or put it into one of these folders: {places}."
        raise UsageError("script-missing", "there is no such script or notebook", resource=named, fix=fix)
    return chosen


async def read_script(path: Path) -> Script:
    """Raises UsageError for what a cluster can't run, OSError for what can't be read."""
    content = await asyncio.to_thread(path.read_bytes)
    form = form_of(path.name, content)
    if not form.is_notebook and path.suffix != ".py":
        raise UsageError("script-kind", "a Python script or a notebook is needed", resource=str(path))
    if len(content) > MAX_BYTES:
        raise UsageError(
            "script-size", f"it has {len(content)} bytes, a workspace takes {MAX_BYTES}", resource=str(path)
        )
    return Script(path, content, form, await commit_of(path.parent))


def named_parameters(words: Sequence[str]) -> dict[str, str]:
    """Of a notebook: `name=value`, `--name value` or `--name=value`. Raises UsageError."""
    found: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not equals and word.startswith("--") and waiting and not waiting[0].startswith("--"):
            equals, value = "=", waiting.pop(0)
        if not (name and equals):
            raise UsageError(
                "option-invalid",
                f"{word!r} is no parameter of a notebook",
                resource="dbxwizard dev run",
                fix="Say NAME=VALUE; the notebook reads it as a widget.",
            )
        found[name] = value
    return found


async def run_script(target: Target, script: Script, words: Sequence[str], *, clock: Clock, tell: Tell) -> RunEnd:
    """How the run ended; one that is cancelled cancels the run. Raises the core's errors."""
    parameters = named_parameters(words) if script.form.is_notebook else {}
    async with _uploaded(target, script, tell) as folder:
        if target.cluster["state"] != "RUNNING":
            tell(f"cluster {target.cluster.get('cluster_name')} is {target.cluster['state']}: the run starts it")
        task = _notebook(target, script, folder, parameters) if script.form.is_notebook else _python(folder, words)
        return await run_once(target, f"dbxwizard dev run {script.name}", task, clock=clock, tell=tell)


@asynccontextmanager
async def _uploaded(target: Target, script: Script, tell: Tell) -> AsyncIterator[str]:
    """A folder with the script, and what begins it, as long as it is needed."""
    workspace = target.workspace
    folder = f"{await own_folder(workspace, 'runs')}/{secrets.token_hex(4)}"
    await workspace.make_folder(folder)
    try:
        for name, content, form in _files(target, script, folder):
            await workspace.write_object(f"{folder}/{name}", content, form.name, language=form.language)
        tell(f"uploaded {script.name}" + (f", of commit {script.commit}" if script.commit else ""))
        yield folder
    finally:
        await _remove(workspace, folder)


async def _remove(workspace: WorkspaceClient, folder: str) -> None:
    try:
        await workspace.delete_object(folder, recursive=True)
    except OperationError:
        return  # what the run came to does not depend on it


def _files(target: Target, script: Script, folder: str) -> list[tuple[str, bytes, Form]]:
    own = (remote_name(script.name, script.form), script.content, script.form)
    if script.form.is_notebook:
        return [own]
    values = {"DBK_COMMIT": script.commit, "DBK_ENVIRONMENT": target.environment.name, "DBK_TASK": script.path.stem}
    variables = {name: value for name, value in values.items() if value}
    launch = _LAUNCH.format(variables=variables, name=script.name, folder=f"/Workspace{folder}")
    return [own, (_LAUNCHER, launch.encode(), script.form)]


def _python(folder: str, words: Sequence[str]) -> dict[str, Any]:
    code = {"python_file": f"/Workspace{folder}/{_LAUNCHER}", "parameters": [_RUN_ID, *words]}
    return {"spark_python_task": code}


def _notebook(target: Target, script: Script, folder: str, given: Mapping[str, str]) -> dict[str, Any]:
    ours = {
        "environment": target.environment.name,
        "commit": script.commit,
        "job_run_id": _RUN_ID,
        "task": script.path.stem,
    }
    path = f"{folder}/{remote_name(script.name, script.form)}"
    return {"notebook_task": {"notebook_path": f"/Workspace{path}", "base_parameters": {**ours, **given}}}
