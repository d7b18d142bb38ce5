"""One environment's steps, run against the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbxwizard.clients.databricks import WorkspaceClient
from dbxwizard.core.engine import ManualClock, run
from dbxwizard.core.events import Event
from dbxwizard.core.plan import Change, Inputs, Plan, Progress, Step, make_plan
from dbxwizard.core.result import RunResult
from dbxwizard.core.secret import Secret
from dbxwizard.parameters.model import Access, Cluster, GitConfiguration, GitFolder, Job, Permission
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.github.seed import REPOSITORY, REPOSITORY_ID
from dbxwizard.steps.databricks.access import AccessStep, Principal
from dbxwizard.steps.databricks.access_token import AccessTokenStep
from dbxwizard.steps.databricks.clusters import ClusterStep
from dbxwizard.steps.databricks.git_folders import GitCredentialStep, GitFolderStep
from dbxwizard.steps.databricks.jobs import JobStep, Repository
from dbxwizard.steps.databricks.run_as import RunAsStep, run_as_step
from dbxwizard.steps.databricks.secret_scopes import SecretScopeStep
from dbxwizard.steps.databricks.shared_workspace import SharedWorkspace
from dbxwizard.steps.databricks.wheels import WheelStep
from dbxwizard.steps.databricks.workspace import Workspace
from dbxwizard.steps.git_ref import GitRef
from tests import reaching
from tests.databricks.conftest import ADA, RESOURCE_ID, SPN, World

CLUSTER = Cluster(
    "dbx-sp-cluster",
    {
        "cluster_name": "dbx-sp-cluster",
        "spark_version": "17.3.x-scala2.13",
        "node_type_id": "Standard_D4ds_v5",
        "autoscale": {"min_workers": 2, "max_workers": 4},
        "autotermination_minutes": 30,
        "data_security_mode": "SINGLE_USER",
        "spark_conf": {"spark.sql.shuffle.partitions": "64"},
    },
    ({"pypi": {"package": "pandas==2.2.3"}},),
)
JOB = Job(
    "remote_analysis",
    {
        "name": "remote_analysis",
        "max_concurrent_runs": 1,
        "tasks": [
            {
                "task_key": "analyse",
                "spark_python_task": {"python_file": "framework/examples/analysis.py"},
                "cluster_name": "dbx-sp-cluster",
            }
        ],
    },
)
TOKEN = Secret("ghp_for_the_service_principal")


class Infrastructure(Step[dict[str, Any]]):
    """Stands for what the Azure part hands on."""

    def __init__(self, outputs: Mapping[str, object]) -> None:
        self.id, self.title, self.environment = "development/infrastructure", "infrastructure", "Development"
        self._outputs = dict(outputs)

    async def read(self, inputs: Inputs) -> dict[str, Any]:
        return self._outputs

    def diff(self, state: dict[str, Any] | None, inputs: Inputs) -> Change:
        return Change.none()

    async def apply(
        self, state: dict[str, Any] | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        raise AssertionError

    def outputs(self, state: dict[str, Any], inputs: Inputs) -> Mapping[str, object]:
        return state


@dataclass
class MemoryVault:
    """As much of a Key Vault as a step may use."""

    held: dict[str, Stored] = field(default_factory=dict)
    versions: list[Stored] = field(default_factory=list)

    async def get_secret(self, name: str) -> Stored | None:
        return self.held.get(name)

    async def version_tags(self, name: str) -> list[Mapping[str, str]]:
        return [one.tags for one in self.versions]

    async def set_secret(self, name: str, value: Secret, *, tags: Any = None, expires: float | None = None) -> None:
        self.held[name] = Stored(value, dict(tags or {}), expires)
        self.versions.append(self.held[name])


@dataclass(frozen=True)
class Stored:
    value: Secret
    tags: Mapping[str, str]
    expires: float | None


@dataclass
class Environment:
    """Development, as `actor` deploys it."""

    world: World
    actor: str = ADA
    ref: GitRef = field(default_factory=lambda: GitRef("branch", "main"))
    vault: MemoryVault = field(default_factory=MemoryVault)
    clock: ManualClock = field(default_factory=ManualClock)
    secrets: dict[str, str] = field(default_factory=lambda: {"databricks-spn.client-id": SPN, "tenant-id": "tenant"})
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shared = SharedWorkspace("Development", self.open)
        self.clients: list[WorkspaceClient] = []
        self.infrastructure = Infrastructure(
            {"workspace_url": self.world.url, "workspace_id": RESOURCE_ID, "vault_uri": "https://vault.example"}
        )

    async def open(self, url: str, resource_id: str) -> WorkspaceClient:
        client = WorkspaceClient(self.world.cloud, self.world.signed_in(self.actor), url, resource_id)
        self.clients.append(client)
        return client

    async def open_vault(self, _uri: str) -> MemoryVault:
        return self.vault

    async def resolve(self, source: str, _inputs: Inputs) -> Secret | None:
        value = self.secrets.get(source)
        return Secret(value) if value else None

    async def commit_of(self, _url: str, ref: GitRef) -> str | None:
        places = {"branch": f"refs/heads/{ref.name}", "tag": f"refs/tags/{ref.name}"}
        return GitObjects(self.world.store, REPOSITORY_ID).ref(places[ref.kind]) if ref.kind in places else ref.name

    @property
    def url(self) -> str:
        return f"https://github.com/{REPOSITORY}"

    # Steps

    def workspace(self) -> Workspace:
        return Workspace(self.shared, SPN, "databricks-spn")

    def cluster(self, cluster: Cluster = CLUSTER) -> ClusterStep:
        return ClusterStep(self.shared, cluster, SPN)

    def scope(self, **more: Any) -> SecretScopeStep:
        given = {"DBX_SP_ClientID": "databricks-spn.client-id", "DBX_SP_TenantID": "tenant-id"} | more.pop(
            "secrets", {}
        )
        return SecretScopeStep(self.shared, "DBX_SP_Credentials", given, SPN, self.resolve, **more)

    def credential(self, token: Secret = TOKEN, username: str = "ada") -> GitCredentialStep:
        return GitCredentialStep(self.shared, GitConfiguration(username, "gitHub"), token)

    def folder(self, branch: str = "") -> GitFolderStep:
        folder = GitFolder(self.url, "gitHub", "DevelopmentFolder", branch)
        return GitFolderStep(self.shared, folder, SPN, self.ref, self.commit_of)

    def job(self, job: Job = JOB) -> JobStep:
        repository = Repository(self.url, "gitHub", self.ref)
        return JobStep(self.shared, job, SPN, repository, needs=[run_as_step(self.shared)])

    def wheel(self, project: Path, clusters: Sequence[str] = (CLUSTER.name,)) -> WheelStep:
        return WheelStep(self.shared, "framework", project, clusters)

    def access(self, **more: Any) -> AccessStep:
        wanted = {
            "entitlements": ("allow-cluster-create",),
            "clusters": (Permission(CLUSTER.name, "CAN_RESTART"),),
            "jobs": (Permission(JOB.name, "CAN_MANAGE_RUN"),),
            "folders": (Permission("/Shared/team", "CAN_EDIT"),),
        }
        entry = Access("user:grace@contoso.example", **{**wanted, **more})
        return AccessStep(self.shared, entry, Principal("Users", "grace@contoso.example"))

    def token(self, **more: Any) -> AccessTokenStep:
        return AccessTokenStep(self.shared, self.open_vault, now=self.clock.now, **more)

    # Running

    def _with_what_they_need(self, steps: Sequence[Step[Any]]) -> list[Step[Any]]:
        right = [RunAsStep(self.shared, SPN)] if any(isinstance(step, JobStep) for step in steps) else []
        return [self.infrastructure, self.workspace(), *right, *steps]

    async def plan(self, *steps: Step[Any]) -> Plan:
        every = self._with_what_they_need(steps)
        try:
            return await make_plan(every, listener=self.events.append, clock=self.clock, actor=self.actor)
        finally:
            self.forget()

    async def deploy(self, *steps: Step[Any]) -> RunResult:
        every = self._with_what_they_need(steps)
        plan = await make_plan(every, listener=self.events.append, clock=self.clock, actor=self.actor)
        result = await run(plan, listener=self.events.append, clock=self.clock)
        await self.close()
        return result

    def forget(self) -> None:
        """As the next process begins: with nothing read."""
        self.shared = SharedWorkspace("Development", self.open)

    async def close(self) -> None:
        self.forget()
        for client in self.clients:
            await client.close()
        self.clients.clear()


def push(world: World, files: Mapping[str, str], branch: str = "main", *, tag: str = "") -> str:
    """Commits `files` to the sandbox's repository; returns the commit."""
    with world.store.transaction():
        return reaching.push(world.store, files, branch, tag=tag)


def changed(plan: Plan) -> dict[str, list[str]]:
    """Step id (without the environment) → the fields that differ."""
    return {
        planned.step.id.split("/", 1)[1]: [reason.field for reason in planned.change.reasons]
        for planned in plan.changes
    }
