"""The workspace of the sandbox, through the unmodified SDK: states in their time, rights, limits, refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from databricks.sdk import WorkspaceClient as Sdk
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service import compute, iam, jobs, workspace

from dbxwizard.sandbox.databricks import secrets as secret_routes
from dbxwizard.sandbox.databricks.show import workspaces
from dbxwizard.sandbox.time import Clock
from tests.databricks.conftest import ADA, SPN, World
from tests.databricks.environment import push
from tests.databricks.unmodified import SETTINGS, ask, ended, new_cluster, sdk_for

GRACE = "grace@contoso.example"


@pytest.fixture
def sdk(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Sdk]:
    """The SDK as it comes, for somebody."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(world.cloud.ca_bundle))
    return sdk_for(world)


@pytest.fixture
def ada(sdk: Callable[[str], Sdk]) -> Sdk:
    client = sdk(ADA)
    client.current_user.me()
    return client


@pytest.fixture
def grace(ada: Sdk, sdk: Callable[[str], Sdk]) -> Sdk:
    """A plain user of the workspace."""
    ada.users_v2.create(user_name=GRACE)
    return sdk(GRACE)


@pytest.fixture
def timed(world: World) -> Clock:
    """The sandbox's clock, standing still, where things take their time."""
    clock = Clock(world.store)
    with world.store.transaction():
        world.store.put("_setting", "latency", {"profile": "real"})
        clock.freeze(clock.now())
    return clock


def pass_time(world: World, clock: Clock, seconds: float) -> None:
    with world.store.transaction():
        clock.advance(seconds)


def test_the_sdk_finds_its_host(world: World, ada: Sdk) -> None:
    assert (ada.config.cloud and ada.config.cloud.value, ada.config.workspace_id) == ("AZURE", "1234567890123456")
    me = ada.current_user.me()
    assert (me.user_name, me.display_name) == (ADA, "Ada Sandbox")


def test_a_cluster_goes_through_its_states(world: World, ada: Sdk, timed: Clock) -> None:
    cluster_id = new_cluster(ada)
    assert ada.clusters.get(cluster_id).state == compute.State.PENDING
    with pytest.raises(BadRequest, match="is in unexpected state Pending"):
        ask(ada, "POST", "/api/2.1/clusters/edit", body={**SETTINGS, "cluster_id": cluster_id})
    pass_time(world, timed, 12)
    assert ada.clusters.get(cluster_id).state == compute.State.RUNNING
    ada.clusters.restart(cluster_id)
    assert ada.clusters.get(cluster_id).state == compute.State.RESTARTING
    pass_time(world, timed, 7.5)
    assert ada.clusters.get(cluster_id).state == compute.State.RUNNING
    ada.clusters.delete(cluster_id)
    assert ada.clusters.get(cluster_id).state == compute.State.TERMINATING
    pass_time(world, timed, 3)
    assert ada.clusters.get(cluster_id).state == compute.State.TERMINATED
    kinds = [event.type.value for event in ada.clusters.events(cluster_id) if event.type]
    assert kinds == ["TERMINATING", "RUNNING", "RESTARTING", "RUNNING", "CREATING"]


def test_a_cluster_that_nobody_uses_ends(world: World, ada: Sdk, timed: Clock) -> None:
    cluster_id = new_cluster(ada)
    pass_time(world, timed, 12 + 29 * 60)
    assert ada.clusters.get(cluster_id).state == compute.State.RUNNING
    pass_time(world, timed, 60 + 3)
    ended = ada.clusters.get(cluster_id)
    assert ended.state == compute.State.TERMINATED
    assert ended.termination_reason is not None
    assert ended.termination_reason.code == compute.TerminationReasonCode.INACTIVITY


def test_libraries_are_installed_while_the_cluster_runs(world: World, ada: Sdk, timed: Clock) -> None:
    cluster_id = new_cluster(ada)
    ada.libraries.install(
        cluster_id, [compute.Library(pypi=compute.PythonPyPiLibrary("pandas")), compute.Library(whl="dbfs:/x.whl")]
    )

    def states() -> list[str]:
        return [one.status.value for one in ada.libraries.cluster_status(cluster_id) if one.status]

    assert states() == ["PENDING", "PENDING"]
    pass_time(world, timed, 12)
    assert states() == ["INSTALLING", "INSTALLING"]
    pass_time(world, timed, 1.5)
    assert states() == ["INSTALLED", "FAILED"]
    ada.libraries.uninstall(cluster_id, [compute.Library(pypi=compute.PythonPyPiLibrary("pandas"))])
    assert states()[0] == "UNINSTALL_ON_RESTART"
    ada.clusters.restart(cluster_id)
    pass_time(world, timed, 10)
    assert states() == ["FAILED"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spark_version": "10.4.x-scala2.12"}, "Invalid spark version 10.4.x-scala2.12."),
        ({"node_type_id": "Standard_D3"}, "Node type Standard_D3 is not supported"),
        ({"data_security_mode": "NONE"}, "clusters without isolation are disabled"),
        ({"data_security_mode": None}, "clusters without isolation are disabled"),
        ({"single_user_name": None}, "single_user_name is required"),
        ({"single_user_name": "nobody@contoso.example"}, "does not exist in this workspace"),
        ({"autoscale": None}, "Missing required field: size"),
        ({"autoscale": {"min_workers": 4, "max_workers": 2}}, "Cannot autoscale between 4 and 2"),
        ({"autotermination_minutes": 5}, "between 10 and 10000"),
        ({"spark_version": None}, "Missing required field: spark_version"),
        ({"autoscale": "many"}, "Could not parse request object"),
    ],
)
def test_a_cluster_that_the_service_would_refuse(ada: Sdk, change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        ask(ada, "POST", "/api/2.1/clusters/create", body={**SETTINGS, **change})
    assert list(ada.clusters.list()) == []


def test_names_of_clusters_and_jobs_are_not_unique(ada: Sdk) -> None:
    for _ in range(2):
        ask(ada, "POST", "/api/2.1/clusters/create", body=SETTINGS)
        ada.jobs.create(name="twice")
    assert len(list(ada.clusters.list())) == 2
    assert [job.settings.name for job in ada.jobs.list() if job.settings] == ["twice", "twice"]


def test_lists_come_in_pages(ada: Sdk) -> None:
    for number in range(7):
        ada.jobs.create(name=f"job-{number}")
    names = [job.settings.name for job in ada.jobs.list(limit=3) if job.settings]
    assert names == [f"job-{number}" for number in reversed(range(7))]
    assert [job.settings.name for job in ada.jobs.list(name="JOB-3") if job.settings] == ["job-3"]


def test_unknown_fields_and_values_are_dropped(ada: Sdk) -> None:
    body = {"name": "odd", "surprise": 1, "performance_target": "STANDART"}
    job_id = ask(ada, "POST", "/api/2.2/jobs/create", body=body)["job_id"]
    settings = ask(ada, "GET", "/api/2.2/jobs/get", query={"job_id": job_id})["settings"]
    assert settings.keys().isdisjoint({"surprise", "performance_target"})


# Runs


def job(ada: Sdk, world: World, **more: Any) -> int:
    push(world, {"scripts/a.py": "print('executed')", "notebooks/n.ipynb": ""})
    cluster_id = new_cluster(ada)
    task = {"task_key": "a", "spark_python_task": {"python_file": "scripts/a.py"}, "existing_cluster_id": cluster_id}
    source = {"git_url": "https://github.com/contoso/databricks", "git_provider": "gitHub", "git_branch": "main"}
    body = {"name": "job", "git_source": source, "tasks": [{**task, **more.pop("task", {})}], **more}
    return int(ask(ada, "POST", "/api/2.2/jobs/create", body=body)["job_id"])


def test_a_run_starts_its_cluster_and_executes_its_script(world: World, ada: Sdk, timed: Clock) -> None:
    job_id = job(ada, world)
    pass_time(world, timed, 12)
    cluster_id = next(iter(ada.clusters.list())).cluster_id
    assert cluster_id
    ada.clusters.delete(cluster_id)
    run_id = ada.jobs.run_now(job_id).run_id
    assert run_id

    def state() -> str:
        found = ada.jobs.get_run(run_id)
        assert (found.run_page_url or "").endswith(f"#job/{job_id}/run/{run_id}")
        shown = found.state
        assert shown is not None
        assert shown.life_cycle_state is not None
        return shown.life_cycle_state.value

    assert (state(), ada.clusters.get(cluster_id).state) == ("PENDING", compute.State.TERMINATING)
    pass_time(world, timed, 3)
    assert (state(), ada.clusters.get(cluster_id).state) == ("PENDING", compute.State.PENDING)
    pass_time(world, timed, 12)
    assert (state(), ada.clusters.get(cluster_id).state) == ("PENDING", compute.State.RUNNING)
    pass_time(world, timed, 1)
    assert state() == "RUNNING"
    pass_time(world, timed, 1.5)
    run = ended(ada, run_id)  # from here on it takes what its script takes
    assert (state(), run["state"]["result_state"]) == ("TERMINATED", "SUCCESS")
    assert run["output"]["logs"].endswith("executed\n")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"task": {"spark_python_task": {"python_file": "scripts/gone.py"}}}, "it is not in the repository"),
        (
            {
                "git_source": {
                    "git_url": "https://github.com/contoso/databricks",
                    "git_provider": "gitHub",
                    "git_tag": "v9",
                }
            },
            "v9 does not exist",
        ),
        (
            {
                "git_source": {
                    "git_url": "https://github.com/no/body",
                    "git_provider": "gitHub",
                    "git_branch": "main",
                }
            },
            "was not found",
        ),
    ],
)
def test_a_run_fails_for_a_source_that_is_not_there(world: World, ada: Sdk, more: dict[str, Any], words: str) -> None:
    state = ended(ada, ada.jobs.run_now(job(ada, world, **more)).run_id)["state"]
    assert state["result_state"] == "FAILED"
    assert words in state["state_message"]


def test_a_run_is_started_once_for_a_token_and_not_beside_another(world: World, ada: Sdk, timed: Clock) -> None:
    job_id = job(ada, world)
    first = ada.jobs.run_now(job_id, idempotency_token="t").run_id
    again: Any = ada.jobs.run_now(job_id, idempotency_token="t").run_id
    assert again == first
    second = ada.jobs.run_now(job_id, idempotency_token="u").run_id
    state = ada.jobs.get_run(second).state
    assert state is not None
    assert state.life_cycle_state == jobs.RunLifeCycleState.SKIPPED
    queued = ada.jobs.run_now(job_id, queue=jobs.QueueSettings(enabled=True)).run_id
    assert [run.run_id for run in ada.jobs.list_runs(active_only=True)] == [queued, first]
    ada.jobs.cancel_run(first)
    waiting = ada.jobs.get_run(queued).state
    assert waiting is not None
    assert waiting.life_cycle_state == jobs.RunLifeCycleState.PENDING
    assert timed.now()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tasks": [{"task_key": "a", "notebook_task": {"notebook_path": "/a"}}]}, "One of job_cluster_key"),
        (
            {"tasks": [{"task_key": "a", "notebook_task": {"notebook_path": "/a"}, "existing_cluster_id": "no"}]},
            "The cluster no does not exist",
        ),
        ({"tasks": [{"task_key": "a b", "run_job_task": {"job_id": 1}}]}, "Invalid task key"),
        ({"tasks": [{"task_key": "a"}]}, "Exactly one task type"),
        ({"tasks": [{"task_key": "a", "run_job_task": {}}, {"task_key": "a", "run_job_task": {}}]}, "must be unique"),
        (
            {"git_source": {"git_url": "u", "git_provider": "sourceforge", "git_branch": "b"}},
            "git_source.git_provider must be one of",
        ),
        ({"git_source": {"git_url": "u", "git_provider": "gitHub"}}, "Exactly one of git_branch"),
        ({"run_as": {"service_principal_name": SPN}}, "does not exist in this workspace"),
        ({"max_concurrent_runs": 1001}, "max_concurrent_runs"),
    ],
)
def test_a_job_that_the_service_would_refuse(ada: Sdk, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        ask(ada, "POST", "/api/2.2/jobs/create", body={"name": "odd", **settings})


# Rights


def test_a_plain_user_may_little(world: World, ada: Sdk, grace: Sdk) -> None:
    job_id = job(ada, world)
    cluster_id = next(iter(ada.clusters.list())).cluster_id
    assert cluster_id
    ada.secrets.create_scope("scope")
    refused: list[Callable[[], Any]] = [
        lambda: ask(grace, "POST", "/api/2.1/clusters/create", body=SETTINGS),
        lambda: grace.clusters.get(cluster_id),
        lambda: grace.clusters.delete(cluster_id),
        lambda: grace.libraries.install(cluster_id, []),
        lambda: grace.jobs.get(job_id),
        lambda: grace.jobs.run_now(job_id),
        lambda: grace.jobs.delete(job_id),
        lambda: grace.secrets.list_acls("scope"),
        lambda: grace.users_v2.create(user_name=ADA),
        lambda: grace.permissions.get("clusters", cluster_id),
        lambda: list(grace.token_management.list()),
        lambda: grace.workspace.mkdirs("/Users/ada@contoso.example/mine"),
    ]
    for call in refused:
        with pytest.raises(PermissionDenied):
            call()
    assert list(grace.clusters.list()) == []
    assert list(grace.jobs.list()) == []
    grace.workspace.mkdirs(f"/Users/{GRACE}/mine")


def test_a_right_on_a_cluster_gives_that_and_what_is_below_it(ada: Sdk, grace: Sdk) -> None:
    cluster_id = new_cluster(ada)
    entry = iam.AccessControlRequest(user_name=GRACE, permission_level=iam.PermissionLevel.CAN_RESTART)
    ada.permissions.update("clusters", cluster_id, access_control_list=[entry])
    assert grace.clusters.get(cluster_id).state == compute.State.RUNNING
    grace.clusters.restart(cluster_id)
    with pytest.raises(PermissionDenied):
        grace.clusters.permanent_delete(cluster_id)


def test_an_entra_group_gives_its_members_their_rights(world: World, ada: Sdk, grace: Sdk) -> None:
    from tests.databricks.conftest import object_id

    group = {"id": object_id("team"), "displayName": "team", "members": [object_id(GRACE)]}
    with world.store.transaction():
        world.store.put("directory.group", object_id("team"), group)
    ada.groups_v2.create(
        display_name="team",
        external_id=object_id("team"),
        entitlements=[iam.ComplexValue(value="allow-cluster-create")],
    )
    ask(grace, "POST", "/api/2.1/clusters/create", body={**SETTINGS, "single_user_name": GRACE})
    assert len(list(grace.clusters.list())) == 1


def test_a_job_has_one_owner(world: World, ada: Sdk, grace: Sdk) -> None:
    assert grace.current_user.me().user_name == GRACE
    job_id = str(ada.jobs.create(name="owned").job_id)
    entry = iam.AccessControlRequest(user_name=GRACE, permission_level=iam.PermissionLevel.CAN_VIEW)
    with pytest.raises(BadRequest, match="exactly one owner"):
        ada.permissions.set("jobs", job_id, access_control_list=[entry])
    owner = iam.AccessControlRequest(user_name=GRACE, permission_level=iam.PermissionLevel.IS_OWNER)
    ada.permissions.update("jobs", job_id, access_control_list=[owner])
    assert workspaces(world.store)[0]["jobs"][0]["permissions"] == {GRACE: "IS_OWNER"}


# Tokens, secrets, files, git


def test_a_token_of_ones_own_opens_the_workspace_until_it_ends(world: World, ada: Sdk, timed: Clock) -> None:
    made = ada.tokens.create(comment="mine", lifetime_seconds=60)

    def knock() -> requests.Response:
        headers = {"Authorization": f"Bearer {made.token_value}"}
        return requests.get(
            f"{world.url}/api/2.1/clusters/list", headers=headers, verify=str(world.cloud.ca_bundle), timeout=10
        )

    assert knock().status_code == 200
    pass_time(world, timed, 60)
    assert (knock().status_code, knock().json()["message"]) == (403, "Invalid access token.")
    assert made.token_value
    assert made.token_value not in str(workspaces(world.store))


def test_there_are_no_tokens_on_behalf_of_service_principals(ada: Sdk) -> None:
    with pytest.raises(BadRequest, match="is not enabled for this workspace"):
        ada.token_management.create_obo_token(SPN)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('displayName eq "R and \\"D\\" or so"', ['R and "D" or so']),
        ('displayName sw "adm" or displayName eq "USERS"', ["admins", "users"]),
        ('displayName co "s" and displayName ne "users"', ['R and "D" or so', "admins"]),
    ],
)
def test_filters_of_scim(ada: Sdk, text: str, names: list[str]) -> None:
    ada.groups_v2.create(display_name='R and "D" or so')
    assert sorted(str(group.display_name) for group in ada.groups_v2.list(filter=text)) == names


def test_secrets(ada: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    ada.secrets.create_scope("one")
    with pytest.raises(ResourceAlreadyExists, match="Scope one already exists!"):
        ada.secrets.create_scope("one")
    ada.secrets.put_secret("one", "key", string_value="välue")
    assert ada.dbutils.secrets.get("one", "key") == "välue"
    assert [secret.key for secret in ada.secrets.list_secrets("one")] == ["key"]
    with pytest.raises(NotFound):
        ada.secrets.get_secret("one", "other")
    with pytest.raises(BadRequest, match="1 to 131072 bytes"):
        ada.secrets.put_secret("one", "big", string_value="x" * 131073)
    monkeypatch.setattr(secret_routes, "MAX_SCOPES", 1)
    with pytest.raises(BadRequest, match="Maximum number of scopes"):
        ada.secrets.create_scope("two")
    ada.secrets.delete_scope("one")
    assert list(ada.secrets.list_scopes()) == []


def test_workspace_files(ada: Sdk) -> None:
    ada.workspace.mkdirs("/Workspace/Shared/a/b")
    content = bytes(range(256)) * 3 + b"\\u\r\n"  # half an escape of JSON, which no file needs to be
    ada.workspace.upload("/Shared/a/b/raw.bin", content, format=workspace.ImportFormat.AUTO)
    assert ada.workspace.download("/Shared/a/b/raw.bin").read() == content
    with pytest.raises(ResourceAlreadyExists):
        ada.workspace.upload("/Shared/a/b/raw.bin", content, format=workspace.ImportFormat.AUTO)
    ada.workspace.import_("/Shared/note.py", content="cHJpbnQoMSkK", language=workspace.Language.PYTHON)
    kinds = {one.path: one.object_type for one in ada.workspace.list("/Shared")}
    assert kinds == {
        "/Shared/a": workspace.ObjectType.DIRECTORY,
        "/Shared/note.py": workspace.ObjectType.NOTEBOOK,
    }
    with pytest.raises(BadRequest, match="is not empty"):
        ada.workspace.delete("/Shared/a")
    ada.workspace.delete("/Shared/a", recursive=True)
    with pytest.raises(NotFound):
        ada.workspace.get_status("/Shared/a/b")


def test_git_folders_need_their_folder_their_branch_and_a_free_place(world: World, ada: Sdk) -> None:
    push(world, {"a.py": ""})
    url = "https://github.com/contoso/databricks.git"
    with pytest.raises(NotFound, match="Parent directory /Repos/team does not exist"):
        ada.repos.create(url, "gitHub", path="/Repos/team/one")
    ada.workspace.mkdirs("/Repos/team")
    made = ada.repos.create(url, "gitHub", path="/Repos/team/one")
    assert (made.branch, made.provider) == ("main", "gitHub")
    with pytest.raises(ResourceAlreadyExists, match="rename the first repo"):
        ada.repos.create(url, "gitHub", path="/Repos/team/one")
    with pytest.raises(NotFound, match="Branch 'gone' does not exist"):
        ada.repos.update(made.id, branch="gone")  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="can only contain repos"):
        ada.workspace.mkdirs("/Repos/team/two")
    ada.repos.delete(made.id)  # type: ignore[arg-type]
    assert list(ada.repos.list()) == []


def test_a_git_credential_of_a_service_principal_is_set_by_its_manager(
    world: World, ada: Sdk, sdk: Callable[[str], Sdk]
) -> None:
    sdk(SPN).current_user.me()  # it entered by itself: nobody manages it
    principal = next(iter(ada.service_principals_v2.list(filter=f'applicationId eq "{SPN}"')))
    number = int(principal.id or 0)
    with pytest.raises(PermissionDenied, match="not a manager"):
        ada.git_credentials.create("gitHub", git_username="ada", personal_access_token="t", principal_id=number)
    ada.service_principals_v2.delete(str(number))  # leaves the workspace; the account knows it still
    number = int(ada.service_principals_v2.create(application_id=SPN).id or 0)
    with pytest.raises(PermissionDenied, match="not a manager"):
        ada.git_credentials.create("gitHub", git_username="ada", personal_access_token="t", principal_id=number)
    number = int(ada.service_principals_v2.create(application_id=SPN.replace("1", "9")).id or 0)
    ada.git_credentials.create("gitHub", git_username="ada", personal_access_token="t", principal_id=number)
    with pytest.raises(Exception, match="Only one credential per provider is allowed"):
        ada.git_credentials.create("gitHub", git_username="ada", personal_access_token="t", principal_id=number)
    assert [one.git_username for one in ada.git_credentials.list(principal_id=number)] == ["ada"]
    assert list(ada.git_credentials.list()) == []


def test_nothing_is_kept_of_a_token_or_a_pat(world: World, ada: Sdk) -> None:
    ada.git_credentials.create("gitHub", git_username="ada", personal_access_token="ghp_canary")
    made = ada.tokens.create()
    state = world.sandbox.state.read_bytes() + world.sandbox.state.with_name("state.sqlite-wal").read_bytes()
    assert b"ghp_canary" not in state
    assert made.token_value
    assert made.token_value.encode() not in state


def test_show_says_the_same_twice(world: World, ada: Sdk) -> None:
    job(ada, world)
    world.sandbox.settle()
    first = workspaces(world.store)
    ada.clusters.get(str(next(iter(ada.clusters.list())).cluster_id))
    assert workspaces(world.store) == first
