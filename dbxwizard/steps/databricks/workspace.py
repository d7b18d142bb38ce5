"""Signing in to a workspace, and the Databricks service principal in it: an admin, with entitlements of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dbxwizard.core.errors import Forbidden
from dbxwizard.core.plan import Change, Inputs, Progress, Reason, Step
from dbxwizard.core.requests import Request
from dbxwizard.steps.databricks import requests
from dbxwizard.steps.databricks.shared_workspace import Json, SharedWorkspace

ENTITLEMENTS = ("allow-cluster-create", "databricks-sql-access", "workspace-access")


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """`me` and `principal` as SCIM has them; `principal` is the service principal, None when it is not there."""

    me: Json
    principal: Json | None


class Workspace(Step[WorkspaceState]):
    """`service_principal`: the application id of the Databricks service principal.

    `needs`: the role assignments without which the actor could not enter."""

    def __init__(
        self, workspace: SharedWorkspace, service_principal: str, display_name: str, *, needs: Sequence[str] = ()
    ) -> None:
        self.id = workspace.ready
        self.title = "Databricks workspace"
        self.environment = workspace.environment
        self.needs = (workspace.infrastructure, *needs)
        self.resource = f"service principal {display_name} in the workspace of {workspace.environment}"
        self._workspace = workspace
        self._service_principal, self._display_name = service_principal, display_name

    async def read(self, inputs: Inputs) -> WorkspaceState:
        await self._workspace.require_sight_of_members(inputs)
        client, me = await self._workspace.client(inputs), await self._workspace.me(inputs)
        if not _is_admin(me):
            raise Forbidden(
                "not-workspace-admin",
                f"{me.get('userName')} is in the workspace, but is none of its admins",
                resource=client.url,
                fix="Ask an admin of the workspace to add you to its group admins.",
                status=403,
            )
        return WorkspaceState(me, await self._workspace.principal(inputs, "ServicePrincipals", self._service_principal))

    def diff(self, state: WorkspaceState | None, inputs: Inputs) -> Change:
        principal = state.principal if state else None
        if principal is None:
            return Change.create(groups=["admins"], entitlements=list(ENTITLEMENTS))
        reasons = [Reason(f"entitlements[{name}]", None, name) for name in _missing(principal)]
        if not _is_admin(principal):
            reasons.insert(0, Reason("groups[admins]", None, "admins"))
        return Change.update(reasons)

    async def apply(
        self, state: WorkspaceState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        assert state is not None  # noqa: S101  read gives one always
        try:
            principal = await self._mended(state, inputs)
        finally:
            self._workspace.changed("principals")
        return self.outputs(WorkspaceState(state.me, principal), inputs)

    async def _mended(self, state: WorkspaceState, inputs: Inputs) -> Json:
        client, principal = await self._workspace.client(inputs), state.principal
        if principal is None:
            principal = await client.add_principal(
                "ServicePrincipals",
                ENTITLEMENTS,
                applicationId=self._service_principal,
                displayName=self._display_name,
            )
        elif missing := _missing(principal):
            await client.add_entitlements("ServicePrincipals", principal["id"], missing)
        if not _is_admin(principal):
            admins = next(group["value"] for group in state.me["groups"] if group["display"] == "admins")
            await client.add_member(admins, principal["id"])
        return principal

    def writes(self, state: WorkspaceState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """Whether the actor of a new workspace is the service principal itself shows when it is entered."""
        kind, principal, unknown = "ServicePrincipals", state.principal if state else None, state is None
        its_id = str(principal["id"]) if principal else "{service_principal_id}"
        add = requests.add_principal(kind, self._display_name or self._service_principal, optional=unknown)
        entitle = requests.change_principal(kind, its_id, "gives it entitlements", optional=unknown)
        admit = requests.change_principal("Groups", "{admins}", "makes it an admin", optional=unknown)
        if unknown:
            return requests.enter(), add, entitle, admit
        given = [add] if principal is None else [entitle] if _missing(principal) else []
        return (*given, *([] if principal and _is_admin(principal) else [admit]))

    def outputs(self, state: WorkspaceState, inputs: Inputs) -> Mapping[str, object]:
        """`_service_principal_id` is its SCIM id; `_acts_as_service_principal`: the actor is the service principal."""
        principal = state.principal or {}
        return {
            "ready": True,
            "service_principal_name": self._service_principal,
            "_actor": state.me.get("userName", ""),
            "_service_principal_id": principal.get("id", ""),
            "_acts_as_service_principal": state.me.get("userName") == self._service_principal,
            "_deployer_is_admin": True,
        }


def _is_admin(principal: Json) -> bool:
    return any(group.get("display") == "admins" for group in principal.get("groups", []))


def _missing(principal: Json) -> list[str]:
    held = {value.get("value") for value in principal.get("entitlements", [])}
    return [name for name in ENTITLEMENTS if name not in held]
