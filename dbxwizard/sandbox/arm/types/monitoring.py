"""Microsoft.OperationalInsights and Microsoft.Insights: log workspaces, Application Insights, diagnostic settings.

Fields: Azure's API descriptions of the newest version of each type. Categories: learn.microsoft.com/azure/
azure-monitor/reference/supported-logs and supported-metrics.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import ClassVar

from dbxwizard.sandbox.arm import access
from dbxwizard.sandbox.arm.locations import ALL
from dbxwizard.sandbox.arm.model import Action, Write
from dbxwizard.sandbox.arm.stored import TAGS, StoredType, check_link
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.arm.types.identities import IDENTITY, forget_identity, make_identity
from dbxwizard.sandbox.fields import FieldProblem, Spec
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.tokens import TENANT_ID

# Live metrics are not played, and must not leave the machine: no resolver knows the name (RFC 6761).
_LIVE = "livediagnostics.monitor.sandbox.invalid"
_SWITCH = frozenset({"Enabled", "Disabled"})


class LogWorkspaceType(StoredType):
    name = "Microsoft.OperationalInsights/workspaces"
    api_versions = (
        "2015-11-01-preview",
        "2020-03-01-preview",
        "2020-08-01",
        "2020-10-01",
        "2021-06-01",
        "2021-12-01-preview",
        "2022-10-01",
        "2023-09-01",
        "2025-02-01",
        "2025-07-01",
    )
    locations = ALL
    _settings: ClassVar[Document] = {
        "defaultDataCollectionRuleResourceId?": str,
        "features?": {
            "clusterResourceId?": str,
            "disableLocalAuth?": bool,
            "enableDataExport?": bool,
            "enableLogAccessUsingOnlyResourcePermissions?": bool,
            "immediatePurgeDataOn30Days?": bool,
            "*": object,
        },
        "forceCmkForQuery?": bool,
        "publicNetworkAccessForIngestion?": _SWITCH | {"SecuredByPerimeter"},
        "publicNetworkAccessForQuery?": _SWITCH | {"SecuredByPerimeter"},
        "replication?": {"enabled?": bool, "location?": str},
        "retentionInDays?": int,
        "sku?": {
            "capacityReservationLevel?": int,
            "name": frozenset({"Free", "PerNode", "PerGB2018", "Standalone", "CapacityReservation", "LACluster"}),
        },
        "workspaceCapping?": {"dailyQuotaGb?": float},
    }
    body: ClassVar[Spec] = {
        "etag?": str,
        "identity?": IDENTITY,
        "location": str,
        "properties?": _settings,
        "tags?": TAGS,
    }
    patch_body: ClassVar[Spec] = {"etag?": str, "identity?": IDENTITY, "properties?": _settings, "tags?": TAGS}
    name_pattern = r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]"
    read_only = (
        "properties.createdDate",
        "properties.customerId",
        "properties.modifiedDate",
        "properties.privateLinkScopedResources",
        "properties.sku.lastSkuUpdate",
        "properties.workspaceCapping.dataIngestionStatus",
        "properties.workspaceCapping.quotaNextResetTime",
        "identity.principalId",
        "identity.tenantId",
    )
    defaults: ClassVar[Document] = {
        "properties": {
            "features": {
                "legacy": 0,
                "searchVersion": 1,
                "enableLogAccessUsingOnlyResourcePermissions": True,
            },
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
            "retentionInDays": 30,
            "sku": {"name": "PerGB2018"},
            "workspaceCapping": {"dailyQuotaGb": -1, "dataIngestionStatus": "RespectQuota"},
        }
    }
    actions: ClassVar[Mapping[str, Action]] = {
        "sharedKeys": Action(
            "sharedKeys",
            "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
            lambda _context, document, _body: _shared_keys(document),
        ),
        "listKeys": Action(
            "listKeys",
            "Microsoft.OperationalInsights/workspaces/listKeys/action",
            lambda _context, document, _body: _shared_keys(document),
        ),
    }

    def field_error(self, problem: FieldProblem) -> ApiError:
        if problem.message in ("missing", "unknown"):
            return super().field_error(problem)
        return ApiError(400, "InvalidParameter", f"'{problem.path}' property is invalid: {problem.message}.")

    def refuse(self, write: Write, document: Document) -> None:
        days = document["properties"]["retentionInDays"]
        if not (days in (7, 14) or 30 <= days <= 730):
            raise ApiError(
                400,
                "InvalidParameter",
                "'RetentionInDays' property doesn't match the SKU limits. Allowed values are 30 to 730.",
            )

    def make(self, write: Write, document: Document) -> Document:
        customer = write.context.new_id("logAnalytics", write.id.key)
        return {"properties": {"customerId": customer}, **make_identity(write, document)}

    def removed(self, context: Context, document: Document) -> None:
        forget_identity(context, document)

    def live(self, context: Context, document: Document) -> Document:
        if "createdAt" not in document:
            return {}
        made, changed = iso(document["createdAt"]), iso(document.get("changedAt") or document["createdAt"])
        return {"properties": {"createdDate": made, "modifiedDate": changed, "sku": {"lastSkuUpdate": made}}}


class ComponentType(StoredType):
    name = "Microsoft.Insights/components"
    api_versions = ("2015-05-01", "2018-05-01-preview", "2020-02-02-preview", "2020-02-02")
    locations = ALL
    body: ClassVar[Spec] = {
        "etag?": str,
        "kind": str,
        "location": str,
        "properties?": {
            "Application_Type": frozenset({"web", "other"}),
            "DisableIpMasking?": bool,
            "DisableLocalAuth?": bool,
            "Flow_Type?": str,
            "ForceCustomerStorageForProfiler?": bool,
            "HockeyAppId?": str,
            "ImmediatePurgeDataOn30Days?": bool,
            "IngestionMode?": frozenset(
                {"ApplicationInsights", "ApplicationInsightsWithDiagnosticSettings", "LogAnalytics"}
            ),
            "publicNetworkAccessForIngestion?": _SWITCH | {"SecuredByPerimeter"},
            "publicNetworkAccessForQuery?": _SWITCH | {"SecuredByPerimeter"},
            "Request_Source?": str,
            "RetentionInDays?": int,
            "SamplingPercentage?": float,
            "WorkspaceResourceId?": str,
        },
        "tags?": TAGS,
    }
    patch_body: ClassVar[Spec] = {"tags?": TAGS}
    name_pattern = r"[^%&?/]{0,259}[^%&?/. ]"
    created_status = 200
    read_only = (
        "properties.AppId",
        "properties.ApplicationId",
        "properties.ConnectionString",
        "properties.CreationDate",
        "properties.HockeyAppToken",
        "properties.InstrumentationKey",
        "properties.LaMigrationDate",
        "properties.Name",
        "properties.PrivateLinkScopedResources",
        "properties.TenantId",
    )
    defaults: ClassVar[Document] = {
        "properties": {
            "Flow_Type": "Bluefield",
            "Request_Source": "rest",
            "RetentionInDays": 90,
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
        }
    }

    def refuse(self, write: Write, document: Document) -> None:
        linked = document["properties"].get("WorkspaceResourceId")
        if linked:
            check_link(write, linked)
        elif document["properties"].get("IngestionMode") == "LogAnalytics":
            raise ApiError(
                400, "BadRequest", "WorkspaceResourceId is required for components with ingestion mode LogAnalytics."
            )

    def make(self, write: Write, document: Document) -> Document:
        application = write.context.new_id("applicationInsights.app", write.id.key)
        key = write.context.new_id("applicationInsights.key", write.id.key)
        names = {"ApplicationId": document["name"], "Name": document["name"], "AppId": application}
        return {"properties": {**names, "InstrumentationKey": key, "TenantId": TENANT_ID}}

    def live(self, context: Context, document: Document) -> Document:
        """The connection string is said anew each time: where telemetry is taken may move."""
        properties = {"CreationDate": iso(document["createdAt"])} if "createdAt" in document else {}
        if key := document["properties"].get("InstrumentationKey"):
            properties["ConnectionString"] = (
                f"InstrumentationKey={key};IngestionEndpoint={context.url('ingestion')}/;"
                f"LiveEndpoint=https://{document['location']}.{_LIVE}/;ApplicationId={document['properties']['AppId']}"
            )
        return {"properties": properties}


_DATABRICKS = """
    accounts Apps BrickStoreHttpGateway BudgetPolicyCentral capsule8Dataplane clamAVScan CloudStorageMetadata
    clusterLibraries ClusterPolicies clusters Dashboards databrickssql DataMonitoring dbfs deltaPipelines featureStore
    genie gitCredentials globalInitScripts iamRole Ingestion instancePools jobs LineageTracking MarketplaceConsumer
    mlflowAcledArtifact mlflowExperiment modelRegistry notebook partnerHub PredictiveOptimization RemoteHistoryService
    repos secrets serverlessRealTimeInference sqlAnalytics sqlPermissions ssh unityCatalog webTerminal workspace
"""
# Of the types that the sandbox knows: log categories, metric categories. With logs come the groups allLogs and audit.
CATEGORIES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "microsoft.databricks/workspaces": (frozenset(_DATABRICKS.split()), frozenset()),
    "microsoft.keyvault/vaults": (
        frozenset({"AuditEvent", "AzurePolicyEvaluationDetails"}),
        frozenset({"AllMetrics"}),
    ),
    "microsoft.storage/storageaccounts": (frozenset(), frozenset({"Capacity", "Transaction"})),
    "microsoft.storage/storageaccounts/blobservices": (
        frozenset({"StorageRead", "StorageWrite", "StorageDelete"}),
        frozenset({"Capacity", "Transaction"}),
    ),
    "microsoft.operationalinsights/workspaces": (
        frozenset({"Audit", "SummaryLogs", "Jobs"}),
        frozenset({"AllMetrics"}),
    ),
}
_GROUPS = ("allLogs", "audit")
_SINKS = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
_RETENTION = {"days": int, "enabled": bool}


class DiagnosticSettingType(StoredType):
    name = "Microsoft.Insights/diagnosticSettings"
    api_versions = ("2015-07-01", "2016-09-01", "2017-05-01-preview", "2020-01-01-preview", "2021-05-01-preview")
    extension = True
    body: ClassVar[Spec] = {
        "properties?": {
            "eventHubAuthorizationRuleId?": str,
            "eventHubName?": str,
            "logAnalyticsDestinationType?": str,
            "logs?": [{"category?": str, "categoryGroup?": str, "enabled": bool, "retentionPolicy?": _RETENTION}],
            "marketplacePartnerId?": str,
            "metrics?": [{"category?": str, "enabled": bool, "retentionPolicy?": _RETENTION, "timeGrain?": str}],
            "serviceBusRuleId?": str,
            "storageAccountId?": str,
            "workspaceId?": str,
        }
    }
    name_pattern = r"[^*<>%:&?\\+/]{1,260}"
    has_state = False
    created_status = 200

    def field_error(self, problem: FieldProblem) -> ApiError:
        return ApiError(400, "BadRequest", f"The property '{problem.path}' is not valid: {problem.message}.")

    def authorize(self, write: Write) -> None:
        super().authorize(write)
        workspace = (write.body.get("properties") or {}).get("workspaceId")
        if workspace:
            right = (f"{self.name}/write", write.id.text)
            needed = ("Microsoft.OperationalInsights/workspaces/sharedKeys/action", str(workspace))
            access.require_linked(write.context, write.caller, right, needed)

    def refuse(self, write: Write, document: Document) -> None:
        properties = document.get("properties", {})
        sinks = [properties[name] for name in _SINKS if properties.get(name)]
        if not sinks:
            raise ApiError(400, "BadRequest", "At least one data sink needs to be specified.")
        check_link(write, sinks[0])
        _check_categories(write, properties)
        _check_sinks(write, properties)

    def adapt(self, write: Write, document: Document) -> Document:
        properties = document.setdefault("properties", {})
        logs, metrics = properties.setdefault("logs", []), properties.setdefault("metrics", [])
        for entry in [*logs, *metrics]:
            entry.setdefault("retentionPolicy", {"days": 0, "enabled": False})
        _add_what_is_off(write, metrics)
        return document


def _add_what_is_off(write: Write, metrics: list[Document]) -> None:
    """The service answers the other categories of metrics too, which is why clients leave out what is not enabled
    (flattenMonitorDiagnosticEnabledLogs in github.com/hashicorp/terraform-provider-azurerm)."""
    known = CATEGORIES.get(write.id.extends.type.lower(), (frozenset(), frozenset()))[1]
    named = {str(entry.get("category")) for entry in metrics}
    if metrics and "AllMetrics" not in named:
        off = {"enabled": False, "retentionPolicy": {"days": 0, "enabled": False}}
        metrics += [{"category": name, **off} for name in sorted(known - named)]


def _check_categories(write: Write, properties: Document) -> None:
    logs, metrics = CATEGORIES.get(write.id.extends.type.lower(), (frozenset(), frozenset()))
    for entry in properties.get("logs", []):
        group, category = entry.get("categoryGroup"), entry.get("category")
        if group and (not logs or group not in _GROUPS):
            supported = ", ".join(f"'{name}'" for name in _GROUPS) if logs else "none"
            raise _bad(f"Category group: '{group}' is not supported, supported ones are: {supported}.")
        if category and category not in logs:
            raise _bad(f"Category '{category}' is not supported.")
    for entry in properties.get("metrics", []):
        # AllMetrics stands for all metrics of a type that has any.
        if not metrics or entry.get("category") not in metrics | {"AllMetrics"}:
            raise _bad(f"Metric category '{entry.get('category')}' is not supported.")


def _check_sinks(write: Write, properties: Document) -> None:
    """The same category of a resource goes to the same sink once only."""
    below = f"{write.id.scope.lower()}/providers/microsoft.insights/diagnosticsettings/"
    for key, other in write.store.find("arm.resource", below):
        if key == write.id.key:
            continue
        shared = next((name for name in _SINKS if _same(properties, other["properties"], name)), None)
        both = _enabled(properties) & _enabled(other["properties"])
        if shared and both:
            raise ApiError(
                409,
                "Conflict",
                f"Data sink '{properties[shared]}' is already used in diagnostic setting '{other['name']}' for "
                f"category '{min(both)}'. Data sinks can't be reused in different settings on the same category for "
                "the same resource.",
            )


def _same(left: Document, right: Document, name: str) -> bool:
    return bool(left.get(name)) and str(left[name]).lower() == str(right.get(name, "")).lower()


def _enabled(properties: Document) -> set[str]:
    entries = [*properties.get("logs", []), *properties.get("metrics", [])]
    return {str(entry.get("category") or entry.get("categoryGroup")) for entry in entries if entry["enabled"]}


def _shared_keys(document: Document) -> Document:
    seed = document["properties"]["customerId"]
    keys = (
        base64.b64encode(hashlib.sha512(f"{seed}/{name}".encode()).digest()).decode() for name in ("first", "second")
    )
    return dict(zip(("primarySharedKey", "secondarySharedKey"), keys, strict=True))


def _bad(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)
