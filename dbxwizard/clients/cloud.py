"""A cloud is a set of endpoints: the public one, the sovereign ones, Azure Stack and the sandbox take one road."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dbxwizard.core.errors import ServiceError, UsageError

DATABRICKS_APP_ID = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"  # the same first-party application in every cloud
PUBLIC_GITHUB = "https://github.com"
_METADATA_VERSION = "2022-09-01"  # the one that the Azure CLI and Terraform ask for
_PUBLIC_ISSUER = "https://token.actions.githubusercontent.com"
# Not in the metadata: learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
_FEDERATION_AUDIENCES = {
    "AzureUSGovernment": "api://AzureADTokenExchangeUSGov",
    "AzureChinaCloud": "api://AzureADTokenExchangeChina",
}


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
    insights: str  # https://api.applicationinsights.io, address and audience of telemetry's queries
    portal: str
    github_api: str  # https://api.github.com, on GHES https://HOST/api/v3
    github_web: str  # https://github.com
    federation_issuer: str  # https://token.actions.githubusercontent.com, on GHES https://HOST/_services/token
    federation_audience: str  # api://AzureADTokenExchange
    ca_bundle: Path | None = None
    is_sandbox: bool = False
    package_index: str = ""  # of the sandbox: it has the dbxwizard that runs, for the sandbox's jobs

    @property
    def management_scope(self) -> str:
        """The scope of a token for Resource Manager. The audience ends in a slash, so two of them are right."""
        return f"{self.management_audience}/.default"

    @property
    def insights_scope(self) -> str:
        return f"{self.insights}/.default"

    @property
    def graph_scope(self) -> str:
        return f"{self.graph}/.default"


@dataclass(frozen=True, slots=True)
class GitHubHost:
    """The three addresses of one GitHub: its API, its pages, and the issuer of its jobs' tokens."""

    api: str
    web: str
    issuer: str


def github_host(url: str = PUBLIC_GITHUB) -> GitHubHost:
    """github.com, an Enterprise Server, or a SUBDOMAIN.ghe.com (docs.github.com/enterprise-cloud, data residency).

    Raises UsageError for what is no https address.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise UsageError("github-url", f"{url!r} is no https address", fix="say it as https://HOST")
    web = f"https://{parts.netloc.lower()}"
    if web in (PUBLIC_GITHUB, "https://www.github.com"):
        return GitHubHost("https://api.github.com", PUBLIC_GITHUB, _PUBLIC_ISSUER)
    if parts.hostname.endswith(".ghe.com"):
        return GitHubHost(f"https://api.{parts.hostname}", web, f"https://token.actions.{parts.hostname}")
    return GitHubHost(f"{web}/api/v3", web, f"{web}/_services/token")


def is_enterprise_server(url: str) -> bool:
    """Whether the GitHub at that address is neither github.com nor a SUBDOMAIN.ghe.com."""
    host = urlsplit(url).hostname or ""
    return host not in ("github.com", "www.github.com") and not host.endswith(".ghe.com")


def find_cloud(name: str, *, github_url: str = PUBLIC_GITHUB) -> Cloud:
    """The cloud of that name, or of the resource manager at that address. Raises UsageError, and as `discover`."""
    if name.startswith("https://"):
        return discover(name, github_url=github_url)
    known = known_cloud(name)
    return _with_github(_KNOWN[known], github_host(github_url), known, None, is_sandbox=False)


def known_cloud(name: str) -> str:
    """The name of a cloud as it is written. Raises UsageError."""
    known = next((known for known in _KNOWN if known.lower() == name.lower()), None)
    if known is None:
        fix = f"use one of {', '.join(_KNOWN)}, or the https address of a resource manager"
        raise UsageError("unknown-cloud", f"there is no cloud {name!r}", fix=fix)
    return known


def discover(
    resource_manager: str,
    *,
    ca_bundle: Path | None = None,
    github_url: str = PUBLIC_GITHUB,
    federation_issuer: str = "",
    is_sandbox: bool = False,
    package_index: str = "",
) -> Cloud:
    """Asks a resource manager which cloud it belongs to (`GET /metadata/endpoints`, no token needed).

    Blocks for its requests. `federation_issuer` replaces the one that belongs to the GitHub at `github_url`. Raises
    Transient while nobody answers, ServiceError when the answer is no cloud's.
    """
    from dbxwizard.clients.transport import json_of, send_at_first

    base = resource_manager.rstrip("/")
    url = f"{base}/metadata/endpoints?api-version={_METADATA_VERSION}"
    document = json_of(send_at_first(url, ca_bundle=ca_bundle, direct=is_sandbox, resource=base), base)
    # Older api-versions, and some Azure Stacks for this one, answer a list.
    found = document[0] if isinstance(document, list) and document else document
    try:
        endpoints = _endpoints(found, base)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ServiceError(
            "cloud-metadata",
            f"the answer of {url} does not describe a cloud: {error} is missing",
            resource=base,
            fix="check --cloud: it has to be the address of a resource manager",
        ) from error
    github = github_host(github_url)
    if federation_issuer:
        github = GitHubHost(github.api, github.web, federation_issuer.rstrip("/"))
    made = _with_github(endpoints, github, found["name"], ca_bundle, is_sandbox=is_sandbox)
    return replace(made, package_index=package_index)


def _endpoints(document: Any, resource_manager: str) -> dict[str, str]:
    authentication = document["authentication"]
    graph = document.get("microsoftGraphResourceId") or "https://graph.microsoft.com/"
    return {
        "resource_manager": (document.get("resourceManager") or resource_manager).rstrip("/"),
        "authority": authentication["loginEndpoint"].rstrip("/"),
        "graph": graph.rstrip("/"),
        "management_audience": authentication["audiences"][0],
        "vault_audience": f"https://{document['suffixes']['keyVaultDns'].lstrip('.')}",
        "insights": (document.get("appInsightsResourceId") or "https://api.applicationinsights.io").rstrip("/"),
        "portal": document.get("portal", "").rstrip("/"),
    }


def _with_github(
    endpoints: Mapping[str, str], github: GitHubHost, name: str, ca_bundle: Path | None, *, is_sandbox: bool
) -> Cloud:
    return Cloud(
        name=name,
        **endpoints,
        github_api=github.api,
        github_web=github.web,
        federation_issuer=github.issuer,
        federation_audience=_FEDERATION_AUDIENCES.get(name, "api://AzureADTokenExchange"),
        ca_bundle=ca_bundle,
        is_sandbox=is_sandbox,
    )


# As azure-cli-core's cloud.py has them.
_KNOWN: dict[str, dict[str, str]] = {
    "AzureCloud": {
        "resource_manager": "https://management.azure.com",
        "authority": "https://login.microsoftonline.com",
        "graph": "https://graph.microsoft.com",
        "management_audience": "https://management.core.windows.net/",
        "vault_audience": "https://vault.azure.net",
        "insights": "https://api.applicationinsights.io",
        "portal": "https://portal.azure.com",
    },
    "AzureUSGovernment": {
        "resource_manager": "https://management.usgovcloudapi.net",
        "authority": "https://login.microsoftonline.us",
        "graph": "https://graph.microsoft.us",
        "management_audience": "https://management.core.usgovcloudapi.net/",
        "vault_audience": "https://vault.usgovcloudapi.net",
        "insights": "https://api.applicationinsights.us",
        "portal": "https://portal.azure.us",
    },
    "AzureChinaCloud": {
        "resource_manager": "https://management.chinacloudapi.cn",
        "authority": "https://login.chinacloudapi.cn",
        "graph": "https://microsoftgraph.chinacloudapi.cn",
        "management_audience": "https://management.core.chinacloudapi.cn/",
        "vault_audience": "https://vault.azure.cn",
        "insights": "https://api.applicationinsights.azure.cn",
        "portal": "https://portal.azure.cn",
    },
}
