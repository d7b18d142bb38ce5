"""Federated credentials, through the engine; the proof of each is a job that signs in by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.graph import GraphClient
from dbxwizard.clients.identity import SignedIn, sign_in
from dbxwizard.core.errors import NotYet, OperationError
from dbxwizard.core.plan import Step
from dbxwizard.core.result import Status
from dbxwizard.sandbox import tokens
from dbxwizard.steps.identity.applications import ApplicationStep
from dbxwizard.steps.identity.federation import FederationStep, credential_name
from tests.identity.running import applied, fields, planned
from tests.identity.world import World

PREFIX = "repo:contoso@9801001/databricks@988100001"
ENVIRONMENTS = ("Development", "Production")


@pytest.fixture
async def graph(cloud: Cloud, ada: SignedIn) -> AsyncIterator[GraphClient]:
    async with GraphClient(cloud, ada) as client:
        yield client


def federation(cloud: Cloud, graph: GraphClient, environment: str, **differing: Any) -> FederationStep:
    given = {
        "key": "main-spn",
        "environment": environment,
        "subject": f"{PREFIX}:environment:{environment}",
        "issuer": cloud.federation_issuer,
        "audience": cloud.federation_audience,
    } | differing
    return FederationStep(graph, **given)


def steps(cloud: Cloud, graph: GraphClient, **differing: Any) -> list[Step[Any]]:
    application = ApplicationStep(graph, key="main-spn", display_name="dbx-main", repository="contoso/databricks")
    return [application, *(federation(cloud, graph, environment, **differing) for environment in ENVIRONMENTS)]


def job_environment(world: World, environment: str) -> dict[str, str]:
    names = {"AZURE_TENANT_ID": tokens.TENANT_ID, "AZURE_CLIENT_ID": world.application("dbx-main")["appId"]}
    return world.job(environment=environment) | names


async def test_a_job_of_each_environment_can_sign_in(cloud: Cloud, graph: GraphClient, world: World) -> None:
    assert (await applied(steps(cloud, graph))).status is Status.SUCCESS
    for environment in ENVIRONMENTS:
        signed_in = await sign_in(cloud, environ=job_environment(world, environment))
        assert (signed_in.method, signed_in.kind) == ("github-oidc", "servicePrincipal")
        assert signed_in.object_id == world.show()["servicePrincipals"][0]["id"]
    with pytest.raises(NotYet, match="environment:UAT"):
        await sign_in(cloud, environ=job_environment(world, "UAT"))


async def test_a_second_run_writes_nothing(cloud: Cloud, graph: GraphClient, world: World) -> None:
    await applied(steps(cloud, graph))
    before = world.writes()
    assert (await applied(steps(cloud, graph))).status is Status.UNCHANGED
    assert world.writes() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "repo:contoso/databricks:environment:Production"),
        ("issuer", "https://x"),
        ("audiences", ["api://x"]),
    ],
)
async def test_a_changed_field_is_named_and_mended_alone(
    cloud: Cloud, graph: GraphClient, world: World, field: str, value: Any
) -> None:
    await applied(steps(cloud, graph))
    application, shown = world.application("dbx-main"), world.show()
    credentials = [
        one | ({field: value} if one["name"] == "github-production" else {})
        for one in application["federatedIdentityCredentials"]
    ]
    world.change("directory.application", application["id"], federatedIdentityCredentials=credentials)
    before = len(world.writes())
    assert fields(await planned(*steps(cloud, graph))) == {"setup/federation/main-spn/production": [field]}
    await applied(steps(cloud, graph))
    assert world.show() == shown
    assert len(world.writes()) == before + 1


async def test_the_same_trust_under_another_name_is_as_good(cloud: Cloud, graph: GraphClient, world: World) -> None:
    await applied(steps(cloud, graph))
    application = world.application("dbx-main")
    credentials = [one | {"name": "made-by-hand"} for one in application["federatedIdentityCredentials"][:1]]
    world.change("directory.application", application["id"], federatedIdentityCredentials=credentials)
    assert list(fields(await planned(*steps(cloud, graph)))) == ["setup/federation/main-spn/production"]


async def test_the_twentieth_credential_is_the_last(cloud: Cloud, graph: GraphClient, world: World) -> None:
    application = ApplicationStep(graph, key="main-spn", display_name="dbx-main", repository="contoso/databricks")
    fleet: list[Step[Any]] = [federation(cloud, graph, f"env-{number}") for number in range(20)]
    assert (await applied([application, *fleet])).status is Status.SUCCESS
    with pytest.raises(OperationError) as caught:
        await planned(application, federation(cloud, graph, "one-more"))
    assert caught.value.code == "federation-limit"
    assert "--isolation environment" in caught.value.fix
    with pytest.raises(OperationError, match="maximum number of 20"):
        await graph.make_federated_credential(
            world.application("dbx-main")["id"],
            {"name": "one-more", "issuer": "https://x", "subject": "s", "audiences": ["a"]},
        )


@pytest.mark.parametrize(
    ("environment", "name"),
    [("Production", "github-production"), ("my env / blue", "github-my-env-blue"), ("e" * 200, "github-" + "e" * 113)],
)
def test_names_have_the_letters_that_entra_allows(environment: str, name: str) -> None:
    assert credential_name(environment) == name
