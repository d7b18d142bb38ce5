"""A project's wheel: built, kept among the workspace's files, installed on clusters.

The content's hash and length are in the file's name, so what is there tells whether it is the present one and nothing
is built to compare; only bytes that were overwritten by as many others are not seen. A cluster restarts only when it
runs with another wheel of the same distribution.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dbxwizard.core.errors import OperationError
from dbxwizard.core.plan import Action, Change, Inputs, Progress, Reason
from dbxwizard.core.requests import Request
from dbxwizard.steps.databricks import requests
from dbxwizard.steps.databricks.shared_workspace import Json, SharedWorkspace, WorkspaceStep, cluster_step
from dbxwizard.steps.databricks.wheel_build import WheelBuilds, content_hash, distribution_of, stored_length

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient

DEPLOYED = "/Shared/dbxwizard"  # the folder for what `deploy` uploads
_INSTALLED = ("INSTALLED", "INSTALLING", "RESOLVING", "PENDING", "RESTORED")


@dataclass(frozen=True, slots=True)
class WheelState:
    """`mark` is the hash of the project now, `path` where its wheel lies ("" when it does not), `old` the wheels of
    earlier contents; `libraries`: cluster name → states of its libraries, `running`: names of clusters that run.
    `length`: of the wheel in bytes, where that is not what its name says."""

    mark: str
    path: str
    old: tuple[str, ...]
    libraries: Mapping[str, tuple[Json, ...]]
    running: frozenset[str]
    length: int | None = None

    @property
    def wanted(self) -> bool:
        """Whether it is to be uploaded."""
        return not self.path or self.length is not None


class WheelStep(WorkspaceStep[WheelState]):
    """`project` is the folder of the Python project, `name` what it is called in ids (its path in the file); `clusters`
    those that install it, none of them where it is only to be uploaded. `builds` may be shared by environments."""

    def __init__(
        self,
        workspace: SharedWorkspace,
        name: str,
        project: Path,
        clusters: Sequence[str],
        *,
        builds: WheelBuilds | None = None,
        needs: Sequence[str] = (),
    ) -> None:
        super().__init__(
            workspace,
            f"wheels/{name}",
            f"wheel {name}",
            resource=f"wheel {name} in {workspace.environment}",
            needs=(*(cluster_step(workspace, one) for one in clusters), *needs),
        )
        self._project, self._clusters, self._builds = project, tuple(clusters), builds or WheelBuilds()
        self._folder = deployed_folder(workspace.environment, name)

    async def read(self, inputs: Inputs) -> WheelState:
        mark = await asyncio.to_thread(content_hash, self._project)
        files, (libraries, states) = await asyncio.gather(self._files(inputs), self._on_clusters(inputs))
        present = present_in(files, mark)
        ids = {name: self._cluster_id(inputs, name) for name in self._clusters}
        return WheelState(
            mark=mark,
            path=f"/Workspace{present}" if present else "",
            old=tuple(sorted(set(files) - {present})),
            libraries={name: tuple(libraries.get(ids[name], ())) for name in self._clusters},
            running=frozenset(name for name in self._clusters if states.get(ids[name]) not in ("TERMINATED", None)),
            length=files.get(present) if stored_length(present) not in (None, files.get(present)) else None,
        )

    async def _files(self, inputs: Inputs) -> dict[str, int | None]:
        """The wheels with their lengths, None where the service does not say (docs.databricks.com/api/azure/workspace/
        workspace/list)."""
        return await wheels_in(await self.workspace.client(inputs), self._folder)

    async def _on_clusters(self, inputs: Inputs) -> tuple[Mapping[str, Sequence[Json]], Mapping[str, str]]:
        """By cluster id: its libraries, and its state. Nothing where it is only uploaded."""
        if not self._clusters:
            return {}, {}
        libraries, clusters = await asyncio.gather(self.workspace.libraries(inputs), self.workspace.clusters(inputs))
        return libraries, {one["cluster_id"]: one["state"] for one in clusters}

    def _cluster_id(self, inputs: Inputs, name: str) -> str:
        return str(inputs.get(cluster_step(self.workspace, name), "cluster_id"))

    def diff(self, state: WheelState | None, inputs: Inputs) -> Change:
        assert state is not None  # noqa: S101  read gives one always
        reasons = [] if state.path else [Reason("content", _mark_of(state.old[-1]) if state.old else None, state.mark)]
        if state.length is not None:
            reasons.append(Reason("content", f"{state.length} bytes", f"{stored_length(state.path)} bytes"))
        for name in self._clusters:
            status = status_of(state.libraries[name], state.path)
            if status not in _INSTALLED:
                reasons.append(Reason(f"clusters[{name}]", status or None, "INSTALLED"))
            elif stale := self._stale(state, name):
                reasons.append(Reason(f"clusters[{name}]", ", ".join(map(_path_of, stale)), state.path))
        if not state.path and not state.old:
            return Change(Action.CREATE, tuple(reasons))
        return Change.update(reasons)

    def _is_outdated(self, state: WheelState, name: str) -> bool:
        """Whether the cluster lacks the wheel, or has another of the same distribution too."""
        return status_of(state.libraries[name], state.path) not in _INSTALLED or bool(self._stale(state, name))

    def _stale(self, state: WheelState, name: str) -> list[Json]:
        return others_of(state.libraries[name], state.path, running=name in state.running)

    async def apply(
        self, state: WheelState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        assert state is not None  # noqa: S101  read gives one always
        if state.wanted:
            state = await self._upload(state, inputs, progress)
        try:
            for name in self._clusters:
                if self._is_outdated(state, name):
                    await self._install(state, name, inputs, progress)
        finally:
            self.workspace.changed("libraries", "clusters")
        return self.outputs(state, inputs)

    def writes(self, state: WheelState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        uploaded = [
            requests.make_folder(self._folder, optional=state is not None),
            requests.to_workspace("POST", "/api/2.0/workspace/import", f"uploads the {self.title}"),
        ]
        affected = [name for name in self._clusters if state is None or self._is_outdated(state, name)]
        return (
            *(uploaded if state is None or state.wanted else []),
            *(requests.install_libraries(name) for name in affected),
            *(one for name in affected if state for one in _replacing(state, name)),
        )

    async def _upload(self, state: WheelState, inputs: Inputs, progress: Progress) -> WheelState:
        progress.waiting(f"the build of {self._project.name}")
        wheel = await self._builds.wheel(self._project, state.mark)
        client = await self.workspace.client(inputs)
        await client.make_folder(self._folder)
        await client.upload(f"{self._folder}/{wheel.stored_name}", wheel.content)
        path = f"/Workspace{self._folder}/{wheel.stored_name}"
        if state.length is not None and state.running:
            progress.info(
                f"the wheel was overwritten: {', '.join(sorted(state.running))} may run with that until restarted"
            )
        return WheelState(state.mark, path, state.old, state.libraries, state.running)

    async def _install(self, state: WheelState, name: str, inputs: Inputs, progress: Progress) -> None:
        """On a running cluster until it is done; on any other it is installed when the cluster starts."""
        client, cluster_id = await self.workspace.client(inputs), self._cluster_id(inputs, name)
        gone = replaced_by(state.libraries[name], state.path, running=name in state.running)
        if gone:
            await client.uninstall_libraries(cluster_id, gone)
        await client.install_libraries(cluster_id, [{"whl": state.path}])
        if gone and name in state.running:
            progress.waiting(f"cluster {name}")
            if (await client.settled_cluster(cluster_id))["state"] == "RUNNING":
                progress.info(f"restarts cluster {name}: it runs with another wheel of {self._project.name}")
                await client.restart_cluster(cluster_id)
        elif (await client.cluster(cluster_id))["state"] == "RUNNING":
            progress.waiting(f"the installation on cluster {name}")
            require_installed(await client.settled_libraries(cluster_id), state.path, name)

    def outputs(self, state: WheelState, inputs: Inputs) -> Mapping[str, object]:
        file_name = state.path.rsplit("/", 1)[-1]
        return {"wheel_path": state.path, "version": file_name.split("-")[1]} if state.path else {}


def _replacing(state: WheelState, cluster: str) -> Iterator[Request]:
    """An older wheel goes first, and leaves a running cluster only when that restarts."""
    if not state.libraries[cluster]:
        return
    gone = f"removes the older wheel from cluster {cluster}"
    yield requests.to_workspace("POST", "/api/2.0/libraries/uninstall", gone, optional=True)
    if cluster in state.running:
        yield requests.to_workspace("POST", "/api/2.1/clusters/restart", f"restarts cluster {cluster}", optional=True)


def folder_name(project: str) -> str:
    """What the folder of a project's wheels is called; `project` as the file has it."""
    return project.strip("./").replace("/", "-")


def deployed_folder(environment: str, project: str) -> str:
    """Where the wheels of a project lie that `deploy` uploads."""
    return f"{DEPLOYED}/{environment.lower()}/wheels/{folder_name(project)}"


async def wheels_in(client: WorkspaceClient, folder: str) -> dict[str, int | None]:
    """The wheels of a folder with their lengths, None where the service does not say (docs.databricks.com/api/azure/
    workspace/workspace/list)."""
    found = await client.list_folder(folder)
    return {str(one["path"]): one.get("size") for one in found if one["path"].endswith(".whl")}


def present_in(files: Iterable[str], mark: str) -> str:
    """The wheel of this content (see content_hash) among paths; "" where there is none."""
    return next((path for path in files if f"+{mark}-" in path or f".{mark}-" in path), "")


def others_of(libraries: Sequence[Json], path: str, *, running: bool) -> list[Json]:
    """A cluster's other wheels of the distribution of `path`; one that goes with the next start of a stopped cluster is
    as good as gone."""
    others = [one for one in libraries if path and _path_of(one) != path and _same_distribution(one, path)]
    return [one for one in others if one["status"] != "UNINSTALL_ON_RESTART" or running]


def replaced_by(libraries: Sequence[Json], path: str, *, running: bool) -> list[Json]:
    """What has to be uninstalled before the wheel at `path` is installed: its others, and itself where it failed."""
    failed = [one for one in libraries if _path_of(one) == path and one["status"] == "FAILED"]
    return [one["library"] for one in (*others_of(libraries, path, running=running), *failed)]


def _path_of(library: Json) -> str:
    return str(library["library"].get("whl", ""))


def _mark_of(path: str) -> str:
    version = path.rsplit("/", 1)[-1].split("-")[1]
    return version.rsplit("+", 1)[-1].rsplit(".", 1)[-1]


def _same_distribution(library: Json, path: str) -> bool:
    names = [distribution_of(one.rsplit("/", 1)[-1]) for one in (_path_of(library), path)]
    return bool(_path_of(library)) and names[0] == names[1]


def status_of(libraries: Sequence[Json], path: str) -> str:
    """Of the wheel at `path`; "" where the cluster has not been told of it."""
    found = next((one for one in libraries if path and _path_of(one) == path), None)
    return str(found["status"]) if found else ""


def require_installed(libraries: Sequence[Json], path: str, cluster: str) -> None:
    """Raises OperationError `library-failed` with the cluster's words."""
    found = next((one for one in libraries if _path_of(one) == path), None)
    if found is not None and found["status"] == "FAILED":
        raise OperationError(
            "library-failed",
            "; ".join(found.get("messages", [])) or "the cluster says no more",
            resource=f"{path} on cluster {cluster}",
        )
