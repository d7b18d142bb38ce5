"""The Azure resources of one environment: one deployment of bicep/main.json at the subscription.

What-if is a preview (it shows defaults as changes, and can't look into some modules), so "unchanged" comes from a
comparison of our own: the template is evaluated here, and every field that it sets is held against the live resource.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from dbxwizard.arm_template import DeploymentScope, Expected
from dbxwizard.core.errors import Conflict, Forbidden, NotYet, OperationError, ServiceError, each_error
from dbxwizard.core.plan import Action, Change, Inputs, Progress, Reason, Step
from dbxwizard.core.requests import Host, Request
from dbxwizard.core.secret import Secret
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.azure.resource_reader import Lister, ResourceReader
from dbxwizard.steps.azure.template_differences import Wanted, differences, is_not_there, shown, stale_assignments
from dbxwizard.steps.azure.template_parameters import template_parameters

Json = Mapping[str, Any]
Reading = Callable[[Expected], Awaitable[Json | None]]
_VAULT = "Microsoft.KeyVault/vaults"
_ACTIVE = "DeploymentActive"
# Types of which a list answers the whole of each resource, so that one reading does for all.
_LISTED = frozenset({"microsoft.storage/storageaccounts/blobservices/containers"})
_LONGEST_NAME = 64  # of a deployment
# Tags of a deployment: who began it, and where. Azure's own history tells neither.
BY, FROM = "dbxwizard-by", "dbxwizard-from"


class ResourceManager(Lister, Protocol):
    """What this step needs of clients.arm.ArmClient."""

    async def delete_resource(self, resource_id: str, api_version: str) -> None: ...

    async def get_deleted_vault(self, location: str, name: str) -> Json | None: ...

    async def what_if(self, name: str, location: str, template: Json, parameters: Json) -> Sequence[Json]: ...

    async def deploy(
        self,
        name: str,
        location: str,
        template: Json,
        parameters: Json,
        progress: Progress,
        tags: Mapping[str, str] | None = None,
    ) -> Json: ...

    async def wait_for_deployment(self, name: str, progress: Progress) -> None: ...


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """`live`: what is there, by resource id in lower case. `recover`: the vault's name is held by a deleted one.

    `stale`: role assignments that have to be made anew. `refused`: why there is no preview, for want of a right.
    """

    live: Mapping[str, Json]
    reasons: tuple[Reason, ...]
    stale: tuple[Expected, ...] = ()
    recover: bool = False
    preview: tuple[str, ...] = ()
    refused: OperationError | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What goes with a deployment: its own `tags`, which are not those of what it makes.

    `meanwhile` is called while Azure works, for what comes after: with True when all of it is being made;
    `afterwards` when a deployment has ended.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Callable[[bool], None] = lambda _: None
    afterwards: Callable[[], None] = lambda: None


class InfrastructureStep(Step[Infrastructure]):
    """Everything in bicep/main.json for one environment."""

    def __init__(
        self,
        environment: Environment,
        template: Json,
        arm: ResourceManager,
        tenant_id: str,
        *,
        reader: ResourceReader | None = None,
        unchanged_since: str = "",
        around: Around | None = None,
    ) -> None:
        """`reader` may be shared by the environments of a subscription. `unchanged_since`: the commit that was deployed
        and had the same inputs: what is there is left as it is, unless something is missing."""
        name, location = environment.name, environment.location
        self.id = f"{name.lower()}/infrastructure"
        self.title = "Azure resources"
        self.environment = name
        self.resource = f"resource group {environment.resources.resource_group}"
        self._deployment, self._around = deployment_name(name, location), around or Around()
        self._template, self._arm, self._location = template, arm, location
        self._scope = f"/subscriptions/{environment.subscription_id}"
        self._reader, self._looked = reader or ResourceReader(arm), False
        self._unchanged_since = unchanged_since
        self._parameters = template_parameters(environment)
        scope = DeploymentScope(tenant_id, subscription_id=environment.subscription_id, location=location)
        self._wanted = Wanted(template, self._parameters, scope, "bicep/main.json")
        self._reader.expect(self._wanted.resources)

    async def read(self, inputs: Inputs) -> Infrastructure:
        reading = self._reader.now if self._looked else self._reader.first
        self._looked = True
        state = await self._look(reading)
        if not state.reasons:
            return state
        try:
            return replace(state, preview=await self._preview(state.recover))
        except (Forbidden, NotYet) as refused:
            return replace(state, refused=refused)
        except ServiceError as error:
            if type(error) is not ServiceError or not state.live:
                raise
            raise _refused(error, state.reasons) from error

    async def _look(self, reading: Reading) -> Infrastructure:
        """The group first: without it there is nothing else to read."""
        group, *others = self._wanted.resources
        live_group = await reading(group)
        if live_group:
            self._around.meanwhile(False)
        live = {group.id.lower(): live_group, **await self._live(others, reading)} if live_group else {}
        recover = await self._vault_is_deleted(live)
        beside = self._wanted.beside(live)
        reasons = tuple(differences(beside, live))
        if self._unchanged_since and not any(is_not_there(reason) for reason in reasons):
            return Infrastructure(live, ())
        return Infrastructure(live, reasons, stale_assignments(beside, live), recover)

    async def _live(self, wanted: Sequence[Expected], reading: Reading) -> dict[str, Json]:
        alone = [item for item in wanted if item.type.lower() not in _LISTED]
        together = {item.id.rsplit("/", 1)[0]: item.api_version for item in wanted if item.type.lower() in _LISTED}
        found, lists = await asyncio.gather(
            asyncio.gather(*map(reading, alone)),
            asyncio.gather(*(self._arm.list_resources(path, version) for path, version in together.items())),
        )
        read = {item.id.lower(): one for item, one in zip(alone, found, strict=True) if one is not None}
        return read | {str(one["id"]).lower(): one for listed in lists for one in listed}

    async def _vault_is_deleted(self, live: Mapping[str, Json]) -> bool:
        vault = next(item for item in self._wanted.resources if item.type == _VAULT)
        if vault.id.lower() in live:
            return False
        return await self._arm.get_deleted_vault(self._location, vault.name) is not None

    async def _preview(self, recover: bool) -> tuple[str, ...]:
        try:
            changes = await self._arm.what_if(
                self._deployment, self._location, self._template, self._with_mode(recover)
            )
        except OperationError as error:
            if {one.code for one in each_error(error)} != {_ACTIVE}:
                raise
            return ("a deployment is under way already, and is waited for",)
        listed = (change for change in changes if change["changeType"] not in ("NoChange", "Ignore"))
        return tuple(f"{change['changeType']} {_short(change['resourceId'])}" for change in listed)

    def diff(self, state: Infrastructure | None, inputs: Inputs) -> Change:
        if state is None:  # nobody can see it
            return Change(Action.CREATE)
        if self._unchanged_since and not state.reasons:
            return Change(Action.NONE, (), f"left as it is: no input changed since {self._unchanged_since[:7]}")
        preview = f"what-if: {', '.join(state.preview)}" if state.preview else ""
        return Change.update(state.reasons, preview) if state.live else Change(Action.CREATE, state.reasons, preview)

    async def require_rights(self, state: Infrastructure | None, change: Change, inputs: Inputs) -> None:
        """Who may not ask for the preview may not deploy either; what differs was read all the same."""
        if state is not None and state.refused:
            raise state.refused

    async def apply(
        self, state: Infrastructure | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        state = state or await self._look(self._reader.now)
        self._around.meanwhile(change.action is Action.CREATE)
        try:
            after = await self._brought_about(state, progress)
        finally:
            self._around.afterwards()
        lacking = [reason for reason in after.reasons if is_not_there(reason)]
        if lacking:
            raise _did_not_hold(lacking)
        if after.reasons:
            # Everything is there; what a policy changes back, or a service answers in words of its own, stops nobody.
            progress.info(f"the deployment succeeded, but the resources still differ: {shown(after.reasons)}")
        return self.outputs(after, inputs)

    def writes(self, state: Infrastructure | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        path = f"{self._scope}/providers/Microsoft.Resources/deployments/{self._deployment}"
        stale, recover = (state.stale, state.recover) if state else ((), False)
        again = Request("PUT", Host.ARM, path, "deploys once more over a recovered vault", optional=True)
        return (
            *(Request("DELETE", Host.ARM, item.id, "removes the role of a principal that has gone") for item in stale),
            Request("PUT", Host.ARM, path, "deploys bicep/main.json"),
            *([again] if recover else []),
        )

    async def _brought_about(self, state: Infrastructure, progress: Progress) -> Infrastructure:
        await self._remove(state.stale, progress)
        after = await self._deployed(state.recover, progress)
        if state.recover and after.reasons:  # a recovered vault keeps the settings that it had
            after = await self._deployed(after.recover, progress)
        return after

    async def _remove(self, assignments: Iterable[Expected], progress: Progress) -> None:
        for item in assignments:
            progress.info(f"removing role assignment {item.name}, whose principal has gone")
            await self._arm.delete_resource(item.id, item.api_version)

    async def _deployed(self, recover: bool, progress: Progress) -> Infrastructure:
        """What is there after the deployment. Raises Conflict where another one of its name had to be waited for."""
        parameters = self._with_mode(recover)
        try:
            await self._arm.deploy(
                self._deployment, self._location, self._template, parameters, progress, self._around.tags
            )
        except Conflict as conflict:
            if conflict.code == _ACTIVE:
                # Somebody's run of the same deployment, perhaps ours that was killed: what it leaves is read anew.
                await self._arm.wait_for_deployment(self._deployment, progress)
            raise
        return await self._look(self._reader.now)

    def outputs(self, state: Infrastructure, inputs: Inputs) -> Mapping[str, object]:
        """Names and ids are known before anything is there; addresses only once their resource is."""
        ids = {ours: self._wanted.output(theirs) for ours, theirs in _IDS.items()}
        found = {
            ours: state.live.get(ids[holder].lower(), {}).get("properties", {}).get(name)
            for ours, (holder, name) in _PROPERTIES.items()
        }
        known = {ours: value for ours, value in found.items() if value is not None}
        return ids | {ours: _presented(ours, value) for ours, value in known.items()}

    def _with_mode(self, recover: bool) -> Json:
        return {**self._parameters, "keyVaultCreateMode": {"value": "recover" if recover else "default"}}


# Our outputs by those of the template.
_IDS = {
    "resource_group_id": "resourceGroupId",
    "workspace_id": "workspaceId",
    "vault_id": "keyVaultId",
    "vault_name": "keyVaultName",
    "storage_account_id": "storageAccountId",
    "storage_account_name": "storageAccountName",
    "access_connector_id": "accessConnectorId",
    "application_insights_id": "applicationInsightsId",
}
# Our outputs by a property of the resource whose id is another of them.
_PROPERTIES = {
    "workspace_url": ("workspace_id", "workspaceUrl"),
    "workspace_org_id": ("workspace_id", "workspaceId"),
    "vault_uri": ("vault_id", "vaultUri"),
    "_application_insights_connection_string": ("application_insights_id", "ConnectionString"),
}


def _presented(name: str, value: object) -> object:
    if name.startswith("_"):
        return Secret(str(value))
    return f"https://{value}" if name == "workspace_url" else str(value)


def deployment_name(environment: str, location: str) -> str:
    """A deployment's location can't change, so it is part of the name; 64 characters at most."""
    name = f"dbxwizard-{environment.lower()}-{location.lower().replace(' ', '')}"
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - 9]}-{digest}"


def _short(resource_id: str) -> str:
    parts = resource_id.rstrip("/").split("/")
    return "/".join(parts[-2:])


def _refused(error: ServiceError, reasons: Sequence[Reason]) -> ServiceError:
    """What the service says to a change that it does not allow, with the fields that it is about."""
    message = f"{error.message} What differs: {shown(reasons)}"
    return ServiceError(error.code, message, resource=error.resource, fix=error.fix, status=error.status)


def _did_not_hold(lacking: Sequence[Reason]) -> OperationError:
    return OperationError(
        "deployment-did-not-hold",
        f"the deployment succeeded, but not everything is there: {shown(lacking)}",
        fix="Another process removes or changes it; look at the resource's activity log, and deploy again.",
    )
