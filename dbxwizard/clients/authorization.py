"""Azure's role-based access control: role definitions, role assignments, and what the caller may do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from azure.mgmt.authorization.v2022_04_01 import models
from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient

from dbxwizard.clients.client import Client
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.errors import translate, translated
from dbxwizard.clients.identity import SignedIn
from dbxwizard.clients.management import Json, as_body, sdk_options
from dbxwizard.clients.transport import CloudTransport
from dbxwizard.core.errors import Forbidden, NotFound, NotYet

_VERSION = "2022-04-01"


@dataclass(frozen=True, slots=True)
class Permission:
    """What a role gives; patterns with `*`."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def allows(self, action: str, *, data: bool = False) -> bool:
        given, taken = (self.data_actions, self.not_data_actions) if data else (self.actions, self.not_actions)
        return _matches(given, action) and not _matches(taken, action)


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """`name` is the role's GUID, `role_name` what people call it."""

    id: str
    name: str
    role_name: str
    description: str
    permissions: tuple[Permission, ...]
    assignable_scopes: tuple[str, ...]
    custom: bool


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """`role` is the GUID of the role definition; `changed` in epoch seconds, None where the service did not say."""

    id: str
    scope: str
    principal_id: str
    principal_type: str
    role: str
    condition: str = ""
    description: str = ""
    changed: float | None = None


class AuthorizationClient(Client):
    """An asynchronous context manager. Every method raises the core's errors."""

    def __init__(self, cloud: Cloud, signed_in: SignedIn, subscription_id: str) -> None:
        self.subscription_id = subscription_id
        self._transport = CloudTransport(cloud)
        self._client = AuthorizationManagementClient(
            subscription_id=subscription_id, **sdk_options(cloud, signed_in, self._transport)
        )

    async def close(self) -> None:
        await self._transport.close()

    # Roles.

    async def find_role(self, scope: str, role_name: str) -> RoleDefinition | None:
        """The role of that name that can be assigned at `scope`; None when there is none."""
        wanted = role_name.replace("'", "''")
        with translated(f"role {role_name}"):
            found = self._client.role_definitions.list(scope, filter=f"roleName eq '{wanted}'")
            return next((role for role in [_role(entry) async for entry in found]), None)

    async def role_names(self, scope: str) -> list[str]:
        """What all roles are called that can be given at `scope`."""
        with translated(f"roles at {scope}"):
            return [str(entry.role_name) async for entry in self._client.role_definitions.list(scope)]

    async def role_name(self, scope: str, guid: str) -> str:
        """What people call the role with this GUID; the GUID itself where it can't be read."""
        try:
            with translated(f"role {guid}"):
                return str((await self._client.role_definitions.get(scope, guid)).role_name)
        except NotFound:
            return guid

    async def find_custom_role(self, role_name: str) -> RoleDefinition | None:
        """The custom role of that name anywhere in the tenant, of those that the caller may read; who may not ask
        the tenant is answered for the subscription."""
        try:
            roles = await self._custom_roles("", role_name)
        except (Forbidden, NotYet):
            roles = await self._custom_roles(f"/subscriptions/{self.subscription_id}", role_name)
        return next((role for role in roles if role.role_name.lower() == role_name.lower()), None)

    async def _custom_roles(self, scope: str, role_name: str) -> list[RoleDefinition]:
        with translated(f"role {role_name}"):
            found = self._client.role_definitions.list(scope, filter="type eq 'CustomRole'")
            return [_role(entry) async for entry in found]

    async def put_role(
        self,
        scope: str,
        name: str,
        role_name: str,
        description: str,
        permissions: Sequence[Permission],
        assignable_scopes: Sequence[str],
    ) -> RoleDefinition:
        """Makes or replaces the custom role with the GUID `name`. Conflict: another role has that `role_name`."""
        body = {
            "properties": {
                "roleName": role_name,
                "description": description,
                "type": "CustomRole",
                "permissions": [_permission_body(permission) for permission in permissions],
                "assignableScopes": list(assignable_scopes),
            }
        }
        with translated(f"role {role_name}"):
            made = await self._client.role_definitions.create_or_update(scope, name, as_body(body))
        return _role(made)

    # Assignments.

    async def assignments(self, scope: str) -> list[RoleAssignment]:
        """Those made at `scope` itself; an empty list when there is no such scope."""
        try:
            with translated(f"role assignments at {scope}"):
                found = self._client.role_assignments.list_for_scope(scope, filter="atScope()")
                made = [_assignment(entry) async for entry in found]
        except NotFound as error:
            if error.code == "SubscriptionNotFound":
                raise
            return []
        return [entry for entry in made if entry.scope.lower().rstrip("/") == scope.lower().rstrip("/")]

    async def assignments_of(self, scope: str, principal_id: str) -> list[RoleAssignment]:
        """Those at `scope` and above it that the principal has, by its groups too."""
        with translated(f"role assignments at {scope}"):
            found = self._client.role_assignments.list_for_scope(
                scope, filter=f"atScope() and assignedTo('{principal_id}')"
            )
            return [_assignment(entry) async for entry in found]

    async def put_assignment(
        self,
        scope: str,
        name: str,
        principal_id: str,
        role: str,
        principal_type: str,
        *,
        condition: str = "",
        description: str = "",
    ) -> RoleAssignment:
        """Assigns the role with the GUID `role` under the GUID `name`. `principal_type` spares Azure the look into the
        directory, where a new principal is not yet. Conflict `RoleAssignmentExists`: it is there under another name."""
        properties = {
            "roleDefinitionId": f"/subscriptions/{self.subscription_id}"
            f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "principalId": principal_id,
            "principalType": principal_type,
            **({"condition": condition, "conditionVersion": "2.0"} if condition else {}),
            **({"description": description} if description else {}),
        }
        with translated(f"role assignment at {scope}"):
            try:
                made = await self._client.role_assignments.create(scope, name, as_body({"properties": properties}))
            except HttpResponseError as error:
                raise _not_yet(error, scope) or error from error
        return _assignment(made)

    async def delete_assignment(self, assignment_id: str) -> None:
        """Nothing happens when it is not there."""
        with translated(f"role assignment {assignment_id}"):
            await self._client.role_assignments.delete_by_id(assignment_id)

    # The caller.

    async def permissions(self, scope: str) -> tuple[Permission, ...]:
        """What the caller's roles give at `scope`, a subscription, a group or a resource."""
        path = f"{scope}/providers/Microsoft.Authorization/permissions"
        request = HttpRequest("GET", path, params={"api-version": _VERSION})
        with translated(f"permissions at {scope}"):
            # The SDK has the operation for groups and resources only; the service answers for every scope.
            response = await self._client._send_request(request)
            response.raise_for_status()
            found = response.json()["value"]
        return tuple(_permission(entry) for entry in found)


def allowed(permissions: Iterable[Permission], action: str, *, data: bool = False) -> bool:
    """Whether one of them has `action` and does not take it back. Conditions are not looked at."""
    return any(permission.allows(action, data=data) for permission in permissions)


def _not_yet(error: HttpResponseError, scope: str) -> NotYet | None:
    """A custom role that was made a moment ago is not known everywhere."""
    known = translate(error)
    if known is None or known.code != "RoleDefinitionDoesNotExist":
        return None
    return NotYet(known.code, known.message, resource=f"role assignment at {scope}", status=error.status_code or 0)


def _matches(patterns: Iterable[str], action: str) -> bool:
    regular = (".*".join(re.escape(part) for part in pattern.split("*")) for pattern in patterns)
    return any(re.fullmatch(pattern, action, re.IGNORECASE) for pattern in regular)


def _role(entry: Any) -> RoleDefinition:
    return RoleDefinition(
        id=str(entry.id),
        name=str(entry.name),
        role_name=str(entry.role_name),
        description=str(entry.description or ""),
        permissions=tuple(_permission(permission.as_dict()) for permission in entry.permissions or ()),
        assignable_scopes=tuple(entry.assignable_scopes or ()),
        custom=entry.role_type == "CustomRole",
    )


def _permission(entry: Mapping[str, Any]) -> Permission:
    """From the service's own form, or from that of the SDK."""

    def words(name: str, sdk_name: str) -> tuple[str, ...]:
        return tuple(entry.get(name) or entry.get(sdk_name) or ())

    return Permission(
        words("actions", "actions"),
        words("notActions", "not_actions"),
        words("dataActions", "data_actions"),
        words("notDataActions", "not_data_actions"),
    )


def _permission_body(permission: Permission) -> Json:
    return {
        "actions": list(permission.actions),
        "notActions": list(permission.not_actions),
        "dataActions": list(permission.data_actions),
        "notDataActions": list(permission.not_data_actions),
    }


def assignment_of(answer: Mapping[str, Any]) -> RoleAssignment:
    """From the service's own form."""
    return _assignment(models.RoleAssignment.deserialize(dict(answer)))


def _assignment(entry: Any) -> RoleAssignment:
    return RoleAssignment(
        id=str(entry.id),
        scope=str(entry.scope),
        principal_id=str(entry.principal_id),
        principal_type=str(entry.principal_type or ""),
        role=str(entry.role_definition_id).rsplit("/", 1)[-1].lower(),
        condition=str(entry.condition or ""),
        description=str(entry.description or ""),
        changed=entry.updated_on.timestamp() if entry.updated_on else None,
    )
