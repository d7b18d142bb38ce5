"""The client against the sandbox: who enters, how errors arrive, what is sent."""

from __future__ import annotations

import pytest

from dbxwizard.clients.databricks import WorkspaceClient
from dbxwizard.core.errors import Conflict, NotFound, NotSignedIn, NotYet, ServiceError, Transient, UsageError
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from tests.databricks.conftest import ADA, CONTRIBUTOR, READER, SPN, World

GRACE = "grace@contoso.example"


async def test_a_contributor_enters_as_an_admin(world: World, client: WorkspaceClient) -> None:
    me = await client.me()
    assert (me["userName"], [group["display"] for group in me["groups"]]) == (ADA, ["admins"])
    assert world.writes() == ["GET /api/2.0/preview/scim/v2/Me"]
    await client.me()
    assert len(world.writes()) == 1


async def test_a_service_principal_enters_by_its_application_id(world: World) -> None:
    async with world.client(SPN) as client:
        me = await client.me()
    assert (me["userName"], me["displayName"]) == (SPN, "databricks-spn")


@pytest.mark.parametrize("role", ["", READER])
async def test_who_may_not_write_the_workspace_stays_outside(world: World, role: str) -> None:
    if role:
        world.assign(GRACE, role)
    async with world.client(GRACE) as client:
        with pytest.raises(NotYet) as refused:
            await client.me()
    assert (refused.value.code, refused.value.status) == ("PERMISSION_DENIED", 403)


async def test_a_role_that_still_replicates_does_not_open_yet(world: World) -> None:
    world.assign(GRACE, CONTRIBUTOR, effective_at=4e9)
    async with world.client(GRACE) as client:
        with pytest.raises(NotYet):
            await client.me()


async def test_the_resource_id_must_be_that_of_the_workspace(world: World) -> None:
    async with world.client(resource_id="/subscriptions/other") as client:
        with pytest.raises(NotYet):
            await client.me()


async def test_the_management_token_must_be_one(world: World) -> None:
    signed_in = world.signed_in(ADA, {"https://management.core.windows.net/": "https://graph.microsoft.com"})
    async with WorkspaceClient(world.cloud, signed_in, world.url, RESOURCE) as client:
        with pytest.raises(NotYet):
            await client.me()


async def test_a_token_for_another_audience_is_not_taken(world: World) -> None:
    signed_in = world.signed_in(ADA, {"2ff814a6-3304-4ab8-85cb-cd0e6f879c1d": "https://graph.microsoft.com"})
    async with WorkspaceClient(world.cloud, signed_in, world.url, RESOURCE) as client:
        with pytest.raises(NotSignedIn):
            await client.me()


RESOURCE = (
    "/subscriptions/6f9619ff-8b86-d011-b42d-00c04fc964ff/resourceGroups/rg-development"
    "/providers/Microsoft.Databricks/workspaces/dbx-development"
)


def test_http_is_refused(world: World) -> None:
    with pytest.raises(UsageError):
        WorkspaceClient(world.cloud, world.signed_in(ADA), "http://127.0.0.1:1", RESOURCE)


async def test_the_environment_does_not_choose_host_token_or_certificates(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DATABRICKS_HOST": "https://elsewhere.example",
        "DATABRICKS_TOKEN": "dapi0",
        "ARM_CLIENT_ID": "x",
        "ARM_CLIENT_SECRET": "y",
        "DATABRICKS_CONFIG_PROFILE": "none",
        "REQUESTS_CA_BUNDLE": "/dev/null",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    async with world.client() as client:
        assert (await client.me())["userName"] == ADA


async def test_errors_keep_the_services_code_and_words(client: WorkspaceClient) -> None:
    with pytest.raises(NotFound) as missing:
        await client.cluster("0101-000000-nothing0")
    assert missing.value.code == "INVALID_PARAMETER_VALUE"
    assert missing.value.message == "Cluster 0101-000000-nothing0 does not exist"
    await client.create_scope("one")
    with pytest.raises(Conflict) as twice:
        await client.create_scope("one")
    assert (twice.value.code, twice.value.message) == ("RESOURCE_ALREADY_EXISTS", "Scope one already exists!")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("status", status=429, retry_after=7), "REQUEST_LIMIT_EXCEEDED"),
        (Fault("status", status=503), "TEMPORARILY_UNAVAILABLE"),
        (Fault("status", status=500), "INTERNAL_ERROR"),
        (Fault("status", status=502), "UNKNOWN"),
        (Fault("reset"), "connection-failed"),
        (Fault("truncate"), "connection-failed"),
        (Fault("garbage"), "answer-unreadable"),
        (Fault("empty"), "answer-unreadable"),
    ],
)
async def test_what_may_pass_is_tried_once_and_handed_on(
    world: World, client: WorkspaceClient, fault: Fault, code: str
) -> None:
    await client.me()
    faults.add(world.store, fault)
    before = len(world.requests())
    with pytest.raises(Transient) as passing:
        await client.me()
    assert passing.value.code == code
    assert passing.value.retry_after == fault.retry_after
    assert len(world.requests()) <= before + 1


async def test_no_answer_in_time_is_transient(world: World) -> None:
    faults.add(world.store, Fault("stall", seconds=2))
    async with world.client(timeout=0.2) as client:
        with pytest.raises(Transient) as late:
            await client.me()
    assert late.value.code == "timeout"


async def test_an_unknown_authority_is_said_at_once(world: World) -> None:
    from dataclasses import replace

    cloud = replace(world.cloud, ca_bundle=None)
    async with WorkspaceClient(cloud, world.signed_in(ADA), world.url, RESOURCE) as client:
        with pytest.raises(ServiceError) as untrusted:
            await client.me()
    assert untrusted.value.code == "certificate-untrusted"


async def test_no_error_shows_a_token(world: World, client: WorkspaceClient) -> None:
    await client.me()
    faults.add(world.store, Fault("status", status=502))
    with pytest.raises(Transient) as failed:
        await client.me()
    assert "eyJ" not in str(failed.value)
