"""The token of a GitHub Actions job."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
import requests

from dbxwizard.clients.cloud import Cloud
from dbxwizard.sandbox.github.oidc import LIFETIME, job_document
from dbxwizard.sandbox.github.seed import REPOSITORY
from tests.identity.test_entra import direct
from tests.identity.world import World


def ask(cloud: Cloud, job: dict[str, str], audience: str = "") -> requests.Response:
    url = job["ACTIONS_ID_TOKEN_REQUEST_URL"] + (f"&audience={audience}" if audience else "")
    headers = {"Authorization": f"bearer {job['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    return direct().get(url, headers=headers, verify=str(cloud.ca_bundle))


def verified(cloud: Cloud, answer: requests.Response, audience: str) -> dict[str, Any]:
    """The claims, checked by the key set that the issuer publishes."""
    verify = str(cloud.ca_bundle)
    document = direct().get(f"{cloud.federation_issuer}/.well-known/openid-configuration", verify=verify).json()
    assert document["issuer"] == cloud.federation_issuer
    token = answer.json()["value"]
    keys = jwt.PyJWKSet.from_dict(direct().get(document["jwks_uri"], verify=verify).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(token, key, ["RS256"], audience=audience, issuer=cloud.federation_issuer)
    return claims


def test_a_job_of_an_environment(cloud: Cloud, world: World) -> None:
    job = world.job(environment="Production", run_id=42, ref="refs/tags/v1", sha="a" * 40)
    claims = verified(cloud, ask(cloud, job, "api://AzureADTokenExchange"), "api://AzureADTokenExchange")
    assert claims["sub"] == "repo:contoso@9801001/databricks@988100001:environment:Production"
    assert claims["exp"] - claims["iat"] == LIFETIME
    wanted = {
        "repository": "contoso/databricks",
        "repository_owner": "contoso",
        "repository_id": "988100001",
        "environment": "Production",
        "ref": "refs/tags/v1",
        "ref_type": "tag",
        "sha": "a" * 40,
        "run_id": "42",
        "actor": "ada",
        "event_name": "workflow_dispatch",
        "job_workflow_ref": "contoso/databricks/.github/workflows/deploy.yml@refs/tags/v1",
    }
    assert {name: claims[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("about", "context"),
    [
        ({}, "ref:refs/heads/main"),
        ({"ref": "refs/heads/release"}, "ref:refs/heads/release"),
        ({"event": "pull_request", "ref": "refs/pull/1/merge"}, "pull_request"),
    ],
)
def test_a_job_without_an_environment(cloud: Cloud, world: World, about: dict[str, str], context: str) -> None:
    claims = verified(cloud, ask(cloud, world.job(**about)), "https://github.com/contoso")
    assert claims["sub"].endswith(f":{context}")
    assert "environment" not in claims


def test_an_older_repository_presents_names_alone(cloud: Cloud, world: World) -> None:
    world.change("github.repository", REPOSITORY, createdAt=1_700_000_000.0)
    claims = verified(cloud, ask(cloud, world.job(environment="UAT")), "https://github.com/contoso")
    assert claims["sub"] == "repo:contoso/databricks:environment:UAT"


def test_who_gets_no_token(cloud: Cloud, world: World) -> None:
    assert ask(cloud, world.job(may_ask=False)).status_code == 403
    job = world.job()
    assert ask(cloud, job).status_code == 200
    with world.changing() as store:
        store.delete(*job_document(job["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]))
    assert ask(cloud, job).status_code == 401
    other = job | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}
    assert ask(cloud, other).status_code == 401
