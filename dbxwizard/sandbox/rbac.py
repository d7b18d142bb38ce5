"""Azure's role-based access control: who may do what where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache

from dbxwizard.sandbox.arm.conditions import Attributes, evaluate
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.tokens import TENANT_ID

ASSIGNMENTS = "/providers/microsoft.authorization/roleassignments/"
_ROOT_GROUP = f"/providers/microsoft.management/managementgroups/{TENANT_ID}"
DEFINITIONS = "/providers/microsoft.authorization/roledefinitions/"


class Decision(Enum):
    """CONDITION: an assignment would allow it, but for its condition."""

    ALLOWED = "allowed"
    CONDITION = "condition"
    DENIED = "denied"


def allowed(store: Store, principal_id: str, action: str, scope: str, now: float, *, data: bool = False) -> bool:
    """Whether the principal, or a group that it is in, may do `action` at `scope` (a resource id, any case).

    `data`: a data action (a secret, a blob). An assignment counts from its `effectiveAt` on.
    """
    return decide(store, principal_id, action, scope, now, data=data) is Decision.ALLOWED


def decide(
    store: Store,
    principal_id: str,
    action: str,
    scope: str,
    now: float,
    *,
    data: bool = False,
    attributes: Attributes | None = None,
) -> Decision:
    """As `allowed`, with the reason of a refusal; `attributes` are what conditions may look at."""
    decision = Decision.DENIED
    for assignment, definition in granted(store, principal_id, scope, now):
        for permission in definition["permissions"]:
            if not covers([permission], action, data=data):
                continue
            conditions = (assignment.get("condition"), permission.get("condition"))
            if all(evaluate(text, action, attributes or Attributes()) for text in conditions if text):
                return Decision.ALLOWED
            decision = Decision.CONDITION
    return decision


def granted(store: Store, principal_id: str, scope: str, now: float) -> Iterator[tuple[Document, Document]]:
    """The assignments of the principal and its groups that are in force at `scope`, each with its role definition."""
    principals = identities(store, principal_id)
    for outer in scopes_above(scope):
        for assignment in store.all("arm.roleAssignment", outer + ASSIGNMENTS):
            if assignment["principalId"].lower() not in principals or assignment["effectiveAt"] > now:
                continue
            definition = find_definition(store, assignment["roleDefinitionId"])
            if definition is not None:
                yield assignment, definition


def find_definition(store: Store, role_definition_id: str) -> Document | None:
    """The role definition of an id at any scope: its GUID is unique in the tenant."""
    return store.get("arm.roleDefinition", DEFINITIONS + role_definition_id.rsplit("/", 1)[-1].lower())


def identities(store: Store, principal_id: str) -> frozenset[str]:
    """The principal and every group that holds it, directly or through groups; lower-case ids."""
    found = {principal_id.lower()}
    groups = [
        (group["id"].lower(), {member.lower() for member in group.get("members", [])})
        for group in store.all("directory.group")
    ]
    grown = True
    while grown:
        more = {group for group, members in groups if members & found} - found
        grown = bool(more)
        found |= more
    return frozenset(found)


def scopes_above(scope: str) -> list[str]:
    """`scope` and every scope above it up to the tenant (""), lower-case, the innermost first.

    Above a subscription lies the tenant's root management group.
    """
    scope = scope.strip("/").lower()
    parts = scope.split("/") if scope else []
    found = ["".join(f"/{part}" for part in parts[:length]) for length in range(len(parts), -1, -1)]
    return [*found[:-1], _ROOT_GROUP, ""] if scope.startswith("subscriptions/") else found


def covers(permissions: Iterable[Document], action: str, *, data: bool = False) -> bool:
    """Whether one of `permissions` has `action` and does not take it back."""
    grants, takes = ("dataActions", "notDataActions") if data else ("actions", "notActions")
    return any(
        _matches(tuple(permission.get(grants) or ()), action)
        and not _matches(tuple(permission.get(takes) or ()), action)
        for permission in permissions
    )


@lru_cache(maxsize=4096)
def _matches(patterns: tuple[str, ...], action: str) -> bool:
    return any(_pattern(pattern).fullmatch(action) for pattern in patterns)


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.IGNORECASE)
