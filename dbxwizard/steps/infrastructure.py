"""The Azure resources of one environment: one deployment of bicep/main.json at the subscription.

What-if is a preview (it shows defaults as changes, and can't look into some modules), so "unchanged" comes from a
comparison of our own: the template is evaluated here, and every field that it sets is held against the live resource.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from dbxwizard.arm_template import DeploymentScope, Expansion, TemplateError, Unknown, expand
from dbxwizard.core.errors import Conflict, OperationError
from dbxwizard.core.plan import Action, Change, Inputs, Progress, Reason, Step
from dbxwizard.core.secret import Secret
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.template_parameters import template_parameters

Json = Mapping[str, Any]
# Sent, and never answered: how to make a vault says nothing of what it is.
_WRITE_ONLY = frozenset({"properties.createMode"})
_VAULT = "Microsoft.KeyVault/vaults"


class ResourceManager(Protocol):
    """What this step needs of clients.arm.ArmClient."""

    async def get_resource(self, resource_id: str, api_version: str) -> Json | None: ...

    async def get_deleted_vault(self, location: str, name: str) -> Json | None: ...

    async def what_if(self, name: str, location: str, template: Json, parameters: Json) -> Sequence[Json]: ...

    async def deploy(self, name: str, location: str, template: Json, parameters: Json, progress: Progress) -> Json: ...

    async def wait_for_deployment(self, name: str, progress: Progress) -> None: ...


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """`live`: what is there, by resource id in lower case. `recover`: the vault's name is held by a deleted one."""

    live: Mapping[str, Json]
    recover: bool = False
    preview: tuple[str, ...] = ()


class InfrastructureStep(Step[Infrastructure]):
    """Everything in bicep/main.json for one environment."""

    def __init__(self, environment: Environment, template: Json, arm: ResourceManager, tenant_id: str) -> None:
        name = environment.name
        self.id = f"{name.lower()}/infrastructure"
        self.title = "Azure resources"
        self.environment = name
        self.resource = f"resource group {environment.resources.resource_group}"
        # A deployment's location can't change, so it is part of the name.
        self._deployment = f"dbxwizard-{name.lower()}-{environment.location}"
        self._template, self._arm = template, arm
        self._parameters = template_parameters(environment)
        self._location = environment.location
        self._scope = DeploymentScope(
            tenant_id, subscription_id=environment.subscription_id, location=environment.location
        )

    async def read(self, inputs: Inputs) -> Infrastructure:
        wanted = self._expected()
        group = wanted.resources[0]
        live_group = await self._arm.get_resource(group.id, group.api_version)
        live = {group.id.lower(): live_group} if live_group else {}
        if live_group:
            found = await asyncio.gather(
                *(self._arm.get_resource(item.id, item.api_version) for item in wanted.resources[1:])
            )
            pairs = zip(wanted.resources[1:], found, strict=True)
            live |= {item.id.lower(): resource for item, resource in pairs if resource is not None}
        recover = await self._vault_is_deleted(wanted, live)
        state = Infrastructure(live, recover)
        return replace(state, preview=await self._preview(recover)) if self._reasons(state) else state

    async def _vault_is_deleted(self, wanted: Expansion, live: Mapping[str, Json]) -> bool:
        vault = next(item for item in wanted.resources if item.type == _VAULT)
        if vault.id.lower() in live:
            return False
        return await self._arm.get_deleted_vault(self._location, vault.name) is not None

    async def _preview(self, recover: bool) -> tuple[str, ...]:
        changes = await self._arm.what_if(self._deployment, self._location, self._template, self._with_mode(recover))
        shown = (change for change in changes if change["changeType"] not in ("NoChange", "Ignore"))
        return tuple(f"{change['changeType']} {_short(change['resourceId'])}" for change in shown)

    def diff(self, state: Infrastructure | None, inputs: Inputs) -> Change:
        state = state or Infrastructure({})
        reasons = self._reasons(state)
        preview = f"what-if: {', '.join(state.preview)}" if state.preview else ""
        return Change.update(reasons, preview) if state.live else Change(Action.CREATE, reasons, preview)

    def _reasons(self, state: Infrastructure) -> tuple[Reason, ...]:
        return tuple(_differences(self._expected(), state.live))

    async def apply(
        self, state: Infrastructure | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        parameters = self._with_mode(state is not None and state.recover)
        try:
            await self._arm.deploy(self._deployment, self._location, self._template, parameters, progress)
        except Conflict as conflict:
            if conflict.code == "DeploymentActive":
                # Somebody's run of the same deployment, perhaps ours that was killed: what it leaves is read anew.
                await self._arm.wait_for_deployment(self._deployment, progress)
            raise
        after = await self.read(inputs)
        if self._reasons(after):
            raise _did_not_hold(self._reasons(after))
        return self.outputs(after, inputs)

    def outputs(self, state: Infrastructure, inputs: Inputs) -> Mapping[str, object]:
        named = {name: entry.value for name, entry in self._expected().outputs.items()}
        workspace, vault, insights = (
            state.live[named[name].lower()] for name in ("workspaceId", "keyVaultId", "applicationInsightsId")
        )
        return {
            "resource_group_id": named["resourceGroupId"],
            "workspace_id": named["workspaceId"],
            "workspace_url": f"https://{workspace['properties']['workspaceUrl']}",
            "workspace_org_id": str(workspace["properties"]["workspaceId"]),
            "vault_id": named["keyVaultId"],
            "vault_name": named["keyVaultName"],
            "vault_uri": vault["properties"]["vaultUri"],
            "storage_account_id": named["storageAccountId"],
            "storage_account_name": named["storageAccountName"],
            "access_connector_id": named["accessConnectorId"],
            "application_insights_id": named["applicationInsightsId"],
            "_application_insights_connection_string": Secret(insights["properties"]["ConnectionString"]),
        }

    def _expected(self) -> Expansion:
        try:
            return expand(self._template, self._parameters, self._scope)
        except TemplateError as error:
            raise OperationError(error.code, error.message, resource="bicep/main.json") from error

    def _with_mode(self, recover: bool) -> Json:
        return {**self._parameters, "keyVaultCreateMode": {"value": "recover" if recover else "default"}}


def _differences(wanted: Expansion, live: Mapping[str, Json]) -> Iterator[Reason]:
    """A reason for each resource that is missing, and for each field that differs."""
    for item in wanted.resources:
        found = live.get(item.id.lower())
        label = f"{item.type.rsplit('/', 1)[-1]} {item.name}"
        if found is None:
            yield Reason(label, None, "created")
        elif not item.existing:
            yield from _fields(item.body, found, label, "")


def _fields(wanted: object, found: object, label: str, path: str) -> Iterator[Reason]:
    """Only what the template names is looked at; null means that it leaves the field out."""
    if path in _WRITE_ONLY or isinstance(wanted, Unknown) or wanted is None:
        return
    if isinstance(wanted, Mapping):
        inside = found if isinstance(found, Mapping) else {}
        known = {name.lower(): value for name, value in inside.items()}
        for name, value in wanted.items():
            yield from _fields(value, known.get(name.lower()), label, f"{path}.{name}" if path else name)
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _fields(one, other, label, f"{path}[{index}]")
    elif not _same(wanted, found):
        yield Reason(f"{label}: {path}", found, wanted)


def _same(wanted: object, found: object) -> bool:
    """Resource Manager answers ids, locations and enums in a case of its own; an empty list may be left out."""
    if isinstance(wanted, str) and isinstance(found, str):
        return wanted.lower().replace(" ", "") == found.lower().replace(" ", "")
    return wanted == found or (wanted == [] and found is None)


def _short(resource_id: str) -> str:
    parts = resource_id.rstrip("/").split("/")
    return "/".join(parts[-2:])


def _did_not_hold(reasons: tuple[Reason, ...]) -> OperationError:
    return OperationError(
        "deployment-did-not-hold",
        "the deployment succeeded, but the resources still differ: " + "; ".join(map(str, reasons[:5])),
        fix="Another process or an Azure Policy changes them; look at the resource's activity log.",
    )
