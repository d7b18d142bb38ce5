"""Which roles a service principal may give: its own assignment says so, in the condition that setup wrote.

Asked before anything is deployed, so that a role which was added to a file later is told at once (platform facts, 14).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dbxwizard.core.errors import Forbidden, NotYet
from dbxwizard.steps.azure.role_assignments import BUILT_IN_ROLES, AssignmentReader

if TYPE_CHECKING:
    from dbxwizard.clients.authorization import RoleAssignment

_GIVERS = {
    BUILT_IN_ROLES[name] for name in ("Owner", "User Access Administrator", "Role Based Access Control Administrator")
}
_LISTED = re.compile(r"RoleDefinitionId\]\s*ForAnyOfAnyValues:GuidEquals\s*\{([^}]*)\}", re.IGNORECASE)


class DeployerLimits:
    """Of the service principal with the object id `actor`."""

    def __init__(self, reader: AssignmentReader, actor: str) -> None:
        self._reader, self._actor = reader, actor.lower()

    async def forbids(self, role: str, scope: str) -> bool:
        """Whether the conditions of all that lets the actor give roles at `scope` leave `role` (a GUID) out.

        False where that can't be told: nothing of its own was found (a group may have it), or a condition of another
        form than ours.
        """
        found = [one for at in _scopes(scope) for one in await self._entries(at) if self._gives(one)]
        allowed = [_roles(one.condition) for one in found]
        return bool(allowed) and all(roles is not None and role not in roles for roles in allowed)

    async def _entries(self, scope: str) -> tuple[RoleAssignment, ...]:
        """Those at `scope`; none where the actor may not look, as whoever may give roles there may."""
        try:
            return (await self._reader.at(scope)).entries
        except (Forbidden, NotYet):
            return ()

    def _gives(self, entry: RoleAssignment) -> bool:
        return entry.principal_id.lower() == self._actor and entry.role in _GIVERS


def _scopes(scope: str) -> Iterable[str]:
    """The subscription, and the resource group that `scope` is or lies in."""
    parts = scope.strip("/").split("/")
    yield "/" + "/".join(parts[:2])
    if len(parts) >= 4:
        yield "/" + "/".join(parts[:4])


def _roles(condition: str) -> set[str] | None:
    """The GUIDs that the condition lets pass; None for one that says something else, or nothing."""
    found = _LISTED.search(condition)
    return {one.strip().lower() for one in found.group(1).split(",")} if found else None
