"""The Azure resources of an environment, declared.

Limits and patterns of names: Microsoft's "Naming rules and restrictions for Azure resources"
(learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules).
"""

from __future__ import annotations

from dbxwizard.parameters.shapes import Field, Flag, ListOf, MapOf, Record, Text, Whole


def azure_name(pattern: str, help_text: str) -> Text:
    return Text(pattern=pattern, help=help_text, code="invalid-name")


_RESOURCE_GROUP = azure_name(r"[\w().-]{0,89}[\w()-]", "1 to 90 letters, digits, _ ( ) - . and no . at the end")
_WORKSPACE = azure_name("[A-Za-z0-9_-]{3,64}", "3 to 64 letters, digits, _ and -")
_VAULT = azure_name("[A-Za-z](-?[A-Za-z0-9]){2,23}", "3 to 24 letters, digits and single -, a letter first")
_ACCOUNT = azure_name("[a-z0-9]{3,24}", "3 to 24 small letters and digits")
_CONTAINER = azure_name("[a-z0-9](-?[a-z0-9]){2,62}", "3 to 63 small letters, digits and single -")
_LOGS = azure_name("[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]", "4 to 63 letters, digits and -, none at the ends")
_INSIGHTS = azure_name(
    r"[^%&\\?/]{0,254}[^%&\\?/. ]", r"1 to 255 characters without % & \ ? /, no . or space at the end"
)
_IP_RANGES = ListOf(
    Text(
        pattern="[0-9]{1,3}([.][0-9]{1,3}){3}(/[0-9]{1,2})?",
        help="an IPv4 address or range, such as 203.0.113.0/24",
        code="invalid-ip-range",
        check="ip-range",
    ),
    most=200,
    unique="",
)
_PUBLIC = "Whether the public network may reach it. false needs a private endpoint of your own."
_RANGES = "Public addresses or ranges (IPv4) that may reach it; none means all."
_COMPUTED = "Left out: computed from the resource group, so that it is unique and stays the same."

_WORKSPACE_RECORD = Record(
    model="Workspace",
    fields=(
        Field("Name", _WORKSPACE, f"Name of the Databricks workspace. {_COMPUTED}", "name", default=""),
        Field(
            "Sku",
            Text(allowed=("premium", "standard", "trial")),
            "Pricing tier. Rights on clusters, jobs and folders need premium.",
            "sku",
            default="premium",
        ),
        Field(
            "ManagedResourceGroup",
            _RESOURCE_GROUP,
            "Resource group that Databricks keeps its own resources in. Left out: named after the resource group.",
            "managed_resource_group",
            default="",
        ),
        Field("PublicNetworkAccess", Flag(), _PUBLIC, "public_network_access", default=True),
        Field("NoPublicIp", Flag(), "Cluster nodes get no public address.", "no_public_ip", default=True),
    ),
)
_KEY_VAULT = Record(
    model="KeyVault",
    rules=("network",),
    fields=(
        Field("Name", _VAULT, f"Name of the Key Vault, unique in the cloud. {_COMPUTED}", "name", default=""),
        Field(
            "Sku", Text(allowed=("standard", "premium")), "premium keeps keys in hardware.", "sku", default="standard"
        ),
        Field(
            "PurgeProtection",
            Flag(),
            "Nobody can purge the deleted vault before its retention ends. It can't be switched off again.",
            "purge_protection",
            default=False,
        ),
        Field(
            "SoftDeleteRetentionDays",
            Whole(7, 90),
            "Days for which a deleted vault or secret can be recovered. Fixed once the vault exists.",
            "soft_delete_retention_days",
            default=90,
        ),
        Field("PublicNetworkAccess", Flag(), _PUBLIC, "public_network_access", default=True),
        Field("AllowedIpRanges", _IP_RANGES, _RANGES, "allowed_ip_ranges", default=[]),
    ),
)
_STORAGE = Record(
    model="Storage",
    rules=("network",),
    fields=(
        Field("Name", _ACCOUNT, f"Name of the storage account, unique in the cloud. {_COMPUTED}", "name", default=""),
        Field(
            "Sku",
            Text(
                allowed=(
                    "Standard_LRS",
                    "Standard_ZRS",
                    "Standard_GRS",
                    "Standard_RAGRS",
                    "Standard_GZRS",
                    "Standard_RAGZRS",
                )
            ),
            "How often and where Azure keeps a copy.",
            "sku",
            default="Standard_LRS",
        ),
        Field("PublicNetworkAccess", Flag(), _PUBLIC, "public_network_access", default=True),
        Field("AllowedIpRanges", _IP_RANGES, _RANGES, "allowed_ip_ranges", default=[]),
        Field(
            "Containers",
            ListOf(_CONTAINER, unique=""),
            "Containers of the lake.",
            "containers",
            default=["bronze", "silver", "gold"],
        ),
    ),
)
_MONITORING = Record(
    model="Monitoring",
    fields=(
        Field("LogAnalyticsName", _LOGS, f"Log Analytics workspace. {_COMPUTED}", "log_analytics_name", default=""),
        Field(
            "ApplicationInsightsName",
            _INSIGHTS,
            f"Application Insights. {_COMPUTED}",
            "application_insights_name",
            default="",
        ),
        Field("RetentionDays", Whole(30, 730), "Days for which logs are kept.", "retention_days", default=30),
    ),
)
_CONNECTOR = Record(
    fields=(
        Field("Name", _WORKSPACE, f"Access connector: the identity with which Databricks reads the lake. {_COMPUTED}"),
    )
)
_TAGS = MapOf(
    Text(most=256, free=True),
    Text(pattern=r"[^<>%&\\?/]{1,128}", help=r"1 to 128 characters without < > % & \ ? /", code="invalid-name"),
    most=50,
)

RESOURCES = Record(
    model="Resources",
    fields=(
        Field(
            "ResourceGroup",
            _RESOURCE_GROUP,
            "Resource group of this environment. Left out: rg-dbx- and the environment's name in small letters.",
            "resource_group",
            default="",
        ),
        Field("Workspace", _WORKSPACE_RECORD, "The Databricks workspace.", "workspace", default={}),
        Field("KeyVault", _KEY_VAULT, "The Key Vault (access by Azure roles).", "key_vault", default={}),
        Field("Storage", _STORAGE, "The data lake (ADLS Gen2).", "storage", default={}),
        Field("Monitoring", _MONITORING, "Log Analytics and Application Insights.", "monitoring", default={}),
        Field("AccessConnector", _CONNECTOR, "The access connector.", "access_connector", default={}),
        Field("Tags", _TAGS, "Tags on every resource.", "tags", default={}),
    ),
)
