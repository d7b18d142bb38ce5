"""The service principals' page before setup, after it, and where others have made applications of the same name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbxwizard.backend.wizard.application_views import ApplicationsView
from dbxwizard.backend.wizard.applications import applications, trade_offs
from dbxwizard.core.errors import UsageError
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.setup_options import SetupOptions
from tests.backend.looking import connected, crossed, drafts, look
from tests.roads import Road

OPTIONS = SetupOptions(SUBSCRIPTION_ID, REPOSITORY)
MAIN = "dbxwizard-contoso-databricks-main"


async def seen(road: Road, connection: Connection, options: SetupOptions = OPTIONS) -> ApplicationsView:
    return crossed(await applications(connection, options, drafts(road)))


def test_every_decision_has_two_ways_one_of_them_the_default() -> None:
    ways = {(one.decision, one.value): one.is_default for one in trade_offs()}
    decisions = {"rights", "isolation", "auth", "github-environments", "approval", "rulesets"}
    assert {decision for decision, _ in ways} == decisions
    assert len(ways) == 12
    chosen = {value for (_, value), is_default in ways.items() if is_default}
    assert chosen == {"least-privilege", OPTIONS.isolation, OPTIONS.auth, "yes"}
    assert all(one.words.count(".") == 1 for one in trade_offs())


async def test_before_setup_all_will_be_made(fresh: Road) -> None:
    async with connected(fresh) as connection:
        view = await seen(fresh, connection)
        apart = await seen(fresh, connection, replace(OPTIONS, isolation="environment"))
    assert [(one.key, one.standing, one.application, one.others) for one in view.principals] == [
        ("main-spn", "will be made", None, ()),
        ("databricks-spn", "will be made", None, ()),
        ("plan-spn", "will be made", None, ()),
    ]
    assert {one.environments for one in view.principals} == {("Development", "UAT", "PreProduction", "Production")}
    assert len(apart.principals) == 12
    assert (apart.principals[0].name, apart.principals[0].environments) == (f"{MAIN}-development", ("Development",))


async def test_after_setup_all_exist_with_who_made_them(set_up: Road) -> None:
    async with connected(set_up) as connection:
        view = await seen(set_up, connection)
    made = {one["appId"] for one in set_up.show()["applications"]}
    assert {one.application.client_id for one in view.principals if one.application} == made
    for one in view.principals:
        assert one.application
        assert (one.standing, one.others, one.application.made) == ("exists", (), "for this")
        assert one.application.owners == ("ada@contoso.example",)
        assert one.application.created.count("-") == 2


def test_an_application_of_the_same_name_is_shown_and_adopted_only_by_choice(fresh: Road) -> None:
    made = look(fresh, lambda at: at.graph().ensure_application("somebody-elses", {"displayName": MAIN}))
    assert made
    main, databricks, _ = look(fresh, lambda at: seen(fresh, at)).principals
    assert (main.standing, main.application, databricks.standing) == ("name taken", None, "will be made")
    (other,) = main.others
    assert (other.client_id, other.object_id, other.made) == (made["appId"], made["id"], "by somebody else")
    assert other.owners == ("ada@contoso.example",)
    chosen = look(fresh, lambda at: seen(fresh, at, replace(OPTIONS, adopt=(other.adopt,)))).principals[0]
    assert chosen.application
    assert (chosen.standing, chosen.application.client_id, chosen.others) == ("adopted", made["appId"], ())
    assert fresh.setup("--adopt", other.adopt).code == 0
    kept = look(fresh, lambda at: seen(fresh, at)).principals[0]
    assert kept.application
    assert (kept.standing, kept.application.client_id, kept.application.made) == ("exists", made["appId"], "for this")


async def test_the_applications_of_another_repository_are_told_apart(set_up: Road) -> None:
    options = replace(OPTIONS, repository="contoso/another", main_name=MAIN)
    async with connected(set_up) as connection:
        main = (await seen(set_up, connection, options)).principals[0]
    assert (main.standing, [one.made for one in main.others]) == ("name taken", ["for another repository"])


async def test_two_with_our_tag_are_ambiguous(set_up: Road) -> None:
    with set_up.change() as store:
        for key, body in store.find("directory.application"):
            store.put("directory.application", key, {**body, "uniqueName": f"x{key}", "tags": tags(body)})
    async with connected(set_up) as connection:
        main = (await seen(set_up, connection)).principals[0]
    assert (main.standing, main.application, len(main.others)) == ("ambiguous", None, 3)


def tags(body: dict[str, object]) -> list[str]:
    return ["dbxwizard", f"dbxwizard:{REPOSITORY}:main-spn"]


async def test_an_id_that_nothing_has_is_said(fresh: Road) -> None:
    async with connected(fresh) as connection:
        wrong = replace(OPTIONS, adopt=("main-spn=00000000-0000-4000-8000-000000000009",))
        view = await seen(fresh, connection, wrong)
        assert (view.principals[0].standing, view.principals[0].application) == ("not found", None)
        with pytest.raises(UsageError, match="somebody"):
            await seen(fresh, connection, replace(OPTIONS, adopt=("somebody=1",)))
