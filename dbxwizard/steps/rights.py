"""What the actor may do in a subscription, asked before a change: a refusal half-way would leave half of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbxwizard.core.errors import Forbidden
from dbxwizard.steps.readings import Readings

if TYPE_CHECKING:
    from dbxwizard.clients.authorization import AuthorizationClient

READ_ROLES = "Microsoft.Authorization/roleDefinitions/read"
WRITE_ROLES = "Microsoft.Authorization/roleDefinitions/write"
SEE_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments/read"
ASSIGN_ROLES = "Microsoft.Authorization/roleAssignments/write"


class Rights:
    """Asked once, by the first change that needs one; a refusal while something is new would count as "not yet"."""

    def __init__(self, authorization: AuthorizationClient) -> None:
        self._authorization = authorization
        self._readings = Readings()

    async def require(self, *actions: str) -> None:
        """Raises Forbidden, which names those of `actions` that lack at the subscription."""
        from dbxwizard.clients.authorization import allowed

        subscription = self._authorization.subscription_id
        scope = f"/subscriptions/{subscription}"
        held = await self._readings.once("permissions", lambda: self._authorization.permissions(scope), lasting=True)
        missing = [action for action in actions if not allowed(held, action)]
        if missing:
            raise Forbidden(
                "AuthorizationFailed",
                f"you may not {', '.join(missing)} over scope '{scope}'",
                resource=f"subscription {subscription}",
                status=403,
                action=", ".join(missing),
                scope=scope,
            )
