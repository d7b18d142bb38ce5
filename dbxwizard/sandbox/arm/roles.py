"""Role definitions: the built-in ones, and custom ones whose names are unique in the tenant."""

from __future__ import annotations

import json
import re
import uuid
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

from dbxwizard.sandbox import fields, rbac
from dbxwizard.sandbox.arm import access, errors
from dbxwizard.sandbox.arm.ids import ResourceId, within
from dbxwizard.sandbox.arm.model import Caller, Operation, ResourceType, Write
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.rbac import DEFINITIONS
from dbxwizard.sandbox.store import Document, Store

KIND = "arm.roleDefinition"
BUILT_IN, CUSTOM = "BuiltInRole", "CustomRole"
_PERMISSION = {
    "actions?": [str],
    "notActions?": [str],
    "dataActions?": [str],
    "notDataActions?": [str],
    "condition?": str,
    "conditionVersion?": str,
}


@cache
def built_in() -> tuple[Document, ...]:
    """Built-in roles as Azure documents them (learn.microsoft.com/azure/role-based-access-control/built-in-roles)."""
    text = files("dbxwizard.sandbox.arm").joinpath("built_in_roles.json").read_text("utf-8")
    entries: list[dict[str, Any]] = json.loads(text)
    return tuple({**entry, "roleType": BUILT_IN, "assignableScopes": ["/"]} for entry in entries)


class RoleDefinitionType(ResourceType):
    name = "Microsoft.Authorization/roleDefinitions"
    api_versions = ("2015-07-01", "2018-01-01-preview", "2022-04-01", "2022-05-01-preview")
    extension = True
    updated_status = 201
    body: ClassVar[Spec] = {
        "id?": str,
        "name?": str,
        "type?": str,
        "properties": {
            "roleName": str,
            "description?": str,
            "type?": frozenset({CUSTOM, BUILT_IN}),
            "permissions": [_PERMISSION],
            "assignableScopes": [str],
        },
    }

    def stored(self, store: Store, resource_id: ResourceId) -> Document | None:
        """By GUID at any scope that lies in one of its assignable scopes, or above one."""
        found = rbac.find_definition(store, resource_id.text)
        if found is None:
            return None
        below = any(within(scope.lower(), resource_id.scope.lower()) for scope in found["assignableScopes"])
        return found if below or is_visible(found, resource_id.scope) else None

    def render(self, context: Context, document: Document) -> Document:
        return rendered(document)

    def check(self, write: Write) -> None:
        check_form(self, write, "definition")
        there = rbac.find_definition(write.store, write.id.name)
        if there is not None and there["roleType"] == BUILT_IN:
            raise ApiError(403, "RoleDefinitionUpdateNotPermitted", "Built-in role definitions can't be changed.")
        _check_scopes(write)
        _check_name(write)
        _check_actions(write.body["properties"]["permissions"])

    def authorize(self, write: Write) -> None:
        """A custom role needs the right at each of its assignable scopes."""
        scopes = (write.body.get("properties") or {}).get("assignableScopes") or []
        for scope in [write.id.scope, *(scope for scope in scopes if isinstance(scope, str))]:
            access.require(write.context, write.caller, f"{self.name}/write", scope)

    def document(self, write: Write) -> Document:
        properties, old = write.body["properties"], rbac.find_definition(write.store, write.id.name)
        return {
            "id": DEFINITIONS + write.id.name.lower() if old is None else old["id"],
            "name": write.id.name.lower(),
            "roleName": properties["roleName"],
            "roleType": CUSTOM,
            "description": properties.get("description") or "",
            "permissions": [_full(permission) for permission in properties["permissions"]],
            "assignableScopes": properties["assignableScopes"],
            "createdAt": write.context.now if old is None else old["createdAt"],
            "changedAt": write.context.now,
            "createdBy": write.caller.object_id if old is None else old["createdBy"],
            "changedBy": write.caller.object_id,
        }

    def put(self, write: Write) -> Operation:
        key = DEFINITIONS + write.id.name.lower()
        created = write.store.get(KIND, key) is None
        write.store.put(KIND, key, self.document(write))
        return Operation(write.id.text, created=created, ready_at=write.context.now)

    def answer_to_delete(self, context: Context, resource_id: ResourceId) -> Document | None:
        found = self.stored(context.store, resource_id)
        return None if found is None else rendered(found)

    def authorize_delete(self, context: Context, resource_id: ResourceId, caller: Caller) -> None:
        access.require(context, caller, f"{self.name}/delete", resource_id.scope)

    def delete(self, context: Context, document: Document) -> Operation:
        if document["roleType"] == BUILT_IN:
            raise ApiError(403, "RoleDefinitionUpdateNotPermitted", "Built-in role definitions can't be deleted.")
        guid = document["name"]
        assignments = context.store.all("arm.roleAssignment")
        if any(assignment["roleDefinitionId"].lower().endswith(guid) for assignment in assignments):
            raise ApiError(
                400,
                "RoleDefinitionHasAssignments",
                "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).",
            )
        context.store.delete(KIND, DEFINITIONS + guid)
        return Operation(document["id"], created=False, ready_at=context.now)


def rendered(document: Document, scope: str = "") -> Document:
    """The definition as GET answers it; ids carry the subscription that they were asked for in."""
    at = "/".join(scope.split("/")[:3]) if scope.lower().startswith("/subscriptions/") else ""
    properties = {
        "roleName": document["roleName"],
        "type": document["roleType"],
        "description": document["description"],
        "assignableScopes": document["assignableScopes"],
        "permissions": document["permissions"],
        "createdOn": iso(document["createdAt"]),
        "updatedOn": iso(document.get("changedAt") or document["createdAt"]),
        "createdBy": document.get("createdBy"),
        "updatedBy": document.get("changedBy"),
    }
    return {
        "id": f"{at}/providers/Microsoft.Authorization/roleDefinitions/{document['name']}",
        "name": document["name"],
        "type": RoleDefinitionType.name,
        "properties": properties,
    }


def is_visible(document: Document, scope: str) -> bool:
    """Whether the role can be seen, and assigned, at `scope`; at the tenant every role can be seen."""
    above = rbac.scopes_above(scope)
    return len(above) == 1 or any(
        assignable.lower().rstrip("/") in above for assignable in document["assignableScopes"]
    )


def check_form(kind: ResourceType, write: Write, noun: str) -> None:
    """What is refused first of a role `noun` (definition, assignment): fields, and a name that is no GUID."""
    problem = fields.check(write.body, kind.body)
    if problem:
        raise errors.invalid_content(problem)
    if not is_guid(write.id.name):
        raise ApiError(
            400,
            f"InvalidRole{noun.capitalize()}Id",
            f"The role {noun} ID '{write.id.name}' is not valid. The role {noun} ID must be a GUID.",
        )


def is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _full(permission: Document) -> Document:
    names = ("actions", "notActions", "dataActions", "notDataActions")
    extra = {name: permission[name] for name in ("condition", "conditionVersion") if permission.get(name)}
    return {name: permission.get(name) or [] for name in names} | extra


def _check_scopes(write: Write) -> None:
    scopes = write.body["properties"]["assignableScopes"]
    if not scopes:
        raise ApiError(400, "MissingAssignableScopes", "A role definition needs at least one assignable scope.")
    for scope in scopes:
        parts = scope.strip("/").split("/")
        if parts[0].lower() not in ("subscriptions", "providers") or len(parts) < 2:
            raise ApiError(
                400,
                "InvalidAssignableScope",
                f"The assignable scope '{scope}' of a custom role has to be a management group, a subscription or a "
                "resource group.",
            )
        if parts[0].lower() == "subscriptions" and write.store.get("arm.subscription", parts[1].lower()) is None:
            raise errors.subscription_not_found(parts[1])


def _check_name(write: Write) -> None:
    name = write.body["properties"]["roleName"]
    for other in write.store.all(KIND):
        if other["roleName"].lower() == name.lower() and other["name"] != write.id.name.lower():
            raise ApiError(
                409,
                "RoleDefinitionWithSameNameExists",
                "A custom role with the same name already exists in this directory. Use a different name",
            )


def _check_actions(permissions: list[Document]) -> None:
    """An action has a provider's namespace, or is a wildcard. Operations are not known one by one."""
    for permission in permissions:
        for action in [*(permission.get("actions") or []), *(permission.get("dataActions") or [])]:
            namespace = action.split("/", 1)[0]
            if "*" not in namespace and namespace.lower() not in known_namespaces():
                raise ApiError(
                    400,
                    "InvalidActionOrNotAction",
                    f"'{action}' does not match any of the actions supported by the providers.",
                )
            if not re.fullmatch(r"\*|[\w.*]+(/[\w.*-]+)*", action):
                raise ApiError(400, "InvalidActionOrNotAction", f"'{action}' is not an action.")


@cache
def known_namespaces() -> frozenset[str]:
    """The namespaces that the built-in roles speak of, and those that the sandbox plays."""
    from dbxwizard.sandbox.arm.providers import NAMESPACES

    actions = (
        action
        for role in built_in()
        for permission in role["permissions"]
        for action in [*permission["actions"], *permission["notActions"], *permission["dataActions"]]
    )
    return frozenset(action.split("/", 1)[0].lower() for action in actions) | {name.lower() for name in NAMESPACES}
