"""What the steps of one environment share of its workspace: the client, and the lists that each of them reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import NotChecked
from dbxwizard.core.plan import Action, Change, Inputs, Reason, StateT, Step
from dbxwizard.steps.readings import Readings

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient

Json = dict[str, Any]
# Opens the client of a workspace, given its address and its resource id.
OpenWorkspace = Callable[[str, str], Awaitable["WorkspaceClient"]]
TAG = "dbxwizard"  # on clusters and jobs: "<environment>/<name>"
_MANAGE = "CAN_MANAGE"


class SharedWorkspace:
    """The workspace of one environment. Lists are read once for all steps and again after a change."""

    def __init__(self, environment: str, open_client: OpenWorkspace, *, only_reads: bool = False) -> None:
        """`only_reads`: the actor is none of its admins, and may not see who is in it."""
        self.environment = environment
        self.only_reads = only_reads
        self._open = open_client
        self._readings = Readings()

    @property
    def slug(self) -> str:
        """The first part of the ids of its steps."""
        return self.environment.lower()

    @property
    def infrastructure(self) -> str:
        return f"{self.slug}/infrastructure"

    @property
    def ready(self) -> str:
        """The step after which the workspace can be used."""
        return f"{self.slug}/workspace"

    def tag(self, name: str) -> str:
        return f"{self.environment}/{name}"

    async def client(self, inputs: Inputs) -> WorkspaceClient:
        """Raises KnownAfterApply while the workspace is still to be made."""
        url = str(inputs.get(self.infrastructure, "workspace_url"))
        resource_id = str(inputs.get(self.infrastructure, "workspace_id"))
        return await self._readings.once(f"client {url}", lambda: self._open(url, resource_id), lasting=True)

    async def me(self, inputs: Inputs) -> Json:
        """Who we are in the workspace, as SCIM has it."""
        client = await self.client(inputs)
        return await self._readings.once("principals me", client.me)

    async def principal(self, inputs: Inputs, kind: str, name: str) -> Json | None:
        """As WorkspaceClient.find_principal; who we are is known already. NotChecked for an actor that only reads."""
        await self.require_sight_of_members(inputs)
        me = await self.me(inputs)
        if kind != "Groups" and str(me.get("userName", "")).lower() == name.lower():
            return me
        client = await self.client(inputs)
        return await self._readings.once(f"principals {kind} {name}", lambda: client.find_principal(kind, name))

    async def require_sight_of_members(self, inputs: Inputs) -> None:
        """Raises NotChecked: others than admins see some of a workspace's members, or none, without being told."""
        client = await self.client(inputs)
        if self.only_reads:
            raise NotChecked(
                "who is in the workspace, and what they may do, is shown to its admins alone", resource=client.url
            )

    async def clusters(self, inputs: Inputs) -> list[Json]:
        client = await self.client(inputs)
        return await self._readings.once("clusters", client.clusters)

    async def libraries(self, inputs: Inputs) -> dict[str, list[Json]]:
        """For each cluster id the states of its libraries."""
        client = await self.client(inputs)
        return await self._readings.once("libraries", client.library_statuses)

    async def jobs(self, inputs: Inputs) -> list[Json]:
        client = await self.client(inputs)
        return await self._readings.once("jobs", client.jobs)

    async def scopes(self, inputs: Inputs) -> list[Json]:
        client = await self.client(inputs)
        return await self._readings.once("scopes", client.secret_scopes)

    async def repos(self, inputs: Inputs, folder: str) -> list[Json]:
        client = await self.client(inputs)
        return await self._readings.once(f"repos {folder}", lambda: client.repos(folder))

    async def repo_at(self, inputs: Inputs, path: str) -> Json | None:
        """The Git folder at /Repos/<somebody>/<path>; None for everything else."""
        parts = path.split("/", 3)
        if len(parts) < 4 or parts[1] != "Repos":
            return None
        return next((one for one in await self.repos(inputs, "/".join(parts[:3])) if one["path"] == path), None)

    async def permissions(self, inputs: Inputs, kind: str, object_id: object) -> list[Json]:
        client = await self.client(inputs)
        return await self._readings.once(f"permissions {kind} {object_id}", lambda: client.permissions(kind, object_id))

    async def is_managed(self, inputs: Inputs, kind: str, object_id: object, service_principal: str) -> bool:
        """Whether the service principal itself may manage the object; what admins may do is not looked at."""
        entries = await self.permissions(inputs, kind, object_id)
        return direct_level(entries, "service_principal_name", service_principal) == _MANAGE

    async def hand_over(self, inputs: Inputs, kind: str, object_id: object, service_principal: str) -> None:
        """Gives the object to the service principal, and takes what whoever made it got for that."""
        self.changed("permissions")
        if await self.is_managed(inputs, kind, object_id, service_principal):
            return
        actor = str(inputs.get(self.ready, "_actor"))
        kept = [one for one in map(_own_entry, await self.permissions(inputs, kind, object_id)) if one]
        others = [one for one in kept if service_principal not in one.values() and not _is_makers(one, actor)]
        entry = {"service_principal_name": service_principal, "permission_level": _MANAGE}
        await (await self.client(inputs)).set_permissions(kind, object_id, [*others, entry])
        self.changed("permissions")

    def changed(self, *names: str) -> None:
        """Forgets what was read, by the first word of its name."""
        self._readings.changed(*names)


class WorkspaceStep(Step[StateT]):
    """A step on something in the workspace; `path` is the rest of its id."""

    def __init__(
        self, workspace: SharedWorkspace, path: str, title: str, *, resource: str, needs: Sequence[str] = ()
    ) -> None:
        self.id = f"{workspace.slug}/{path}"
        self.title = title
        self.environment = workspace.environment
        self.needs = tuple(dict.fromkeys((workspace.infrastructure, workspace.ready, *needs)))
        self.resource = resource
        self.workspace = workspace


def creation(fields: Mapping[str, object], note: str = "") -> Change:
    """The creation of something with these fields."""
    return Change(Action.CREATE, tuple(Reason(name, None, value) for name, value in fields.items()), note)


def cluster_step(workspace: SharedWorkspace, name: str) -> str:
    return f"{workspace.slug}/clusters/{name}"


def job_step(workspace: SharedWorkspace, name: str) -> str:
    return f"{workspace.slug}/jobs/{name}"


def _is_makers(entry: Mapping[str, str], actor: str) -> bool:
    """Whether it is what whoever makes an object gets; a lesser right was given to them."""
    return actor in entry.values() and entry["permission_level"] == _MANAGE


def _own_entry(entry: Json) -> dict[str, str]:
    """An entry of the object itself as it is sent; {} for one that is inherited."""
    own = [one["permission_level"] for one in entry.get("all_permissions", []) if not one.get("inherited")]
    named = ("user_name", "group_name", "service_principal_name")
    who = {name: str(entry[name]) for name in named if entry.get(name)}
    return {**who, "permission_level": str(own[0])} if own else {}


def direct_level(entries: Sequence[Json], kind: str, name: str) -> str:
    """The level given to a principal on the object itself, "" when none; `kind`: user_name, group_name …"""
    for entry in entries:
        if str(entry.get(kind, "")).lower() == name.lower():
            own = [one["permission_level"] for one in entry.get("all_permissions", []) if not one.get("inherited")]
            return str(own[0]) if own else ""
    return ""
