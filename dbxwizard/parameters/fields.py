"""An environment file, declared once: each key with what it may hold, what it means and what it is by default.

Limits and patterns of Azure names: Microsoft's "Naming rules and restrictions for Azure resources"
(learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules).
"""

from __future__ import annotations

from dbxwizard.parameters.databricks_fields import CLUSTER, GIT_PROVIDERS, JOB
from dbxwizard.parameters.shapes import Field, Flag, ListOf, MapOf, Record, Text, Whole

GUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

KNOWN_ENVIRONMENTS = ("Development", "UAT", "PreProduction", "Production")


def _name(pattern: str, help_text: str) -> Text:
    return Text(pattern=pattern, help=help_text, code="invalid-name")


_RESOURCE_GROUP = _name(r"[\w().-]{0,89}[\w()-]", "1 to 90 letters, digits, _ ( ) - . and no . at the end")
_WORKSPACE = _name("[A-Za-z0-9_-]{3,64}", "3 to 64 letters, digits, _ and -")
_VAULT = _name("[A-Za-z](-?[A-Za-z0-9]){2,23}", "3 to 24 letters, digits and single -, a letter first")
_ACCOUNT = _name("[a-z0-9]{3,24}", "3 to 24 small letters and digits")
_CONTAINER = _name("[a-z0-9](-?[a-z0-9]){2,62}", "3 to 63 small letters, digits and single -")
_LOGS = _name("[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]", "4 to 63 letters, digits and -, none at the ends")
_INSIGHTS = _name(r"[^%&\\?/]{0,254}[^%&\\?/. ]", r"1 to 255 characters without % & \ ? /, no . or space at the end")
_SECRET = _name(r"[A-Za-z0-9_.@-]{1,128}", "1 to 128 letters, digits, _ . @ and -")

ENVIRONMENT_NAME = _name("[A-Za-z][A-Za-z0-9_-]{0,39}", "1 to 40 letters, digits, _ and -, a letter first")

PRINCIPAL = Text(
    pattern=f"main-spn|databricks-spn|me|user:[^\\s@]+@[^\\s@]+|group:.*\\S|{GUID}",
    help="main-spn, databricks-spn, me, user:NAME@DOMAIN, group:NAME or an object id",
    code="invalid-principal",
    check="principal",
    fill="principal",
)
_PRINCIPAL_TYPE = Text(allowed=("User", "Group", "ServicePrincipal"))
_PRINCIPAL_NAME = Text(most=256)
_ROLE = Text(most=512)
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
_PATH = Text(check="relative-path", most=1024)

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

ROLE_ASSIGNMENT = Record(
    model="RoleAssignment",
    rules=("principal-type",),
    fields=(
        Field("roles", ListOf(_ROLE, least=1, unique=""), "Names of Azure roles.", "roles", required=True),
        Field("principal", PRINCIPAL, "Who gets them.", "principal", required=True),
        Field(
            "principalType",
            _PRINCIPAL_TYPE,
            "What an object id stands for. Azure needs it to trust a new principal at once.",
            "principal_type",
            default="",
        ),
        Field("Description", Text(free=True, most=2048), "A note for people.", "description", default=""),
        Field(
            "scope",
            Text(
                pattern=f"/subscriptions/{GUID}(/.*[^/])?|/providers/Microsoft[.]Management/managementGroups/[^/]+",
                help="/subscriptions/ID…, or left out for the resource group",
                check="scope",
            ),
            "Where the roles hold. Left out: the environment's resource group.",
            "scope",
            default="",
        ),
    ),
)

WHEEL = Record(
    model="WheelFile",
    fields=(
        Field("project", _PATH, "Folder of the Python project (pyproject.toml or setup.py).", "project", required=True),
        Field(
            "clusters",
            ListOf(Text(), unique=""),
            "Clusters of this file that get the wheel.",
            "clusters",
            default=[],
        ),
        Field("upload", Flag(), "false: build it, but don't upload or install it.", "upload", default=True),
    ),
)

GIT_CONFIGURATION = Record(
    model="GitConfiguration",
    fields=(
        Field(
            "git_username",
            Text(most=255, fill="git-username"),
            "User name that Databricks shows to the git provider. setup writes it.",
            "username",
            required=True,
        ),
        Field("git_provider", Text(allowed=GIT_PROVIDERS), "The git provider.", "provider", required=True),
    ),
)

GIT_FOLDER = Record(
    model="GitFolder",
    fields=(
        Field(
            "url",
            Text(
                pattern=r"https://[^\s/@]+/\S+[^\s/]",
                help="https://HOST/OWNER/REPOSITORY",
                code="invalid-url",
                fill="repository-url",
            ),
            "Address of the repository. setup writes it.",
            "url",
            required=True,
        ),
        Field("provider", Text(allowed=GIT_PROVIDERS), "The git provider.", "provider", required=True),
        Field("path", _PATH, "Folder in the workspace, below /Repos/<client id>/.", "path", required=True),
        Field(
            "branch",
            Text(pattern=r"[^\s~^:?*\[\\]+", help="the name of a branch", most=255),
            "Branch that the folder is set to. Left out: what is being deployed.",
            "branch",
            default="",
        ),
    ),
)

SECRET_SOURCE = Text(
    pattern=(
        r"databricks-spn[.]client-id|databricks-spn[.]client-secret|tenant-id|application-insights[.]connection-string"
        r"|key-vault:[A-Za-z0-9-]{1,127}|environment:[A-Za-z_][A-Za-z0-9_]*"
    ),
    help=(
        "databricks-spn.client-id, databricks-spn.client-secret, tenant-id, application-insights.connection-string, "
        "key-vault:NAME or environment:VARIABLE"
    ),
    secret=True,
)
SECRET_SCOPE = Record(
    model="SecretScope",
    fields=(
        Field("Name", _SECRET, "Name of the secret scope.", "name", required=True),
        Field(
            "Secrets",
            MapOf(SECRET_SOURCE, _SECRET, most=1000),
            "Key: where its value comes from. A value itself never stands here.",
            "secrets",
            default={},
        ),
        Field(
            "Acls",
            ListOf(
                Record(
                    model="ScopeAcl",
                    fields=(
                        Field("Principal", PRINCIPAL, "Who may read or write it.", "principal", required=True),
                        Field(
                            "PrincipalName",
                            _PRINCIPAL_NAME,
                            "What Databricks calls them.",
                            "principal_name",
                            default="",
                        ),
                        Field(
                            "Permission",
                            Text(allowed=("READ", "WRITE", "MANAGE")),
                            "What they may do.",
                            "permission",
                            required=True,
                        ),
                    ),
                ),
                unique="Principal",
            ),
            "Who may use the scope.",
            "acls",
            default=[],
        ),
    ),
)


def _levels(*levels: str) -> MapOf:
    return MapOf(Text(allowed=levels), model="Permission")


ACCESS = Record(
    model="Access",
    rules=("principal-type",),
    fields=(
        Field("Principal", PRINCIPAL, "The person or group.", "principal", required=True),
        Field("PrincipalType", _PRINCIPAL_TYPE, "What an object id stands for.", "principal_type", default=""),
        Field(
            "PrincipalName",
            _PRINCIPAL_NAME,
            "What Databricks calls them: sign-in name, group name, application id. setup writes it beside an id.",
            "principal_name",
            default="",
        ),
        Field(
            "Entitlements",
            ListOf(
                Text(
                    allowed=(
                        "workspace-access",
                        "databricks-sql-access",
                        "workspace-consume",
                        "allow-cluster-create",
                        "allow-instance-pool-create",
                    )
                ),
                unique="",
            ),
            "What they may do in the workspace as a whole.",
            "entitlements",
            default=[],
        ),
        Field(
            "Clusters",
            _levels("CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"),
            "Name of a cluster of this file: right on it.",
            "clusters",
            default={},
        ),
        Field(
            "Jobs",
            _levels("CAN_VIEW", "CAN_MANAGE_RUN", "IS_OWNER", "CAN_MANAGE"),
            "Name of a job of this file: right on it.",
            "jobs",
            default={},
        ),
        Field(
            "Folders",
            _levels("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"),
            "Folder of the workspace, or path of a Git folder of this file: right on it.",
            "folders",
            default={},
        ),
        Field("DataRoles", ListOf(_ROLE, unique=""), "Azure roles on the lake.", "data_roles", default=[]),
    ),
)

ENVIRONMENT = Record(
    rules=("references",),
    fields=(
        Field("$schema", Text(free=True), "Where an editor finds this schema.", default="./schema.json"),
        Field(
            "Environment",
            ENVIRONMENT_NAME,
            "Name of the environment, in GitHub too. Left out: the name of the file.",
            "name",
            default="",
        ),
        Field(
            "SubscriptionId",
            Text(pattern=GUID, help="a GUID", code="invalid-guid", check="guid", fill="subscription-id"),
            "The Azure subscription. setup writes it.",
            "subscription_id",
            required=True,
        ),
        Field("Location", Text(check="region"), "The Azure region, such as uksouth.", "location", required=True),
        Field("Resources", RESOURCES, "Names and settings of the Azure resources.", "resources", default={}),
        Field(
            "RBAC_Assignments",
            ListOf(ROLE_ASSIGNMENT),
            "Azure roles, given on the resource group.",
            "role_assignments",
            default=[],
        ),
        Field("Clusters", ListOf(CLUSTER, unique="cluster_name"), "Databricks clusters.", "clusters", default=[]),
        Field(
            "WheelFiles",
            ListOf(WHEEL, unique="project"),
            "Python packages that are built and installed on clusters.",
            "wheels",
            default=[],
        ),
        Field("Jobs", ListOf(JOB, unique="name"), "Databricks jobs.", "jobs", default=[]),
        Field(
            "Git_Configuration",
            ListOf(GIT_CONFIGURATION, unique="git_provider"),
            "How the Databricks service principal signs in to git providers (one per provider).",
            "git",
            default=[],
        ),
        Field(
            "Repo_Configuration",
            ListOf(GIT_FOLDER, unique="path"),
            "Git folders in the workspace.",
            "git_folders",
            default=[],
        ),
        Field("SecretScopes", ListOf(SECRET_SCOPE, unique="Name"), "Secret scopes.", "secret_scopes", default=[]),
        Field("Access", ListOf(ACCESS, unique="Principal"), "What people may do.", "access", default=[]),
    ),
)
