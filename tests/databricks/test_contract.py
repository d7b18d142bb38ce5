"""What the client sends, held against the code that Databricks generates from its API description."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from databricks.sdk.service import compute, iam, jobs, settings, workspace

from dbxwizard.clients.databricks import WorkspaceClient
from dbxwizard.clients.databricks_connection import Connection
from dbxwizard.core.clock import SystemClock
from dbxwizard.workspace_actions import follow_states
from tests.databricks.conftest import ADA, SPN, World
from tests.databricks.environment import CLUSTER, TOKEN, Environment, push

APIS = (
    compute.ClustersAPI,
    compute.LibrariesAPI,
    iam.AccountAccessControlProxyAPI,
    iam.GroupsV2API,
    iam.PermissionsAPI,
    iam.CurrentUserAPI,
    iam.ServicePrincipalsV2API,
    iam.UsersV2API,
    jobs.JobsAPI,
    settings.TokensAPI,
    workspace.GitCredentialsAPI,
    workspace.ReposAPI,
    workspace.SecretsAPI,
    workspace.WorkspaceAPI,
)
FORM = {"path", "format", "overwrite", "language"}  # of workspace/import, which the SDK sends as a form from its mixin


DISCOVERY = (r"/\.well-known/databricks-config", frozenset[str](), frozenset[str]())  # databricks.sdk.oauth


def operations() -> Iterator[tuple[str, re.Pattern[str], frozenset[str], frozenset[str]]]:
    """Method, path, body fields and query fields of every operation that the SDK knows."""
    for api in APIS:
        for _, method in inspect.getmembers(api, inspect.isfunction):
            source = inspect.getsource(method)
            for verb, path in re.findall(r'do\(\s*"([A-Z]+)",\s*f?"([^"]+)"', source):
                pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
                fields = [frozenset(re.findall(rf'{kind}\["([^"]+)"\]', source)) for kind in ("body", "query")]
                yield verb, pattern, fields[0], fields[1]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The public methods of the client that the test has called."""
    seen: set[str] = set()

    def recorded(name: str, original: Any) -> Any:
        def method(*arguments: Any, **more: Any) -> Any:
            seen.add(name)
            return original(*arguments, **more)

        return method

    for name, original in inspect.getmembers(WorkspaceClient, inspect.isfunction):
        if not name.startswith("_"):
            monkeypatch.setattr(WorkspaceClient, name, recorded(name, original))
    return seen


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    """Every request of the test: method, path, body (or form), query."""
    seen: list[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]] = []
    original = Connection.do

    def do(self: Connection, method: str, path: str, **more: Any) -> Any:
        seen.append((method, path, more.get("body") or more.get("form") or {}, more.get("query") or {}))
        return original(self, method, path, **more)

    monkeypatch.setattr(Connection, "do", do)
    return seen


async def test_every_request_is_one_of_the_sdk(
    world: World, sent: list[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]], called: set[str]
) -> None:
    push(world, {"framework/examples/analysis.py": ""})
    for actor in (ADA, SPN):  # a person adds the service principal, which alone makes its token
        environment = Environment(world, actor=actor)
        every = (
            environment.scope(acls={ADA: "READ"} if actor == ADA else {}),
            environment.cluster(),
            environment.credential(),
            environment.folder(),
            environment.job(),
            environment.access(),
            environment.token(),
        )
        assert (await environment.deploy(*every)).errors == ()
    await the_rest(world)
    public = {name for name, _ in inspect.getmembers(WorkspaceClient, inspect.isfunction) if not name.startswith("_")}
    assert public - called == set(), "a call of the client is not tried"
    known = [*operations(), ("GET", re.compile(DISCOVERY[0]), *DISCOVERY[1:])]
    for method, path, body, query in sent:
        fitting = [
            (fields, queries) for verb, pattern, fields, queries in known if verb == method and pattern.fullmatch(path)
        ]
        assert fitting, f"{method} {path} is no operation of the SDK"
        assert any(set(body) - FORM <= fields and set(query) <= queries for fields, queries in fitting), (
            f"{method} {path} has fields that the SDK does not know: {sorted(body)} {sorted(query)}"
        )


async def the_rest(world: World) -> None:
    """The calls of the client that these steps did not need."""
    async with world.client(SPN) as client:
        cluster_id, job = (await client.clusters())[0]["cluster_id"], (await client.jobs())[0]
        assert cluster_id in await client.library_statuses()
        assert "Standard_D4ds_v5" in {one["node_type_id"] for one in await client.node_types()}
        assert any(one["key"].startswith("17.3.x-") for one in await client.spark_versions())
        assert await client.secret_value("DBX_SP_Credentials", "DBX_SP_ClientID")
        await client.edit_cluster(cluster_id, {**CLUSTER.settings, "single_user_name": SPN})
        await client.settled_cluster(cluster_id)
        await client.restart_cluster(cluster_id)
        await client.settled_libraries(cluster_id)
        await client.uninstall_libraries(cluster_id, [{"pypi": {"package": "pandas==2.2.3"}}])
        await client.terminate_cluster(cluster_id)
        await client.cluster_libraries(cluster_id)
        await client.start_cluster(cluster_id)
        await client.reset_job((await client.job(job["job_id"]))["job_id"], job["settings"])
        run = await client.run_job(job["job_id"], "a token", {"python_params": ["1"]})
        await client.cancel_run(run)
        task = (await client.run(run))["tasks"][0]
        await client.run_output(task["run_id"])
        assert [one["run_id"] for one in await client.runs(job["job_id"])] == [run]
        await client.delete_job(job["job_id"])
        await client.upload("/Shared/a.txt", b"text")
        assert [one["path"] for one in await client.list_folder("/Shared")] == ["/Shared/a.txt", "/Shared/team"]
        await a_run_without_a_job(client, cluster_id)
        credential = (await client.git_credentials())[0]
        await client.update_git_credential(credential["credential_id"], "gitHub", "ada", TOKEN, "name")
        repo = (await client.repos("/Repos"))[0]
        await client.set_repo(repo["id"], branch="main")
        await client.delete_repo(repo["id"])
        principal = await client.find_principal("ServicePrincipals", SPN)
        assert principal is not None
        await client.add_entitlements("ServicePrincipals", principal["id"], ["allow-instance-pool-create"])
        await client.delete_token((await client.tokens())[0]["token_id"])
        await client.delete_cluster(cluster_id)


async def a_run_without_a_job(client: WorkspaceClient, cluster_id: str) -> None:
    await client.write_object("/Shared/n", b"print(1)", "SOURCE", language="PYTHON")
    assert await client.object_content("/Shared/n", "SOURCE") == b"print(1)"
    task = {"task_key": "a", "existing_cluster_id": cluster_id, "notebook_task": {"notebook_path": "/Shared/n"}}
    run = await client.submit_run("a run", [task], "another token")
    ended = await follow_states(client, "Development", run, clock=SystemClock(), tell=lambda _state: None)
    assert [one["name"] for one in await client.run_pages(ended.tasks[0].run_id)] == ["n"]
    await client.delete_object("/Shared/n")
