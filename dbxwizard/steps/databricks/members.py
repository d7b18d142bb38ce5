"""People and groups who have to be in the workspace before anything there can name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dbxwizard.core.plan import Change, Inputs, Progress
from dbxwizard.core.requests import Request
from dbxwizard.steps.databricks.access import NAME_FIELD, Principal
from dbxwizard.steps.databricks.requests import add_principal
from dbxwizard.steps.databricks.shared_workspace import Json, SharedWorkspace, WorkspaceStep


def member_step(workspace: SharedWorkspace, name: str) -> str:
    return f"{workspace.slug}/members/{name}"


class MemberStep(WorkspaceStep[Json]):
    """`principal` is in the workspace. Secret scopes and permissions refuse somebody whom it does not know.

    Who deploys in person is there from signing in; everybody else is added, with `entitlements` at once.
    """

    def __init__(self, workspace: SharedWorkspace, principal: Principal, entitlements: Sequence[str]) -> None:
        name = principal.name
        super().__init__(
            workspace, f"members/{name}", f"member {name}", resource=f"member {name} of {workspace.environment}"
        )
        self._principal, self._entitlements = principal, tuple(entitlements)

    async def read(self, inputs: Inputs) -> Json | None:
        return await self.workspace.principal(inputs, self._principal.kind, self._principal.name)

    def diff(self, state: Json | None, inputs: Inputs) -> Change:
        return Change.none() if state else Change.create(**self._attributes())

    def _attributes(self) -> dict[str, str]:
        """`externalId`: theirs in Entra, by which a group of the workspace follows that of the directory."""
        known = {NAME_FIELD[self._principal.kind]: self._principal.name}
        return known | ({"externalId": self._principal.object_id} if self._principal.object_id else {})

    async def apply(
        self, state: Json | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        client = await self.workspace.client(inputs)
        try:
            await client.add_principal(self._principal.kind, self._entitlements, **self._attributes())
        finally:
            self.workspace.changed("principals")
        return {}

    def writes(self, state: Json | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """Who deploys in person is in a new workspace from signing in."""
        unread = not change.reasons
        return (add_principal(self._principal.kind, self._principal.name, optional=unread),)
