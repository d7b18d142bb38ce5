"""A developer's Python projects on the cluster: built from the working tree, uploaded, installed, imported there.

A wheel's version carries its content's hash, so what the cluster has tells whether it is the present one. A cluster
holds one wheel of a distribution, and a running one lets go of a wheel only by a restart (docs.databricks.com/api/
azure/workspace/libraries/uninstall). So a push takes the place of what `deploy` installed, which `plan`
then shows and the next `deploy` puts back; content that `deploy` has uploaded is taken from there: nothing differs.

A wheel lies among the workspace's files: what a shared cluster installs is read as whoever installs it
(learn.microsoft.com/azure/databricks/compute/compatibility), so a home folder will do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import Forbidden, NotYet, OperationError, UsageError
from dbxwizard.dev.one_time_runs import run_once
from dbxwizard.dev.own_files import own_folder
from dbxwizard.dev.telling import Tell
from dbxwizard.steps.databricks.wheel_build import (
    build,
    content_hash,
    distribution_name,
    distribution_of,
    source_files,
    stored_length,
)
from dbxwizard.steps.databricks.wheels import (
    DEPLOYED,
    deployed_folder,
    folder_name,
    others_of,
    present_in,
    replaced_by,
    require_installed,
    status_of,
    wheels_in,
)
from dbxwizard.workspace_actions import change_cluster

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient
    from dbxwizard.dev.target import Target
    from dbxwizard.parameters.model import Environment, WheelFile

Json = dict[str, Any]
_STOPPED = ("TERMINATED", "TERMINATING", "ERROR", "UNKNOWN")
_PROBE = "probe.py"
# Runs on the cluster: imports what each distribution brings, and says which version that is.
_PROBE_CODE = b"""import importlib, importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    distribution = importlib.metadata.distribution(name)
    paths = [str(path) for path in distribution.files or () if str(path).endswith(".py")]
    modules = {path.split("/")[0] for path in paths if path.count("/") == 1 and path.endswith("/__init__.py")}
    for module in sorted(modules | {path[:-3] for path in paths if "/" not in path}):
        importlib.import_module(module)
    found[name] = distribution.version
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class ProjectPush:
    """`mark`: hash of the project's files. `path`: where its wheel lies, "" where it is to be uploaded into `folder`.
    `replaces`: libraries that go; `installed`: the cluster has this wheel, and no other of its distribution."""

    name: str
    project: Path
    mark: str
    folder: str
    path: str
    replaces: tuple[Json, ...] = ()
    installed: bool = False


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What a push would do. `state` of the cluster as Databricks says it."""

    cluster: str
    state: str
    projects: tuple[ProjectPush, ...]

    @property
    def starts(self) -> bool:
        return self.state in _STOPPED

    @property
    def unchanged(self) -> bool:
        return self.state == "RUNNING" and all(one.installed for one in self.projects)

    @property
    def restarts(self) -> bool:
        """Whoever works on the cluster loses what they have in memory."""
        return not self.starts and any(one.replaces for one in self.projects)

    def differs(self, path: str) -> bool:
        """Whether the wheel is another than what `deploy` installs."""
        return not path.startswith(f"/Workspace{DEPLOYED}/")


@dataclass(frozen=True, slots=True)
class PushedProject:
    name: str
    version: str
    path: str
    uploaded: bool


async def look(target: Target) -> PushPlan:
    """Compares the working tree with the cluster. Raises UsageError `no-wheels`, and the core's errors."""
    workspace, environment = target.workspace, target.environment
    name, wheels = _cluster_name(target), _wheels_of(target)
    if not wheels:
        raise UsageError(
            "no-wheels",
            f"no project of WheelFiles goes to cluster {name}",
            resource=environment.name,
            fix="Name the cluster in WheelFiles, or give another --cluster.",
        )
    own = await own_folder(workspace, "wheels")
    cluster, libraries = await asyncio.gather(
        workspace.cluster(target.cluster_id), workspace.cluster_libraries(target.cluster_id)
    )
    state = str(cluster["state"])
    running = state not in _STOPPED
    projects = [
        await _look_at(workspace, environment, wheel.project, own, libraries, running=running) for wheel in wheels
    ]
    return PushPlan(name, state, tuple(projects))


def sources(target: Target) -> Callable[[], Iterable[Path]]:
    """Gives the files that the wheels of this cluster are built from."""
    projects = [target.environment.root / wheel.project for wheel in _wheels_of(target)]
    return lambda: (path for project in projects if project.is_dir() for path in source_files(project))


def _cluster_name(target: Target) -> str:
    return str(target.cluster.get("cluster_name"))


def _wheels_of(target: Target) -> list[WheelFile]:
    """Those that are installed on the cluster."""
    return [one for one in target.environment.wheels if _cluster_name(target) in one.clusters and one.upload]


async def _look_at(
    workspace: WorkspaceClient,
    environment: Environment,
    name: str,
    own: str,
    libraries: Sequence[Json],
    *,
    running: bool,
) -> ProjectPush:
    project = environment.root / name
    mark = await asyncio.to_thread(content_hash, project)
    mine = f"{own}/{folder_name(name)}"
    files = {**await wheels_in(workspace, deployed_folder(environment.name, name)), **await wheels_in(workspace, mine)}
    whole = [path for path, size in files.items() if size is None or stored_length(path) in (None, size)]
    present = present_in(whole, mark)
    found = ProjectPush(name, project, mark, mine, f"/Workspace{present}" if present else "")
    if not present:
        return replace(found, replaces=_of_project(libraries, name, project))
    others = others_of(libraries, found.path, running=running)
    installed = status_of(libraries, found.path) == "INSTALLED" and not others
    return replace(found, replaces=tuple(replaced_by(libraries, found.path, running=running)), installed=installed)


def _of_project(libraries: Sequence[Json], name: str, project: Path) -> tuple[Json, ...]:
    """The wheels that one which is still to be built will replace: those of earlier deployments and pushes, and of the
    distribution that the project says it is."""
    place, distribution = f"/wheels/{folder_name(name)}/", distribution_name(project)
    return tuple(
        one["library"]
        for one in libraries
        if (path := str(one["library"].get("whl", "")))
        and ((place in path and "dbxwizard/" in path) or _distribution(path) == distribution)
    )


async def push(target: Target, plan: PushPlan, *, clock: Clock, tell: Tell) -> tuple[PushedProject, ...]:
    """Makes the cluster have what the plan says, and proves it by importing it there.

    Raises the core's errors: `wheel-build-failed`, `library-failed`, `cluster-not-running`, `wheel-not-current`.
    """
    workspace, cluster_id = target.workspace, target.cluster_id
    wheels = [await _uploaded(workspace, one, tell) for one in plan.projects]
    before = await _settled(target, tell)
    running = before["state"] == "RUNNING"
    libraries = await workspace.cluster_libraries(cluster_id)
    gone = [one for path in wheels for one in replaced_by(libraries, path, running=running)]
    missing = [path for path in wheels if status_of(libraries, path) != "INSTALLED"]
    try:
        if gone:
            await workspace.uninstall_libraries(cluster_id, gone)
        if missing:
            await workspace.install_libraries(cluster_id, [{"whl": path} for path in missing])
    except (NotYet, Forbidden) as error:
        raise _not_yours(error, plan.cluster) from error
    if not running or gone:
        await _change(target, "restart" if running else "start", clock, tell)
    tell("waiting for the installation")
    settled = await workspace.settled_libraries(cluster_id)
    for path in wheels:
        require_installed(settled, path, plan.cluster)
    versions = await _imported(target, wheels, clock, tell)
    await _tidy(workspace, plan, wheels)
    return tuple(
        PushedProject(one.name, versions[_distribution(path)], path, not one.path)
        for one, path in zip(plan.projects, wheels, strict=True)
    )


def _not_yours(error: NotYet | Forbidden, cluster: str) -> OperationError:
    if error.status != 403:
        return error
    fix = (
        "Libraries take Can Manage on the cluster: an admin gives it in Access of the environment's file. "
        "Or push to a cluster that you manage: name it in WheelFiles, and say --cluster."
    )
    return Forbidden(error.code, error.message, resource=f"cluster {cluster}", fix=fix, status=403)


async def _uploaded(workspace: WorkspaceClient, project: ProjectPush, tell: Tell) -> str:
    """Where the wheel of the project lies, as clusters name it."""
    if project.path:
        return project.path
    tell(f"building {project.name}")
    wheel = await build(project.project, project.mark)
    await workspace.make_folder(project.folder)
    await workspace.upload(f"{project.folder}/{wheel.stored_name}", wheel.content)
    tell(f"uploaded {wheel.stored_name}")
    return f"/Workspace{project.folder}/{wheel.stored_name}"


async def _settled(target: Target, tell: Tell) -> Json:
    found = await target.workspace.cluster(target.cluster_id)
    if found["state"] not in ("RUNNING", "TERMINATED"):
        tell(f"waiting for the cluster, which is {found['state']}")
        found = await target.workspace.settled_cluster(target.cluster_id)
    return found


async def _change(target: Target, action: str, clock: Clock, tell: Tell) -> None:
    name = target.environment.name
    ended = await change_cluster(
        target.workspace, name, target.cluster_id, action, clock=clock, tell=lambda one: tell(f"cluster {one.state}")
    )
    if ended.state != "RUNNING":
        raise OperationError(
            "cluster-not-running",
            f"it is {ended.state}" + (f": {ended.message}" if ended.message else ""),
            resource=f"cluster {_cluster_name(target)}",
            fix="See its event log in the workspace, then push again.",
        )


def _distribution(path: str) -> str:
    return distribution_of(path.rsplit("/", 1)[-1])


async def _imported(target: Target, wheels: Sequence[str], clock: Clock, tell: Tell) -> dict[str, str]:
    """Distribution → version that is imported on the cluster. Raises OperationError where it is not the wheel's."""
    folder = await own_folder(target.workspace, "runs")
    await target.workspace.make_folder(folder)
    await target.workspace.upload(f"{folder}/{_PROBE}", _PROBE_CODE)
    wanted = {_distribution(path): path.rsplit("/", 1)[-1].split("-")[1] for path in wheels}
    code = {"python_file": f"/Workspace{folder}/{_PROBE}", "parameters": sorted(wanted)}
    end = await run_once(target, "dbxwizard dev push", {"spark_python_task": code}, clock=clock, tell=tell)
    found = _versions(end.output)
    if end.state != "SUCCESS":
        raise OperationError("wheel-not-imported", end.error or f"the run is {end.state}", resource=end.url)
    for name, version in wanted.items():
        if found.get(name, "").replace("_", "-") != version.replace("_", "-"):
            raise OperationError(
                "wheel-not-current",
                f"the cluster imports {name} {found.get(name, 'nothing')}, not {version}",
                resource=f"cluster {_cluster_name(target)}",
                fix="Restart the cluster: something else installs it there too (an init script, a policy).",
            )
    return found


def _versions(output: str) -> dict[str, str]:
    """The last line that the probe printed."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return {str(name): str(version) for name, version in found.items()}


async def _tidy(workspace: WorkspaceClient, plan: PushPlan, wheels: Sequence[str]) -> None:
    """Deletes the wheels of earlier pushes that no cluster names any more."""
    named = {
        str(one["library"].get("whl", "")) for each in (await workspace.library_statuses()).values() for one in each
    }
    for project in plan.projects:
        for path in await wheels_in(workspace, project.folder):
            if f"/Workspace{path}" not in {*named, *wheels}:
                await workspace.delete_object(path)
