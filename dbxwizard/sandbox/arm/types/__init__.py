"""The resource types, one module for each provider."""

from __future__ import annotations

from dbxwizard.sandbox.arm.assignments import RoleAssignmentType
from dbxwizard.sandbox.arm.groups import ResourceGroupType
from dbxwizard.sandbox.arm.model import ResourceType
from dbxwizard.sandbox.arm.roles import RoleDefinitionType
from dbxwizard.sandbox.arm.types.databricks import AccessConnectorType, WorkspaceType
from dbxwizard.sandbox.arm.types.keyvault import VaultType
from dbxwizard.sandbox.arm.types.locks import LockType
from dbxwizard.sandbox.arm.types.managed_identity import UserAssignedIdentityType
from dbxwizard.sandbox.arm.types.monitoring import ComponentType, DiagnosticSettingType, LogWorkspaceType
from dbxwizard.sandbox.arm.types.storage import AccountType, BlobServiceType, ContainerType


def all_types() -> tuple[ResourceType, ...]:
    """One of each, in the order in which they are listed."""
    return (
        ResourceGroupType(),
        RoleDefinitionType(),
        RoleAssignmentType(),
        LockType(),
        WorkspaceType(),
        AccessConnectorType(),
        VaultType(),
        AccountType(),
        BlobServiceType(),
        ContainerType(),
        LogWorkspaceType(),
        ComponentType(),
        DiagnosticSettingType(),
        UserAssignedIdentityType(),
    )
