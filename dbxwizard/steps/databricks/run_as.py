"""Whoever deploys may run jobs as the service principal.

A workspace admin may set `run_as` only to a service principal whose user's role they hold, and managing one does not
give it (learn.microsoft.com/azure/databricks/security/auth/access-control/service-principal-acl). Who added it to the
account manages it, and takes the role here.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

from dbxwizard.core.errors import NotFound, NotYet
from dbxwizard.core.plan import Action, Change, Inputs, Progress, Reason
from dbxwizard.core.requests import Request
from dbxwizard.steps.databricks.requests import to_workspace
from dbxwizard.steps.databricks.shared_workspace import Json, SharedWorkspace, WorkspaceStep
from dbxwizard.steps.readings import Readings

USER_ROLE = "roles/servicePrincipal.user"


@dataclass(frozen=True, slots=True)
class RunAsState:
    """`rules` is the rule set of the service principal; None with the reason in `unknown`, and for itself."""

    actor: str
    account_id: str = ""
    rules: Json | None = None
    unknown: str = ""


def run_as_step(workspace: SharedWorkspace) -> str:
    return f"{workspace.slug}/run-as"


class RunAsStep(WorkspaceStep[RunAsState]):
    """The actor holds the role. Who does not manage the service principal can't see that, and may have it still."""

    def __init__(self, workspace: SharedWorkspace, service_principal: str, *, account: Readings | None = None) -> None:
        """`account`: what was read of the Databricks account, which all workspaces of a tenant share."""
        super().__init__(
            workspace,
            "run-as",
            "right to run jobs as the service principal",
            resource=f"service principal {service_principal} of the Databricks account",
        )
        self._service_principal, self._account = service_principal, account or Readings()

    async def read(self, inputs: Inputs) -> RunAsState:
        client = await self.workspace.client(inputs)
        actor = _principal(str(inputs.get(self.workspace.ready, "_actor")))
        if inputs.get(self.workspace.ready, "_acts_as_service_principal"):
            return RunAsState(actor)
        account_id = await self._account.once("account", client.account_id)
        if not account_id:
            return RunAsState(actor, unknown="the workspace does not say which account it belongs to")
        try:
            rules = await self._account.once(
                f"rules {self._service_principal}",
                lambda: client.service_principal_rules(account_id, self._service_principal),
            )
        except (NotYet, NotFound) as refused:
            return RunAsState(actor, account_id, unknown=refused.message)
        return RunAsState(actor, account_id, rules)

    def diff(self, state: RunAsState | None, inputs: Inputs) -> Change:
        assert state is not None  # noqa: S101  read gives one always
        if state.unknown:
            return Change(Action.NONE, note=f"not known whether {state.actor} has {USER_ROLE}: {state.unknown}")
        if state.rules is None or state.actor.lower() in map(str.lower, _holders(state.rules)):
            return Change.none()
        return Change.update([Reason(USER_ROLE, None, state.actor)])

    async def apply(
        self, state: RunAsState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        assert state is not None  # noqa: S101  read gives one always
        assert state.rules is not None  # noqa: S101  nothing changes without them
        client, rules = await self.workspace.client(inputs), deepcopy(state.rules.get("grant_rules", []))
        held = next((rule for rule in rules if rule["role"] == USER_ROLE), None)
        if held is None:
            rules.append(held := {"role": USER_ROLE})
        held["principals"] = [*held.get("principals", []), state.actor]
        etag = str(state.rules["etag"])
        try:
            await client.set_service_principal_rules(state.account_id, self._service_principal, rules, etag)
        finally:
            self._account.changed("rules")
        return {}

    def writes(self, state: RunAsState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        path = "/api/2.0/preview/accounts/access-control/rule-sets"
        return (to_workspace("PUT", path, f"gives {USER_ROLE}", optional=state is None),)


def _principal(name: str) -> str:
    return f"users/{name}" if "@" in name else f"servicePrincipals/{name}"


def _holders(rules: Json) -> list[str]:
    given = [rule for rule in rules.get("grant_rules", []) if rule["role"] == USER_ROLE]
    return [str(name) for rule in given for name in rule.get("principals", [])]
