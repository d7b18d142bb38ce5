"""The custom roles of the service principals, known by their names: role names are unique in a tenant."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import Conflict
from dbxwizard.core.plan import Change, Inputs, Progress, Reason, Scope, Step
from dbxwizard.core.requests import Host, Request
from dbxwizard.steps.rights import READ_ROLES, WRITE_ROLES, Rights

if TYPE_CHECKING:
    from dbxwizard.clients.authorization import AuthorizationClient, RoleDefinition

STEP_ID = "setup/custom-role"
DEPLOYER_STEP_ID = "setup/deployer-role"
PLAN_STEP_ID = "setup/plan-role"
DEFAULT_NAME = "DBX_Custom_Role"
DEPLOYER_NAME = "DBX_Deployer_Role"
PLAN_NAME = "DBX_Plan_Role"
# The names of a permission's lists in the JSON, and in clients.authorization.Permission.
_LISTS = {
    "actions": "actions",
    "notActions": "not_actions",
    "dataActions": "data_actions",
    "notDataActions": "not_data_actions",
}


@cache
def definition(file: str = "custom_role.json") -> dict[str, Any]:
    """A role as the package has it: roleName, description, actions, notActions, dataActions, notDataActions.

    `Microsoft.Databricks/workspaces/write` is what lets a service principal that the workspace does not know in as its
    admin (platform facts, 19); assignWorkspaceAdmin says the same of a person (learn.microsoft.com/azure/
    role-based-access-control/permissions/analytics).
    """
    text = files("dbxwizard.steps.azure").joinpath("data", file).read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def role_guid(role_name: str) -> str:
    """The id of a new role of that name: the same for two runs at once, so that they can't make two."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://github.com/dbxwizard/roles/{role_name.lower()}"))


class CustomRoleStep(Step["RoleDefinition"]):
    """The role exists with exactly these rights and can be assigned in the subscription; other scopes of it stay.

    Output: role_definition_id.
    """

    id = STEP_ID
    scope = Scope.SETUP
    file = "custom_role.json"

    def __init__(
        self, roles: AuthorizationClient, role_name: str = DEFAULT_NAME, *, rights: Rights | None = None
    ) -> None:
        """`rights`: of who acts, to be asked before a change."""
        self.title = f"custom role {role_name}"
        self._wanted = definition(self.file)
        self._roles, self._name, self._rights = roles, role_name, rights
        self._scope = f"/subscriptions/{roles.subscription_id}"

    async def read(self, inputs: Inputs) -> RoleDefinition | None:
        found = await self._roles.find_custom_role(self._name)
        if found is None and self._rights:
            await self._rights.require(READ_ROLES)  # without which a list of roles is empty
        return found

    def diff(self, state: RoleDefinition | None, inputs: Inputs) -> Change:
        if state is None:
            return Change.create(roleName=self._name, actions=self._wanted["actions"], assignableScopes=[self._scope])
        return Change.update(
            [
                *(reason for name in _LISTS if (reason := _list_reason(state, name, self._wanted[name]))),
                *self._other_reasons(state),
            ]
        )

    def _other_reasons(self, state: RoleDefinition) -> list[Reason]:
        reasons = []
        if state.description != self._wanted["description"]:
            reasons.append(Reason("description", state.description, self._wanted["description"]))
        if self._scope.lower() not in {scope.lower() for scope in state.assignable_scopes}:
            reasons.append(Reason("assignableScopes", list(state.assignable_scopes), self._scopes(state)))
        return reasons

    def _scopes(self, state: RoleDefinition | None) -> list[str]:
        others = state.assignable_scopes if state else ()
        return [*(scope for scope in others if scope.lower() != self._scope.lower()), self._scope]

    async def require_rights(self, state: RoleDefinition | None, change: Change, inputs: Inputs) -> None:
        if self._rights:
            await self._rights.require(WRITE_ROLES)

    async def apply(
        self, state: RoleDefinition | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        from dbxwizard.clients.authorization import Permission

        wanted = self._wanted
        permission = Permission(*(tuple(wanted[name]) for name in _LISTS))
        name = state.name if state else role_guid(self._name)
        try:
            made = await self._roles.put_role(
                self._scope, name, self._name, wanted["description"], [permission], self._scopes(state)
            )
        except Conflict as conflict:
            raise self._hidden(conflict) from conflict
        return self.outputs(made, inputs)

    def writes(self, state: RoleDefinition | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        name = state.name if state else role_guid(self._name)
        path = f"{self._scope}/providers/Microsoft.Authorization/roleDefinitions/{name}"
        return (Request("PUT", Host.ARM, path, f"{'changes' if state else 'makes'} the {self.title}"),)

    def _hidden(self, conflict: Conflict) -> Conflict:
        """The name belongs to a role that this person may not read, in another subscription of the tenant."""
        return Conflict(
            conflict.code,
            conflict.message,
            resource=self.title,
            status=conflict.status,
            fix=f"Ask the owner of the role {self._name} to add {self._scope} to its assignable scopes, or choose "
            "another name with --role-name.",
        )

    def outputs(self, state: RoleDefinition, inputs: Inputs) -> Mapping[str, object]:
        return {"role_definition_id": f"{self._scope}/providers/Microsoft.Authorization/roleDefinitions/{state.name}"}


class DeployerRoleStep(CustomRoleStep):
    """What a main service principal whose rights end at its resource group needs at the subscription all the same.

    A deployment of a subscription starts there (learn.microsoft.com/azure/azure-resource-manager/templates/
    deploy-to-subscription); what it makes is checked by the rights in the resource group.
    """

    id = DEPLOYER_STEP_ID
    file = "deployer_role.json"

    def __init__(
        self, roles: AuthorizationClient, role_name: str = DEPLOYER_NAME, *, rights: Rights | None = None
    ) -> None:
        super().__init__(roles, role_name, rights=rights)


class PlanRoleStep(CustomRoleStep):
    """What the service principal that only looks needs at the subscription, beside Reader.

    Its what-if leaves out whether the caller may write (`validationLevel` ProviderNoRbac: learn.microsoft.com/azure/
    azure-resource-manager/templates/deploy-what-if).
    """

    id = PLAN_STEP_ID
    file = "plan_role.json"

    def __init__(self, roles: AuthorizationClient, role_name: str = PLAN_NAME, *, rights: Rights | None = None) -> None:
        super().__init__(roles, role_name, rights=rights)


def _list_reason(state: RoleDefinition, name: str, wanted: list[str]) -> Reason | None:
    """How one of the lists differs; their order says nothing, nor does the case of an action."""
    found = [action for permission in state.permissions for action in getattr(permission, _LISTS[name])]
    same = sorted(action.lower() for action in found) == sorted(action.lower() for action in wanted)
    return None if same else Reason(name, found, wanted)
