"""Role assignments: known by principal, role and scope, whatever their id (platform facts, 13)."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from dbxwizard.core.errors import NotFound, UsageError
from dbxwizard.core.plan import Action, Change, Inputs, KnownAfterApply, Progress, Reason, Step
from dbxwizard.core.plan import Scope as PlanScope
from dbxwizard.core.requests import Host, Request
from dbxwizard.steps.azure.resource_reader import ResourceReader
from dbxwizard.steps.readings import Readings
from dbxwizard.steps.rights import ASSIGN_ROLES, SEE_ASSIGNMENTS, Rights

if TYPE_CHECKING:
    from dbxwizard.clients.authorization import AuthorizationClient, RoleAssignment

# Built-in roles have the same GUID in every tenant and cloud (learn.microsoft.com/azure/role-based-access-control/
# built-in-roles): these need no look-up.
BUILT_IN_ROLES = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
    "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Key Vault Reader": "21090545-7ca7-4776-b22c-e363652d74d2",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Monitoring Contributor": "749f88d5-cbae-40b8-bcfc-e573ddc772fa",
    "Monitoring Reader": "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
    "Log Analytics Contributor": "92aaf0da-9dab-42b6-94a3-d43ce8d16293",
    "Log Analytics Reader": "73c42c96-874c-492b-b04d-ab87d138a893",
}
_NAMES = {name.lower(): guid for name, guid in BUILT_IN_ROLES.items()}
_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"

Source = str | Callable[[Inputs], str]


def deployer_condition(role_ids: Iterable[str]) -> str:
    """A condition under which a Role Based Access Control Administrator gives and takes these roles only.

    `role_ids`: GUIDs of role definitions. In the form that Azure's own template has (learn.microsoft.com/azure/
    role-based-access-control/delegate-role-assignments-examples): without the second half anything could be taken away.
    """
    roles = ", ".join(sorted({role.lower() for role in role_ids}))

    def half(action: str, source: str) -> str:
        compared = f"@{source}[{_ASSIGNMENT}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{roles}}}"
        return f"((!(ActionMatches{{'{_ASSIGNMENT}/{action}'}})) OR ({compared}))"

    return f"{half('write', 'Request')} AND {half('delete', 'Resource')}"


@dataclass(frozen=True, slots=True)
class Listing:
    """The assignments made at one scope, and which reading of it this was."""

    number: int
    entries: tuple[RoleAssignment, ...]


@dataclass(slots=True)
class AssignmentReader:
    """Reads each scope once, for all steps that look there at about the same time; and names of roles once.

    `resources`: has one list of role assignments for what the template and the files want, which tells a first look;
    what is looked at again is asked for alone. `rights`: of who acts, asked beforehand where they are at hand."""

    roles: AuthorizationClient
    resources: ResourceReader | None = None
    rights: Rights | None = None
    _listings: dict[str, Listing] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _readings: Readings = field(default_factory=Readings)

    async def at(self, scope: str, after: int = 0) -> Listing:
        """The newest listing of `scope`; asks anew when that is not newer than number `after`."""
        key = scope.lower()
        if self.rights:
            await self.rights.require(SEE_ASSIGNMENTS)
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._listings.get(key)
            if known is None:
                known = self._listings[key] = Listing(1, await self._first(scope))
            if known.number <= after:
                known = self._listings[key] = Listing(known.number + 1, tuple(await self.roles.assignments(scope)))
            return known

    async def _first(self, scope: str) -> tuple[RoleAssignment, ...]:
        from dbxwizard.clients.authorization import assignment_of

        listed = await self.resources.assignments_at(scope) if self.resources else None
        return tuple(await self.roles.assignments(scope) if listed is None else map(assignment_of, listed))

    async def role_guid(self, role: str) -> str:
        """The GUID of a role that is given by name, by GUID or by id. NotFound: the subscription has no such role."""
        last = role.rsplit("/", 1)[-1].lower()
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", last):
            return last
        if known := _NAMES.get(role.lower()):
            return known
        return await self._readings.once(f"role {role.lower()}", lambda: self._role_guid(role), lasting=True)

    async def _role_guid(self, role: str) -> str:
        found = await self.roles.find_role(f"/subscriptions/{self.roles.subscription_id}", role)
        if found is None:
            raise NotFound(
                "role-not-found",
                f"there is no role named {role} in subscription {self.roles.subscription_id}",
                resource=f"role {role}",
                fix="Check the name; `az role definition list` shows what there is.",
            )
        return found.name.lower()


@dataclass(frozen=True, slots=True)
class AssignmentState:
    """`existing` is None while nobody made the assignment; the others are what is wanted, resolved."""

    scope: str
    principal_id: str
    role: str
    existing: RoleAssignment | None

    @property
    def name(self) -> str:
        """The GUID of the assignment: the one that it has, or a new one, the same for two runs at once."""
        if self.existing is not None:
            return self.existing.id.rsplit("/", 1)[-1]
        return assignment_name(self.scope, self.principal_id, self.role)


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who has which role where. Texts, or functions of the inputs where another step makes them.

    `principal` is an object id, `principal_type` User, Group or ServicePrincipal, `role` a name, a GUID or an id.
    """

    principal: Source
    principal_type: str
    role: Source
    scope: Source
    condition: Source = ""
    description: str = ""


class Limits(Protocol):
    """As steps.azure.deployer_limits has them."""

    async def forbids(self, role: str, scope: str) -> bool: ...


class RoleAssignmentStep(Step[AssignmentState]):
    """The assignment is there, with its condition. Output: role_assignment_id."""

    def __init__(
        self,
        reader: AssignmentReader,
        *,
        step_id: str,
        title: str,
        wanted: Assignment,
        environment: str = "",
        plan_scope: PlanScope = PlanScope.DEPLOY,
        needs: tuple[str, ...] = (),
        limits: Limits | None = None,
    ) -> None:
        """`limits`: what the actor may give, where that is known to be limited."""
        self.id, self.title, self.environment = step_id, title, environment
        self._limits = limits
        self.scope, self.needs = plan_scope, needs
        self._reader, self._wanted = reader, wanted
        self._seen = 0  # the newest listing that this step has looked at

    async def read(self, inputs: Inputs) -> AssignmentState:
        wanted = self._wanted
        scope, principal = _resolved(wanted.scope, inputs), _resolved(wanted.principal, inputs).lower()
        role = await self._reader.role_guid(_resolved(wanted.role, inputs))
        listing = await self._reader.at(scope, self._seen)
        self._seen = listing.number
        existing = next(
            (one for one in listing.entries if (one.principal_id.lower(), one.role) == (principal, role)), None
        )
        if existing is None and self._limits and await self._limits.forbids(role, scope):
            raise UsageError(
                "role-not-allowed",
                f"the deployer may not give the role {self._wanted.role}: it was not in the files when setup ran",
                resource=self.title,
                fix="Run `dbxwizard setup` again, as a person: it extends the deployer's condition.",
            )
        return AssignmentState(scope, principal, role, existing)

    def diff(self, state: AssignmentState | None, inputs: Inputs) -> Change:
        condition, description = _resolved(self._wanted.condition, inputs), self._wanted.description
        if state is None or state.existing is None:
            return Change(Action.CREATE, tuple(self._reasons(state, condition)))
        found = state.existing
        reasons = []
        if _words(found.condition) != _words(condition):
            reasons.append(Reason("condition", found.condition or None, condition or None))
        if description and found.description != description:
            reasons.append(Reason("description", found.description or None, description))
        return Change.update(reasons)

    def _reasons(self, state: AssignmentState | None, condition: str) -> Iterator[Reason]:
        role = self._wanted.role
        if state is not None:
            yield Reason("role", None, role if isinstance(role, str) else state.role)
            yield Reason("principal", None, state.principal_id)
            yield Reason("scope", None, state.scope)
        if condition:
            yield Reason("condition", None, condition)

    async def require_rights(self, state: AssignmentState | None, change: Change, inputs: Inputs) -> None:
        if self._reader.rights:
            await self._reader.rights.require(ASSIGN_ROLES)

    async def apply(
        self, state: AssignmentState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        found = state or await self.read(inputs)
        made = await self._reader.roles.put_assignment(
            found.scope,
            found.name,
            found.principal_id,
            found.role,
            self._wanted.principal_type,
            condition=_resolved(self._wanted.condition, inputs),
            description=self._wanted.description,
        )
        return {"role_assignment_id": made.id}

    def writes(self, state: AssignmentState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """For a principal or a scope that is still to be made it can't be there yet; else that shows later."""
        wanted = self._wanted
        if state is None:
            scope, name = _shown(wanted.scope, inputs), "{role_assignment_id}"
            optional = "{" not in scope + _shown(wanted.principal, inputs)
        else:
            scope, name, optional = state.scope, state.name, not change.reasons
        path = f"{scope}/providers/{_ASSIGNMENT}/{name}"
        purpose = "changes the assignment" if state and state.existing else f"gives the {self.title}"
        return (Request("PUT", Host.ARM, path, purpose, optional),)

    def outputs(self, state: AssignmentState, inputs: Inputs) -> Mapping[str, object]:
        return {"role_assignment_id": state.existing.id} if state.existing else {}

    def fresh_since(self, state: AssignmentState) -> float | None:
        return state.existing.changed if state.existing else None


def assignment_name(scope: str, principal_id: str, role: str) -> str:
    """The GUID of a new assignment, computed from what it is."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{scope.lower().rstrip('/')}/{principal_id.lower()}/{role.lower()}"))


def _resolved(source: Source, inputs: Inputs) -> str:
    return source if isinstance(source, str) else source(inputs)


def _shown(source: Source, inputs: Inputs) -> str:
    """As `_resolved`, with `{+name}` for what is known only after apply."""
    try:
        return _resolved(source, inputs)
    except KnownAfterApply as pending:
        return f"{{+{pending.name}}}"


def _words(condition: str) -> str:
    """A condition without what is only layout."""
    return re.sub(r"\s+", "", condition)
