"""Applications and service principals, through the engine, against the sandbox's Graph."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.graph import GraphClient, Json
from dbxwizard.clients.identity import SignedIn
from dbxwizard.core.engine import ManualClock
from dbxwizard.core.errors import Forbidden, OperationError
from dbxwizard.core.result import Status
from dbxwizard.sandbox import faults
from dbxwizard.steps.identity.applications import ApplicationStep, own_tags, unique_name
from tests.identity.running import applied, fields, planned
from tests.identity.world import MakeApplication, World

REPOSITORY = "Contoso/Databricks"
TAGS = list(own_tags(REPOSITORY, "main-spn"))


@pytest.fixture
async def graph(cloud: Cloud, ada: SignedIn) -> AsyncIterator[GraphClient]:
    async with GraphClient(cloud, ada) as client:
        yield client


def step(graph: GraphClient, **differing: Any) -> ApplicationStep:
    given = {"key": "main-spn", "display_name": "dbx-main", "repository": REPOSITORY} | differing
    return ApplicationStep(graph, **given)


async def test_an_application_is_made_with_its_service_principal(graph: GraphClient, world: World) -> None:
    result = await applied([step(graph)])
    assert result.status is Status.SUCCESS
    shown = world.show()
    (application,), (principal,) = shown["applications"], shown["servicePrincipals"]
    assert (application["displayName"], application["tags"]) == ("dbx-main", TAGS)
    assert application["signInAudience"] == "AzureADMyOrg"
    assert principal["appId"] == application["appId"]
    read = await step(graph).read(None)  # type: ignore[arg-type]  # it needs no inputs
    assert read is not None
    assert step(graph).outputs(read, None) == {  # type: ignore[arg-type]
        "client_id": application["appId"],
        "application_id": application["id"],
        "object_id": principal["id"],
        "ids": f"{application['appId']}/{principal['id']}",
        "name": "dbx-main",
    }


async def test_a_second_run_changes_nothing_and_asks_twice(graph: GraphClient, world: World) -> None:
    await applied([step(graph)])
    before, shown, asked = world.writes(), world.show(), len(world.seen("graph"))
    result = await applied([step(graph)])
    assert result.status is Status.UNCHANGED
    assert world.writes() == before
    assert world.show() == shown
    assert len(world.seen("graph")) - asked == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("displayName", "renamed"), ("signInAudience", "AzureADMultipleOrgs"), ("tags", ["dbxwizard", "somebody-elses"])],
)
async def test_what_was_changed_behind_its_back_is_named_and_mended_alone(
    graph: GraphClient, world: World, field: str, value: Any
) -> None:
    await applied([step(graph)])
    kept = world.application("dbx-main")
    world.change("directory.application", kept["id"], **{field: value}, more={"notes": "kept"})
    assert fields(await planned(step(graph))) == {"setup/application/main-spn": [field]}
    await applied([step(graph)])
    mended = world.application("dbx-main")
    assert mended["more"] == {"notes": "kept"}
    assert set(kept["tags"]) <= set(mended["tags"])
    assert {**mended, "tags": [], "more": {}} == {**kept, "tags": [], "more": {}}
    assert ("somebody-elses" in mended["tags"]) is (field == "tags")


async def test_a_lost_service_principal_is_made_again(graph: GraphClient, world: World) -> None:
    await applied([step(graph)])
    with world.changing() as store:
        for key, _ in store.find("directory.servicePrincipal"):
            store.delete("directory.servicePrincipal", key)
    assert fields(await planned(step(graph))) == {"setup/application/main-spn": ["servicePrincipal"]}
    await applied([step(graph)])
    assert len(world.show()["servicePrincipals"]) == 1


async def test_one_that_another_run_makes_meanwhile_is_ours(
    graph: GraphClient, cloud: Cloud, ada: SignedIn, world: World
) -> None:
    class Overtaken(GraphClient):
        async def applications_tagged(self, tag: str) -> list[Json]:
            found = await super().applications_tagged(tag)
            await applied([step(graph)])
            return found

    async with Overtaken(cloud, ada) as overtaken:
        assert fields(await planned(step(overtaken))) == {}
    assert len(world.show()["applications"]) == 1


async def test_an_application_is_not_taken_for_ours_by_its_name(
    graph: GraphClient, world: World, make_application: MakeApplication
) -> None:
    other = make_application("dbx-main")
    with pytest.raises(OperationError) as caught:
        await planned(step(graph))
    assert caught.value.code == "application-name-taken"
    assert other["appId"] in caught.value.message
    assert f"--adopt {other['appId']}" in caught.value.fix
    assert "--main-spn-name" in caught.value.fix
    assert world.writes() == []


@pytest.mark.parametrize("by", ["id", "appId"])
async def test_an_adopted_application_gets_our_tags_alone(
    graph: GraphClient, world: World, make_application: MakeApplication, ada: SignedIn, by: str
) -> None:
    owners, audience = [ada.object_id], "AzureADMultipleOrgs"
    other = make_application("theirs", owners=owners, tags=["theirs"], signInAudience=audience)
    await applied([step(graph, adopt=other[by])])
    adopted = world.application("theirs")
    assert adopted["tags"] == sorted([*TAGS, "theirs"])
    assert adopted["signInAudience"] == audience
    again = await applied([step(graph)])
    assert again.status is Status.UNCHANGED


async def test_an_id_that_nobody_has_is_not_adopted(graph: GraphClient) -> None:
    with pytest.raises(OperationError, match="99999999") as caught:
        await planned(step(graph, adopt="99999999-0000-0000-0000-000000000000"))
    assert caught.value.code == "application-not-found"


async def test_two_with_our_tag_are_not_chosen_between(graph: GraphClient, make_application: MakeApplication) -> None:
    for name in ("one", "two"):
        make_application(name, tags=TAGS)
    with pytest.raises(OperationError) as caught:
        await planned(step(graph))
    assert caught.value.code == "application-ambiguous"


async def test_who_may_not_register_applications_is_told(graph: GraphClient, world: World) -> None:
    world.setting(members_may_register=False)
    result = await applied([step(graph)])
    (error,) = result.errors
    assert isinstance(error, Forbidden)
    assert error.code == "Authorization_RequestDenied"


async def test_an_application_of_somebody_else_is_not_changed(
    graph: GraphClient, make_application: MakeApplication
) -> None:
    other = make_application("theirs")
    result = await applied([step(graph, adopt=other["appId"])])
    assert [error.code for error in result.errors] == ["Authorization_RequestDenied"]


async def test_a_new_application_is_waited_for(graph: GraphClient, world: World) -> None:
    """Graph knows the application before it lets a service principal be made of it."""
    world.latency("demo")

    class Waiting(ManualClock):
        async def sleep(self, seconds: float) -> None:
            world.advance(seconds)
            await super().sleep(seconds)

    result = await applied([step(graph)], Waiting(world.clock().now()))
    assert result.status is Status.SUCCESS
    assert len(world.show()["servicePrincipals"]) == 1
    assert fields(await planned(step(graph))) == {}  # what setup has made is there for whoever comes next


async def test_a_lost_answer_makes_no_second_application(graph: GraphClient, world: World) -> None:
    for method, path in (("PATCH", "/v1.0/applications(*"), ("POST", "/v1.0/servicePrincipals")):
        fault = faults.Fault("status", service="graph", method=method, path=path, status=500, when="after")
        faults.add(world.store, fault)
    result = await applied([step(graph)], ManualClock())
    assert result.status is Status.SUCCESS
    shown = world.show()
    assert (len(shown["applications"]), len(shown["servicePrincipals"])) == (1, 1)


def test_the_name_that_entra_keeps_unique_depends_on_repository_and_key_alone() -> None:
    assert unique_name("A/B", "main-spn") == unique_name("a/b", "main-spn")
    names = {unique_name("a/b", "main-spn"), unique_name("a/b", "databricks-spn"), unique_name("a/c", "main-spn")}
    assert len(names) == 3
