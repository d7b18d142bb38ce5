"""The steps of a workspace: made, then unchanged, and what somebody changed behind their back is named and mended."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import requests

from dbxwizard.core.advice import advise
from dbxwizard.core.errors import OperationError
from dbxwizard.core.secret import Secret
from dbxwizard.parameters.model import Cluster, Job
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.databricks.show import workspaces
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.access import add_token
from dbxwizard.steps.git_ref import GitRef
from tests.databricks.conftest import ADA, SPN, World
from tests.databricks.environment import CLUSTER, Environment, changed, push

FILES = {"framework/examples/analysis.py": "print('hello')\n"}
MAIN = pytest.mark.parametrize("actor", [ADA, SPN])


@pytest.fixture
def environment(world: World) -> Environment:
    push(world, FILES)
    return Environment(world)


def show(world: World) -> dict[str, Any]:
    world.sandbox.settle()
    return workspaces(world.store)[0]


def every_step(environment: Environment) -> list[Any]:
    return [
        environment.scope(),
        environment.cluster(),
        environment.credential(),
        environment.folder(),
        environment.job(),
        environment.access(),
        environment.token(),
    ]


def cluster_and_job(environment: Environment) -> list[Any]:
    return [environment.cluster(), environment.job()]


@MAIN
async def test_the_second_run_changes_nothing(world: World, environment: Environment, actor: str) -> None:
    environment.actor = actor
    first = await environment.deploy(*every_step(environment))
    assert (first.status, first.errors) == ("success", ())
    shown, writes = show(world), len(world.writes())
    second = await environment.deploy(*every_step(environment))
    assert (second.status, changed(await environment.plan(*every_step(environment)))) == ("unchanged", {})
    assert len(world.writes()) == writes
    assert show(world) == shown


async def test_both_actors_want_the_same(environment: Environment) -> None:
    await environment.deploy(*every_step(environment))
    environment.actor = SPN
    assert changed(await environment.plan(*every_step(environment))) == {"access-token": ["token"]}
    await environment.deploy(*every_step(environment))
    environment.actor = ADA
    assert changed(await environment.plan(*every_step(environment))) == {}


async def test_what_belongs_to_the_service_principal(world: World, environment: Environment) -> None:
    await environment.deploy(*every_step(environment))
    shown = show(world)
    principal = next(one for one in shown["principals"] if one["name"] == SPN)
    assert (principal["groups"], principal["entitlements"]) == (
        ["admins", "users"],
        ["allow-cluster-create", "databricks-sql-access", "workspace-access"],
    )
    assert shown["secret_scopes"][0]["acls"] == {SPN: "MANAGE"}
    assert shown["clusters"][0]["spec"]["single_user_name"] == SPN
    assert shown["git_credentials"] == [{"git_provider": "gitHub", "git_username": "ada", "principal": SPN}]
    assert shown["git_folders"][0]["path"] == f"/Repos/{SPN}/DevelopmentFolder"
    assert shown["jobs"][0]["permissions"] == {SPN: "IS_OWNER", "grace@contoso.example": "CAN_MANAGE_RUN"}
    assert shown["jobs"][0]["settings"]["run_as"] == {"service_principal_name": SPN}
    assert shown["tokens"] == []  # a person can't make one of the service principal's


async def test_lists_are_read_once_for_all_steps(world: World, environment: Environment) -> None:
    second = replace(CLUSTER, name="other", settings={**CLUSTER.settings, "cluster_name": "other"})
    steps = [environment.cluster(), environment.cluster(second)]
    await environment.deploy(*steps)
    before = len(world.requests())
    await environment.deploy(environment.cluster(), environment.cluster(second))
    requests = sorted(world.requests()[before:])
    assert [one for one in requests if "/permissions/" not in one] == [
        "GET /api/2.0/libraries/all-cluster-statuses",
        "GET /api/2.0/preview/scim/v2/Me",
        "GET /api/2.0/preview/scim/v2/ServicePrincipals",
        "GET /api/2.1/clusters/list",
    ]
    assert sum("/permissions/clusters/" in one for one in requests) == 2  # each cluster has its own


# The right to run jobs as the service principal


async def test_who_adds_the_service_principal_takes_the_right(world: World, environment: Environment) -> None:
    await environment.deploy()
    with world.store.transaction():  # somebody else's role stays
        kept = {"role": "roles/servicePrincipal.user", "principals": ["users/grace@contoso.example"]}
        rules = world.store.get("databricks.ruleSet", SPN) or {}
        world.store.put("databricks.ruleSet", SPN, {**rules, "grant_rules": [*rules["grant_rules"], kept]})
    plan = await environment.plan(environment.cluster(), environment.job())
    assert changed(plan)["run-as"] == ["roles/servicePrincipal.user"]
    assert (await environment.deploy(environment.cluster(), environment.job())).errors == ()
    held = {
        rule["role"]: rule["principals"] for rule in (world.store.get("databricks.ruleSet", SPN) or {})["grant_rules"]
    }
    assert held == {
        "roles/servicePrincipal.manager": [f"users/{ADA}"],
        "roles/servicePrincipal.user": ["users/grace@contoso.example", f"users/{ADA}"],
    }


async def test_who_does_not_manage_it_is_told_what_is_missing(world: World, environment: Environment) -> None:
    """The service principal came by itself, in GitHub Actions; nobody manages it."""
    environment.actor = SPN
    await environment.deploy()
    environment.actor = ADA
    failed = await environment.deploy(environment.cluster(), environment.job())
    assert [(error.code, error.exit_code) for error in failed.errors] == [("PERMISSION_DENIED", 3)]
    assert "Service Principal User" in advise(failed.errors[0])
    environment.actor = SPN  # whose jobs anybody may deploy once they are as the file says
    assert (await environment.deploy(environment.cluster(), environment.job())).errors == ()
    environment.actor = ADA
    assert (await environment.deploy(environment.cluster(), environment.job())).status == "unchanged"


# Workspace


async def test_who_is_no_admin_is_told(world: World, environment: Environment) -> None:
    await environment.deploy()
    async with world.client() as client:
        await client.add_principal("Users", userName="grace@contoso.example")
    environment.actor = "grace@contoso.example"
    with pytest.raises(Exception, match="none of its admins") as refused:
        await environment.plan()
    assert getattr(refused.value, "code", "") == "not-workspace-admin"


async def test_the_service_principals_rights_are_mended(world: World, environment: Environment) -> None:
    await environment.deploy()
    async with world.client() as client:
        principal = await client.find_principal("ServicePrincipals", SPN)
        assert principal is not None
        await client._patch(
            "ServicePrincipals", principal["id"], {"op": "remove", "path": 'entitlements[value eq "workspace-access"]'}
        )
        admins = await client.find_principal("Groups", "admins")
        assert admins is not None
        member = f'members[value eq "{principal["id"]}"]'
        await client._patch("Groups", admins["id"], {"op": "remove", "path": member})
    assert changed(await environment.plan()) == {"workspace": ["groups[admins]", "entitlements[workspace-access]"]}
    await environment.deploy()
    assert changed(await environment.plan()) == {}


# Clusters


@pytest.mark.parametrize(
    ("behind", "fields"),
    [
        ({"autoscale": {"min_workers": 2, "max_workers": 9}}, ["autoscale.max_workers"]),
        ({"spark_version": "16.4.x-scala2.12"}, ["spark_version"]),
        ({"node_type_id": "Standard_D8ds_v5"}, ["node_type_id"]),
        ({"autotermination_minutes": 120}, ["autotermination_minutes"]),
        ({"data_security_mode": "USER_ISOLATION"}, ["data_security_mode"]),
        ({"single_user_name": ADA}, ["single_user_name"]),
        ({"spark_conf": {"a": "b"}}, ["spark_conf"]),
        ({"cluster_name": "renamed"}, ["cluster_name"]),
    ],
)
async def test_a_changed_field_of_a_cluster_is_mended(
    world: World, environment: Environment, behind: dict[str, Any], fields: list[str]
) -> None:
    await environment.deploy(environment.cluster())
    async with world.client() as client:
        cluster = (await client.clusters())[0]
        await client.edit_cluster(cluster["cluster_id"], {**cluster["spec"], **behind})
    assert changed(await environment.plan(environment.cluster())) == {"clusters/dbx-sp-cluster": fields}
    await environment.deploy(environment.cluster())
    assert changed(await environment.plan(environment.cluster())) == {}
    assert len(show(world)["clusters"]) == 1


async def test_what_a_single_node_brings_along_is_no_drift(environment: Environment) -> None:
    given = {key: value for key, value in CLUSTER.settings.items() if key != "autoscale"}
    single = replace(CLUSTER, settings={**given, "kind": "CLASSIC_PREVIEW", "is_single_node": True})
    await environment.deploy(environment.cluster(single))
    assert changed(await environment.plan(environment.cluster(single))) == {}
    several = replace(CLUSTER, settings={**given, "num_workers": 2})
    fields = changed(await environment.plan(environment.cluster(several)))["clusters/dbx-sp-cluster"]
    assert fields == ["spark_conf", "num_workers"]


async def test_a_fixed_size_in_place_of_autoscale_is_seen(world: World, environment: Environment) -> None:
    fixed = {key: value for key, value in CLUSTER.settings.items() if key != "autoscale"} | {"num_workers": 2}
    await environment.deploy(environment.cluster())
    step = environment.cluster(Cluster(CLUSTER.name, fixed))
    assert changed(await environment.plan(step)) == {"clusters/dbx-sp-cluster": ["autoscale"]}


async def test_a_terminated_cluster_is_edited_without_a_start(world: World, environment: Environment) -> None:
    await environment.deploy(environment.cluster())
    async with world.client() as client:
        cluster_id = (await client.clusters())[0]["cluster_id"]
        await client.terminate_cluster(cluster_id)
        await client.cluster(cluster_id)
    larger = replace(CLUSTER, settings={**CLUSTER.settings, "node_type_id": "Standard_D8ds_v5"})
    assert (await environment.deploy(environment.cluster(larger))).status == "success"
    assert show(world)["clusters"][0]["state"] == "TERMINATED"


async def test_a_cluster_of_that_name_without_our_tag_is_adopted_and_said(
    world: World, environment: Environment
) -> None:
    await environment.deploy()
    async with world.client() as client:
        made = await client.create_cluster({**CLUSTER.settings, "single_user_name": ADA})
    plan = await environment.plan(environment.cluster())
    assert made in plan.changes[0].change.note
    await environment.deploy(environment.cluster())
    assert [one["cluster_id"] for one in show(world)["clusters"]] == [made]


async def test_two_clusters_of_that_name_are_not_guessed_between(world: World, environment: Environment) -> None:
    await environment.deploy()
    async with world.client() as client:
        for _ in range(2):
            await client.create_cluster({**CLUSTER.settings, "single_user_name": ADA})
    with pytest.raises(Exception, match="2 clusters have this name"):
        await environment.plan(environment.cluster())


async def test_a_stale_list_makes_no_second_cluster(world: World, environment: Environment) -> None:
    # The first list is true and empty; the next two repeat it: after the creation, and when the next run begins.
    faults.add(world.store, Fault("stale", path="/api/2.1/clusters/list", skip=1, times=2))
    await environment.deploy(environment.cluster())
    before = show(world)["clusters"]
    await environment.deploy(environment.cluster())
    assert world.writes().count("POST /api/2.1/clusters/permanent-delete") == 1
    assert show(world)["clusters"] == before


async def test_a_cluster_that_was_made_before_the_answer_was_lost_is_not_made_again(
    world: World, environment: Environment
) -> None:
    faults.add(world.store, Fault("reset", path="/api/2.1/clusters/create", when="after"))
    assert (await environment.deploy(environment.cluster())).status == "success"
    assert len(show(world)["clusters"]) == 1


async def test_libraries_of_a_cluster_are_installed(world: World, environment: Environment) -> None:
    await environment.deploy(environment.cluster())
    assert show(world)["clusters"][0]["libraries"] == [
        {"library": {"pypi": {"package": "pandas==2.2.3"}}, "status": "INSTALLED"}
    ]
    more = replace(CLUSTER, libraries=(*CLUSTER.libraries, {"pypi": {"package": "polars"}}))
    plan = await environment.plan(environment.cluster(more))
    assert changed(plan) == {"clusters/dbx-sp-cluster": ["libraries[pypi polars]"]}


# Jobs


@pytest.mark.parametrize(
    ("behind", "fields"),
    [
        ({"max_concurrent_runs": 5}, ["max_concurrent_runs"]),
        ({"name": "renamed"}, ["name"]),
        ({"run_as": {"user_name": ADA}}, ["run_as.service_principal_name"]),
        (
            {"git_source": {"git_url": "https://github.com/x/y", "git_provider": "gitHub", "git_branch": "main"}},
            ["git_source.git_url"],
        ),
    ],
)
async def test_a_changed_field_of_a_job_is_mended(
    world: World, environment: Environment, behind: dict[str, Any], fields: list[str]
) -> None:
    await environment.deploy(*cluster_and_job(environment))
    async with world.client() as client:
        job = (await client.jobs())[0]
        await client.reset_job(job["job_id"], {**job["settings"], **behind})
    assert changed(await environment.plan(*cluster_and_job(environment))) == {"jobs/remote_analysis": fields}
    await environment.deploy(*cluster_and_job(environment))
    assert changed(await environment.plan(*cluster_and_job(environment))) == {}
    assert len(show(world)["jobs"]) == 1


async def test_a_job_follows_the_deployed_ref(world: World, environment: Environment) -> None:
    await environment.deploy(environment.cluster(), environment.job())
    assert show(world)["jobs"][0]["settings"]["git_source"]["git_branch"] == "main"
    environment.ref = GitRef("tag", "v1")
    await environment.deploy(environment.cluster(), environment.job())
    source = show(world)["jobs"][0]["settings"]["git_source"]
    assert (source["git_tag"], source.get("git_branch")) == ("v1", None)


async def test_a_job_is_owned_again_by_the_service_principal(world: World, environment: Environment) -> None:
    await environment.deploy(*cluster_and_job(environment))
    async with world.client() as client:
        job_id = (await client.jobs())[0]["job_id"]
        await client.grant("jobs", job_id, [{"user_name": ADA, "permission_level": "IS_OWNER"}])
    assert changed(await environment.plan(*cluster_and_job(environment))) == {"jobs/remote_analysis": ["owner"]}
    await environment.deploy(*cluster_and_job(environment))
    assert show(world)["jobs"][0]["permissions"] == {SPN: "IS_OWNER"}


async def test_a_job_with_tasks_from_the_workspace_has_no_git_source(world: World, environment: Environment) -> None:
    task = {
        "task_key": "look",
        "notebook_task": {"notebook_path": "/Shared/look", "source": "WORKSPACE"},
        "cluster_name": "dbx-sp-cluster",
    }
    step = environment.job(Job("look", {"tasks": [task], "format": "SINGLE_TASK"}))
    await environment.deploy(environment.cluster(), step)
    assert "git_source" not in show(world)["jobs"][0]["settings"]
    step = environment.job(Job("look", {"tasks": [task], "format": "SINGLE_TASK"}))
    assert changed(await environment.plan(environment.cluster(), step)) == {}


async def test_a_stale_list_makes_no_second_job(world: World, environment: Environment) -> None:
    await environment.deploy(environment.cluster())
    faults.add(world.store, Fault("stale", path="/api/2.2/jobs/list", skip=1, times=2))
    await environment.deploy(*cluster_and_job(environment))
    before = show(world)["jobs"]
    await environment.deploy(*cluster_and_job(environment))
    assert world.writes().count("POST /api/2.2/jobs/delete") == 1
    assert show(world)["jobs"] == before


async def test_twins_of_a_job_are_removed(world: World, environment: Environment) -> None:
    await environment.deploy(*cluster_and_job(environment))
    async with world.client() as client:
        job = (await client.jobs())[0]
        twin = await client.create_job(job["settings"], [])
    plan = await environment.plan(*cluster_and_job(environment))
    assert changed(plan) == {"jobs/remote_analysis": ["duplicate"]}
    await environment.deploy(*cluster_and_job(environment))
    assert twin not in [one["job_id"] for one in show(world)["jobs"]]


async def test_a_job_whose_tag_was_taken_is_found_by_its_name_and_by_whom_it_runs_as(
    world: World, environment: Environment
) -> None:
    await environment.deploy(*cluster_and_job(environment))
    (before,) = show(world)["jobs"]
    async with world.client() as client:
        job = (await client.jobs())[0]
        untagged = {**job["settings"], "tags": {}}
        await client.reset_job(job["job_id"], untagged)
        plan = await environment.plan(*cluster_and_job(environment))
        assert changed(plan) == {"jobs/remote_analysis": ["tags.dbxwizard"]}
        assert "adopts the job" in plan.changes[0].change.note
        twin = await client.create_job(untagged, [])
        with pytest.raises(OperationError, match="none has our tag"):
            await environment.plan(*cluster_and_job(environment))
        await client.delete_job(twin)
        somebodys = await client.create_job({**untagged, "run_as": {"user_name": ADA}}, [])
    await environment.deploy(*cluster_and_job(environment))
    assert [one for one in show(world)["jobs"] if one["job_id"] != somebodys] == [before]


# Secret scopes


async def test_secrets_are_written_where_they_differ(world: World, environment: Environment) -> None:
    await environment.deploy(environment.scope())
    async with world.client() as client:
        await client.put_secret("DBX_SP_Credentials", "DBX_SP_TenantID", Secret("other"))
        await client.put_scope_acl("DBX_SP_Credentials", "users", "READ")
    plan = await environment.plan(environment.scope())
    assert changed(plan) == {"secret-scopes/DBX_SP_Credentials": ["secrets[DBX_SP_TenantID]", "acls[users]"]}
    assert "tenant" not in str([reason.before for reason in plan.changes[0].change.reasons])
    before = len(world.writes())
    await environment.deploy(environment.scope())
    assert [write.rsplit("/", 2)[-2:] for write in world.writes()[before:]] == [["secrets", "put"], ["acls", "delete"]]
    async with world.client() as client:
        assert await client.secret_value("DBX_SP_Credentials", "DBX_SP_TenantID") == Secret("tenant")


async def test_a_value_that_nobody_has_is_left_out_and_said(world: World, environment: Environment) -> None:
    step = environment.scope(secrets={"DBX_SP_Client_Secret": "databricks-spn.client-secret"})
    result = await environment.deploy(step)
    assert show(world)["secret_scopes"][0]["keys"] == ["DBX_SP_ClientID", "DBX_SP_TenantID"]
    assert result.environments[0].outputs["secret-scopes/DBX_SP_Credentials"] == {"left_out": ["DBX_SP_Client_Secret"]}
    step = environment.scope(secrets={"DBX_SP_Client_Secret": "databricks-spn.client-secret"})
    assert changed(await environment.plan(step)) == {}


# Git


async def test_a_git_credential_is_updated_for_another_token(world: World, environment: Environment) -> None:
    await environment.deploy(environment.credential())
    plan = await environment.plan(environment.credential(Secret("ghp_new")))
    assert changed(plan) == {"git-credential/gitHub": ["personal_access_token"]}
    await environment.deploy(environment.credential(Secret("ghp_new"), "grace"))
    assert show(world)["git_credentials"][0]["git_username"] == "grace"
    assert changed(await environment.plan(environment.credential(Secret("ghp_new"), "grace"))) == {}


async def test_a_git_folder_follows_its_branch(world: World, environment: Environment) -> None:
    await environment.deploy(environment.folder())
    commit = push(world, {"new.py": ""})
    assert changed(await environment.plan(environment.folder())) == {
        "git-folders/DevelopmentFolder": ["head_commit_id"]
    }
    await environment.deploy(environment.folder())
    assert show(world)["git_folders"][0]["head_commit_id"] == commit


async def test_a_git_folder_is_set_to_a_tag(world: World, environment: Environment) -> None:
    commit = push(world, {"new.py": ""}, "release", tag="v1")
    environment.ref = GitRef("tag", "v1")
    await environment.deploy(environment.folder())
    folder = show(world)["git_folders"][0]
    assert (folder["head_commit_id"], folder.get("branch")) == (commit, None)
    assert changed(await environment.plan(environment.folder())) == {}


async def test_a_git_folder_can_not_be_set_to_a_commit(environment: Environment) -> None:
    environment.ref = GitRef("commit", "0" * 40)
    with pytest.raises(Exception, match="not to the commit"):
        await environment.plan(environment.folder())
    assert changed(await environment.plan(environment.folder("main"))).keys() >= {"git-folders/DevelopmentFolder"}


async def test_a_private_repository_needs_the_credential(world: World, environment: Environment) -> None:
    with world.store.transaction():
        body = world.store.get("github.repository", "contoso/databricks") or {}
        world.store.put("github.repository", "contoso/databricks", {**body, "private": True})
        add_token(world.store, "ghp_for_the_service_principal", "ada", scopes=("repo",))
    by_a_person = await environment.deploy(environment.credential(), environment.folder())
    assert by_a_person.errors[0].code == "git-credential-of-person"
    environment.actor = SPN
    async with world.client(SPN) as client:
        number = (await client.git_credentials())[0]["credential_id"]
        await client._do("DELETE", f"/api/2.0/git-credentials/{number}")
    assert (await environment.deploy(environment.folder())).errors[0].message.startswith("Missing Git provider")
    result = await environment.deploy(environment.credential())
    assert result.status == "success"
    assert (await environment.deploy(environment.credential(), environment.folder())).status == "success"


# Access


@pytest.mark.parametrize(
    ("kind", "field"), [("clusters", "clusters[dbx-sp-cluster]"), ("jobs", "jobs[remote_analysis]")]
)
async def test_a_right_that_was_changed_is_mended(
    world: World, environment: Environment, kind: str, field: str
) -> None:
    await environment.deploy(*cluster_and_job(environment), environment.access())
    async with world.client() as client:
        number = (
            (await client.clusters())[0]["cluster_id"] if kind == "clusters" else (await client.jobs())[0]["job_id"]
        )
        level = "CAN_ATTACH_TO" if kind == "clusters" else "CAN_VIEW"
        entry = {"user_name": "grace@contoso.example", "permission_level": level}
        await client.grant(kind, number, [entry])
    assert changed(await environment.plan(*cluster_and_job(environment), environment.access())) == {
        "access/grace@contoso.example": [field]
    }
    await environment.deploy(*cluster_and_job(environment), environment.access())
    assert changed(await environment.plan(*cluster_and_job(environment), environment.access())) == {}


async def test_a_person_may_do_what_was_given_and_no_more(world: World, environment: Environment) -> None:
    await environment.deploy(environment.cluster(), environment.job(), environment.access())
    async with world.client("grace@contoso.example") as client:
        cluster = (await client.clusters())[0]["cluster_id"]
        await client.restart_cluster(cluster)
        run = await client.run_job((await client.jobs())[0]["job_id"], "once")
        assert (await client.run(run))["state"]["life_cycle_state"] in ("PENDING", "RUNNING", "TERMINATED")
        await client.make_folder("/Shared/team/mine")
        with pytest.raises(Exception, match="Manage permissions"):
            await client.delete_cluster(cluster)
        with pytest.raises(Exception, match="Scope DBX_SP_Credentials does not exist"):
            await client.scope_acls("DBX_SP_Credentials")


# Access token


async def test_a_token_is_renewed_before_it_ends(world: World, environment: Environment) -> None:
    environment.actor = SPN
    await environment.deploy(environment.token())
    first = environment.vault.held["dbkstoken"]
    environment.clock.advance(61 * 86400)
    assert changed(await environment.plan(environment.token())) == {"access-token": ["expires"]}
    await environment.deploy(environment.token())
    second = environment.vault.held["dbkstoken"]
    assert second.value != first.value
    assert first.expires is not None
    assert second.expires == pytest.approx(first.expires + 61 * 86400, abs=60)
    assert len(show(world)["tokens"]) == 1


async def test_a_token_that_was_revoked_is_made_anew(world: World, environment: Environment) -> None:
    environment.actor = SPN
    await environment.deploy(environment.token())
    async with world.client(SPN) as client:
        for token in await client.tokens():
            await client.delete_token(token["token_id"])
    assert changed(await environment.plan(environment.token())) == {"access-token": ["token"]}


async def test_a_token_that_never_reached_the_vault_is_removed(world: World, environment: Environment) -> None:
    environment.actor = SPN
    await environment.deploy(environment.token())
    async with world.client(SPN) as client:
        await client.create_token("dbxwizard Development", 3600)
    assert changed(await environment.plan(environment.token())) == {"access-token": ["superseded token"]}
    await environment.deploy(environment.token())
    kept = environment.vault.held["dbkstoken"].tags["token_id"]
    async with world.client(SPN) as client:
        assert [token["token_id"] for token in await client.tokens()] == [kept]


async def test_a_person_makes_no_token_and_is_told(environment: Environment) -> None:
    result = await environment.deploy(environment.token())
    assert environment.vault.held == {}
    assert "the service principal makes it" in str(result.environments[0].outputs["access-token"])


async def test_the_token_opens_the_workspace_as_the_service_principal(world: World, environment: Environment) -> None:
    environment.actor = SPN
    await environment.deploy(environment.token())
    token = environment.vault.held["dbkstoken"].value.reveal()
    answer = await asyncio.to_thread(
        requests.get,
        f"{world.url}/api/2.0/preview/scim/v2/Me",
        headers={"Authorization": f"Bearer {token}"},
        verify=str(world.cloud.ca_bundle),
        timeout=10,
    )
    assert answer.json()["userName"] == SPN
