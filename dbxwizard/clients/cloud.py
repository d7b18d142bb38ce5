"""A cloud is a set of endpoints: the public one, the sovereign ones, Azure Stack and the sandbox take one road."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DATABRICKS_APP_ID = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"  # the same first-party application in every cloud


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where the services of one cloud are. Urls have no trailing slash unless they are an audience.

    `ca_bundle`: a PEM file to trust in place of the default (the sandbox's); None: the process's own settings.
    """

    name: str
    resource_manager: str  # https://management.azure.com
    authority: str  # https://login.microsoftonline.com
    graph: str  # https://graph.microsoft.com
    management_audience: str  # https://management.core.windows.net/
    vault_audience: str  # https://vault.azure.net
    portal: str
    github_api: str  # https://api.github.com, on GHES https://HOST/api/v3
    github_web: str  # https://github.com
    federation_issuer: str  # https://token.actions.githubusercontent.com, on GHES https://HOST/_services/token
    federation_audience: str  # api://AzureADTokenExchange
    ca_bundle: Path | None = None
    is_sandbox: bool = False
