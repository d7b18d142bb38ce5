"""The evaluator of a deployment, and the live state that its functions ask for while it runs."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime

from dbxwizard.arm_template import Evaluator, Surroundings
from dbxwizard.sandbox.arm import access, resources, subscriptions
from dbxwizard.sandbox.arm.deployments import records, secrets
from dbxwizard.sandbox.arm.model import Caller
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.tokens import TENANT_ID

_SECURE_OUTPUTS = "listOutputsWithSecureValues"


def evaluator(context: Context, stored: Document, run: Document, *, live: bool) -> Evaluator:
    """The evaluator of a root deployment; without `live` it asks nothing of what is deployed. Raises TemplateError.

    It is made anew each time that the deployment goes on: time and GUIDs are those of its beginning.
    """
    caller, scope = records.caller_of(run), records.scope_of(run)
    subscription = subscriptions.find(context.store, scope.subscription_id) or {}
    surroundings = Surroundings(
        deployment_name=stored["name"],
        deployer={
            "objectId": caller.object_id,
            "tenantId": TENANT_ID,
            "userPrincipalName": caller.client if caller.user else "",
        },
        subscription={"displayName": subscription.get("displayName", "")},
        now=datetime.fromtimestamp(stored["startedAt"], UTC),
        new_guid=_Guids(stored["correlation"]),
    )
    runtime = LiveRuntime(context, caller) if live else None
    return Evaluator(stored["template"], run["given"], scope, runtime=runtime, surroundings=surroundings)


class _Guids:
    """New GUIDs that are the same each time that the same deployment is evaluated."""

    def __init__(self, correlation: str) -> None:
        self._seed = uuid.UUID(correlation)
        self._given: Counter[str] = Counter()

    def __call__(self, deployment: str) -> str:
        self._given[deployment] += 1
        return str(uuid.uuid5(self._seed, f"{deployment}/{self._given[deployment]}"))


class LiveRuntime:
    """What reference(), list*() and secret parameters find, with the rights of the deployment's caller."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._context = context
        self._caller = caller

    def reference(self, resource_id: str, api_version: str, full: bool) -> object:
        found = self._deployment(resource_id) or self._resource(resource_id, api_version)
        if not full:
            return found.get("properties", {})
        kept = {name: value for name, value in found.items() if name not in ("id", "name", "type")}
        return {"apiVersion": api_version, "resourceId": found["id"], **kept}

    def _deployment(self, resource_id: str) -> Document | None:
        stored = self._context.store.get(records.KIND, resource_id.lower())
        return records.answer(stored) if stored else None

    def _resource(self, resource_id: str, api_version: str) -> Document:
        """Without a version it is the deployment's own group, which everybody may see who may deploy there."""
        parsed = resources.parse_id(resource_id)
        kind = resources.resource_type(parsed, api_version)
        if api_version:
            access.require(self._context, self._caller, f"{kind.rights}/read", parsed.text)
        return resources.read(self._context, resource_id, api_version)

    def list(self, resource_id: str, function: str, api_version: str, value: object) -> object:
        if function.lower() == _SECURE_OUTPUTS.lower():
            return self._secure_outputs(resource_id)
        body = value if isinstance(value, dict) else {}
        return resources.invoke(self._context, resource_id, function, body, self._caller)

    def _secure_outputs(self, deployment_id: str) -> Document:
        """Outputs with their secrets, which only the deployment around it gets, and only while it runs."""
        run = self._context.store.get(records.RUN, deployment_id.lower())
        if run is None:
            raise ApiError(404, "DeploymentNotFound", f"Deployment '{deployment_id}' could not be found.")
        outputs: Document = run["outputs"]
        return outputs

    def secret(self, vault_id: str, name: str, version: str) -> object:
        return secrets.value(self._context, self._caller, vault_id, name, version)
