"""Tokens, versions, headers, subscriptions, providers, resource groups."""

from __future__ import annotations

import uuid

import pytest

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID

from .conftest import SUBSCRIPTION, Arm


def test_without_a_token(arm: Arm) -> None:
    answer = arm.send("GET", SUBSCRIPTION, "2022-12-01", token="")
    assert arm.error(answer) == (401, "AuthenticationFailed")
    login = arm.sandbox.endpoints().login
    assert f'authorization_uri="{login}/{tokens.TENANT_ID}"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "https://vault.azure.net"}, "InvalidAuthenticationTokenAudience"),
        ({"exp": 1}, "ExpiredAuthenticationToken"),
    ],
)
def test_a_token_that_is_not_for_it(arm: Arm, claims: dict[str, object], code: str) -> None:
    answer = arm.send("GET", SUBSCRIPTION, "2022-12-01", token=arm.token(**claims))
    assert arm.error(answer) == (401, code)


def test_no_token_at_all(arm: Arm) -> None:
    assert arm.error(arm.send("GET", SUBSCRIPTION, "2022-12-01", token="nonsense")) == (
        401,
        "InvalidAuthenticationToken",
    )


def test_api_versions(arm: Arm) -> None:
    assert arm.error(arm.get(SUBSCRIPTION)) == (400, "MissingApiVersionParameter")
    answer = arm.get(SUBSCRIPTION, "2014-04-01")
    assert arm.error(answer) == (400, "InvalidApiVersionParameter")
    assert "2022-12-01" in answer.json()["error"]["message"]
    vault = f"{arm.group()}/providers/Microsoft.KeyVault/vaults/kv-one"
    answer = arm.put(vault, "2013-01-01", {"location": "westeurope"})
    assert arm.error(answer) == (400, "NoRegisteredProviderFound")
    assert "for location 'westeurope' and API version '2013-01-01' for type 'vaults'" in answer.text
    assert arm.error(arm.get(vault.rsplit("/", 1)[0], "2013-01-01")) == (400, "InvalidResourceType")


def test_headers(arm: Arm) -> None:
    headers = arm.get(SUBSCRIPTION.upper(), "2022-12-01").headers
    assert uuid.UUID(headers["x-ms-request-id"])
    assert headers["x-ms-ratelimit-remaining-subscription-reads"].isdigit()
    assert "x-ms-ratelimit-remaining-tenant-reads" in arm.get("/tenants", "2022-12-01").headers


def test_what_is_not_there(arm: Arm) -> None:
    other = f"/subscriptions/{uuid.UUID(int=5)}"
    assert arm.error(arm.get(other, "2022-12-01")) == (404, "SubscriptionNotFound")
    assert arm.error(arm.get("/subscriptions/five", "2022-12-01")) == (400, "InvalidSubscriptionId")
    assert arm.error(arm.get(f"{SUBSCRIPTION}/resourceGroups/no", "2025-04-01")) == (404, "ResourceGroupNotFound")
    group = arm.group()
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/kv-one"
    assert arm.error(arm.get(vault, "2025-05-01")) == (404, "ResourceNotFound")
    assert arm.error(arm.get(vault.replace("rg-one", "no"), "2025-05-01")) == (404, "ResourceGroupNotFound")
    assert arm.error(arm.get(f"{group}/providers/Microsoft.Nothing/x/y", "1")) == (404, "InvalidResourceNamespace")
    assert arm.error(arm.get(f"{group}/providers/Microsoft.KeyVault/x/y", "1")) == (404, "InvalidResourceType")


def test_metadata_needs_no_token(arm: Arm) -> None:
    answer = arm.send("GET", "/metadata/endpoints", "2022-09-01", token="").json()
    assert answer["resourceManager"] == arm.url + "/"
    assert answer["authentication"]["loginEndpoint"] == arm.sandbox.endpoints().login
    assert answer["microsoftGraphResourceId"].startswith(arm.sandbox.endpoints().graph)


def test_subscriptions(arm: Arm) -> None:
    (found,) = arm.get("/subscriptions", "2022-12-01").json()["value"]
    assert (found["subscriptionId"], found["state"], found["tenantId"]) == (
        SUBSCRIPTION_ID,
        "Enabled",
        tokens.TENANT_ID,
    )
    stranger = arm.acting_as(arm.principal())
    assert stranger.get("/subscriptions", "2022-12-01").json()["value"] == []
    assert arm.error(stranger.get(SUBSCRIPTION, "2022-12-01")) == (403, "AuthorizationFailed")
    names = {entry["name"] for entry in arm.get(f"{SUBSCRIPTION}/locations", "2022-12-01").json()["value"]}
    assert {"westeurope", "eastus2"} <= names


def test_a_provider_takes_its_time(arm: Arm) -> None:
    path = f"{SUBSCRIPTION}/providers/Microsoft.KeyVault"

    def state() -> str:
        return str(arm.get(path, "2025-04-01").json()["registrationState"])

    with arm.store.transaction():
        arm.store.put("_setting", "latency", {"profile": "demo"})
    arm.clock.freeze(1_800_000_000)
    assert state() == "NotRegistered"
    arm.register("KeyVault")
    assert state() == "Registering"
    arm.clock.advance(0.6)
    assert state() == "Registered"
    arm.send("POST", f"{path}/unregister", "2025-04-01")
    arm.clock.advance(0.6)
    assert state() == "NotRegistered"
    assert arm.error(arm.get(f"{SUBSCRIPTION}/providers/Microsoft.No", "2025-04-01"))[1] == "InvalidResourceNamespace"


def test_resource_groups(arm: Arm) -> None:
    group = arm.group()
    assert arm.send("HEAD", group, "2025-04-01").status_code == 204
    assert arm.get(group.lower(), "2025-04-01").json()["id"] == group
    moved = arm.put(group, "2025-04-01", {"location": "eastus"})
    assert arm.error(moved) == (409, "InvalidResourceGroupLocation")
    elsewhere = arm.put(f"{SUBSCRIPTION}/resourceGroups/two", "2025-04-01", {"location": "atlantis"})
    assert arm.error(elsewhere) == (400, "LocationNotAvailableForResourceGroup")
    assert arm.error(arm.put(group, "2025-04-01", {})) == (400, "LocationRequired")
    assert arm.error(arm.put(group, "2025-04-01", {"location": "westeurope", "x": 1})) == (400, "InvalidRequestContent")
    arm.send("PATCH", group, "2025-04-01", {"tags": {"team": "data"}})
    (found,) = arm.get(f"{SUBSCRIPTION}/resourcegroups", "2025-04-01", **{"$filter": "tagName eq 'team'"}).json()[
        "value"
    ]
    assert found["tags"] == {"team": "data"}
    assert arm.error(arm.get(f"{SUBSCRIPTION}/resourcegroups", "2025-04-01", **{"$filter": "size eq '1'"}))[0] == 400


def test_a_name_that_a_url_cannot_hold(arm: Arm) -> None:
    path = f"{SUBSCRIPTION}/resourceGroups/rg%20%28one%29"
    assert arm.error(arm.put(path, "2025-04-01", {"location": "westeurope"})) == (400, "InvalidResourceGroup")
    path = f"{SUBSCRIPTION}/resourceGroups/rg%28one%29"
    arm.made(path, "2025-04-01", {"location": "westeurope"})
    assert arm.get(path, "2025-04-01").json()["name"] == "rg(one)"
    assert arm.send("HEAD", path, "2025-04-01").status_code == 204


def test_a_group_goes_with_all_it_holds(arm: Arm) -> None:
    arm.register("ManagedIdentity")
    group = arm.group()
    identity = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
    arm.made(identity, "2023-01-31", {"location": "westeurope"})
    with arm.store.transaction():
        arm.store.put("_setting", "latency", {"profile": "demo"})
    arm.clock.freeze(1_800_000_000)
    gone = arm.send("DELETE", group, "2025-04-01")
    assert gone.status_code == 202
    assert arm.get(gone.headers["Location"]).status_code == 202
    assert arm.error(arm.put(identity, "2023-01-31", {"location": "westeurope"})) == (409, "ResourceGroupBeingDeleted")
    arm.clock.advance(10)
    assert arm.get(gone.headers["Location"]).status_code == 200
    assert arm.send("HEAD", group, "2025-04-01").status_code == 404
    assert arm.store.all("directory.servicePrincipal") == []
    assert arm.error(arm.send("DELETE", group, "2025-04-01")) == (404, "ResourceGroupNotFound")


def test_paging(arm: Arm) -> None:
    for number in range(5):
        arm.group(f"rg-{number}")
    first = arm.get(f"{SUBSCRIPTION}/resourcegroups", "2025-04-01", **{"$top": "2"}).json()
    names = [entry["name"] for entry in first["value"]]
    while "nextLink" in first:
        first = arm.get(first["nextLink"]).json()
        names += [entry["name"] for entry in first["value"]]
    assert names == [f"rg-{number}" for number in range(5)]
