"""Which endpoints belong together."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from dbxwizard.clients import transport
from dbxwizard.clients.cloud import Cloud, discover, find_cloud, github_host
from dbxwizard.clients.identity import tenant_of_subscription
from dbxwizard.core.errors import NotFound, ServiceError, Transient, UsageError
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.tokens import TENANT_ID
from tests.identity.world import World


def test_the_sandbox_says_what_it_is(sandbox: Sandbox, cloud: Cloud) -> None:
    at = sandbox.endpoints()
    found = discover(
        at.resource_manager,
        ca_bundle=at.authority,
        github_url=at.github,
        federation_issuer=at.oidc,
        is_sandbox=True,
    )
    names = (
        "resource_manager",
        "authority",
        "graph",
        "management_audience",
        "vault_audience",
        "github_api",
        "github_web",
        "federation_issuer",
        "federation_audience",
        "ca_bundle",
    )
    assert {name: getattr(found, name) for name in names} == {name: getattr(cloud, name) for name in names}
    assert found.is_sandbox


def test_scopes(cloud: Cloud) -> None:
    assert find_cloud("AzureCloud").management_scope == "https://management.core.windows.net//.default"
    assert find_cloud("azureusgovernment").graph_scope == "https://graph.microsoft.us/.default"
    assert cloud.graph_scope == f"{cloud.graph}/.default"


@pytest.mark.parametrize(
    ("name", "audience", "authority"),
    [
        ("AzureCloud", "api://AzureADTokenExchange", "https://login.microsoftonline.com"),
        ("AzureUSGovernment", "api://AzureADTokenExchangeUSGov", "https://login.microsoftonline.us"),
        ("AzureChinaCloud", "api://AzureADTokenExchangeChina", "https://login.chinacloudapi.cn"),
    ],
)
def test_each_cloud_has_its_own_audience_for_federation(name: str, audience: str, authority: str) -> None:
    found = find_cloud(name)
    assert (found.federation_audience, found.authority) == (audience, authority)
    assert found.federation_issuer == "https://token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("url", "api", "issuer"),
    [
        ("https://github.com", "https://api.github.com", "https://token.actions.githubusercontent.com"),
        ("https://github.com/", "https://api.github.com", "https://token.actions.githubusercontent.com"),
        ("https://git.example:8443/", "https://git.example:8443/api/v3", "https://git.example:8443/_services/token"),
        ("https://octo.ghe.com", "https://api.octo.ghe.com", "https://token.actions.octo.ghe.com"),
    ],
)
def test_a_github_of_ones_own_has_its_own_issuer(url: str, api: str, issuer: str) -> None:
    found = find_cloud("AzureCloud", github_url=url)
    assert (found.github_api, found.federation_issuer) == (api, issuer)


@pytest.mark.parametrize("url", ["", "github.com", "http://git.example", "https://"])
def test_a_github_that_is_no_address(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        github_host(url)
    assert caught.value.exit_code == 2


def test_an_unknown_cloud_lists_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="AzureMars") as caught:
        find_cloud("AzureMars")
    assert "AzureCloud, AzureUSGovernment, AzureChinaCloud" in caught.value.fix


def test_an_address_that_is_no_resource_manager(sandbox: Sandbox) -> None:
    at = sandbox.endpoints()
    with pytest.raises((ServiceError, NotFound)) as caught:
        discover(at.graph, ca_bundle=at.authority, is_sandbox=True)
    assert caught.value.resource == at.graph


@pytest.mark.parametrize(("fault", "code"), [("garbage", "answer-unreadable"), ("reset", "connection-failed")])
def test_an_answer_that_does_not_come_whole(sandbox: Sandbox, world: World, fault: str, code: str) -> None:
    faults.add(world.store, faults.Fault(fault, service="arm", when="after", times=9))  # type: ignore[arg-type]
    at = sandbox.endpoints()
    with pytest.raises(Transient) as caught:
        discover(at.resource_manager, ca_bundle=at.authority, is_sandbox=True)
    assert caught.value.code == code


def test_a_sandbox_that_changes_hands_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command before has ended, this one's own process does not serve yet: the first request is refused."""
    with Sandbox(tmp_path / "state.sqlite") as before:
        at = before.endpoints()
    with ExitStack() as serving:

        def serve(_pause: float) -> None:
            serving.enter_context(Sandbox(tmp_path / "state.sqlite"))

        monkeypatch.setattr(transport, "time", SimpleNamespace(sleep=serve, perf_counter=time.perf_counter))
        found = discover(at.resource_manager, ca_bundle=at.authority, is_sandbox=True)
        assert found.resource_manager == at.resource_manager
        assert tenant_of_subscription(found, SUBSCRIPTION_ID) == TENANT_ID


def test_a_certificate_that_nobody_vouches_for(sandbox: Sandbox, tmp_path: Path) -> None:
    import certifi

    with pytest.raises(ServiceError) as caught:
        discover(sandbox.endpoints().resource_manager, ca_bundle=Path(certifi.where()), is_sandbox=True)
    assert caught.value.code == "certificate-untrusted"
