"""Management groups as scopes: of them just the root group, which holds every subscription of its tenant.

learn.microsoft.com/azure/governance/management-groups/overview: its id is the tenant's. A new tenant gives nobody a
right there, so a role has to be given at it or at the tenant first.
"""

from __future__ import annotations

from dbxwizard.sandbox.arm.ids import ResourceId
from dbxwizard.sandbox.http import ApiError
from dbxwizard.sandbox.tokens import TENANT_ID

TYPE = "Microsoft.Management/managementGroups"
ROOT = f"/providers/{TYPE}/{TENANT_ID}"


def is_root(resource_id: ResourceId) -> bool:
    return resource_id.key == ROOT.lower()


def require(name: str) -> None:
    """Raises 404 for any other group; the code and the words are not published."""
    if name.lower() != TENANT_ID:
        raise ApiError(404, "ManagementGroupNotFound", f"The management group '{name}' could not be found.")
