"""What a cloud says of itself: `GET /metadata/endpoints`, as the Azure CLI and Terraform read it.

The form: the public cloud's own answer, version 2022-09-01. Services that the sandbox does not play have addresses
that no resolver knows (RFC 6761).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbxwizard.sandbox.arm.types.storage import SUFFIX
from dbxwizard.sandbox.http import Call, Response
from dbxwizard.sandbox.tokens import TENANT_ID

if TYPE_CHECKING:
    from dbxwizard.sandbox.arm.service import ArmService

NAME = "DbxwizardSandbox"
_VERSIONS = ("2015-01-01", "2018-05-01", "2019-05-01", "2020-06-01", "2022-09-01")
_NOWHERE = "sandbox.invalid"


def register(service: ArmService) -> None:
    service.route("GET", "/metadata/endpoints", api_versions=_VERSIONS, public=True)(_endpoints)


def _endpoints(call: Call) -> Response:
    """One object since 2022-09-01, a list of clouds from 2019-05-01, and the old short form before."""
    version = call.query["api-version"]
    if version < "2019":
        return Response(200, _short(call))
    return Response(200, _cloud(call) if version >= "2022-09-01" else [_cloud(call)])


def _cloud(call: Call) -> dict[str, Any]:
    login, graph = call.url("login"), call.url("graph")
    return {
        "name": NAME,
        "portal": f"https://portal.{_NOWHERE}",
        "authentication": {
            "loginEndpoint": login,
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": TENANT_ID,
            "identityProvider": "AAD",
        },
        "media": f"https://rest.media.{_NOWHERE}",
        "graphAudience": graph,
        "graph": graph,
        "suffixes": {
            "azureDataLakeStoreFileSystem": f"azuredatalakestore.{_NOWHERE}",
            "acrLoginServer": f"azurecr.{_NOWHERE}",
            "sqlServerHostname": f"database.{_NOWHERE}",
            "azureDataLakeAnalyticsCatalogAndJob": f"azuredatalakeanalytics.{_NOWHERE}",
            # Clients make the audience of vault tokens from it, and the vaults here take the public cloud's.
            "keyVaultDns": "vault.azure.net",
            "storage": SUFFIX,
            "azureFrontDoorEndpointSuffix": f"azurefd.{_NOWHERE}",
            "storageSyncEndpointSuffix": f"afs.{_NOWHERE}",
            "mhsmDns": f"managedhsm.{_NOWHERE}",
            "mysqlServerEndpoint": f"mysql.database.{_NOWHERE}",
            "postgresqlServerEndpoint": f"postgres.database.{_NOWHERE}",
            "mariadbServerEndpoint": f"mariadb.database.{_NOWHERE}",
            "synapseAnalytics": f"dev.azuresynapse.{_NOWHERE}",
            "attestationEndpoint": f"attest.{_NOWHERE}",
        },
        "batch": f"https://batch.{_NOWHERE}/",
        "resourceManager": f"{call.url('arm')}/",
        "vmImageAliasDoc": f"https://{_NOWHERE}/aliases.json",
        "activeDirectoryDataLake": f"https://datalake.{_NOWHERE}/",
        "sqlManagement": f"https://management.sql.{_NOWHERE}/",
        "microsoftGraphResourceId": f"{graph}/",
        "appInsightsResourceId": call.url("insights"),
        "appInsightsTelemetryChannelResourceId": f"{call.url('ingestion')}/v2/track",
        "attestationResourceId": f"https://attest.{_NOWHERE}",
        "synapseAnalyticsResourceId": f"https://dev.azuresynapse.{_NOWHERE}",
        "logAnalyticsResourceId": f"https://api.loganalytics.{_NOWHERE}",
        "ossrDbmsResourceId": f"https://ossrdbms-aad.database.{_NOWHERE}",
    }


def _short(call: Call) -> dict[str, Any]:
    whole = _cloud(call)
    authentication = {name: whole["authentication"][name] for name in ("loginEndpoint", "audiences")}
    return {
        "galleryEndpoint": whole["portal"],
        "graphEndpoint": whole["graph"],
        "portalEndpoint": whole["portal"],
        "authentication": authentication,
    }
