"""What a task runs, written into a folder: a commit of a repository, files of the workspace, wheels of its cluster."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbxwizard.sandbox.databricks import cluster_life, files
from dbxwizard.sandbox.databricks.execution.runtime import installs
from dbxwizard.sandbox.databricks.repos import repository
from dbxwizard.sandbox.databricks.run_checks import NOTEBOOKS, revision
from dbxwizard.sandbox.databricks.state import WorkspaceState
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.store import Document


class NotRunnableError(Exception):
    """The sandbox does not execute this: the words for the run's output."""


@dataclass(frozen=True, slots=True)
class Source:
    """`kind`: script, notebook or wheel. `path` of what is run, `folder` of everything that came with it."""

    kind: str
    folder: Path
    path: Path
    about: dict[str, Any]


def write(state: WorkspaceState, run: Document, task: Document, folder: Path) -> Source:
    """Raises NotRunnableError for a kind of task, or a place, that the sandbox does not execute."""
    folder.mkdir(parents=True)
    if "python_wheel_task" in task:
        wheel = task["python_wheel_task"]
        about = {"package": wheel["package_name"], "entry_point": wheel["entry_point"]}
        return Source("wheel", folder, folder, about)
    for kind, field, name, endings in (
        ("spark_python_task", "python_file", "script", ("",)),
        ("notebook_task", "notebook_path", "notebook", NOTEBOOKS),
    ):
        if kind in task:
            path = task[kind][field]
            is_git = task[kind].get("source", "GIT" if "git_source" in run["settings"] else "WORKSPACE") == "GIT"
            top = _commit(state, run, folder) if is_git else _workspace(state, path, folder)
            return Source(name, top, _found(top, files.normal(path) if not is_git else path, endings), {})
    kinds = ", ".join(sorted(name for name in task if name.endswith("_task"))) or "a task without code"
    raise NotRunnableError(f"The sandbox does not execute {kinds}: it went through its states and ran nothing.")


def _found(top: Path, path: str, endings: tuple[str, ...]) -> Path:
    candidates = [top / f"{path.lstrip('/')}{ending}" for ending in endings]
    found = next((one for one in candidates if one.is_file()), None)
    if found is None or found.suffix not in ("", ".py", ".ipynb"):
        raise NotRunnableError(f"The sandbox executes Python alone: {path} went through its states and ran nothing.")
    return found


def _commit(state: WorkspaceState, run: Document, folder: Path) -> Path:
    """Below a folder that is called after the commit, as the service does it."""
    source = run["settings"]["git_source"]
    known = repository(state.store, source["git_url"])
    assert known is not None  # noqa: S101 - run_checks has seen it
    git = GitObjects(state.store, known["id"])
    _, sha = revision(git, source)
    assert sha is not None  # noqa: S101 - the same
    top = folder / ".internal" / f"{sha[:10]}_commits" / sha
    _write_tree(git, sha, top)
    return top


def _write_tree(git: GitObjects, sha: str, folder: Path) -> None:
    for path, entry in git.files(git.commit(sha).tree).items():
        if entry.kind == "blob":
            _put(folder, path, git.blob(entry.sha))


def _put(folder: Path, path: str, content: bytes) -> None:
    target = (folder / path).resolve()
    if target.is_relative_to(folder.resolve()):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _workspace(state: WorkspaceState, path: str, folder: Path) -> Path:
    """The folder that the file is in, with all below it; the whole Git folder where it is in one."""
    if path.startswith(("dbfs:", "abfss:", "/Volumes")):
        raise NotRunnableError(
            f"The sandbox keeps no files at {path}: the task went through its states and ran nothing."
        )
    path = files.normal(path)
    for repo in state.all("repo"):
        if path.startswith(f"{repo['path']}/") and (known := repository(state.store, repo["url"])):
            _write_tree(GitObjects(state.store, known["id"]), repo["head_commit_id"], folder / repo["path"].lstrip("/"))
            return folder
    for key, body in state.find("object", f"{files.parent(path).rstrip('/')}/"):
        if "content" in body:
            suffix = ".py" if body["object_type"] == "NOTEBOOK" and not Path(key).suffix else ""
            _put(folder, key.lstrip("/") + suffix, base64.b64decode(body["content"]))
    return folder


def unpack_wheels(state: WorkspaceState, task: Document, folder: Path) -> list[str]:
    """Unpacks the wheels of the task and its cluster, and returns what pip has to install beside them.

    A wheel that names others brings them along: their names are among what is returned.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted: list[str] = []
    for library in _libraries(state, task):
        if "whl" in library:
            wanted += _unpack(_wheel(state, library["whl"]), folder)
        elif "pypi" in library and installs():
            wanted.append(library["pypi"]["package"])
    return wanted


def _libraries(state: WorkspaceState, task: Document) -> Iterator[Document]:
    shared = cluster_life.libraries_of(state, task.get("existing_cluster_id", ""))
    yield from (one["library"] for one in shared if one["status"] == "INSTALLED")
    yield from task.get("libraries", [])
    # What is to go is there until the cluster restarts, and stays what is imported.
    yield from (one["library"] for one in shared if one["status"] == "UNINSTALL_ON_RESTART")


def _wheel(state: WorkspaceState, path: str) -> bytes:
    body = state.get("object", path.removeprefix("/Workspace"))
    if body is None or "content" not in body:
        raise NotRunnableError(f"The sandbox keeps no wheel at {path}.")
    return base64.b64decode(body["content"])


def _unpack(content: bytes, folder: Path) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().partition("\n\n")[0].splitlines()
    needs = [line.partition(":")[2].strip() for line in lines if line.startswith("Requires-Dist:")]
    return [need for need in needs if "extra ==" not in need]
