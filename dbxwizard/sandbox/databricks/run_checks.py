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

_NOTEBOOKS = ("", ".py", ".ipynb", ".sql", ".scala", ".r", ".R")


def outcomes(state: WorkspaceState, run: Document) -> list[Document]:
    """The run's tasks with `result_state` and, where one failed, its `message`."""
    settings = {task["task_key"]: task for task in run["settings"]["tasks"]}
    results: dict[str, Document] = {}
    waiting = list(run["tasks"])
    while waiting:
        task = waiting.pop(0)
        needs = [need["task_key"] for need in settings[task["task_key"]].get("depends_on", [])]
        if any(need not in results for need in needs):
            waiting.append(task)
            continue
        failed = any(results[need]["result_state"] != "SUCCESS" for need in needs)
        problem = "" if failed else _problem(state, run, settings[task["task_key"]])
        result = "UPSTREAM_FAILED" if failed else "FAILED" if problem else "SUCCESS"
        results[task["task_key"]] = {**task, "result_state": result, "message": problem}
    return [results[task["task_key"]] for task in run["tasks"]]


def _problem(state: WorkspaceState, run: Document, task: Document) -> str:
    for kind, field, endings in (
        ("spark_python_task", "python_file", ("",)),
        ("notebook_task", "notebook_path", _NOTEBOOKS),
    ):
        if kind in task:
            from_git = task[kind].get("source", "GIT" if "git_source" in run["settings"] else "WORKSPACE") == "GIT"
            look = _in_git if from_git else _in_workspace
            return look(state, run, task[kind][field], endings)
    return _package_problem(state, task) if "python_wheel_task" in task else ""


def _in_git(state: WorkspaceState, run: Document, path: str, endings: tuple[str, ...]) -> str:
    source = run["settings"]["git_source"]
    found = repository(state.store, source["git_url"])
    job = state.get("job", run["job_id"])
    principal = state.principal(run_as(job)) if job else None
    if found is None or principal is None or not readable(state, principal, found, source["git_provider"]):
        return f"Failed to checkout Git repository: {source['git_url']} was not found, or needs a Git credential."
    git = GitObjects(state.store, found["id"])
    name, commit = _revision(git, source)
    if commit is None:
        return f"Failed to checkout Git repository: {name} does not exist."
    tree = git.files(git.commit(commit).tree)
    if not any(path.lstrip("/") + ending in tree for ending in endings):
        return f"Cannot read the python file or notebook {path} at {name}: it is not in the repository."
    return ""


def _revision(git: GitObjects, source: Document) -> tuple[str, str | None]:
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
