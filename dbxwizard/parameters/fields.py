"""An environment file, declared once: each key with what it may hold, what it means and what it is by default."""

from __future__ import annotations

from dbxwizard.parameters.databricks_fields import CLUSTER, GIT_PROVIDERS, JOB
from dbxwizard.parameters.resource_fields import RESOURCES, azure_name
from dbxwizard.parameters.shapes import Field, Flag, ListOf, MapOf, Record, Text

GUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

KNOWN_ENVIRONMENTS = ("Development", "UAT", "PreProduction", "Production")

_SECRET = azure_name(r"[A-Za-z0-9_.@-]{1,128}", "1 to 128 letters, digits, _ . @ and -")

ENVIRONMENT_NAME = azure_name("[A-Za-z0-9][A-Za-z0-9_-]{0,39}", "1 to 40 letters, digits, _ and -")

PRINCIPAL = Text(
    pattern=f"main-spn|databricks-spn|me|user:[^\\s@]+@[^\\s@]+|group:.*\\S|{GUID}",
    help="main-spn, databricks-spn, me, user:NAME@DOMAIN, group:NAME or an object id",
    code="invalid-principal",
    check="principal",
    fill="principal",
)
_PRINCIPAL_TYPE = Text(allowed=("User", "Group", "ServicePrincipal"))
_PRINCIPAL_NAME = Text(most=256)
_ROLE = Text(most=512, suggest="role")
_PATH = Text(check="relative-path", most=1024)
# learn.microsoft.com/azure/databricks/repos: below /Repos there are just two levels, /Repos/{folder}/{name}.
_GIT_FOLDER_NAME = Text(
    pattern=r"[^/\\\s]([^/\\]*[^/\\\s])?",
    help="the name of one folder, without /",
    code="invalid-path",
    check="relative-path",
    most=256,
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
        Field(
            "principalName",
            _PRINCIPAL_NAME,
            "Whose object id it is, for people to read. setup writes it beside an id.",
            "principal_name",
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
            ListOf(Text(suggest="cluster"), unique=""),
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
        Field("path", _GIT_FOLDER_NAME, "Folder in the workspace, below /Repos/<client id>/.", "path", required=True),
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
    suggest="secret-source",
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


def _levels(of: str, *levels: str) -> MapOf:
    return MapOf(Text(allowed=levels), Text(suggest=of), model="Permission")


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
            _levels("cluster", "CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"),
            "Name of a cluster of this file: right on it.",
            "clusters",
            default={},
        ),
        Field(
            "Jobs",
            _levels("job", "CAN_VIEW", "CAN_MANAGE_RUN", "IS_OWNER", "CAN_MANAGE"),
            "Name of a job of this file: right on it.",
            "jobs",
            default={},
        ),
        Field(
            "Folders",
            _levels("git-folder", "CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"),
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
