"""All-purpose clusters, known by our tag. One is created or edited only where it differs, and never started for it.

The service starts a cluster that it creates, and restarts a running one that is edited (docs.databricks.com/api/azure/
workspace/clusters).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dbxwizard.core.errors import OperationError
from dbxwizard.core.plan import Change, Inputs, Progress, Reason, compare
from dbxwizard.core.requests import Request
from dbxwizard.parameters.model import Cluster
from dbxwizard.steps.databricks import requests
from dbxwizard.steps.databricks.shared_workspace import (
    TAG,
    Json,
    SharedWorkspace,
    WorkspaceStep,
    cluster_step,
    creation,
)

DATABRICKS_SPN = "databricks-spn"
# The modes of today and the names by which the service may answer.
_SAME_MODE = {"DATA_SECURITY_MODE_DEDICATED": "SINGLE_USER", "DATA_SECURITY_MODE_STANDARD": "USER_ISOLATION"}
# Compared as whole values: a key that the file no longer has must go. Other objects hold more than we set.
_WHOLE = ("spark_conf", "spark_env_vars")
# Only said when a cluster is made; no answer holds them.
_WRITE_ONLY = ("apply_policy_default_values", "clone_from")
_STABLE = ("RUNNING", "TERMINATED")
# Of the whole values above: what the service adds to a cluster that says is_single_node, and once added to any
# (github.com/databricks/terraform-provider-databricks issue 4360, pull request 334).
_OF_SINGLE_NODE = ("spark.databricks.cluster.profile", "spark.master")
_OF_ANY = ("spark.databricks.delta.preview.enabled",)


@dataclass(frozen=True, slots=True)
class ClusterState:
    """`twins`: ids of more clusters with our tag; `adopted`: found by its name alone."""

    cluster: Json | None
    twins: tuple[str, ...] = ()
    adopted: bool = False
    libraries: tuple[Json, ...] = ()
    managed: bool = True  # by the service principal


class ClusterStep(WorkspaceStep[ClusterState]):
    """`service_principal`: the application id that manages the cluster, and that a cluster for one user belongs to
    unless the file names another."""

    def __init__(
        self, workspace: SharedWorkspace, cluster: Cluster, service_principal: str, *, needs: Sequence[str] = ()
    ) -> None:
        super().__init__(
            workspace,
            f"clusters/{cluster.name}",
            f"cluster {cluster.name}",
            resource=f"cluster {cluster.name} in {workspace.environment}",
            needs=needs,
        )
        self.id = cluster_step(workspace, cluster.name)
        self._cluster, self._tag = cluster, workspace.tag(cluster.name)
        self._service_principal = service_principal
        self._settings = _desired(cluster, self._tag, service_principal)

    async def read(self, inputs: Inputs) -> ClusterState | None:
        listed = await self.workspace.clusters(inputs)
        ours = sorted((one for one in listed if _tag_of(one) == self._tag), key=_id)
        named = [one for one in listed if one.get("cluster_name") == self._cluster.name and not _tag_of(one)]
        if not ours and len(named) > 1:
            raise OperationError(
                "cluster-ambiguous",
                f"{len(named)} clusters have this name and none has our tag: {', '.join(sorted(map(_id, named)))}",
                resource=self.resource,
                fix=f"Delete all but one, or give the right one the custom tag {TAG}={self._tag}.",
            )
        found = ours or named
        if not found:
            return None
        libraries = await self.workspace.libraries(inputs) if self._cluster.libraries else {}
        held = tuple(libraries.get(_id(found[0]), ()))
        managed = await self.workspace.is_managed(inputs, "clusters", _id(found[0]), self._service_principal)
        return ClusterState(found[0], tuple(map(_id, ours[1:])), adopted=not ours, libraries=held, managed=managed)

    def diff(self, state: ClusterState | None, inputs: Inputs) -> Change:
        if state is None or state.cluster is None:
            return creation(self._settings)
        reasons = [*self._differences(state.cluster), *self._library_reasons(state)]
        reasons += [Reason("duplicate", twin, None) for twin in state.twins]
        if not state.managed:
            reasons.append(Reason("manager", None, self._service_principal))
        note = f"adopts the cluster {_id(state.cluster)}, known by its name alone" if state.adopted else ""
        return Change.update(reasons, note)

    def _differences(self, cluster: Json) -> Iterator[Reason]:
        desired, actual = dict(self._settings), dict(cluster)
        for settings in (desired, actual):
            settings["data_security_mode"] = _mode(settings)
        if desired["data_security_mode"] == "DATA_SECURITY_MODE_AUTO":
            del desired["data_security_mode"]  # the service chooses, and answers what it chose
        for name in _WHOLE:
            wanted = desired.pop(name, {})
            found = _without_added(actual.get(name) or {}, wanted, self._settings)
            if wanted != found:
                yield Reason(name, found, wanted)
        if "autoscale" in desired:
            desired.pop("num_workers", None)
        elif actual.get("autoscale"):
            yield Reason("autoscale", actual["autoscale"], None)
        yield from compare(desired, actual, ignore=_WRITE_ONLY)

    def _library_reasons(self, state: ClusterState) -> list[Reason]:
        held = {_key(one["library"]): one["status"] for one in state.libraries}
        return [
            Reason(f"libraries[{_key(library)}]", held.get(_key(library)), "INSTALLED")
            for library in self._missing_libraries(state)
        ]

    def _missing_libraries(self, state: ClusterState) -> list[Mapping[str, object]]:
        """Those that are not there, that failed, or that go with the next restart."""
        fine = {
            _key(one["library"]) for one in state.libraries if one["status"] not in ("FAILED", "UNINSTALL_ON_RESTART")
        }
        return [library for library in self._cluster.libraries if _key(library) not in fine]

    async def apply(
        self, state: ClusterState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        try:
            if state is None or state.cluster is None:
                cluster_id = await self._create(inputs)
                state = ClusterState(None, managed=False)
            else:
                cluster_id = _id(state.cluster)
                await self._mend(state, state.cluster, inputs, progress)
            if not state.managed:
                await self.workspace.hand_over(inputs, "clusters", cluster_id, self._service_principal)
            client = await self.workspace.client(inputs)
            if missing := self._missing_libraries(state):
                await client.install_libraries(cluster_id, missing)
        finally:
            self.workspace.changed("clusters", "libraries")
        return {"cluster_id": cluster_id}

    def writes(self, state: ClusterState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """A new one belongs to the service principal already where that makes it."""
        install = [requests.install_libraries(self._cluster.name)]
        if state is None or state.cluster is None:
            made = requests.to_workspace("POST", "/api/2.1/clusters/create", f"makes and starts the {self.title}")
            handed = requests.hand_over("clusters", "{cluster_id}", optional=True)
            return (made, handed, *(install if self._cluster.libraries else []))
        edit = requests.to_workspace("POST", "/api/2.1/clusters/edit", f"changes the {self.title}")
        return (
            *requests.delete_clusters(state.twins),
            *([edit] if any(self._differences(state.cluster)) else []),
            *([] if state.managed else [requests.hand_over("clusters", _id(state.cluster))]),
            *(install if self._missing_libraries(state) else []),
        )

    async def _create(self, inputs: Inputs) -> str:
        """Names of clusters are not unique: when another run has made the same meanwhile, the first one stays."""
        client = await self.workspace.client(inputs)
        made = await client.create_cluster(self._settings)
        self.workspace.changed("clusters")
        ours = sorted(_id(one) for one in await self.workspace.clusters(inputs) if _tag_of(one) == self._tag)
        if ours and ours[0] != made:
            await client.delete_cluster(made)
            return ours[0]
        return made

    async def _mend(self, state: ClusterState, cluster: Json, inputs: Inputs, progress: Progress) -> None:
        client = await self.workspace.client(inputs)
        for twin in state.twins:
            await client.delete_cluster(twin)
        if any(self._differences(cluster)):
            if cluster["state"] not in _STABLE:
                progress.waiting(f"{self.title}, which is {cluster['state'].lower()}")
                await client.settled_cluster(_id(cluster))
            await client.edit_cluster(_id(cluster), self._settings)

    def outputs(self, state: ClusterState, inputs: Inputs) -> Mapping[str, object]:
        return {"cluster_id": _id(state.cluster)} if state.cluster else {}


def _desired(cluster: Cluster, tag: str, service_principal: str) -> dict[str, object]:
    settings = {key: value for key, value in cluster.settings.items() if key != "libraries"}
    if _mode(settings) == "SINGLE_USER" and settings.get("single_user_name", "") in ("", DATABRICKS_SPN):
        settings["single_user_name"] = service_principal
    tags = settings.get("custom_tags") or {}
    return {**settings, "cluster_name": cluster.name, "custom_tags": {**tags, TAG: tag}}


def _without_added(found: Mapping[str, object], wanted: object, settings: Mapping[str, object]) -> dict[str, object]:
    """What is set, without what nobody asked the service for."""
    added = {*_OF_ANY, *(_OF_SINGLE_NODE if settings.get("is_single_node") else ())}
    kept = added & set(wanted) if isinstance(wanted, Mapping) else set()
    return {key: value for key, value in found.items() if key not in added - kept}


def _mode(settings: Mapping[str, object]) -> str:
    mode = str(settings.get("data_security_mode", ""))
    return _SAME_MODE.get(mode, mode)


def _id(cluster: Json) -> str:
    return str(cluster["cluster_id"])


def _tag_of(cluster: Json) -> str:
    return str((cluster.get("custom_tags") or {}).get(TAG, ""))


def _key(library: Mapping[str, object]) -> str:
    """A library in a word: `pypi pandas==2.2`, `whl /Workspace/…`."""
    kind, value = next(iter(library.items()))
    named = value if isinstance(value, str) else next(iter(value.values())) if isinstance(value, Mapping) else value
    return f"{kind} {named}"
