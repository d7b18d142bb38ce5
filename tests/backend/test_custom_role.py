"""The custom role before setup, after it, and when somebody has changed it."""

from __future__ import annotations

import pytest

from dbxwizard.backend.wizard.custom_role import custom_role, in_words
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.store import Document
from dbxwizard.steps.azure.custom_role import definition, role_guid
from tests.backend.looking import connected, crossed
from tests.roads import Road


@pytest.mark.parametrize("file", ["custom_role.json", "deployer_role.json", "plan_role.json"])
def test_every_action_has_words(file: str) -> None:
    assert [one for one in definition(file)["actions"] if not in_words(one)] == []


async def test_before_setup_it_will_be_made(fresh: Road) -> None:
    async with connected(fresh) as connection:
        view = crossed(await custom_role(connection, SUBSCRIPTION_ID))
        deployer = crossed(await custom_role(connection, SUBSCRIPTION_ID, whose="deployer"))
    assert (view.name, view.standing, view.role_id, view.differences) == ("DBX_Custom_Role", "will be made", "", ())
    assert [one.action for one in view.actions] == definition()["actions"]
    assert {one.standing for one in view.actions} == {""}
    assert (deployer.name, deployer.standing, len(deployer.actions)) == ("DBX_Deployer_Role", "will be made", 12)


async def test_after_setup_it_exists(set_up: Road) -> None:
    async with connected(set_up) as connection:
        view = crossed(await custom_role(connection, SUBSCRIPTION_ID))
        other = crossed(await custom_role(connection, SUBSCRIPTION_ID, "Contoso Databricks"))
    assert (view.standing, view.scope, view.differences) == ("exists", f"/subscriptions/{SUBSCRIPTION_ID}", ())
    assert view.role_id == role_guid("DBX_Custom_Role")
    assert other.standing == "will be made"


async def test_what_differs_is_named(set_up: Road) -> None:
    with set_up.change() as store:
        for key, body in store.find("arm.roleDefinition"):
            if body["roleName"] == "DBX_Custom_Role":
                store.put("arm.roleDefinition", key, changed(body))
    async with connected(set_up) as connection:
        view = crossed(await custom_role(connection, SUBSCRIPTION_ID))
    assert view.standing == "differs"
    assert {one.field for one in view.differences} == {"actions", "description"}
    standings = {one.action: one.standing for one in view.actions}
    assert standings.pop("Microsoft.Compute/*") == "too many"
    assert standings.pop("Microsoft.Databricks/workspaces/write") == "missing"
    assert set(standings.values()) == {""}


def changed(body: Document) -> Document:
    (permission,) = body["permissions"]
    actions = [one for one in permission["actions"] if not one.endswith("workspaces/write")]
    return {**body, "description": "?", "permissions": [{**permission, "actions": [*actions, "Microsoft.Compute/*"]}]}
