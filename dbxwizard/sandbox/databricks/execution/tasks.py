"""One task of a run: its process, what it printed, how it ended."""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbxwizard.sandbox.actions.running.process import Stop
from dbxwizard.sandbox.actions.running.process import run as run_process
from dbxwizard.sandbox.databricks.execution import runtime, sources
from dbxwizard.sandbox.databricks.execution.variables import driver_variables
from dbxwizard.sandbox.databricks.jobs import run_as
from dbxwizard.sandbox.databricks.state import WorkspaceState
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.store import Document

MAX_LOG = 5 * 1024 * 1024  # bytes of output that are kept; docs.databricks.com/api/azure/workspace/jobs/getrunoutput
TASK_TOKEN = "_databricks.taskToken"  # noqa: S105 - a kind of document
_LAUNCH = Path(__file__).parent / "child" / "launch.py"


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """`result`: SUCCESS, FAILED, CANCELED or TIMEDOUT. `notebook`: what it was left with, None where nothing; `cells`:
    the source of each of its cells."""

    result: str
    logs: str = ""
    truncated: bool = False
    error: str = ""
    trace: str = ""
    notebook: str | None = None
    cells: tuple[str, ...] = ()


def execute(state: WorkspaceState, run: Document, task: Document, stop: Stop) -> TaskEnd:
    """Never raises for what the user's code or its libraries do."""
    try:
        with tempfile.TemporaryDirectory(prefix="dbxwizard-task-", ignore_cleanup_errors=True) as folder:
            return _Process(state, run, task, Path(folder)).go(stop)
    except sources.NotRunnableError as error:
        return TaskEnd("SUCCESS", logs=str(error))
    except runtime.RuntimeMissingError as error:
        return TaskEnd("FAILED", error=f"Library installation failed: {error}")


class _Process:
    def __init__(self, state: WorkspaceState, run: Document, task: Document, folder: Path) -> None:
        self._state, self._run, self._task, self._folder = state, run, task, folder
        self._log: list[str] = []
        self._size = 0

    def go(self, stop: Stop) -> TaskEnd:
        source = sources.write(self._state, self._run, self._task, self._folder / "code")
        wanted = sources.unpack_wheels(self._state, self._task, self._folder / "site")
        variables = driver_variables(self._state, self._spec(), self._folder)
        python, note = runtime.python_for(self._spark_version())
        python = runtime.with_packages(python, runtime.packages_of(self._spark_version(), python))
        variables["PYSPARK_PYTHON"] = str(python)  # where it has Spark
        if wanted:
            runtime.link_libraries(python, wanted, self._folder / "more")
        if note:
            self._line(note)
        result = self._folder / "result.json"
        with self._token() as token:
            ended = run_process(
                [str(python), "-u", "-X", "utf8", str(_LAUNCH)],
                folder=source.folder,
                environment={
                    **variables,
                    "DBXWIZARD_TASK": json.dumps(self._told(source, result, token)),
                },
                on_line=self._line,
                stop=stop,
                seconds=self._task.get("timeout_seconds") or None,
            )
        return self._end(ended.code, ended.reason, result)

    def _end(self, code: int, reason: str, result: Path) -> TaskEnd:
        logs, truncated = "".join(self._log), self._size > MAX_LOG
        if reason:
            word = "CANCELED" if reason == "cancelled" else "TIMEDOUT"
            return TaskEnd(word, logs, truncated, error=f"Run {'cancelled' if word == 'CANCELED' else 'timed out'}.")
        if not result.exists():  # os._exit, or a signal
            return TaskEnd("FAILED", logs, truncated, error=f"The Python process exited with exit code {code}.")
        said = json.loads(result.read_text("utf-8"))
        failed = "error" in said
        return TaskEnd(
            "FAILED" if failed else "SUCCESS",
            logs,
            truncated,
            error=said.get("error", ""),
            trace=said.get("error_trace", ""),
            notebook=said.get("notebook"),
            cells=tuple(said.get("cells", ())),
        )

    def _line(self, line: str) -> None:
        """The first five megabytes are kept."""
        if self._size <= MAX_LOG:
            self._log.append((line + "\n")[: MAX_LOG - self._size])
        self._size += len(line) + 1

    def _spark_version(self) -> str:
        return str(self._spec().get("spark_version", ""))

    def _spec(self) -> Document:
        """Of the task's cluster."""
        clusters = {one["job_cluster_key"]: one["new_cluster"] for one in self._run["settings"].get("job_clusters", [])}
        cluster = self._state.get("cluster", self._task.get("existing_cluster_id", ""))
        spec = self._task.get("new_cluster") or clusters.get(self._task.get("job_cluster_key", ""))
        return dict(spec or (cluster["spec"] if cluster else {}))

    def _told(self, source: sources.Source, result: Path, token: str) -> dict[str, Any]:
        parameters = self._run["parameters"]
        widgets = {one["name"]: one["default"] for one in self._run["settings"].get("parameters", [])}
        widgets |= self._task.get("notebook_task", {}).get("base_parameters", {})
        widgets |= {**parameters.get("job_parameters", {}), **parameters.get("notebook_params", {})}
        return {
            "kind": source.kind,
            "folder": str(source.folder),
            "path": str(source.path),
            "result": str(result),
            "parameters": [self._resolved(text) for text in self._parameters(parameters)],
            "widgets": {name: self._resolved(text) for name, text in widgets.items()},
            "host": Ports(self._state.store).url(f"workspace:{self._state.workspace_id}"),
            "token": token,
            "context": {
                "isInJob": True,
                "idInJob": str(self._run["run_id"]),
                "jobId": str(self._run["job_id"]),
                "jobRunId": str(self._run["run_id"]),
                "taskRunId": str(self._run_id()),
                "jobTaskKey": self._task["task_key"],
                "workspaceId": self._state.workspace_id,
            },
            **source.about,
        }

    def _parameters(self, given: Mapping[str, Any]) -> list[str]:
        """Those of the run take the place of the task's own."""
        own = self._task.get("spark_python_task") or self._task.get("python_wheel_task") or {}
        named = given.get("python_named_params") or own.get("named_parameters") or {}
        plain = given.get("python_params") or own.get("parameters") or []
        return [*plain, *(f"--{name}={value}" for name, value in named.items())]

    def _resolved(self, text: str) -> str:
        """References to what only the run knows: learn.microsoft.com/azure/databricks/jobs/dynamic-value-references."""
        known = {
            "job.id": self._run["job_id"],
            "job.name": self._run["settings"]["name"],
            "job.run_id": self._run["run_id"],
            "job.repair_count": 0,
            "task.name": self._task["task_key"],
            "task.run_id": self._run_id(),
            "workspace.id": self._state.workspace_id,
        }
        defaults = {one["name"]: one["default"] for one in self._run["settings"].get("parameters", [])}
        chosen = {**defaults, **self._run["parameters"].get("job_parameters", {})}
        known |= {f"job.parameters.{name}": value for name, value in chosen.items()}
        for name, value in known.items():
            text = text.replace("{{" + name + "}}", str(value))
        return text

    def _run_id(self) -> int:
        return int(next(one["run_id"] for one in self._run["tasks"] if one["task_key"] == self._task["task_key"]))

    @contextmanager
    def _token(self) -> Iterator[str]:
        """One that acts as whoever the run runs as, as long as the task runs."""
        value = f"dapi{secrets.token_hex(16)}"
        key = f"{self._state.workspace_id}/{hashlib.sha256(value.encode()).hexdigest()}"
        store = self._state.store
        job = self._state.get("job", self._run["job_id"])
        principal = self._state.principal(run_as(job or self._run))
        with store.transaction():
            store.put(TASK_TOKEN, key, {"owner": principal["id"] if principal else ""})
        try:
            yield value
        finally:
            with store.transaction():
                store.delete(TASK_TOKEN, key)
