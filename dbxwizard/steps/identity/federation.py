"""Federated credentials: what lets the jobs of one GitHub environment sign in as an application, without a secret.

Where the repository's plan has no environments, the jobs of one branch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import OperationError
from dbxwizard.core.plan import Action, Change, Inputs, Progress, Scope, Step, compare
from dbxwizard.core.requests import Host, Request
from dbxwizard.steps.branching import environment_of
from dbxwizard.steps.identity.applications import application_step_id

if TYPE_CHECKING:
    from dbxwizard.clients.graph import GraphClient

LIMIT = 20  # learn.microsoft.com/graph/api/application-post-federatedidentitycredentials
_UNFRIENDLY = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 120


def credential_name(environment: str, branch: str = "") -> str:
    """The name of the credential, in the letters that Entra allows. It can't be changed later."""
    text = f"branch-{branch}" if branch else f"github-{environment.lower()}"
    return _UNFRIENDLY.sub("-", text)[:_LONGEST_NAME]


@dataclass(frozen=True, slots=True)
class FederationState:
    """The credential as Graph has it."""

    credential: Mapping[str, Any]


class FederationStep(Step[FederationState]):
    """The application of `key` trusts the jobs of one GitHub environment, or of one branch.

    `subject` is what their tokens present (the repository says it: names only, or with ids); `issuer` and `audience`
    belong to the GitHub and the cloud. A credential that trusts the same under another name is as good.
    """

    scope = Scope.SETUP

    def __init__(
        self,
        graph: GraphClient,
        *,
        key: str,
        environment: str = "",
        branch: str = "",
        subject: str,
        issuer: str,
        audience: str,
    ) -> None:
        self.id = f"setup/federation/{key}/{f'branch/{branch}' if branch else environment.lower()}"
        self.title = f"trust of {key} in {f'branch {branch}' if branch else f'GitHub environment {environment}'}"
        self.environment = environment_of(environment)
        self.needs = (application_step_id(key),)
        self._graph, self._name = graph, credential_name(environment, branch)
        self._desired: dict[str, object] = {"issuer": issuer, "subject": subject, "audiences": [audience]}

    async def read(self, inputs: Inputs) -> FederationState | None:
        credentials = await self._graph.federated_credentials(self._application_id(inputs))
        for is_it in (self._has_name, self._trusts_the_same):
            found = next((one for one in credentials if is_it(one)), None)
            if found is not None:
                return FederationState(found)
        if len(credentials) >= LIMIT:
            raise OperationError(
                "federation-limit",
                f"the application holds {LIMIT} federated credentials, which is all that Entra allows",
                resource=self.title,
                fix="use an application for each environment (--isolation environment), or remove credentials that "
                "nobody uses",
            )
        return None

    def _has_name(self, credential: Mapping[str, Any]) -> bool:
        return bool(credential["name"] == self._name)

    def _trusts_the_same(self, credential: Mapping[str, Any]) -> bool:
        return all(credential[name] == self._desired[name] for name in ("issuer", "subject"))

    def diff(self, state: FederationState | None, inputs: Inputs) -> Change:
        if state is None:
            reasons = compare(self._desired, {})
            return Change(Action.CREATE, reasons)
        return Change.update(compare(self._desired, state.credential))

    async def apply(
        self, state: FederationState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        application_id = self._application_id(inputs)
        if state is None:
            await self._graph.make_federated_credential(application_id, {"name": self._name, **self._desired})
        else:
            fields = {reason.field: reason.after for reason in compare(self._desired, state.credential)}
            await self._graph.update_federated_credential(application_id, state.credential["id"], fields)
        return {}

    def writes(self, state: FederationState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        application_id = inputs.shown(self.needs[0], "application_id")
        path = f"/v1.0/applications/{application_id}/federatedIdentityCredentials"
        if state is None:
            return (Request("POST", Host.GRAPH, path, f"makes the credential {self._name}"),)
        return (Request("PATCH", Host.GRAPH, f"{path}/{state.credential['id']}", "changes the credential"),)

    def _application_id(self, inputs: Inputs) -> str:
        return str(inputs.get(self.needs[0], "application_id"))
