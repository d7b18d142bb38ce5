"""Jobs from git, known by our tag, never made twice, run by the service principal, which owns them too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dbxwizard.core.errors import OperationError
from dbxwizard.core.plan import Change, Inputs, KnownAfterApply, Progress, Reason, compare
from dbxwizard.core.requests import Request
from dbxwizard.parameters.model import Job
from dbxwizard.steps.databricks.requests import grant, to_workspace
from dbxwizard.steps.databricks.shared_workspace import (
    TAG,
    Json,
    SharedWorkspace,
    WorkspaceStep,
    cluster_step,
    creation,
    direct_level,
    job_step,
)
from dbxwizard.steps.git_ref import GitRef

# Tasks whose code may come from a repository; the others name none.
_FROM_GIT = ("notebook_task", "spark_python_task", "dbt_task")
_ALWAYS_THE_SAME = ("format",)  # the service answers MULTI_TASK, whatever it was told
_KEYED = {"tasks": "task_key", "job_clusters": "job_cluster_key", "parameters": "name"}


@dataclass(frozen=True, slots=True)
class Repository:
    """Where jobs come from: the address, the provider as the Jobs API spells it, what of it is deployed."""

    url: str
    provider: str
    ref: GitRef

    def source(self) -> dict[str, str]:
        return {"git_url": self.url, "git_provider": self.provider, f"git_{self.ref.kind}": self.ref.name}


@dataclass(frozen=True, slots=True)
class JobState:
    """`owner`: the right of the service principal on the job; `twins`: ids of more jobs with our tag; `adopted`: found
    by its name and by whom it runs as alone."""

    job: Json
    owner: str
    twins: tuple[int, ...] = ()
    adopted: bool = False


class JobStep(WorkspaceStep[JobState]):
    """`needs`: what its tasks use besides clusters, such as wheels and Git folders."""

    def __init__(
        self,
        workspace: SharedWorkspace,
        job: Job,
        service_principal: str,
        repository: Repository,
        *,
        needs: Sequence[str] = (),
    ) -> None:
        clusters = [cluster_step(workspace, name) for name in _cluster_names(job)]
        super().__init__(
            workspace,
            f"jobs/{job.name}",
            f"job {job.name}",
            resource=f"job {job.name} in {workspace.environment}",
            needs=(*clusters, *needs),
        )
        self.id = job_step(workspace, job.name)
        self._job, self._tag = job, workspace.tag(job.name)
        self._service_principal, self._repository = service_principal, repository
        self._run_as = {"service_principal_name": service_principal}

    async def read(self, inputs: Inputs) -> JobState | None:
        tagged = await self._ours(inputs)
        ours = tagged or await self._without_tag(inputs)
        if not ours:
            return None
        job = await self._with_run_as(ours[0], inputs)
        entries = await self.workspace.permissions(inputs, "jobs", job["job_id"])
        owner = direct_level(entries, "service_principal_name", self._service_principal)
        return JobState(job, owner, tuple(one["job_id"] for one in ours[1:]), adopted=not tagged)

    async def _with_run_as(self, job: Json, inputs: Inputs) -> Json:
        if "run_as" in job["settings"]:
            return job
        client = await self.workspace.client(inputs)
        return await client.job(job["job_id"])

    async def _without_tag(self, inputs: Inputs) -> list[Json]:
        """The job of this name that the service principal runs and that somebody took the tag from."""
        named = [
            await self._with_run_as(one, inputs)
            for one in await self.workspace.jobs(inputs)
            if one["settings"].get("name") == self._job.name and TAG not in (one["settings"].get("tags") or {})
        ]
        found = [one for one in named if self._actual(one).get("run_as") == self._run_as]
        if len(found) > 1:
            ids = ", ".join(sorted(str(one["job_id"]) for one in found))
            raise OperationError(
                "job-ambiguous",
                f"{len(found)} jobs of the service principal have this name and none has our tag: {ids}",
                resource=self.resource,
                fix=f"Delete all but one, or give the right one the tag {TAG}={self._tag}.",
            )
        return found

    async def _ours(self, inputs: Inputs) -> list[Json]:
        """The jobs with our tag, the oldest first."""
        tagged = [
            one
            for one in await self.workspace.jobs(inputs)
            if (one["settings"].get("tags") or {}).get(TAG) == self._tag
        ]
        return sorted(tagged, key=lambda one: (one.get("created_time", 0), one["job_id"]))

    def diff(self, state: JobState | None, inputs: Inputs) -> Change:
        desired = self._desired(inputs)
        if state is None:
            return creation(desired)
        reasons = list(self._differences(desired, state.job))
        if state.owner != "IS_OWNER":
            reasons.append(Reason("owner", None, self._service_principal))
        reasons += [Reason("duplicate", twin, None) for twin in state.twins]
        note = f"adopts the job {state.job['job_id']}, known by its name alone" if state.adopted else ""
        return Change.update(reasons, note)

    def _actual(self, job: Json) -> Json:
        """A job that was made without run_as runs as its maker, which only `run_as_user_name` says."""
        settings = dict(job["settings"])
        if "run_as" not in settings and job.get("run_as_user_name") == self._service_principal:
            settings["run_as"] = self._run_as
        return settings

    def _desired(self, inputs: Inputs) -> dict[str, object]:
        settings = dict(self._job.settings)
        from_git = settings.get("git_source") is not None or any(map(_may_come_from_git, settings.get("tasks", [])))
        settings["tasks"] = [self._task(task, from_git, inputs) for task in settings.get("tasks", [])]
        if from_git:
            settings.setdefault("git_source", self._repository.source())
        return {
            **settings,
            "name": self._job.name,
            "tags": {**(settings.get("tags") or {}), TAG: self._tag},
            "run_as": self._run_as,
        }

    def _task(self, task: Mapping[str, object], from_git: bool, inputs: Inputs) -> dict[str, object]:
        made = {key: value for key, value in task.items() if key != "cluster_name"}
        if "cluster_name" in task:
            step = cluster_step(self.workspace, str(task["cluster_name"]))
            made["existing_cluster_id"] = inputs.get(step, "cluster_id")
        for kind in _FROM_GIT:
            given = made.get(kind)
            if from_git and isinstance(given, Mapping) and "source" not in given and not _absolute(given):
                made[kind] = {**given, "source": "GIT"}
        return made

    async def apply(
        self, state: JobState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        client, settings = await self.workspace.client(inputs), self._desired(inputs)
        owner = {"service_principal_name": self._service_principal, "permission_level": "IS_OWNER"}
        try:
            if state is None:
                return {"job_id": str(await self._create(inputs, settings, owner))}
            job_id = state.job["job_id"]
            for twin in state.twins:
                await client.delete_job(twin)
            if self._differences(settings, state.job):
                await client.reset_job(job_id, settings)
            if state.owner != "IS_OWNER":
                await client.grant("jobs", job_id, [owner])
            return {"job_id": str(job_id)}
        finally:
            self.workspace.changed("jobs", "permissions")

    def writes(self, state: JobState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        if state is None:
            return (to_workspace("POST", "/api/2.2/jobs/create", f"makes the {self.title}"),)
        owner = grant("jobs", str(state.job["job_id"]), "gives it to the service principal")
        reset = to_workspace("POST", "/api/2.2/jobs/reset", f"changes the {self.title}")
        return (
            *(to_workspace("POST", "/api/2.2/jobs/delete", f"removes the duplicate {twin}") for twin in state.twins),
            *([reset] if self._is_outdated(state, inputs) else []),
            *([owner] if state.owner != "IS_OWNER" else []),
        )

    def _is_outdated(self, state: JobState, inputs: Inputs) -> bool:
        """Whether its settings differ; the id of a cluster that is still to be made is another than what is there."""
        try:
            return bool(self._differences(self._desired(inputs), state.job))
        except KnownAfterApply:
            return True

    def _differences(self, desired: Mapping[str, object], job: Json) -> tuple[Reason, ...]:
        return compare(desired, self._actual(job), ignore=_ALWAYS_THE_SAME, keyed=_KEYED)

    async def _create(self, inputs: Inputs, settings: Mapping[str, object], owner: Mapping[str, str]) -> int:
        """Names of jobs are not unique: when another run has made the same meanwhile, the first one stays."""
        client = await self.workspace.client(inputs)
        made = await client.create_job(settings, [owner])
        self.workspace.changed("jobs")
        ours = await self._ours(inputs)
        if ours and ours[0]["job_id"] != made:
            await client.delete_job(made)
            return int(ours[0]["job_id"])
        return made

    def outputs(self, state: JobState, inputs: Inputs) -> Mapping[str, object]:
        return {"job_id": str(state.job["job_id"])}


def _cluster_names(job: Job) -> Iterator[str]:
    for task in job.settings.get("tasks", []):
        if "cluster_name" in task:
            yield str(task["cluster_name"])


def _may_come_from_git(task: Mapping[str, object]) -> bool:
    """A task that says GIT, or that says nothing and names a path inside a repository."""
    for kind in _FROM_GIT:
        given = task.get(kind)
        if isinstance(given, Mapping) and given.get("source", "WORKSPACE" if _absolute(given) else "GIT") == "GIT":
            return True
    return False


def _absolute(task: Mapping[str, object]) -> bool:
    """Paths of a workspace, a volume or a store are absolute, those in a repository are not."""
    path = str(task.get("python_file") or task.get("notebook_path") or "")
    return path.startswith("/") or ":/" in path
