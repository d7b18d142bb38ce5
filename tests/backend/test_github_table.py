"""GitHub's page before setup, after it, and where somebody has changed what it published."""

from __future__ import annotations

from dataclasses import replace

from dbxwizard.backend.wizard.github_table import github_table
from dbxwizard.backend.wizard.github_views import GitHubTable
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.steps.setup_options import SetupOptions
from tests.backend.looking import drafts, look
from tests.roads import Road

OPTIONS = SetupOptions(SUBSCRIPTION_ID, REPOSITORY)
SECRET = replace(OPTIONS, auth="secret")
NAMES = [f"{name}{end}" for name in ("Development", "UAT", "PreProduction", "Production") for end in ("", "-plan")]
VARIABLES = {"AZURE_CLIENT_ID", "ARM_CLIENT_ID", "AZURE_TENANT_ID", "ARM_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
PLAN = {"DBXWIZARD_PLAN_SPN"}  # in an environment that deploys
DEPLOY = {"DBXWIZARD_MAIN_SPN", "DBXWIZARD_DATABRICKS_SPN"}  # in one that plans
SECRETS = {"AZURE_CREDENTIALS", "ARM_CLIENT_SECRET", "ARM_CLIENT_ID", "ARM_TENANT_ID"}


def shown(road: Road, options: SetupOptions = OPTIONS) -> GitHubTable:
    return look(road, lambda connection: github_table(connection, options, drafts(road)))


def standings(table: GitHubTable, where: str, kind: str) -> dict[str, str]:
    return {row.name: row.standing for row in table.rows if (row.where, row.kind) == (where, kind)}


def test_before_setup_all_of_it_is_new(fresh: Road) -> None:
    table = shown(fresh)
    assert (table.repository, table.counts()) == (REPOSITORY, {"new": 60})
    assert [row.name for row in table.rows if row.kind == "environment"] == NAMES
    assert standings(table, "UAT", "variable") == dict.fromkeys(VARIABLES | PLAN, "new")
    assert standings(table, "UAT-plan", "variable") == dict.fromkeys(VARIABLES | DEPLOY, "new")
    assert (standings(table, "UAT", "secret"), table.keys) == ({}, ())
    assert all(row.words for row in table.rows)


def test_after_setup_nothing_of_it_changes(set_up: Road) -> None:
    assert shown(set_up).counts() == {"unchanged": 60}


def test_secrets_are_sealed_with_the_key_of_their_environment(fresh: Road) -> None:
    before = shown(fresh, SECRET)
    assert standings(before, "UAT", "secret") == dict.fromkeys(SECRETS, "new")
    assert {(one.where, one.key_id) for one in before.keys} == {(name, "") for name in NAMES}
    assert fresh.setup("--auth", "secret").code == 0
    after = shown(fresh, SECRET)
    assert set(after.counts()) == {"unchanged"}
    assert standings(after, "UAT", "variable") == dict.fromkeys({*VARIABLES, *PLAN, "DBXWIZARD_SECRETS"}, "unchanged")
    assert all(one.key_id for one in after.keys)
    assert len({one.key_id for one in after.keys}) == 8
    assert "public key" in after.sealed
    assert all(row.words for row in after.rows)


def test_what_somebody_else_wrote_will_be_replaced(fresh: Road) -> None:
    assert fresh.setup("--auth", "secret").code == 0
    with fresh.change() as store:
        for key, body in store.find("github.secret"):
            if key.endswith("/uat/ARM_TENANT_ID"):
                store.put("github.secret", key, {**body, "updatedAt": body["updatedAt"] + 3600})
        for key, body in store.find("github.variable"):
            if key.endswith("/uat/AZURE_TENANT_ID"):
                store.put("github.variable", key, {**body, "value": "another"})
            if key.endswith("/production/AZURE_CLIENT_ID"):
                store.delete("github.variable", key)
    table = shown(fresh, SECRET)
    replaced = {(row.where, row.kind, row.name) for row in table.rows if row.standing == "will be replaced"}
    assert replaced == {
        ("UAT", "secret", "ARM_TENANT_ID"),
        ("UAT", "variable", "AZURE_TENANT_ID"),
        ("UAT", "variable", "DBXWIZARD_SECRETS"),
    }
    assert [(row.where, row.name) for row in table.rows if row.standing == "new"] == [("Production", "AZURE_CLIENT_ID")]


def test_an_application_that_has_to_be_made_again_gives_its_variables_another_value(set_up: Road) -> None:
    with set_up.change() as store:
        for key, _ in store.find("directory.application"):
            store.delete("directory.application", key)
    table = shown(set_up)
    assert standings(table, "UAT", "variable") == {
        name: "will be replaced" if name.endswith(("CLIENT_ID", "_SPN")) else "unchanged" for name in VARIABLES | PLAN
    }
