"""Microsoft Graph: the client, and what the sandbox refuses as the real service does."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
import requests

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.graph import GraphClient
from dbxwizard.clients.identity import SignedIn, sign_in
from dbxwizard.core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    NotSignedIn,
    NotYet,
    OperationError,
    ServiceError,
    Transient,
)
from dbxwizard.sandbox import faults, tokens
from dbxwizard.sandbox.entra.directory import ADA, ADA_ID, DATA_SCIENTISTS, DATA_SCIENTISTS_ID, GRACE, GRACE_ID
from tests.identity.test_entra import direct, give_secret
from tests.identity.world import MakeApplication, World


@pytest.fixture
async def graph(cloud: Cloud, ada: SignedIn) -> AsyncIterator[GraphClient]:
    async with GraphClient(cloud, ada) as client:
        yield client


class Caller:
    """Requests as they stand, in the name of the person of a token."""

    def __init__(self, cloud: Cloud, token: str) -> None:
        self._cloud, self._token = cloud, token

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        return direct().request(
            method,
            self._cloud.graph + path,
            json=body,
            headers={"Authorization": f"Bearer {self._token}"} | headers,
            verify=str(self._cloud.ca_bundle),
        )


@pytest.fixture
def call(cloud: Cloud, ada: SignedIn) -> Caller:
    return Caller(cloud, ada.credential.get_token(cloud.graph_scope).token)


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["error"]["code"])


# People and groups.


async def test_people_and_groups(graph: GraphClient) -> None:
    assert (await graph.me())["id"] == ADA_ID
    by_name, by_id = await graph.user(ADA.upper()), await graph.user(ADA_ID)
    assert by_name == by_id != None  # noqa: E711
    assert await graph.user("eve@contoso.example") is None
    (group,) = await graph.groups_named(DATA_SCIENTISTS)
    assert group["id"] == DATA_SCIENTISTS_ID
    assert await graph.groups_named("o'hara's") == []
    assert await graph.group(ADA_ID) is None


def test_members_of_groups_within_groups(call: Caller, world: World) -> None:
    outer = "40000000-0000-0000-0000-000000000001"
    members = [DATA_SCIENTISTS_ID, ADA_ID]
    world.change("directory.group", outer, id=outer, displayName="outer", members=members)
    world.change("directory.group", DATA_SCIENTISTS_ID, members=[GRACE_ID, outer])
    direct_ids = {one["id"] for one in call("GET", f"/v1.0/groups/{outer}/members").json()["value"]}
    all_ids = {one["id"] for one in call("GET", f"/v1.0/groups/{outer}/transitiveMembers").json()["value"]}
    assert direct_ids == set(members)
    assert all_ids == {*members, GRACE_ID, outer}
    of_me = call("GET", "/v1.0/me/memberOf").json()["value"]
    assert [one["displayName"] for one in of_me] == ["outer"]


def test_objects_by_their_ids(call: Caller) -> None:
    nobody = "99999999-0000-0000-0000-000000000000"
    found = call("POST", "/v1.0/directoryObjects/getByIds", {"ids": [ADA_ID, DATA_SCIENTISTS_ID, nobody]}).json()[
        "value"
    ]
    assert {one["@odata.type"] for one in found} == {"#microsoft.graph.user", "#microsoft.graph.group"}
    only = {"ids": [ADA_ID, DATA_SCIENTISTS_ID], "types": ["group"]}
    assert len(call("POST", "/v1.0/directoryObjects/getByIds", only).json()["value"]) == 1


# Lists.


async def test_all_pages_are_read(graph: GraphClient, world: World, make_application: MakeApplication) -> None:
    for number in range(205):
        make_application(f"app-{number:03}", tags=["many"])
    found = await graph.applications_tagged("many")
    assert len({one["id"] for one in found}) == 205
    assert sum("GET /v1.0/applications" in line for line in world.seen("graph")) == 3


def test_a_page_has_the_size_that_was_asked_for(call: Caller) -> None:
    page = call("GET", "/v1.0/users?$top=1&$select=userPrincipalName").json()
    assert len(page["value"]) == 1
    assert list(page["value"][0]) == ["userPrincipalName"]
    rest = call("GET", page["@odata.nextLink"].partition("/v1.0")[1] + page["@odata.nextLink"].partition("/v1.0")[2])
    assert [*page["value"], *rest.json()["value"]] == [{"userPrincipalName": GRACE}, {"userPrincipalName": ADA}]


def test_filters(call: Caller, make_application: MakeApplication) -> None:
    make_application("one", tags=["x"])
    make_application("two")
    counts = {
        "displayName eq 'ONE'": 1,
        "startswith(displayName,'o')": 1,
        "displayName in ('one','two')": 2,
        "displayName eq 'one' or displayName eq 'two'": 2,
        "displayName eq 'one' and tags/any(t:t eq 'x')": 1,
        "(displayName eq 'one' or displayName eq 'two') and tags/any(t:t eq 'x')": 1,
        "displayName eq 'o''ne'": 0,
    }
    found = {text: len(call("GET", f"/v1.0/applications?$filter={text}").json()["value"]) for text in counts}
    assert found == counts


def test_queries_that_graph_refuses(call: Caller, make_application: MakeApplication) -> None:
    make_application("one")
    unsupported, malformed = (400, "Request_UnsupportedQuery"), (400, "BadRequest")
    expected = {
        "$filter=notes eq 'x'": unsupported,
        "$filter=displayName ne 'x'": unsupported,
        "$filter=not(displayName eq 'x')": unsupported,
        "$filter=startswith(tags,'x')": unsupported,
        "$filter=displayName eq": malformed,
        "$filter=displayName eq 'x' nonsense": malformed,
        '$filter=displayName eq "x"': malformed,
        "$filter=tags/any(t:u eq 'x')": malformed,
        "$orderby=displayName": unsupported,
        "$top=0": (400, "Request_BadRequest"),
        "$top=1000": (400, "Request_BadRequest"),
        "$select=nothing": malformed,
        "$expand=owners": malformed,
        "$skiptoken=!": (400, "Directory_ExpiredPageToken"),
    }
    assert {query: code(call("GET", f"/v1.0/applications?{query}")) for query in expected} == expected


# Bodies.


REFUSED_BODIES: list[tuple[str, Any, str]] = [
    ("/applications", {"displayName": "x", "color": "red"}, "Invalid property 'color'."),
    ("/applications", {}, "A value is required for property 'displayName' of resource 'Application'."),
    ("/applications", {"displayName": 1}, "incompatible type"),
    ("/applications", {"displayName": ""}, "A value is required"),
    ("/applications", {"displayName": "x" * 257}, "Invalid value specified for property 'displayName'"),
    ("/applications", {"displayName": "x", "signInAudience": "Everybody"}, "'signInAudience'"),
    ("/applications", {"displayName": "x", "passwordCredentials": [{}]}, "must be generated with service actions"),
    ("/servicePrincipals", {}, "A value is required for property 'appId' of resource 'ServicePrincipal'."),
    ("/servicePrincipals", {"appId": "nobody"}, "does not reference a valid application object"),
]


def test_bodies_that_graph_refuses(call: Caller, world: World) -> None:
    for path, body, words in REFUSED_BODIES:
        answer = call("POST", f"/v1.0{path}", body)
        assert code(answer) == (400, "Request_BadRequest")
        assert words in answer.json()["error"]["message"]
    assert world.writes() == []


async def test_federated_credentials_that_graph_refuses(graph: GraphClient, make_application: MakeApplication) -> None:
    application = make_application(owners=[ADA_ID])
    body = {"name": "first", "issuer": "https://issuer", "subject": "s", "audiences": ["a"]}
    await graph.make_federated_credential(application["id"], body)
    for differing, kind in (
        ({"name": "x"}, ServiceError),
        ({"name": "has space"}, ServiceError),
        ({"audiences": []}, ServiceError),
        ({"audiences": ["a", "b"]}, ServiceError),
        ({"subject": ""}, ServiceError),
        ({"subject": "s" * 601}, ServiceError),
        ({"claims": "x"}, ServiceError),
        ({"name": "other"}, Conflict),
        ({"issuer": "https://other"}, Conflict),
    ):
        with pytest.raises(OperationError) as caught:
            await graph.make_federated_credential(application["id"], body | differing)
        assert type(caught.value) is kind, differing
    assert len(await graph.federated_credentials(application["id"])) == 1


async def test_the_name_of_a_federated_credential_stays(
    graph: GraphClient, call: Caller, make_application: MakeApplication
) -> None:
    application = make_application(owners=[ADA_ID])
    body = {"name": "first", "issuer": "https://issuer", "subject": "s", "audiences": ["a"]}
    made = await graph.make_federated_credential(application["id"], body)
    with pytest.raises(OperationError, match="immutable"):
        await graph.update_federated_credential(application["id"], made["id"], {"name": "second"})
    path = f"/v1.0/applications/{application['id']}/federatedIdentityCredentials(name='first')"
    assert call("DELETE", path).status_code == 204
    assert await graph.federated_credentials(application["id"]) == []


# Rights.


def test_tokens_that_graph_does_not_take(cloud: Cloud, ada: SignedIn, world: World) -> None:
    management = ada.credential.get_token(cloud.management_scope).token
    good = ada.credential.get_token(cloud.graph_scope).token
    for token in ("", "x", management):
        assert code(Caller(cloud, token)("GET", "/v1.0/me")) == (401, "InvalidAuthenticationToken")
    world.advance(tokens.LIFETIME + 1)
    answer = Caller(cloud, good)("GET", "/v1.0/me")
    assert "expired" in answer.json()["error"]["message"]
    inner = answer.json()["error"]["innerError"]
    assert answer.headers["request-id"] == inner["request-id"]


async def test_an_application_needs_permissions_of_its_own(
    cloud: Cloud, world: World, make_application: MakeApplication
) -> None:
    application = make_application()
    environ = {
        "AZURE_TENANT_ID": tokens.TENANT_ID,
        "AZURE_CLIENT_ID": application["appId"],
        "AZURE_CLIENT_SECRET": give_secret(world, application),
    }
    async with GraphClient(cloud, await sign_in(cloud, environ=environ)) as graph:
        with pytest.raises(Forbidden) as caught:
            await graph.applications_named("x")
        assert (caught.value.code, caught.value.exit_code) == ("Authorization_RequestDenied", 3)
        with pytest.raises(OperationError, match="delegated authentication flow"):
            await graph.me()


async def test_owners_and_administrators_change_an_application(
    graph: GraphClient, call: Caller, world: World, make_application: MakeApplication
) -> None:
    application = make_application()
    with pytest.raises(Forbidden):
        await graph.update_application(application["id"], {"displayName": "mine"})
    world.change("directory.user", ADA_ID, roles=["Cloud Application Administrator"])
    await graph.update_application(application["id"], {"displayName": "mine"})
    world.change("directory.user", ADA_ID, roles=[])
    world.change("directory.application", application["id"], owners=[ADA_ID])
    assert call("DELETE", f"/v1.0/applications/{application['id']}").status_code == 204
    assert world.show()["applications"] == []


async def test_whether_members_may_register_applications(graph: GraphClient, world: World) -> None:
    assert await graph.may_register_applications()
    world.setting(members_may_register=False)
    assert not await graph.may_register_applications()
    with pytest.raises(Forbidden):
        await graph.ensure_application("key", {"displayName": "x"})


# Objects through their life.


async def test_an_upsert_makes_one_and_then_changes_it(graph: GraphClient, world: World) -> None:
    first = await graph.ensure_application("key", {"displayName": "x"})
    assert first is not None
    assert first["uniqueName"] == "key"
    assert await graph.ensure_application("key", {"displayName": "y"}) is None
    found = await graph.application_of_name("key")
    assert found is not None
    assert (found["id"], found["displayName"]) == (first["id"], "y")
    assert (await graph.application_of_client(first["appId"])) == (await graph.application(first["id"])) == found
    assert await graph.application_of_name("other") is None


async def test_the_national_clouds_have_no_upsert(cloud: Cloud, ada: SignedIn, world: World) -> None:
    china = Cloud(**{name: getattr(cloud, name) for name in Cloud.__slots__} | {"name": "AzureChinaCloud"})
    async with GraphClient(china, ada) as graph:
        await graph.ensure_application("key", {"displayName": "x"})
        assert await graph.application_of_name("key") is None
    assert world.writes() == ["POST /v1.0/applications"]
    assert not [one for one in world.store.requests() if "uniqueName" in one["path"]]


def test_a_deleted_application_waits_with_its_service_principal(call: Caller, world: World) -> None:
    made = call("POST", "/v1.0/applications", {"displayName": "x"}).json()
    call("POST", "/v1.0/servicePrincipals", {"appId": made["appId"]})
    before = world.show()
    assert call("DELETE", f"/v1.0/applications(appId='{made['appId']}')").status_code == 204
    assert world.show()["servicePrincipals"] == []
    deleted = call("GET", "/v1.0/directory/deletedItems/microsoft.graph.application").json()["value"]
    assert [one["id"] for one in deleted] == [made["id"]]
    assert deleted[0]["deletedDateTime"]
    assert call("POST", f"/v1.0/directory/deletedItems/{made['id']}/restore").status_code == 200
    assert world.show() == before
    call("DELETE", f"/v1.0/applications/{made['id']}")
    assert call("DELETE", f"/v1.0/directory/deletedItems/{made['id']}").status_code == 204
    assert world.show()["deletedApplications"] == []


async def test_a_service_principal_is_one_and_shows_late(graph: GraphClient, world: World, call: Caller) -> None:
    made = call("POST", "/v1.0/applications", {"displayName": "x"}).json()
    world.latency("demo")
    world.advance(10)
    await graph.make_principal(made["appId"])
    with pytest.raises(Conflict):
        await graph.make_principal(made["appId"])
    assert await graph.principal_of_client(made["appId"]) is None
    world.advance(1)
    found = await graph.principal_of_client(made["appId"])
    assert found is not None


async def test_what_a_new_application_does_not_allow_yet_is_not_yet(graph: GraphClient, world: World) -> None:
    world.latency("demo")
    made = await graph.ensure_application("key", {"displayName": "x"})
    assert made is not None
    body = {"name": "first", "issuer": "https://issuer", "subject": "s", "audiences": ["a"]}
    for attempt in (
        graph.make_principal(made["appId"]),
        graph.make_federated_credential(made["id"], body),
        graph.add_password(made["id"], "x", 4e9),
    ):
        with pytest.raises(NotYet):
            await attempt


async def test_a_password_is_removed_once(graph: GraphClient, make_application: MakeApplication) -> None:
    application = make_application(owners=[ADA_ID])
    made = await graph.add_password(application["id"], "x", 4e9)
    assert made.expires == 4e9
    assert made.secret.reveal() not in repr(made)
    await graph.remove_password(application["id"], made.key_id)
    with pytest.raises(NotYet, match="No password credential found"):
        await graph.remove_password(application["id"], made.key_id)


def test_routes_that_graph_does_not_have(call: Caller) -> None:
    assert code(call("GET", "/v2.0/me")) == (400, "BadRequest")
    assert "segment 'nowhere'" in call("GET", "/v1.0/nowhere").json()["error"]["message"]
    assert code(call("GET", "/v1.0/applications(color='x')")) == (400, "BadRequest")


# Faults.


@pytest.mark.parametrize(
    ("fault", "kind", "wanted"),
    [
        (faults.Fault("status", status=429, retry_after=3.0), Transient, "TooManyRequests"),
        (faults.Fault("status", status=503), Transient, "ServiceUnavailable"),
        (faults.Fault("status", status=409), Transient, "Directory_ConcurrencyViolation"),
        (faults.Fault("reset", times=2), Transient, "connection-failed"),  # aiohttp itself reads once more
        (faults.Fault("garbage", when="after"), Transient, "answer-unreadable"),
        (faults.Fault("truncate", when="after"), Transient, "answer-unreadable"),
        (faults.Fault("empty"), Transient, "answer-unreadable"),
        (faults.Fault("status", status=401), NotSignedIn, "ServiceUnavailable"),
        (faults.Fault("status", status=404), NotFound, "ServiceUnavailable"),
    ],
)
async def test_what_goes_wrong_on_the_way(
    graph: GraphClient, world: World, fault: faults.Fault, kind: type[OperationError], wanted: str
) -> None:
    faults.add(world.store, dataclasses.replace(fault, service="graph"))
    with pytest.raises(kind) as caught:
        await graph.me()
    assert caught.value.code == wanted
    assert getattr(caught.value, "retry_after", None) == fault.retry_after
    assert (await graph.me())["id"] == ADA_ID
