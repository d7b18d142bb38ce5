"""Who acts, by every way that is open, on the sandbox."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.graph import GraphClient
from dbxwizard.clients.identity import DeviceCode, SignedIn, sign_in, tenant_of_subscription
from dbxwizard.clients.transport import send
from dbxwizard.core.errors import NotSignedIn, Transient, UsageError
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.entra.directory import ADA, ADA_ID, GRACE
from dbxwizard.sandbox.tokens import TENANT_ID
from tests.identity.test_entra import Browser, give_secret, trust
from tests.identity.world import MakeApplication, World


def approving(cloud: Cloud, upn: str) -> Callable[[DeviceCode], None]:
    def approve(code: DeviceCode) -> None:
        form = {"user_code": code.user_code, "upn": upn}
        send("POST", f"{code.verification_uri}/approve", ca_bundle=cloud.ca_bundle, direct=True, form=form)

    return approve


async def test_on_the_sandbox_its_person_is_signed_in_without_a_question(cloud: Cloud) -> None:
    signed_in = await sign_in(cloud, environ={}, interactive=False)
    assert (signed_in.name, signed_in.object_id, signed_in.tenant_id) == (ADA, ADA_ID, TENANT_ID)
    assert (signed_in.kind, signed_in.method) == ("user", "device-code")


async def test_in_a_job_of_the_sandbox_s_github_there_is_no_person(cloud: Cloud) -> None:
    with pytest.raises(NotSignedIn, match="github-oidc: ACTIONS_ID_TOKEN_REQUEST_URL"):
        await sign_in(cloud, environ={"GITHUB_ACTIONS": "true"}, interactive=False)


async def test_a_device_code_is_shown_to_the_person(cloud: Cloud) -> None:
    signed_in = await sign_in(cloud, environ={}, interactive=True, prompt=approving(cloud, GRACE))
    assert (signed_in.name, signed_in.kind) == (GRACE, "user")


async def test_a_code_that_was_given_up_is_asked_after_no_more(cloud: Cloud, world: World) -> None:
    shown = asyncio.Event()
    loop = asyncio.get_running_loop()
    signing_in = asyncio.create_task(
        sign_in(
            cloud,
            environ={},
            method="device-code",
            interactive=True,
            prompt=lambda _: loop.call_soon_threadsafe(shown.set),  # type: ignore[arg-type]
        )
    )
    await shown.wait()
    [polling] = [one for one in threading.enumerate() if one.name == "sign-in"]
    signing_in.cancel()
    await asyncio.gather(signing_in, return_exceptions=True)
    await asyncio.to_thread(polling.join, 60)
    assert not polling.is_alive()  # after one sleep, not when the code expires
    tokens = [one for one in world.seen("login") if one.endswith("/oauth2/v2.0/token")]
    assert len(tokens) <= 1  # the first look, where the code was given up while it went out


async def test_a_browser_is_opened_where_there_is_one(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", Browser(cloud).open)
    prompt = approving(cloud, GRACE)
    here = {"DISPLAY": ":0"}
    signed_in = await sign_in(cloud, environ=here, interactive=True, prompt=prompt, tenant=TENANT_ID)
    assert (signed_in.name, signed_in.method) == (ADA, "browser")
    over_ssh = here | {"SSH_CONNECTION": "1"}
    assert (await sign_in(cloud, environ=over_ssh, interactive=True, prompt=prompt)).method == "device-code"


async def test_a_job_of_github_comes_before_a_secret(
    cloud: Cloud, world: World, make_application: MakeApplication
) -> None:
    application = make_application()
    trust(world, application)
    names = {"AZURE_TENANT_ID": TENANT_ID, "AZURE_CLIENT_ID": application["appId"], "AZURE_CLIENT_SECRET": "wrong"}
    signed_in = await sign_in(cloud, environ=world.job(environment="Production") | names)
    assert (signed_in.method, signed_in.client_id) == ("github-oidc", application["appId"])


async def test_a_job_asks_for_a_new_token_each_time(
    cloud: Cloud, world: World, make_application: MakeApplication
) -> None:
    application = make_application()
    trust(world, application)
    names = {"ARM_TENANT_ID": TENANT_ID, "ARM_CLIENT_ID": application["appId"]}
    signed_in = await sign_in(cloud, environ=world.job(environment="Production") | names, prefixes=("ARM",))
    signed_in.credential.get_token(cloud.graph_scope)
    signed_in.credential.get_token(cloud.graph_scope)
    assert world.seen("oidc") == ["GET /token", "GET /token"]


@pytest.mark.parametrize("form", ["AZURE", "ARM", "AZURE_CREDENTIALS"])
async def test_a_client_secret_of_the_environment(
    cloud: Cloud, world: World, make_application: MakeApplication, form: str
) -> None:
    application = make_application()
    secret = give_secret(world, application)
    environ = {
        f"{form}_TENANT_ID": TENANT_ID,
        f"{form}_CLIENT_ID": application["appId"],
        f"{form}_CLIENT_SECRET": secret,
    }
    if form == "AZURE_CREDENTIALS":
        given = {"tenantId": TENANT_ID, "clientId": application["appId"], "clientSecret": secret, "subscriptionId": "s"}
        environ = {form: json.dumps(given)}
    signed_in = await sign_in(cloud, environ=environ)
    assert (signed_in.kind, signed_in.client_id, signed_in.method) == (
        "servicePrincipal",
        application["appId"],
        "environment",
    )
    assert secret not in repr(signed_in)


async def test_each_of_two_applications_by_its_own_variables(
    cloud: Cloud, world: World, make_application: MakeApplication
) -> None:
    environ: dict[str, str] = {}
    for prefix in ("AZURE", "ARM"):
        application = make_application(prefix)
        environ |= {
            f"{prefix}_TENANT_ID": TENANT_ID,
            f"{prefix}_CLIENT_ID": application["appId"],
            f"{prefix}_CLIENT_SECRET": give_secret(world, application),
        }
    main, databricks = (
        await sign_in(cloud, environ=environ),
        await sign_in(cloud, environ=environ, prefixes=("ARM",)),
    )
    assert main.client_id == environ["AZURE_CLIENT_ID"]
    assert databricks.client_id == environ["ARM_CLIENT_ID"]


@pytest.mark.parametrize("text", ["no json", "[]", '{"tenantId": "t"}', "null"])
async def test_azure_credentials_of_another_form(cloud: Cloud, text: str) -> None:
    with pytest.raises(UsageError, match="tenantId, clientId, clientSecret"):
        await sign_in(cloud, environ={"AZURE_CREDENTIALS": text})


def elsewhere(cloud: Cloud) -> Cloud:
    """The same hosts, but not known as the sandbox: as a real cloud is treated."""
    return Cloud(**{name: getattr(cloud, name) for name in Cloud.__slots__} | {"is_sandbox": False})


async def test_nobody_lists_what_was_looked_for(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(NotSignedIn) as caught:
        await sign_in(elsewhere(cloud), environ={"AZURE_CONFIG_DIR": str(tmp_path)}, interactive=False)
    error = caught.value
    assert error.code == "not-signed-in"
    assert error.exit_code == 3
    for words in ("ACTIONS_ID_TOKEN_REQUEST_URL", "AZURE_CLIENT_SECRET not set", "nobody has signed in with az login"):
        assert words in error.message
    assert "id-token: write" in error.fix


async def test_a_way_that_was_asked_for_and_is_not_open(cloud: Cloud) -> None:
    with pytest.raises(NotSignedIn, match="github-oidc: ACTIONS_ID_TOKEN_REQUEST_URL"):
        await sign_in(cloud, environ={}, method="github-oidc")


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"AZURE_TENANT_ID": TENANT_ID, "AZURE_CLIENT_ID": "none", "AZURE_CLIENT_SECRET": "s"}, "AADSTS700016"),
        ({"AZURE_TENANT_ID": "nowhere", "AZURE_CLIENT_ID": "none", "AZURE_CLIENT_SECRET": "s"}, "unknown-tenant"),
    ],
)
async def test_what_entra_refuses_is_said_in_its_words(cloud: Cloud, environ: dict[str, str], code: str) -> None:
    with pytest.raises(Exception, match=r"AADSTS|/nowhere is no tenant") as caught:
        await sign_in(cloud, environ=environ)
    assert getattr(caught.value, "code", "") == code
    assert getattr(caught.value, "exit_code", 0) == 3


async def test_a_job_whose_request_token_is_refused(cloud: Cloud, world: World) -> None:
    environ = world.job() | {"AZURE_TENANT_ID": TENANT_ID, "AZURE_CLIENT_ID": "none"}
    with pytest.raises(NotSignedIn, match="unknown, or its job has ended"):
        await sign_in(cloud, environ=environ | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "other"})


async def test_a_login_host_that_is_down_is_no_refusal(cloud: Cloud, world: World) -> None:
    faults.add(world.store, faults.Fault("reset", service="login", times=100))
    environ = {"AZURE_TENANT_ID": TENANT_ID, "AZURE_CLIENT_ID": "none", "AZURE_CLIENT_SECRET": "s"}
    with pytest.raises(Transient):
        await sign_in(cloud, environ=environ)


async def test_a_short_outage_of_the_login_host_is_not_noticed(cloud: Cloud, world: World) -> None:
    fault = faults.Fault("status", service="login", method="POST", path="*/token", status=503, retry_after=0.0)
    faults.add(world.store, fault)
    assert (await sign_in(cloud, environ={})).name == ADA


async def test_the_tenant_comes_from_the_subscription(cloud: Cloud, world: World) -> None:
    assert tenant_of_subscription(cloud, SUBSCRIPTION_ID) == TENANT_ID
    await sign_in(cloud, environ={}, subscription_id=SUBSCRIPTION_ID)
    assert f"POST /{TENANT_ID}/oauth2/v2.0/devicecode" in world.seen("login")


async def test_tokens_are_fetched_once_for_all_clients(cloud: Cloud, world: World) -> None:
    signed_in = await sign_in(cloud, environ={})
    for _ in range(2):
        async with GraphClient(cloud, signed_in) as graph:
            await graph.me()
            await graph.me()
    assert sum(line.endswith("/token") for line in world.seen("login")) == 2  # Resource Manager's and Graph's


LOGIN = """
import os, sys
from azure.cli.core import get_default_cli
from azure.cli.core._profile import Profile, _create_identity_instance
from azure.cli.core.cloud import add_cloud, switch_active_cloud, Cloud, CloudEndpoints, CloudSuffixes
arm, login, graph, tenant, client_id = sys.argv[1:6]
cli = get_default_cli()
audience = "https://management.core.windows.net/"
endpoints = CloudEndpoints(management=audience, resource_manager=arm + "/", active_directory=login,
    active_directory_resource_id=audience, active_directory_graph_resource_id=graph, microsoft_graph_resource_id=graph,
    sql_management="x", batch_resource_id="x", gallery="x")
add_cloud(cli, Cloud("Here", endpoints=endpoints, suffixes=CloudSuffixes()))
switch_active_cloud(cli, "Here")
cli = get_default_cli()
identity = _create_identity_instance(cli, login, tenant_id=tenant)
identity.login_with_service_principal(client_id, {"client_secret": os.environ["SECRET"]}, [audience + "/.default"])
subscription = {"id": "00000000-0000-0000-0000-000000000001", "name": "one", "state": "Enabled", "isDefault": True,
    "tenantId": tenant, "environmentName": "Here", "user": {"name": client_id, "type": "servicePrincipal"}}
Profile(cli_ctx=cli)._set_subscriptions([subscription])
"""
SIGN_IN = """
import asyncio, json, sys
from pathlib import Path
from dbxwizard.clients.cloud import discover
from dbxwizard.clients.identity import sign_in
cloud = discover(sys.argv[1], ca_bundle=Path(sys.argv[2]))
signed_in = asyncio.run(sign_in(cloud, interactive=False))
print(json.dumps([signed_in.method, signed_in.client_id]))
"""


def test_the_azure_clis_own_sign_in_is_used(
    cloud: Cloud, world: World, make_application: MakeApplication, tmp_path: Path
) -> None:
    """Unmodified azure-cli-core signs in to the sandbox; then dbxwizard finds its profile.

    Its `Profile.login` itself can't run here: it wants an older azure-mgmt-resource than the one that is installed.
    """
    application = make_application()
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AZURE_CONFIG_DIR": str(tmp_path / "azure"),
        "REQUESTS_CA_BUNDLE": str(cloud.ca_bundle),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "SECRET": give_secret(world, application),
    }

    def child(code: str, *arguments: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-c", code, *arguments], env=environ, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    given = (cloud.resource_manager, cloud.authority, cloud.graph, TENANT_ID, application["appId"])
    child(LOGIN, *given)
    found: list[Any] = json.loads(child(SIGN_IN, cloud.resource_manager, str(cloud.ca_bundle)).splitlines()[-1])
    assert found == ["azure-cli", application["appId"]]


def test_a_signed_in_one_is_not_shown_with_its_tokens(ada: SignedIn, cloud: Cloud) -> None:
    token = ada.credential.get_token(cloud.management_scope).token
    assert token not in repr(ada)
    assert token not in repr(ada.credential)
    assert threading.active_count() < 50
