"""Checks of an object as a whole: settings that need or exclude each other, names that have to exist in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dbxwizard.parameters.catalog import did_you_mean
from dbxwizard.parameters.credentials import show
from dbxwizard.parameters.databricks_fields import TASK_KINDS
from dbxwizard.parameters.nodes import Array, Node, Object, Scalar, elements, objects, text_of

if TYPE_CHECKING:
    from dbxwizard.parameters.checks import Checker

_CONFLICT = "conflicting-settings"
_ONE_USER = ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED", "LEGACY_SINGLE_USER", "LEGACY_SINGLE_USER_STANDARD")
_COMPUTE = ("cluster_name", "existing_cluster_id", "job_cluster_key", "new_cluster", "environment_key")
_TYPES = {
    "databricks-spn": "ServicePrincipal",
    "main-spn": "ServicePrincipal",
    "me": "User",
    "user": "User",
    "group": "Group",
}
# A notebook is named without its ending (docs.databricks.com/jobs/git.html).
_FROM_FILES = (
    ("notebook_task", "notebook_path", ("", ".py", ".ipynb", ".sql", ".scala", ".r", ".R")),
    ("spark_python_task", "python_file", ("",)),
)


def _present(node: Object, names: Iterable[str]) -> list[str]:
    there = {member.name for member in node.members}
    return [name for name in names if name in there]


def _plain(node: Node | None) -> object:
    return node.value if isinstance(node, Scalar) else None


def autoscale(node: Object, checker: Checker) -> None:
    least, most = _plain(node.get("min_workers")), _plain(node.get("max_workers"))
    if isinstance(least, int) and isinstance(most, int) and least > most:
        checker.error(node.start, _CONFLICT, "min_workers is larger than max_workers", "swap them")


def cluster(node: Object, checker: Checker) -> None:
    _workers(node, checker)
    if not _present(node, ("node_type_id", "instance_pool_id", "policy_id")):
        fix = 'add "node_type_id": "Standard_D4ds_v5"'
        checker.error(node.start, "missing-key", "a cluster without a node type", fix)
    if text_of(node.get("data_security_mode")) in _ONE_USER and not node.get("single_user_name"):
        fix = 'add "single_user_name": a sign-in name, a group or databricks-spn'
        checker.error(node.start, _CONFLICT, "an access mode for one user, and no user", fix)


def _workers(node: Object, checker: Checker) -> None:
    said = _present(node, ("autoscale", "num_workers"))
    if len(said) == 2:
        checker.error(node.start, _CONFLICT, "both autoscale and num_workers", "keep one of them")
    elif not said and not _present(node, ("is_single_node", "policy_id")):
        fix = 'add "autoscale": {"min_workers": 1, "max_workers": 2}'
        checker.error(node.start, _CONFLICT, "neither autoscale nor num_workers", fix)
    elif _plain(node.get("num_workers")) == 0 and not _single_node(node):
        fix = 'add "kind": "CLASSIC_PREVIEW" and "is_single_node": true, or at least one worker'
        checker.error(node.start, _CONFLICT, "no worker, and not set up as a single node", fix)


def _single_node(node: Object) -> bool:
    conf = node.get("spark_conf")
    profile = text_of(conf.get("spark.databricks.cluster.profile")) if isinstance(conf, Object) else None
    return profile == "singleNode" or _plain(node.get("is_single_node")) is True or node.get("policy_id") is not None


def network(node: Object, checker: Checker) -> None:
    ranges = node.get("AllowedIpRanges")
    if _plain(node.get("PublicNetworkAccess")) is False and elements(ranges):
        message = "addresses are allowed, but the public network is not"
        checker.error(node.start, _CONFLICT, message, "take one of the two out")


def principal_type(node: Object, checker: Checker) -> None:
    """Azure refuses an assignment whose type is not that of the principal (UnmatchedPrincipalType)."""
    name = text_of(node.get("principal") or node.get("Principal"))
    said = node.get("principalType") or node.get("PrincipalType")
    right = _TYPES.get((name or "").split(":", maxsplit=1)[0])
    if said and right and text_of(said) not in (right, None, ""):
        checker.error(
            said.start, _CONFLICT, f"{show(name or '')} is no {show(text_of(said) or '')}", f'write "{right}"'
        )


def one_library(node: Object, checker: Checker) -> None:
    if len(node.members) != 1:
        fix = "write one object for each library"
        checker.error(node.start, _CONFLICT, "a library has to say exactly one of pypi, maven, whl …", fix)


def git_source(node: Object, checker: Checker) -> None:
    if len(_present(node, ("git_branch", "git_tag", "git_commit"))) != 1:
        message = "git_source has to say exactly one of git_branch, git_tag and git_commit"
        checker.error(node.start, _CONFLICT, message, "leave git_source out for what is being deployed")


def task(node: Object, checker: Checker) -> None:
    if len(_present(node, TASK_KINDS)) != 1:
        fix = "write notebook_task, spark_python_task or another one"
        checker.error(node.start, _CONFLICT, "a task has to do exactly one thing", fix)
    compute = _present(node, _COMPUTE)
    if len(compute) > 1:
        checker.error(node.start, _CONFLICT, f"{' and '.join(compute)} exclude each other", "keep one of them")


def job(node: Object, checker: Checker) -> None:
    tasks = objects(node.get("tasks"))
    keys = _names(tasks, "task_key")
    job_clusters = _names(objects(node.get("job_clusters")), "job_cluster_key")
    environments = _names(objects(node.get("environments")), "environment_key")
    for one in tasks:
        _refer(one.get("job_cluster_key"), job_clusters, "job_clusters", checker)
        _refer(one.get("environment_key"), environments, "environments", checker)
        for needed in objects(one.get("depends_on")):
            _refer(needed.get("task_key"), keys, "tasks", checker)
        if node.get("git_source") is None:
            _script_exists(one, checker)
    _no_cycle(tasks, checker)


def _no_cycle(tasks: list[Object], checker: Checker) -> None:
    """Takes away tasks that wait for nothing, until none is left or the rest waits for each other."""
    waiting: dict[str, set[str]] = {}
    for one in tasks:
        waiting[text_of(one.get("task_key")) or ""] = _names(objects(one.get("depends_on")), "task_key")
    waiting = {key: needed & waiting.keys() for key, needed in waiting.items()}
    followers: dict[str, list[str]] = {}
    for key, needed in waiting.items():
        for one_needed in needed:
            followers.setdefault(one_needed, []).append(key)
    ready = [key for key, needed in waiting.items() if not needed]
    while ready:
        done = ready.pop()
        del waiting[done]
        for key in followers.get(done, ()):
            waiting[key].discard(done)
            ready += [key] if not waiting[key] else []
    first = next((one for one in tasks if text_of(one.get("task_key")) in waiting), None)
    if first:
        names = ", ".join(show(key) for key in list(waiting)[:5])
        checker.error(
            first.start, "dependency-cycle", f"these tasks wait for each other: {names}", "cut one depends_on"
        )


def _script_exists(one: Object, checker: Checker) -> None:
    for kind, key, endings in _FROM_FILES:
        action = one.get(kind)
        node = action.get(key) if isinstance(action, Object) and text_of(action.get("source")) == "GIT" else None
        path = text_of(node)
        if node and path and checker.project and not any(_exists(checker, path + ending) for ending in endings):
            message = f"the project has no file {show(path)}"
            checker.warning(node.start, "path-not-found", message, "check it: the job takes it from the repository")


def _exists(checker: Checker, path: str, *inside: str) -> bool:
    if checker.project is None:
        return True
    try:
        found = checker.project / path
        return any((found / name).exists() for name in inside) if inside else found.exists()
    except (OSError, ValueError):
        return False


def references(node: Object, checker: Checker) -> None:
    """What the sections of a file say of each other."""
    clusters = _names(objects(node.get("Clusters")), "cluster_name")
    for one in objects(node.get("Jobs")):
        for each in objects(one.get("tasks")):
            _refer(each.get("cluster_name"), clusters, "Clusters", checker)
    for wheel in objects(node.get("WheelFiles")):
        for name in elements(wheel.get("clusters")):
            _refer(name, clusters, "Clusters", checker)
        _project_exists(wheel.get("project"), checker)
    _access(node, clusters, checker)
    _assigned_twice(node.get("RBAC_Assignments"), checker)


def _project_exists(node: Node | None, checker: Checker) -> None:
    path = text_of(node)
    if node and path and not _exists(checker, path, "pyproject.toml", "setup.py"):
        message = f"the project has no Python project in {show(path)}"
        checker.warning(node.start, "path-not-found", message, "check it: it has to hold pyproject.toml or setup.py")


def _access(node: Object, clusters: set[str], checker: Checker) -> None:
    jobs = _names(objects(node.get("Jobs")), "name")
    folders = _names(objects(node.get("Repo_Configuration")), "path")
    for access in objects(node.get("Access")):
        _refer_keys(access.get("Clusters"), clusters, "Clusters", checker)
        _refer_keys(access.get("Jobs"), jobs, "Jobs", checker)
        _refer_keys(access.get("Folders"), folders, "Repo_Configuration", checker)


def _assigned_twice(assignments: Node | None, checker: Checker) -> None:
    seen: dict[tuple[str, str, str], int] = {}
    for one in objects(assignments):
        principal, scope = text_of(one.get("principal")) or "", text_of(one.get("scope")) or ""
        if "<" in principal or not principal:
            continue
        for node in elements(one.get("roles")):
            role = text_of(node)
            first = seen.setdefault((principal, scope.casefold(), role), node.start) if role else node.start
            if first != node.start and role:
                _same_assignment(node, role, first, one, checker)


def _same_assignment(node: Node, role: str, first: int, one: Object, checker: Checker) -> None:
    roles = one.get("roles")
    if isinstance(roles, Array) and roles.start < first < roles.end:
        return  # the list itself was reported
    message = f"the same principal has {show(role)} already, at {checker.place(first)}"
    checker.warning(node.start, "duplicate-name", message, "keep one")


def _names(items: list[Object], key: str) -> set[str]:
    return {name for item in items if (name := text_of(item.get(key)))}


def _refer(node: Node | None, known: set[str], where: str, checker: Checker) -> None:
    name = text_of(node)
    if node is not None and name is not None and name not in known and node.start not in checker.hidden:
        fix = did_you_mean(name, known) or f"add it to {where}, or take it out here"
        checker.error(node.start, "unknown-reference", f"{where} has no {show(name)}", fix)


def _refer_keys(node: Node | None, known: set[str], where: str, checker: Checker) -> None:
    for member in node.members if isinstance(node, Object) else ():
        if not member.name.startswith("/"):
            _refer(Scalar(member.name, member.key_start, member.key_end), known, where, checker)


RULES: dict[str, Callable[[Object, Checker], None]] = {
    "autoscale": autoscale,
    "cluster": cluster,
    "git-source": git_source,
    "job": job,
    "network": network,
    "one-library": one_library,
    "principal-type": principal_type,
    "references": references,
    "task": task,
}
