"""The editor's lists: live where somebody is signed in and the service answers, else bundled with the reason."""

from __future__ import annotations

import pytest

from dbxwizard.backend.pick_lists import PickList, PickLists
from dbxwizard.parameters.editing.choices import LIVE_KINDS, LiveLists, bundled
from dbxwizard.sandbox.entra.directory import ADA, DATA_SCIENTISTS, GRACE
from dbxwizard.steps.connection import Connection
from tests.backend.looking import connected, crossed, drafts, look
from tests.roads import Road


def read(road: Road, kind: str, environment: str = "Development", text: str = "") -> PickList:
    async def asked(connection: Connection) -> PickList:
        return await PickLists(connection, drafts(road)).read(kind, environment, text)

    return look(road, asked)


def notes(found: PickList) -> dict[str, str]:
    return {one.value: one.note for one in found.choices}


@pytest.mark.parametrize("kind", LIVE_KINDS)
async def test_with_nobody_signed_in_the_list_is_bundled_and_says_so(fresh: Road, kind: str) -> None:
    lists: LiveLists = PickLists(None, drafts(fresh))
    found = crossed(await PickLists(None, drafts(fresh)).read(kind, "Development"))
    assert (found.live, found.choices, bool(found.choices)) == (False, bundled(kind), True)
    assert found.source == "from the bundled list: nobody is signed in"
    assert await lists.fetch(kind, "Development") is None


def test_before_setup_the_environment_has_no_subscription(fresh: Road) -> None:
    assert read(fresh, "region").source == "from the bundled list: Development has no subscription yet"


def test_the_regions_are_those_of_the_subscription_with_databricks(set_up: Road) -> None:
    found = notes(read(set_up, "region"))
    assert found["uksouth"] == "UK South"
    assert set(found) <= {one.value for one in bundled("region")}


@pytest.mark.parametrize("kind", ["node-type", "runtime"])
def test_before_the_workspace_is_there_its_lists_are_bundled(set_up: Road, kind: str) -> None:
    found = read(set_up, kind)
    assert (found.live, found.source) == (False, "from the bundled list: Development has no workspace yet")


def test_node_types_and_runtimes_come_from_the_workspace(deployed: Road) -> None:
    found = read(deployed, "node-type")
    assert (found.live, found.source) == (True, "as the service has it now")
    assert notes(found)["Standard_D4ds_v5"] == "4 cores, 16 GB"
    assert "GPU" in notes(found)["Standard_NC6s_v3"]
    runtimes = read(deployed, "runtime")
    assert runtimes.choices[0].value == "17.3.x-scala2.13"
    assert notes(runtimes)["17.3.x-scala2.13"] == "LTS, supported until 2028-10-22"
    assert notes(runtimes)["17.3.x-cpu-ml-scala2.13"] == "machine learning, LTS, supported until 2028-10-22"
    ended = ["no support since" in one.note for one in runtimes.choices]
    assert ended == sorted(ended)


def test_roles_say_whether_the_deployer_may_give_them(set_up: Road) -> None:
    found = notes(read(set_up, "role"))
    assert found["DBX_Custom_Role"] == found["Contributor"] == "the deployer may give it"
    assert "run setup again" in found["Monitoring Reader"]
    set_up.edit("Development", '"Contributor", "DBX', '"Monitoring Reader", "Contributor", "DBX')
    assert notes(read(set_up, "role"))["Monitoring Reader"] == "the deployer may give it"


def test_principals_are_named_as_a_file_names_them(set_up: Road) -> None:
    found = notes(read(set_up, "principal"))
    assert list(found)[:3] == ["databricks-spn", "main-spn", "me"]
    assert found[f"user:{ADA}"] == "Ada Sandbox"
    assert found[f"group:{DATA_SCIENTISTS}"] == "a group"
    assert sum("service principal dbxwizard-" in note for note in found.values()) == 3


def test_principals_are_searched_by_how_their_names_begin(set_up: Road) -> None:
    found = read(set_up, "principal", text="gra")
    assert (list(notes(found)), found.whole) == ([f"user:{GRACE}"], True)


def test_a_directory_with_more_than_one_list_holds_says_so(set_up: Road) -> None:
    with set_up.change() as store:
        for number in range(250):
            upn = f"person{number:03}@contoso.example"
            user = {"id": f"00000000-0000-4000-8000-{number:012}", "userPrincipalName": upn, "displayName": upn}
            store.put("directory.user", user["id"], {**user, "mail": upn})
    found = read(set_up, "principal")
    assert (found.live, found.whole) == (True, False)
    assert read(set_up, "principal", text="person24").whole


async def test_a_service_that_refuses_leaves_the_bundled_list(set_up: Road) -> None:
    with set_up.change() as store:
        for key, _ in store.find("arm.roleAssignment"):
            store.delete("arm.roleAssignment", key)
    async with connected(set_up) as connection:
        found = await PickLists(connection, drafts(set_up)).read("region", "Development")
    assert (found.live, found.choices) == (False, bundled("region"))
    assert "does not have authorization" in found.source
