"""What a person or a group may do in a workspace: entitlements, and rights on clusters, jobs and folders."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dbxwizard.core.errors import NotFound
from dbxwizard.core.plan import Action, Change, Inputs, Progress, Reason
from dbxwizard.core.requests import Request
from dbxwizard.parameters.model import Access, Permission
from dbxwizard.steps.databricks import requests
from dbxwizard.steps.databricks.shared_workspace import (
    Json,
    SharedWorkspace,
    WorkspaceStep,
    cluster_step,
    direct_level,
    job_step,
)

Kind = Literal["Users", "Groups", "ServicePrincipals"]
_ENTRY = {"Users": "user_name", "Groups": "group_name", "ServicePrincipals": "service_principal_name"}
NAME_FIELD = {"Users": "userName", "Groups": "displayName", "ServicePrincipals": "applicationId"}
_FOLDERS = {"DIRECTORY": "directories", "REPO": "repos", "NOTEBOOK": "notebooks", "FILE": "files"}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody as the workspace names them: sign-in name, group name or application id.

    `object_id`: theirs in Entra, by which a group of the workspace follows that of the directory."""

    kind: Kind
    name: str
    object_id: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """An object of the workspace: `field` is how changes name it; `object_id` None while it does not exist."""

    field: str
    kind: str
    object_id: str | None
    level: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class AccessState:
    principal: Json | None
    levels: Mapping[str, str]  # field of a target → the level given on it, "" for none
    targets: tuple[Target, ...]


class AccessStep(WorkspaceStep[AccessState]):
    """One entry of the file. `needs`: what else must be there first, such as Git folders that it gives rights on;
    `who`: how a person knows the principal, where its name is an id."""

    def __init__(
        self,
        workspace: SharedWorkspace,
        access: Access,
        principal: Principal,
        *,
        needs: Sequence[str] = (),
        who: str = "",
    ) -> None:
        clusters = [cluster_step(workspace, one.name) for one in access.clusters]
        jobs = [job_step(workspace, one.name) for one in access.jobs]
        super().__init__(
            workspace,
            f"access/{principal.name}",
            f"access of {who or principal.name}",
            resource=f"access of {who or principal.name} in {workspace.environment}",
            needs=(*clusters, *jobs, *needs),
        )
        self._access, self._principal = access, principal

    async def read(self, inputs: Inputs) -> AccessState:
        found = await self.workspace.principal(inputs, self._principal.kind, self._principal.name)
        folders = await asyncio.gather(*(self._folder(inputs, one) for one in self._access.folders))
        targets = [*self._made_here(inputs), *folders]
        levels = await asyncio.gather(*(self._level(inputs, one) for one in targets))
        given = {one.field: level for one, level in zip(targets, levels, strict=True)}
        return AccessState(found, given, tuple(targets))

    def _made_here(self, inputs: Inputs) -> Iterator[Target]:
        for one in self._access.clusters:
            cluster_id = inputs.get(cluster_step(self.workspace, one.name), "cluster_id")
            yield Target(f"clusters[{one.name}]", "clusters", str(cluster_id), one.level)
        for one in self._access.jobs:
            job_id = inputs.get(job_step(self.workspace, one.name), "job_id")
            yield Target(f"jobs[{one.name}]", "jobs", str(job_id), one.level)

    async def _folder(self, inputs: Inputs, wanted: Permission) -> Target:
        field = f"folders[{wanted.name}]"
        repo = await self.workspace.repo_at(inputs, wanted.name)
        if repo is not None:
            return Target(field, "repos", str(repo["id"]), wanted.level, wanted.name)
        found = await (await self.workspace.client(inputs)).object_at(wanted.name)
        if found is None:
            return Target(field, "directories", None, wanted.level, wanted.name)
        kind = _FOLDERS.get(found["object_type"], "directories")
        return Target(field, kind, str(found["object_id"]), wanted.level, wanted.name)

    async def _level(self, inputs: Inputs, target: Target) -> str:
        if target.object_id is None:
            return ""
        entries = await self.workspace.permissions(inputs, target.kind, target.object_id)
        return direct_level(entries, _ENTRY[self._principal.kind], self._principal.name)

    def diff(self, state: AccessState | None, inputs: Inputs) -> Change:
        assert state is not None  # noqa: S101  read gives one always
        reasons = [Reason(f"entitlements[{name}]", None, name) for name in self._missing(state.principal)]
        reasons += [
            Reason(target.field, state.levels[target.field] or None, target.level)
            for target in state.targets
            if state.levels[target.field] != target.level
        ]
        if state.principal is None:
            return Change(Action.CREATE, tuple(reasons))
        return Change.update(reasons)

    def _missing(self, principal: Json | None) -> list[str]:
        held = {value.get("value") for value in (principal or {}).get("entitlements", [])}
        return [name for name in self._access.entitlements if name not in held]

    async def apply(
        self, state: AccessState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        assert state is not None  # noqa: S101  read gives one always
        try:
            await self._enter(state.principal, inputs)
            differing = [one for one in state.targets if state.levels[one.field] != one.level]
            await asyncio.gather(*(self._grant(inputs, one) for one in differing))
        finally:
            self.workspace.changed("principals", "permissions")
        return {}

    async def _enter(self, principal: Json | None, inputs: Inputs) -> None:
        """The principal is in the workspace, with its entitlements."""
        client, who = await self.workspace.client(inputs), self._principal
        if principal is None:
            attributes = {NAME_FIELD[who.kind]: who.name}
            if who.object_id:
                attributes["externalId"] = who.object_id
            await client.add_principal(who.kind, self._access.entitlements, **attributes)
        elif missing := self._missing(principal):
            await client.add_entitlements(who.kind, principal["id"], missing)

    def writes(self, state: AccessState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """Who deploys in person is in a new workspace from signing in; everybody else is added."""
        kind, name, gives = self._principal.kind, self._principal.name, "gives it entitlements"
        if state is None:
            entitle = requests.change_principal(kind, "{principal_id}", gives, optional=True)
            return (requests.add_principal(kind, name, optional=True), entitle, *self._first_grants(inputs))
        given = [requests.add_principal(kind, name)]
        if state.principal:
            entitle = requests.change_principal(kind, str(state.principal["id"]), gives)
            given = [entitle] if self._missing(state.principal) else []
        changed = [one for one in state.targets if state.levels[one.field] != one.level]
        return (*given, *(request for target in changed for request in _granting(target)))

    def _first_grants(self, inputs: Inputs) -> Iterator[Request]:
        """What the workspace gives a service principal for making something may be enough."""
        enough = self._principal.kind == "ServicePrincipals"
        clusters = [(cluster_step(self.workspace, one.name), "cluster_id", one) for one in self._access.clusters]
        jobs = [(job_step(self.workspace, one.name), "job_id", one) for one in self._access.jobs]
        for step, output, one in (*clusters, *jobs):
            kind, object_id = output.replace("_id", "s"), inputs.shown(step, output)
            yield requests.grant(kind, object_id, f"gives {one.level} on {one.name}", optional=enough)
        for one in self._access.folders:
            yield requests.make_folder(one.name, optional=True)
            yield requests.grant("{folders}", "{object_id}", f"gives {one.level} on {one.name}", optional=enough)

    async def _grant(self, inputs: Inputs, target: Target) -> None:
        client, object_id = await self.workspace.client(inputs), target.object_id
        if object_id is None:
            await client.make_folder(target.path)
            made = await client.object_at(target.path)
            if made is None:
                raise NotFound("folder-missing", "it was made, but is not there", resource=target.path)
            object_id = str(made["object_id"])
        entry = {_ENTRY[self._principal.kind]: self._principal.name, "permission_level": target.level}
        await client.grant(target.kind, object_id, [entry])


def _granting(target: Target) -> Iterator[Request]:
    if target.object_id is None:
        yield requests.make_folder(target.path)
    yield requests.grant(target.kind, target.object_id or "{object_id}", f"gives {target.level} on {target.field}")
