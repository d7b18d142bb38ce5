"""Role assignments: one for each principal, role and scope, with conditions."""

from __future__ import annotations

from typing import ClassVar

from dbxwizard.sandbox import rbac
from dbxwizard.sandbox.arm import access, errors
from dbxwizard.sandbox.arm.conditions import Attributes, ConditionError, parse
from dbxwizard.sandbox.arm.ids import ResourceId
from dbxwizard.sandbox.arm.model import Caller, Operation, ResourceType, Write
from dbxwizard.sandbox.arm.roles import CUSTOM, check_form, is_guid, is_visible
from dbxwizard.sandbox.arm.stored import is_there
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.rbac import ASSIGNMENTS
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.tokens import TENANT_ID

KIND = "arm.roleAssignment"
_DIRECTORY = {"User": "directory.user", "ServicePrincipal": "directory.servicePrincipal", "Group": "directory.group"}


class RoleAssignmentType(ResourceType):
    name = "Microsoft.Authorization/roleAssignments"
    api_versions = (
        "2015-07-01",
        "2017-10-01-preview",
        "2018-01-01-preview",
        "2018-09-01-preview",
        "2020-03-01-preview",
        "2020-04-01-preview",
        "2020-08-01-preview",
        "2020-10-01-preview",
        "2022-04-01",
    )
    extension = True
    body: ClassVar[Spec] = {
        "id?": str,
        "name?": str,
        "type?": str,
        "properties": {
            "roleDefinitionId": str,
            "principalId": str,
            "principalType?": frozenset({"User", "Group", "ServicePrincipal", "ForeignGroup", "Device"}),
            "description?": str,
            "condition?": str,
            "conditionVersion?": str,
            "delegatedManagedIdentityResourceId?": str,
            "scope?": str,
        },
    }

    def stored(self, store: Store, resource_id: ResourceId) -> Document | None:
        return store.get(KIND, resource_id.key)

    def render(self, context: Context, document: Document) -> Document:
        return rendered(document)

    def authorize(self, write: Write) -> None:
        properties = write.body.get("properties")
        request = _attributes(properties) if isinstance(properties, dict) else {}
        given = Attributes(request=request, resource=_attributes(write.existing or {}))
        access.require(write.context, write.caller, f"{self.name}/write", write.id.text, given)

    def answer_to_delete(self, context: Context, resource_id: ResourceId) -> Document | None:
        found = self.stored(context.store, resource_id)
        return None if found is None else rendered(found)

    def authorize_delete(self, context: Context, resource_id: ResourceId, caller: Caller) -> None:
        given = Attributes(resource=_attributes(self.stored(context.store, resource_id) or {}))
        access.require(context, caller, f"{self.name}/delete", resource_id.text, given)

    def check(self, write: Write) -> None:
        check_form(self, write, "assignment")
        if write.existing is None and not is_there(write, write.id.extends):
            raise errors.not_found(write.id.extends)
        properties = write.body["properties"]
        _check_role(write, properties["roleDefinitionId"])
        _check_condition(properties)
        _check_principal(write, properties)
        _check_unique(write, properties)

    def document(self, write: Write) -> Document:
        properties, old, now = write.body["properties"], write.existing, write.context.now
        principal = properties["principalId"].lower()
        made = {
            "id": f"{write.id.scope}/providers/{self.name}/{write.id.name}",
            "name": write.id.name,
            "principalId": principal,
            "principalType": _type_of(write.store, principal) or properties.get("principalType") or "Unknown",
            "roleDefinitionId": _role_id(write.id, properties["roleDefinitionId"]),
            "scope": write.id.scope or "/",
            "description": properties.get("description"),
            "condition": properties.get("condition"),
            "conditionVersion": properties.get("conditionVersion") or ("2.0" if properties.get("condition") else None),
            "createdBy": write.caller.object_id,
            "createdAt": now,
            "effectiveAt": now + write.context.seconds("role-assignment.replicate"),
        }
        if old is not None:
            made |= {name: old[name] for name in ("id", "name", "createdBy", "createdAt", "effectiveAt")}
        return made

    def put(self, write: Write) -> Operation:
        document = self.document(write)
        write.store.put(KIND, write.id.key, document)
        return Operation(document["id"], created=write.existing is None, ready_at=write.context.now)

    def delete(self, context: Context, document: Document) -> Operation:
        context.store.delete(KIND, document["id"].lower())
        return Operation(document["id"], created=False, ready_at=context.now)


def rendered(document: Document) -> Document:
    """The assignment as GET answers it."""
    names = (
        "roleDefinitionId",
        "principalId",
        "principalType",
        "scope",
        "description",
        "condition",
        "conditionVersion",
    )
    made = iso(document["createdAt"])
    return {
        "id": document["id"],
        "name": document["name"],
        "type": RoleAssignmentType.name,
        "properties": {name: document.get(name) for name in names}
        | {
            "createdOn": made,
            "updatedOn": made,
            "createdBy": document["createdBy"],
            "updatedBy": document["createdBy"],
        },
    }


def _attributes(source: Document) -> dict[str, str]:
    """What a condition sees of an assignment: the role's GUID, the principal and its type."""
    kind = RoleAssignmentType.name.lower()
    found = {
        "roledefinitionid": str(source.get("roleDefinitionId") or "").rsplit("/", 1)[-1],
        "principalid": str(source.get("principalId") or ""),
        "principaltype": str(source.get("principalType") or ""),
    }
    return {f"{kind}:{name}": value for name, value in found.items() if value}


def _role_id(assignment: ResourceId, role: str) -> str:
    at = f"/subscriptions/{assignment.subscription}" if assignment.subscription else ""
    return f"{at}/providers/Microsoft.Authorization/roleDefinitions/{role.rsplit('/', 1)[-1].lower()}"


def _check_role(write: Write, role: str) -> None:
    found = rbac.find_definition(write.store, role)
    # A new role is not everywhere at once (learn.microsoft.com/azure/role-based-access-control/troubleshooting).
    seconds = write.context.seconds("role-definition.replicate") if found and found["roleType"] == CUSTOM else 0.0
    if found is None or not is_visible(found, write.id.scope) or found["createdAt"] + seconds > write.context.now:
        raise ApiError(
            400,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{role.rsplit('/', 1)[-1]}' does not exist.",
        )


def _check_condition(properties: Document) -> None:
    condition, version = properties.get("condition"), properties.get("conditionVersion")
    invalid = ApiError(400, "InvalidRoleAssignmentCondition", "The given role assignment condition is invalid.")
    if not condition:
        return
    if version not in (None, "2.0"):
        raise invalid
    try:
        parse(condition)
    except ConditionError as error:
        raise invalid from error


def _type_of(store: Store, principal: str) -> str:
    return next((name for name, kind in _DIRECTORY.items() if store.get(kind, principal)), "")


def _check_principal(write: Write, properties: Document) -> None:
    """Without principalType the principal is looked up where it may not have arrived yet (platform facts, 12)."""
    principal, wanted = properties["principalId"].lower(), properties.get("principalType")
    if not is_guid(principal):
        raise ApiError(
            400, "InvalidPrincipalId", f"A valid principal ID must be provided for role assignment, not '{principal}'."
        )
    actual = _type_of(write.store, principal)
    if wanted:
        if actual and actual != wanted:
            raise ApiError(
                400,
                "UnmatchedPrincipalType",
                f"The PrincipalId '{principal.replace('-', '')}' has type '{actual}' , which is different from "
                f"specified PrinciaplType '{wanted}'.",
            )
        return
    record = write.store.get(_DIRECTORY[actual], principal) if actual else None
    seconds = write.context.seconds("principal.replicate")
    if record is None or float(record.get("createdAt", 0.0)) + seconds > write.context.now:
        raise ApiError(
            400,
            "PrincipalNotFound",
            f"Principal {principal.replace('-', '')} does not exist in the directory {TENANT_ID}. Check that you have "
            "the correct principal ID. If you are creating this principal and then immediately assigning a role, this "
            "error might be related to a replication delay. In this case, set the role assignment principalType "
            "property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
        )


def _check_unique(write: Write, properties: Document) -> None:
    wanted = (properties["principalId"].lower(), _role_id(write.id, properties["roleDefinitionId"]))
    if write.existing is not None and wanted != _pair(write.existing):
        raise ApiError(
            403,
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        )
    for key, other in write.store.find(KIND, write.id.scope.lower() + ASSIGNMENTS):
        if key != write.id.key and _pair(other) == wanted:
            raise ApiError(
                409,
                "RoleAssignmentExists",
                f"The role assignment already exists. The ID of the conflicting role assignment is "
                f"{other['name'].replace('-', '')}.",
            )


def _pair(document: Document) -> tuple[str, str]:
    return document["principalId"], document["roleDefinitionId"]
