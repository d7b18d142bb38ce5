"""Resource providers are registered in the subscription, as a deployment needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from dbxwizard.core.plan import Change, Inputs, Progress, Reason, Scope, Step
from dbxwizard.core.requests import Host, Request
from dbxwizard.steps.rights import Rights

REGISTERED = "Registered"
# Those of bicep/main.bicep, and those that Databricks needs in the group that it manages: only what a template names
# registers by itself (platform facts, 15).
REQUIRED = (
    "Microsoft.Compute",
    "Microsoft.Databricks",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
)


class ProviderManager(Protocol):
    """What this step needs of clients.arm.ArmClient."""

    @property
    def subscription_id(self) -> str: ...

    async def providers(self) -> dict[str, str]: ...

    async def register_provider(self, namespace: str) -> str: ...

    async def wait_for_provider(self, namespace: str) -> None: ...


class ProvidersStep(Step[Mapping[str, str]]):
    """Each of `namespaces` is Registered. One reading answers for all of them."""

    id = "setup/providers"
    title = "resource providers"
    scope = Scope.SETUP

    def __init__(
        self, arm: ProviderManager, namespaces: Sequence[str] = REQUIRED, *, rights: Rights | None = None
    ) -> None:
        """`rights`: of who acts, to be asked before a change."""
        self.resource = f"subscription {arm.subscription_id}"
        self._arm, self._rights = arm, rights
        self._namespaces = tuple(namespaces)

    async def read(self, inputs: Inputs) -> Mapping[str, str]:
        known = {name.lower(): state for name, state in (await self._arm.providers()).items()}
        return {name: known.get(name.lower(), "NotRegistered") for name in self._namespaces}

    def diff(self, state: Mapping[str, str] | None, inputs: Inputs) -> Change:
        found = state or {}
        states = ((name, found.get(name)) for name in self._namespaces)
        return Change.update([Reason(name, state, REGISTERED) for name, state in states if state != REGISTERED])

    async def require_rights(self, state: Mapping[str, str] | None, change: Change, inputs: Inputs) -> None:
        if self._rights:
            await self._rights.require(*(f"{reason.field}/register/action" for reason in change.reasons))

    async def apply(
        self, state: Mapping[str, str] | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        missing = [reason.field for reason in change.reasons]
        progress.waiting(f"the registration of {', '.join(missing)}")
        await asyncio.gather(*(self._register(name) for name in missing))
        return {}

    def writes(self, state: Mapping[str, str] | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        root = f"/subscriptions/{self._arm.subscription_id}/providers"
        names = [reason.field for reason in change.reasons]
        return tuple(Request("POST", Host.ARM, f"{root}/{name}/register", f"registers {name}") for name in names)

    async def _register(self, namespace: str) -> None:
        if await self._arm.register_provider(namespace) != REGISTERED:
            await self._arm.wait_for_provider(namespace)
