"""What an expression can ask of the deployment that it belongs to, and what that deployment asks of the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from dbxwizard.arm_template.errors import ExpressionError
from dbxwizard.arm_template.scope import DeploymentScope
from dbxwizard.arm_template.values import JsonObject, JsonValue

if TYPE_CHECKING:
    from dbxwizard.arm_template.evaluation import Frame


class Runtime(Protocol):
    """Live state, while a deployment runs. It answers Unknown for what it can't tell, and raises errors of its own."""

    def reference(self, resource_id: str, api_version: str, full: bool) -> JsonValue:
        """The resource's properties, or with `full` the whole resource without id and name, as `reference` gives it.

        `api_version` "" means the provider's default; so the resource group of a deployment is asked for, with `full`.
        """
        ...

    def list(self, resource_id: str, function: str, api_version: str, value: JsonValue) -> JsonValue:
        """What the action (`listKeys` …) answers; `value` is the body, None where there is none."""
        ...

    def secret(self, vault_id: str, name: str, version: str) -> JsonValue:
        """The Key Vault secret that a parameter refers to; version "" means the latest."""
        ...


def azure_cloud() -> JsonObject:
    """What environment() answers in the public cloud, from the published example of the function."""
    return {
        "name": "AzureCloud",
        "gallery": "https://gallery.azure.com/",
        "graph": "https://graph.windows.net/",
        "portal": "https://portal.azure.com",
        "graphAudience": "https://graph.windows.net/",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "batch": "https://batch.core.windows.net/",
        "media": "https://rest.media.azure.net",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "vmImageAliasDoc": (
            "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/aliases.json"
        ),
        "resourceManager": "https://management.azure.com/",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com/",
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {
            "acrLoginServer": ".azurecr.io",
            "azureDatalakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
            "azureDatalakeStoreFileSystem": "azuredatalakestore.net",
            "azureFrontDoorEndpointSuffix": "azurefd.net",
            "keyvaultDns": ".vault.azure.net",
            "sqlServerHostname": ".database.windows.net",
            "storage": "core.windows.net",
        },
    }


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is true around a deployment and no template says.

    `now` is the time that utcNow() tells, with a time zone; None means that of the call. `deployer` is what deployer()
    answers (objectId, tenantId, userPrincipalName), None where nobody can tell. `subscription` and `tenant` add to what
    subscription() and tenant() answer (displayName …). `new_guid` makes what newGuid() answers, from the scope and
    name of the deployment that asks (`/subscriptions/…/name`); None means any.
    """

    deployment_name: str = "main"
    environment: Mapping[str, JsonValue] = field(default_factory=azure_cloud)
    deployer: Mapping[str, JsonValue] | None = None
    subscription: Mapping[str, JsonValue] = field(default_factory=dict)
    tenant: Mapping[str, JsonValue] = field(default_factory=dict)
    now: datetime | None = None
    new_guid: Callable[[str], str] | None = None


class Budget:
    """Ends an evaluation that would take for ever: every step and every element of a result costs one."""

    LIMIT = 50_000_000

    def __init__(self) -> None:
        self._spent = 0

    def spend(self, amount: int) -> None:
        """Raises ExpressionError when there is nothing left."""
        self._spent += amount
        if self._spent > self.LIMIT:
            raise ExpressionError("The template takes too many steps to evaluate.")


class Host(Protocol):
    """The deployment that an expression belongs to."""

    @property
    def budget(self) -> Budget: ...

    @property
    def scope(self) -> DeploymentScope: ...

    @property
    def surroundings(self) -> Surroundings: ...

    @property
    def runtime(self) -> Runtime | None: ...

    def parameter(self, name: str) -> JsonValue: ...

    def variable(self, name: str) -> JsonValue: ...

    def call_user_function(self, name: str, arguments: list[JsonValue], frame: Frame) -> JsonValue: ...

    def deployment(self) -> JsonObject: ...

    def resource_group(self) -> JsonObject: ...

    def reference(self, target: str, api_version: str, *, full: bool) -> JsonValue: ...

    def references(self, symbolic_name: str, *, full: bool) -> JsonValue: ...

    def list(self, target: str, function: str, api_version: str, value: JsonValue) -> JsonValue: ...

    def resource_info(self, symbolic_name: str) -> JsonObject: ...
