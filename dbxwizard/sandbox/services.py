"""The hosts that the sandbox plays."""

from __future__ import annotations

from collections.abc import Mapping

from dbxwizard.sandbox.arm.service import ArmService
from dbxwizard.sandbox.databricks.service import WorkspaceService
from dbxwizard.sandbox.entra.service import EntraService
from dbxwizard.sandbox.github.oidc import OidcService
from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.graph.service import GraphService
from dbxwizard.sandbox.http import Service
from dbxwizard.sandbox.insights.ingestion import IngestionService
from dbxwizard.sandbox.insights.service import QueryService
from dbxwizard.sandbox.packages.service import PackageService
from dbxwizard.sandbox.vault.service import VaultService


def all_services() -> Mapping[str, Service]:
    """One instance of each, by the first part of its hosts' names; seeded in this order."""
    services = (
        EntraService(),
        GraphService(),
        ArmService(),
        VaultService(),
        OidcService(),
        GitHubService(),
        WorkspaceService(),
        IngestionService(),
        QueryService(),
        PackageService(),
    )
    return {service.name: service for service in services}
