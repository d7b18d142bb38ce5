"""What makes the tasks of a run fail before any of their code would run: a source, file or package that is missing."""

from __future__ import annotations

import re

from dbxwizard.sandbox.databricks import cluster_life, files
from dbxwizard.sandbox.databricks.jobs import run_as
from dbxwizard.sandbox.databricks.repos import readable, repository
from dbxwizard.sandbox.databricks.state import WorkspaceState
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.http import ApiError
from dbxwizard.sandbox.store import Document

NOTEBOOKS = ("", ".py", ".ipynb", ".sql", ".scala", ".r", ".R")


def in_order(run: Document) -> list[Document]:
    """The settings of the run's tasks, each after those that it depends on."""
    waiting, found = list(run["settings"]["tasks"]), dict[str, Document]()
    while waiting:
        task = waiting.pop(0)
        if all(need["task_key"] in found for need in task.get("depends_on", [])):
            found[task["task_key"]] = task
        else:
            waiting.append(task)
    return list(found.values())


def problem(state: WorkspaceState, run: Document, task: Document) -> str:
    """Why the task can't begin; "" where it can."""
    for kind, field, endings in (
        ("spark_python_task", "python_file", ("",)),
        ("notebook_task", "notebook_path", NOTEBOOKS),
    ):
        if kind in task:
            from_git = task[kind].get("source", "GIT" if "git_source" in run["settings"] else "WORKSPACE") == "GIT"
            look = _in_git if from_git else _in_workspace
            return look(state, run, task[kind][field], endings)
    return _package_problem(state, task) if "python_wheel_task" in task else ""


def _in_git(state: WorkspaceState, run: Document, path: str, endings: tuple[str, ...]) -> str:
    source = run["settings"]["git_source"]
    found = repository(state.store, source["git_url"])
    principal = state.principal(run_as(state.get("job", run["job_id"]) or run))
    if found is None or principal is None or not readable(state, principal, found, source["git_provider"]):
        return f"Failed to checkout Git repository: {source['git_url']} was not found, or needs a Git credential."
    git = GitObjects(state.store, found["id"])
    name, commit = revision(git, source)
    if commit is None:
        return f"Failed to checkout Git repository: {name} does not exist."
    tree = git.files(git.commit(commit).tree)
    if not any(path.lstrip("/") + ending in tree for ending in endings):
        return f"Cannot read the python file or notebook {path} at {name}: it is not in the repository."
    return ""


def revision(git: GitObjects, source: Document) -> tuple[str, str | None]:
    for field, place in (("git_branch", "refs/heads/"), ("git_tag", "refs/tags/")):
        if field in source:
            return source[field], git.ref(place + source[field])
    commit = source["git_commit"]
    return commit, commit if git.kind(commit) == "commit" else None


def _in_workspace(state: WorkspaceState, _run: Document, path: str, endings: tuple[str, ...]) -> str:
    if path.startswith(("dbfs:", "abfss:", "/Volumes")):
        return ""
    try:
        known = any(state.get("object", files.normal(path) + ending) for ending in endings)
    except ApiError as error:
        return error.message
    inside = any(path.startswith(f"{repo['path']}/") for repo in state.all("repo"))
    return "" if known or inside else f"Unable to access {path} in the workspace: it does not exist."


def _package_problem(state: WorkspaceState, task: Document) -> str:
    """A wheel task runs a package that a library of the task or of its cluster has installed."""
    wanted = _normal(task["python_wheel_task"]["package_name"])
    own = task.get("libraries", [])
    shared = [
        one["library"]
        for one in cluster_life.libraries_of(state, task.get("existing_cluster_id", ""))
        if one["status"] == "INSTALLED"
    ]
    names = [_distribution(library) for library in [*own, *shared]]
    if wanted in names or "environment_key" in task:
        return ""
    return f"Python wheel with name {task['python_wheel_task']['package_name']} could not be found on the cluster."


def _distribution(library: Document) -> str:
    if "whl" in library:
        return _normal(library["whl"].rsplit("/", 1)[-1].split("-", 1)[0])
    return _normal(re.split(r"[^\w.-]", library.get("pypi", {}).get("package", ""), maxsplit=1)[0])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
