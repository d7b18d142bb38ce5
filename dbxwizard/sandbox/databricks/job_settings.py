"""The settings of a job: what they may hold and what the service fills in."""

from __future__ import annotations

import re
from typing import Any

from dbxwizard.sandbox.databricks import errors, rule_sets
from dbxwizard.sandbox.databricks.compute import CLUSTER, check_cluster
from dbxwizard.sandbox.databricks.libraries import LIBRARY
from dbxwizard.sandbox.databricks.schedule import is_cron, is_time_zone
from dbxwizard.sandbox.databricks.state import Caller, WorkspaceState
from dbxwizard.sandbox.store import Document

MAX_TASKS = 1000  # of one job (learn.microsoft.com/azure/databricks/resources/limits)
MAX_NAME = 4096  # bytes (docs.databricks.com/api/azure/workspace/jobs/create)
_ANY = {"*": object}
_TEXTS = {"*": str}
_GIT_PROVIDERS = (
    "gitHub",
    "gitLab",
    "bitbucketCloud",
    "gitLabEnterpriseEdition",
    "bitbucketServer",
    "azureDevOpsServices",
    "gitHubEnterprise",
    "awsCodeCommit",
)
_TYPES: dict[str, Any] = {
    "notebook_task": {"notebook_path": str, "source?": str, "base_parameters?": _TEXTS, "warehouse_id?": str},
    "spark_python_task": {"python_file": str, "source?": str, "parameters?": [str]},
    "python_wheel_task": {
        "package_name": str,
        "entry_point": str,
        "parameters?": [str],
        "named_parameters?": _TEXTS,
    },
    "spark_jar_task": _ANY,
    "spark_submit_task": _ANY,
    "pipeline_task": _ANY,
    "run_job_task": _ANY,
    "sql_task": _ANY,
    "dbt_task": _ANY,
    "condition_task": _ANY,
    "for_each_task": _ANY,
    "dashboard_task": _ANY,
}
_ON_CLUSTER = ("notebook_task", "spark_python_task", "python_wheel_task", "spark_jar_task", "spark_submit_task")
_TASK = {
    "task_key": str,
    "description?": str,
    "depends_on?": [{"task_key": str, "outcome?": str}],
    "run_if?": str,
    "existing_cluster_id?": str,
    "job_cluster_key?": str,
    "new_cluster?": CLUSTER,
    "environment_key?": str,
    "libraries?": [LIBRARY],
    "max_retries?": int,
    "min_retry_interval_millis?": int,
    "retry_on_timeout?": bool,
    "timeout_seconds?": int,
    "email_notifications?": _ANY,
    "webhook_notifications?": _ANY,
    "notification_settings?": _ANY,
    "health?": _ANY,
    "disabled?": bool,
    **{f"{name}?": spec for name, spec in _TYPES.items()},
}
_GIT_SOURCE = {
    "git_url": str,
    "git_provider": str,
    "git_branch?": str,
    "git_tag?": str,
    "git_commit?": str,
    "sparse_checkout?": _ANY,
    "job_source?": _ANY,
}
JOB: dict[str, Any] = {
    "name?": str,
    "description?": str,
    "tasks?": [_TASK],
    "job_clusters?": [{"job_cluster_key": str, "new_cluster": CLUSTER}],
    "git_source?": _GIT_SOURCE,
    "tags?": _TEXTS,
    "run_as?": {"user_name?": str, "service_principal_name?": str, "group_name?": str},
    "schedule?": {"quartz_cron_expression": str, "timezone_id": str, "pause_status?": str},
    "trigger?": _ANY,
    "continuous?": _ANY,
    "max_concurrent_runs?": int,
    "timeout_seconds?": int,
    "parameters?": [{"name": str, "default": str}],
    "environments?": [{"environment_key": str, "spec?": _ANY}],
    "email_notifications?": _ANY,
    "webhook_notifications?": _ANY,
    "notification_settings?": _ANY,
    "health?": _ANY,
    "queue?": {"enabled": bool},
    "format?": str,
    "edit_mode?": str,
    "deployment?": _ANY,
    "performance_target?": str,
    "budget_policy_id?": str,
}
_TASK_KEY = re.compile(r"[\w-]{1,100}")


def completed(settings: Document) -> Document:
    """What jobs/get tells of these settings: defaults filled in, values that the service does not know dropped."""
    if settings.get("performance_target") not in (None, "PERFORMANCE_OPTIMIZED", "STANDARD"):
        settings = {key: value for key, value in settings.items() if key != "performance_target"}
    source = settings.get("git_source")
    filled: Document = {
        "name": "Untitled",
        "email_notifications": {},
        "webhook_notifications": {},
        "timeout_seconds": 0,
        "max_concurrent_runs": 1,
        **settings,
        "format": "MULTI_TASK",
        "tasks": [_completed_task(task) for task in settings.get("tasks", [])],
    }
    return {**filled, "git_source": {**source, "git_provider": _git_provider(source)}} if source else filled


def _completed_task(task: Document) -> Document:
    return {
        "run_if": "ALL_SUCCESS",
        "timeout_seconds": 0,
        "email_notifications": {},
        "webhook_notifications": {},
        **task,
    }


def _git_provider(source: Document) -> str:
    wanted = source["git_provider"].lower().replace("_", "")
    found = next((one for one in _GIT_PROVIDERS if one.lower() == wanted), None)
    if found is None:
        every = ",".join(one.lower() for one in _GIT_PROVIDERS)
        raise errors.invalid(f"git_source.git_provider must be one of: {every}")
    return found


def check_settings(state: WorkspaceState, caller: Caller, settings: Document) -> None:
    """Raises ApiError for settings that the service would refuse."""
    source, tasks = settings.get("git_source"), settings.get("tasks", [])
    if source is not None:
        _git_provider(source)
        if sum(key in source for key in ("git_branch", "git_tag", "git_commit")) != 1:
            raise errors.invalid("Exactly one of git_branch, git_tag and git_commit must be specified in git_source.")
    if not 0 <= settings.get("max_concurrent_runs", 1) <= 1000:
        raise errors.invalid("max_concurrent_runs must be between 0 and 1000.")
    if len(settings.get("tags", {})) > 25:
        raise errors.invalid("A job can have at most 25 tags.")
    if len(settings.get("name", "").encode()) > MAX_NAME:
        raise errors.invalid(f"The job name is too long: at most {MAX_NAME} bytes.")
    _check_schedule(settings.get("schedule"))
    _check_run_as(state, caller, settings.get("run_as"))
    for one in settings.get("job_clusters", []):
        check_new_cluster(state, one["new_cluster"])
    _check_tasks(tasks)
    for task in tasks:
        _check_task(state, settings, task)


def _check_schedule(schedule: Document | None) -> None:
    if schedule is None:
        return
    if not is_cron(schedule["quartz_cron_expression"]):
        raise errors.invalid(f"Invalid quartz_cron_expression: '{schedule['quartz_cron_expression']}'.")
    if not is_time_zone(schedule["timezone_id"]):
        raise errors.invalid(f"Invalid timezone_id: '{schedule['timezone_id']}'.")
    if schedule.get("pause_status", "PAUSED") not in ("PAUSED", "UNPAUSED"):
        raise errors.invalid(f"Invalid pause_status: '{schedule['pause_status']}'.")


def _check_run_as(state: WorkspaceState, caller: Caller, run_as: Document | None) -> None:
    if run_as is None:
        return
    if len(run_as) != 1:
        raise errors.invalid("Exactly one of user_name and service_principal_name must be specified in run_as.")
    kind, name = next(iter(run_as.items()))
    if not state.exists(kind, name):
        raise errors.invalid(f"run_as: {name} does not exist in this workspace.")
    may = rule_sets.holds(state, caller, name, rule_sets.USER) if kind == "service_principal_name" else caller.admin
    if name.lower() != caller.name.lower() and not may:
        raise errors.denied(f"{caller.name} is not allowed to run jobs as {name}.")


def _check_tasks(tasks: list[Document]) -> None:
    keys = [task["task_key"] for task in tasks]
    if len(tasks) > MAX_TASKS:
        raise errors.invalid(f"A job can have at most {MAX_TASKS} tasks.")
    for key in keys:
        if not _TASK_KEY.fullmatch(key):
            raise errors.invalid(f"Invalid task key {key}: at most 100 letters, digits, '-' and '_'.")
    if len(set(keys)) < len(keys):
        raise errors.invalid("Task keys must be unique within a job.")
    for task in tasks:
        for needed in task.get("depends_on", []):
            if needed["task_key"] not in keys or needed["task_key"] == task["task_key"]:
                raise errors.invalid(f"Task {task['task_key']} depends on {needed['task_key']}, which is not a task.")


def _check_task(state: WorkspaceState, settings: Document, task: Document) -> None:
    kinds = [kind for kind in _TYPES if kind in task]
    if len(kinds) != 1:
        raise errors.invalid(f"Exactly one task type must be specified in task {task['task_key']}.")
    kind = kinds[0]
    if task[kind].get("source") == "GIT" and "git_source" not in settings:
        raise errors.invalid(f"Task {task['task_key']} has source GIT, but the job has no git_source.")
    if kind in _ON_CLUSTER:
        _check_compute(state, settings, task)


def _check_compute(state: WorkspaceState, settings: Document, task: Document) -> None:
    given = [key for key in ("existing_cluster_id", "job_cluster_key", "new_cluster", "environment_key") if key in task]
    if not given:
        raise errors.invalid("One of job_cluster_key, new_cluster, or existing_cluster_id must be specified.")
    if len(given) > 1:
        raise errors.invalid(f"Only one of {', '.join(given)} can be specified.")
    existing = task.get("existing_cluster_id")
    if existing and state.get("cluster", existing) is None:
        raise errors.invalid(f"The cluster {existing} does not exist.")
    shared = {one["job_cluster_key"] for one in settings.get("job_clusters", [])}
    if "job_cluster_key" in task and task["job_cluster_key"] not in shared:
        raise errors.invalid(f"Job cluster '{task['job_cluster_key']}' is not defined in field 'job_clusters'.")
    if "new_cluster" in task:
        check_new_cluster(state, task["new_cluster"])


def check_new_cluster(state: WorkspaceState, given: Document) -> None:
    """The cluster of a run acts as the job does, so its single user may be left out."""
    check_cluster(state, {"single_user_name": "admins", **given})
