"""What there is to choose from, and what decides whether it will do."""

from __future__ import annotations

import uuid

import pytest

from dbxwizard.backend.wizard.choices import repositories, repository, subscription_roles, subscriptions, tenants
from dbxwizard.core.errors import NotFound, NotSignedIn
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID, SUBSCRIPTION_NAME
from dbxwizard.sandbox.entra.directory import ADA_ID, DATA_SCIENTISTS_ID
from dbxwizard.sandbox.github import access, seed
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.tokens import TENANT_ID
from tests.backend.looking import connected, crossed, look
from tests.roads import Road

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
OTHERS = [str(uuid.UUID(int=number)) for number in (1, 2, 3)]


def assign(store: Store, subscription: str, principal: str, role: str, kind: str = "User") -> None:
    scope, name = f"/subscriptions/{subscription}", str(uuid.uuid5(uuid.UUID(subscription), principal + role))
    path = f"{scope}/providers/microsoft.authorization/roleassignments/{name}"
    original = store.all("arm.roleAssignment")[0]
    store.put(
        "arm.roleAssignment",
        path,
        {
            **original,
            "id": path,
            "name": name,
            "principalId": principal,
            "principalType": kind,
            "roleDefinitionId": f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "scope": scope,
        },
    )


def more_subscriptions(road: Road) -> None:
    """One that is disabled, one in which Ada reads by a group, one in which she has nothing."""
    with road.change() as store:
        for number, subscription in enumerate(OTHERS):
            state = "Disabled" if number == 0 else "Enabled"
            body = {"id": subscription, "displayName": f"Other {number}", "tags": {}, "state": state}
            store.put("arm.subscription", subscription, body)
        group = store.get("directory.group", DATA_SCIENTISTS_ID)
        assert group
        store.put("directory.group", DATA_SCIENTISTS_ID, {**group, "members": [*group["members"], ADA_ID]})
        assign(store, OTHERS[0], ADA_ID, READER)
        assign(store, OTHERS[1], DATA_SCIENTISTS_ID, READER, "Group")


def test_tenants(fresh: Road) -> None:
    (only,) = look(fresh, tenants)
    assert (only.id, only.name, only.domain, only.current) == (TENANT_ID, "Contoso", "contoso.example", True)
    assert "contoso.example" in only.search


def test_subscriptions_are_those_with_a_role_the_usable_ones_first(fresh: Road) -> None:
    more_subscriptions(fresh)
    found = look(fresh, subscriptions)
    assert [(one.name, one.state, one.usable) for one in found] == [
        (SUBSCRIPTION_NAME, "Enabled", True),
        ("Other 1", "Enabled", True),
        ("Other 0", "Disabled", False),
    ]
    assert found[0].tenant_id == TENANT_ID
    assert SUBSCRIPTION_ID in found[0].search


def test_roles_are_the_persons_own_and_those_of_their_groups(fresh: Road) -> None:
    more_subscriptions(fresh)
    asked = [SUBSCRIPTION_ID, *OTHERS]
    found = look(fresh, lambda connection: subscription_roles(connection, asked))
    assert [(one.subscription_id, one.roles, one.known) for one in found] == [
        (SUBSCRIPTION_ID, ("Owner",), True),
        (OTHERS[0], ("Reader",), True),
        (OTHERS[1], ("Reader",), True),
        (OTHERS[2], (), False),  # Ada may not look there
    ]


def test_a_role_of_ones_own_is_called_by_its_name(set_up: Road) -> None:
    with set_up.change() as store:
        role = next(one for one in store.all("arm.roleDefinition") if one["roleName"] == "DBX_Custom_Role")
        assign(store, SUBSCRIPTION_ID, ADA_ID, role["name"])
    (found,) = look(set_up, lambda connection: subscription_roles(connection, [SUBSCRIPTION_ID]))
    assert found.roles == ("Owner", "DBX_Custom_Role")


def more_repositories(store: Store) -> None:
    """120 of the organisation's, one of which is Grace's alone."""
    for number in range(120):
        name = f"contoso/other-{number:03}"
        made = seed.new_repository(name, 1000 + number, seed.CREATED_AT - number * 86400)
        store.put("github.repository", name, made)
    private = seed.new_repository("grace/diary", 2000, seed.CREATED_AT, private=True)
    shared = seed.new_repository("grace/shared", 2001, seed.CREATED_AT, private=True)
    store.put("github.repository", "grace/diary", private)
    store.put("github.repository", "grace/shared", {**shared, "collaborators": {seed.LOGIN: "write"}})


def test_repositories_come_from_all_pages_those_that_will_do_first(fresh: Road) -> None:
    with fresh.change() as store:
        more_repositories(store)
    found = look(fresh, repositories)
    assert len(found) == 122
    assert {one.full_name for one in found[:2]} == {seed.REPOSITORY, "contoso/other-000"}
    assert (found[1].usable, found[1].pushed) == (True, "2026-09-01")
    last = found[-1]
    assert (last.full_name, last.private, last.may_administer, last.usable) == ("grace/shared", True, False, False)
    with fresh.store() as store:
        assert sum(one["path"].endswith("/user/repos") for one in store.requests()) == 2


def test_what_a_list_does_not_say_of_a_repository(fresh: Road) -> None:
    before = look(fresh, lambda connection: repository(connection, seed.REPOSITORY))
    assert (before.empty, before.environments, before.may_administer) == (True, "yes", True)
    assert fresh.setup().code == 0
    assert not look(fresh, lambda connection: repository(connection, seed.REPOSITORY)).empty


def make_private(store: Store) -> None:
    body = store.get("github.repository", seed.REPOSITORY)
    assert body
    store.put("github.repository", seed.REPOSITORY, {**body, "private": True})


@pytest.mark.parametrize(("plan", "environments"), [("free", "no"), ("team", "yes")])
def test_a_private_repository_has_environments_by_its_plan(fresh: Road, plan: str, environments: str) -> None:
    with fresh.change() as store:
        make_private(store)
        seed.set_plan(store, seed.OWNER, plan)
        access.add_token(store, "ghp_of_the_owner", seed.LOGIN, scopes=("repo", "admin:org"))
    found = look(fresh, lambda connection: repository(connection, seed.REPOSITORY), "ghp_of_the_owner")
    assert (found.plan, found.environments) == (plan, environments)


async def test_a_plan_that_the_token_may_not_see_is_said(fresh: Road) -> None:
    with fresh.change() as store:
        make_private(store)
    async with connected(fresh) as connection:
        found = crossed(await repository(connection, seed.REPOSITORY))
        assert (found.plan, found.environments) == ("", "not visible")
        with pytest.raises(NotFound):
            await repository(connection, "contoso/nothing")


async def test_a_token_that_github_does_not_know(fresh: Road) -> None:
    async with connected(fresh, "ghp_nobody") as connection:
        with pytest.raises(NotSignedIn):
            await repositories(connection)
