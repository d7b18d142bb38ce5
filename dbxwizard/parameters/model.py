"""What an environment file says, as typed values: the contract between the files and the steps.

`dbxwizard.parameters.load` builds these from environments/*.json (docs/parameter-file.md describes the form).
Everything here is plain data: names that are still to be resolved (`databricks-spn`, `group:…`) stay as written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

JsonValue = Any  # a JSON value as the standard library gives it


@dataclass(frozen=True, slots=True)
class Workspace:
    name: str = ""  # "" everywhere below: bicep computes it
    sku: str = "premium"
    managed_resource_group: str = ""
    public_network_access: bool = True
    no_public_ip: bool = True


@dataclass(frozen=True, slots=True)
class KeyVault:
    name: str = ""
    sku: str = "standard"
    purge_protection: bool = False
    soft_delete_retention_days: int = 90
    public_network_access: bool = True
    allowed_ip_ranges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Storage:
    name: str = ""
    sku: str = "Standard_LRS"
    public_network_access: bool = True
    allowed_ip_ranges: tuple[str, ...] = ()
    containers: tuple[str, ...] = ("bronze", "silver", "gold")


@dataclass(frozen=True, slots=True)
class Monitoring:
    log_analytics_name: str = ""
    application_insights_name: str = ""
    retention_days: int = 30


@dataclass(frozen=True, slots=True)
class Resources:
    """Names and settings of the Azure resources that bicep/ makes."""

    resource_group: str
    workspace: Workspace = Workspace()
    key_vault: KeyVault = KeyVault()
    storage: Storage = Storage()
    monitoring: Monitoring = Monitoring()
    access_connector_name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """`principal`: `databricks-spn`, `main-spn`, `me`, `user:UPN`, `group:NAME` or an object id. `scope` "" means the
    resource group; else an absolute scope."""

    roles: tuple[str, ...]
    principal: str
    principal_type: str = ""  # User, Group, ServicePrincipal; "" where the name tells
    principal_name: str = ""  # for people to read, where `principal` is an object id
    description: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """`settings` is the body of the Clusters API (cluster_name included), old forms already rewritten.
    `single_user_name` may be `databricks-spn`."""

    name: str
    settings: Mapping[str, JsonValue]
    libraries: tuple[Mapping[str, JsonValue], ...] = ()


@dataclass(frozen=True, slots=True)
class WheelFile:
    """`project` is the folder that holds pyproject.toml or setup.py, relative to the project root."""

    project: str
    clusters: tuple[str, ...]
    upload: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """`settings` is the Jobs API's JobSettings; a task may say `cluster_name` (a cluster of this file) in place of
    `existing_cluster_id`. Tasks without a git_source on the job run from the repository at the deployed ref."""

    name: str
    settings: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class GitConfiguration:
    username: str
    provider: str  # gitHub, gitHubEnterprise, azureDevOpsServices … as the Databricks API spells it


@dataclass(frozen=True, slots=True)
class GitFolder:
    """`path` is relative to /Repos/<client id>/; `branch` "" means the deployed ref."""

    url: str
    provider: str
    path: str
    branch: str = ""


@dataclass(frozen=True, slots=True)
class ScopeAcl:
    principal: str
    permission: str  # READ, WRITE, MANAGE
    principal_name: str = ""  # as in Access


@dataclass(frozen=True, slots=True)
class SecretScope:
    """`secrets`: key → where the value comes from: `databricks-spn.client-id`, `databricks-spn.client-secret`,
    `tenant-id`, `application-insights.connection-string`, `key-vault:NAME` or `environment:VARIABLE`."""

    name: str
    secrets: Mapping[str, str]
    acls: tuple[ScopeAcl, ...] = ()


@dataclass(frozen=True, slots=True)
class Permission:
    """A right on one object: `name` of a cluster or job, or the path of a folder."""

    name: str
    level: str


@dataclass(frozen=True, slots=True)
class Access:
    """What a person or group may do. `entitlements`: workspace-access, databricks-sql-access, allow-cluster-create …;
    `data_roles`: Azure roles on the storage account. Where `principal` is an object id, `principal_type` (User, Group,
    ServicePrincipal) and `principal_name` (sign-in name, display name or application id: what Databricks knows) may
    say more; setup writes them."""

    principal: str
    entitlements: tuple[str, ...] = ()
    clusters: tuple[Permission, ...] = ()
    jobs: tuple[Permission, ...] = ()
    folders: tuple[Permission, ...] = ()
    data_roles: tuple[str, ...] = ()
    principal_type: str = ""
    principal_name: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment file, read and checked."""

    name: str
    file: Path
    root: Path  # the folder that holds environments/; relative paths in the file start here
    subscription_id: str
    location: str
    resources: Resources
    role_assignments: tuple[RoleAssignment, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    wheels: tuple[WheelFile, ...] = ()
    jobs: tuple[Job, ...] = ()
    git: tuple[GitConfiguration, ...] = ()
    git_folders: tuple[GitFolder, ...] = ()
    secret_scopes: tuple[SecretScope, ...] = ()
    access: tuple[Access, ...] = ()
