"""The Jobs API: runs. They go through their real states, and what they name is executed: execution/."""

from __future__ import annotations

from dbxwizard.sandbox.databricks import acls, cluster_life, errors
from dbxwizard.sandbox.databricks.execution.driver import LOST, Driver, lost, output_of
from dbxwizard.sandbox.databricks.execution.page import run_page
from dbxwizard.sandbox.databricks.job_settings import JOB, check_settings, completed
from dbxwizard.sandbox.databricks.jobs import ACL, VERSIONS, found
from dbxwizard.sandbox.databricks.permissions import owned_by
from dbxwizard.sandbox.databricks.state import (
    Caller,
    WorkspaceState,
    milliseconds,
    numeric_id,
    page,
    query_int,
    required,
    workspace_ids,
)
from dbxwizard.sandbox.http import ApiError, Call, Context, Response, Service, TaskContext
from dbxwizard.sandbox.store import Document

_TEXTS = {"*": str}
_RUN_NOW = {
    "job_id": int,
    "idempotency_token?": str,
    "job_parameters?": _TEXTS,
    "notebook_params?": _TEXTS,
    "python_params?": [str],
    "python_named_params?": _TEXTS,
    "jar_params?": [str],
    "only?": [str],
    "queue?": {"enabled": bool},
    "performance_target?": str,
}
_SUBMIT = {
    "run_name?": str,
    "idempotency_token?": str,
    "access_control_list?": ACL,
    **{
        f"{name}?": JOB[f"{name}?"]
        for name in (
            "tasks",
            "git_source",
            "run_as",
            "timeout_seconds",
            "environments",
            "email_notifications",
            "webhook_notifications",
            "notification_settings",
            "health",
            "queue",
            "budget_policy_id",
        )
    },
}
_BEGIN, _END = "databricks.run.begin", "databricks.run.end"
_PARAMETERS = ("job_parameters", "notebook_params", "python_params", "python_named_params", "jar_params")
ACTIVE = ("QUEUED", "PENDING", "RUNNING", "TERMINATING")
_LISTED_AT_ONCE = 25


def register(service: Service, driver: Driver) -> None:
    prefix = "/api/{version}/jobs"
    manage = "jobs:CAN_MANAGE_RUN"
    service.route("POST", f"{prefix}/run-now", api_versions=VERSIONS, body=_RUN_NOW, action=manage)(_run_now)
    service.route("POST", f"{prefix}/runs/submit", api_versions=VERSIONS, body=_SUBMIT)(_submit)
    service.route("POST", f"{prefix}/runs/cancel", api_versions=VERSIONS, body={"run_id": int})(
        lambda call: _cancel(call, driver)
    )
    service.route("POST", f"{prefix}/runs/delete", api_versions=VERSIONS, body={"run_id": int})(_delete)
    query = (
        "job_id",
        "active_only",
        "completed_only",
        "limit",
        "offset",
        "page_token",
        "expand_tasks",
        "run_type",
        "start_time_from",
        "start_time_to",
    )
    service.route("GET", f"{prefix}/runs/list", api_versions=VERSIONS, query=query)(_list)
    service.route("GET", f"{prefix}/runs/get", api_versions=VERSIONS, query=("run_id", "include_history"))(_get)
    service.route("GET", f"{prefix}/runs/get-output", api_versions=VERSIONS, query=("run_id",))(_output)
    views = ("run_id", "views_to_export")
    service.route("GET", f"{prefix}/runs/export", api_versions=VERSIONS, query=views)(_export)
    service.task(_BEGIN)(lambda context, body: _begin(context, WorkspaceState(context.store, body["workspace"]), body))
    service.task(_END)(lambda context, body: _execute(WorkspaceState(context.store, body["workspace"]), body, driver))


def _run_now(call: Call) -> Response:
    state, job = found(call, call.body["job_id"])
    token = call.body.get("idempotency_token", "")
    same = [run for run in _of_job(state, job) if token and run["idempotency_token"] == token]
    run = same[0] if same else _new_run(call, state, job, token)
    return Response(200, {"run_id": run["run_id"], "number_in_job": run["run_id"]})


def _submit(call: Call) -> Response:
    """A run without a job: docs.databricks.com/api/azure/workspace/jobs/submit."""
    state, caller, token = WorkspaceState.of(call), Caller.of(call), call.body.get("idempotency_token", "")
    same = [run for run in state.all("run") if token and run["idempotency_token"] == token]
    if same:
        return Response(200, {"run_id": same[0]["run_id"]})
    others = ("run_name", "idempotency_token", "access_control_list", "queue")
    settings = {key: value for key, value in call.body.items() if key not in others}
    settings["name"] = call.body.get("run_name") or "Untitled"
    if not settings.get("tasks"):
        raise errors.invalid("At least one task must be specified.")
    check_settings(state, caller, settings)
    for task in settings["tasks"]:
        if "existing_cluster_id" in task:
            acls.require_on(call, "clusters", task["existing_cluster_id"], "CAN_ATTACH_TO")
    entries = owned_by(call)
    number = numeric_id(call, "job", f"{state.workspace_id}/{settings['name']}")
    unsaved = {"job_id": int(number), "settings": completed(settings), "creator": caller.name}
    acls.write(state, "jobs", number, entries)
    run = _new_run(call, state, unsaved, token, run_type="SUBMIT_RUN")
    return Response(200, {"run_id": run["run_id"]})


def _of_job(state: WorkspaceState, job: Document) -> list[Document]:
    return [run for run in state.all("run") if run["job_id"] == job["job_id"]]


def _new_run(call: Call, state: WorkspaceState, job: Document, token: str, *, run_type: str = "JOB_RUN") -> Document:
    caller = Caller.of(call)
    others = _of_job(state, job)
    hint = f"{state.workspace_id}/{job['job_id']}"
    number = numeric_id(call, "run", hint)
    settings = job["settings"]
    run: Document = {
        "run_id": int(number),
        "job_id": job["job_id"],
        "idempotency_token": token,
        "order": len(state.all("run")),
        "creator": caller.name,
        "start_time": milliseconds(call.now),
        "settings": settings,
        "run_type": run_type,
        "parameters": {key: call.body[key] for key in _PARAMETERS if key in call.body},
        "life_cycle_state": "PENDING",
        "page": f"{call.url(call.request.host)}/?o={state.workspace_id}#job/{job['job_id']}/run/{number}",
        "tasks": [_new_task(call, hint, task) for task in settings["tasks"]],
    }
    active = [other for other in others if other["life_cycle_state"] in ACTIVE]
    if len(active) >= settings["max_concurrent_runs"]:
        queued = (call.body.get("queue") or settings.get("queue") or {}).get("enabled", False)
        run["life_cycle_state"] = "QUEUED" if queued else "SKIPPED"
        run["result_state"] = None if queued else "MAXIMUM_CONCURRENT_RUNS_REACHED"
    state.put("run", number, run)
    if run["life_cycle_state"] == "PENDING":
        _prepare(call, state, run)
    return run


def _new_task(call: Call, hint: str, task: Document) -> Document:
    number = numeric_id(call, "run", f"{hint}/{task['task_key']}")
    return {"run_id": int(number), "task_key": task["task_key"], "result_state": None, "message": ""}


def _prepare(context: Context, state: WorkspaceState, run: Document) -> None:
    """Waits for the clusters that the run needs, and starts those that are terminated."""
    waiting = _clusters_to_wait_for(state, run)
    for cluster in waiting:
        if cluster["state"] == "TERMINATED":
            cluster_life.start(context, state, cluster_life.told(context, cluster, "STARTING"))
    own = any("existing_cluster_id" not in task for task in run["settings"]["tasks"])
    if not waiting:
        seconds = context.seconds("run.start") + (context.seconds("cluster.start") if own else 0)
        context.later(seconds, _BEGIN, workspace=state.workspace_id, run_id=run["run_id"])


def _clusters_to_wait_for(state: WorkspaceState, run: Document) -> list[Document]:
    ids = {task["existing_cluster_id"] for task in run["settings"]["tasks"] if "existing_cluster_id" in task}
    clusters = [state.get("cluster", cluster_id) for cluster_id in sorted(ids)]
    return [cluster for cluster in clusters if cluster and cluster["state"] != "RUNNING"]


def cluster_settled(context: TaskContext, state: WorkspaceState, cluster_id: str) -> None:
    """Goes on with the runs that waited for the cluster to run, or to have ended so that it can start anew."""
    for run in state.all("run"):
        uses = any(task.get("existing_cluster_id") == cluster_id for task in run["settings"]["tasks"])
        if uses and run["life_cycle_state"] == "PENDING":
            _prepare(context, state, run)


def _begin(context: TaskContext, state: WorkspaceState, body: Document) -> None:
    run = state.get("run", body["run_id"])
    if run is None or run["life_cycle_state"] != "PENDING":
        return
    for task in run["settings"]["tasks"]:
        if "existing_cluster_id" in task:
            cluster_life.used(context, state, task["existing_cluster_id"])
    state.put("run", run["run_id"], {**run, "life_cycle_state": "RUNNING"})
    context.later(context.seconds("run.execute"), _END, workspace=state.workspace_id, run_id=run["run_id"])


def _execute(state: WorkspaceState, body: Document, driver: Driver) -> None:
    """The time that a run takes at least has passed: now its code runs, and takes what it takes."""
    run = state.get("run", body["run_id"])
    if run is None or run["life_cycle_state"] != "RUNNING":
        return
    state.put("run", run["run_id"], {**run, "executing": True})
    driver.begin(state, run)


def finish_tasks(context: Context, state: WorkspaceState, run: Document) -> None:
    """Ends a run whose tasks have all ended."""
    results = {task["result_state"] for task in run["tasks"]}
    failed = next((one for one in ("TIMEDOUT", "CANCELED") if one in results), "FAILED")
    finish(context, state, run, "SUCCESS" if results == {"SUCCESS"} else failed)


def resume(context: Context) -> None:
    """What an earlier process left in the middle of its code has lost its driver."""
    for workspace_id in workspace_ids(context.store):
        state = WorkspaceState(context.store, workspace_id)
        for run in list(lost(state)):
            tasks = [
                task if task["result_state"] else {**task, "result_state": "FAILED", "message": LOST}
                for task in run["tasks"]
            ]
            finish(context, state, {**run, "tasks": tasks}, "FAILED")


def finish(context: Context, state: WorkspaceState, run: Document, result: str) -> None:
    """Ends a run; the next one that is queued begins."""
    ended = {**run, "life_cycle_state": "TERMINATED", "result_state": result, "end_time": milliseconds(context.now)}
    state.put("run", run["run_id"], ended)
    queued = [other for other in state.all("run") if other["life_cycle_state"] == "QUEUED"]
    following = [other for other in queued if other["job_id"] == run["job_id"]]
    if following:
        first = {**min(following, key=lambda other: int(other["order"])), "life_cycle_state": "PENDING"}
        state.put("run", first["run_id"], first)
        _prepare(context, state, first)


def _existing(call: Call, run_id: object, level: str) -> tuple[WorkspaceState, Document, str]:
    """The run, and the key of its task when the id is that of a task; the caller needs `level` on its job."""
    state = WorkspaceState.of(call)
    for run in state.all("run"):
        task = next((task["task_key"] for task in run["tasks"] if str(task["run_id"]) == str(run_id)), "")
        if task or str(run["run_id"]) == str(run_id):
            acls.require_on(call, "jobs", str(run["job_id"]), level)
            return state, run, task
    raise errors.invalid(f"Run {run_id} does not exist.")


def _cancel(call: Call, driver: Driver) -> Response:
    state, run, _ = _existing(call, call.body["run_id"], "CAN_MANAGE_RUN")
    driver.cancel(run["run_id"])
    if run["life_cycle_state"] in ACTIVE:
        tasks = [{**task, "result_state": "CANCELED", "message": "Run cancelled."} for task in run["tasks"]]
        finish(call, state, {**run, "tasks": tasks}, "CANCELED")
    return Response(200, {})


def _delete(call: Call) -> Response:
    state, run, _ = _existing(call, call.body["run_id"], "CAN_MANAGE")
    if run["life_cycle_state"] in ACTIVE:
        raise ApiError(400, "INVALID_STATE", f"Run {run['run_id']} is active and can't be deleted.")
    state.delete("run", run["run_id"])
    return Response(200, {})


def _state(run: Document, result: str | None, message: str) -> Document:
    shown = {"life_cycle_state": run["life_cycle_state"], "state_message": message}
    return {**shown, "result_state": result} if result else shown


def _shown(run: Document, *, tasks: bool) -> Document:
    settings = run["settings"]
    shown: Document = {
        "job_id": run["job_id"],
        "run_id": run["run_id"],
        "run_name": settings["name"],
        "run_type": run["run_type"],
        "creator_user_name": run["creator"],
        "start_time": run["start_time"],
        "end_time": run.get("end_time", 0),
        "trigger": "ONE_TIME",
        "run_page_url": run["page"],
        "state": _state(run, run.get("result_state"), _message(run)),
        "overriding_parameters": run["parameters"],
    }
    if "git_source" in settings:
        shown["git_source"] = settings["git_source"]
    if tasks:
        shown["tasks"] = [_shown_task(run, task) for task in run["tasks"]]
    return shown


def _message(run: Document) -> str:
    return next((task["message"] for task in run["tasks"] if task["message"]), "")


def _shown_task(run: Document, task: Document) -> Document:
    settings = next(one for one in run["settings"]["tasks"] if one["task_key"] == task["task_key"])
    return {
        **settings,
        "run_id": task["run_id"],
        "attempt_number": 0,
        "start_time": run["start_time"],
        "end_time": run.get("end_time", 0),
        "state": _state(run, task["result_state"], task["message"]),
        **({"cluster_instance": {"cluster_id": cluster}} if (cluster := settings.get("existing_cluster_id")) else {}),
    }


def _get(call: Call) -> Response:
    _, run, _ = _existing(call, required(call, "run_id"), "CAN_VIEW")
    return Response(200, _shown(run, tasks=True))


def _list(call: Call) -> Response:
    state, caller, query = WorkspaceState.of(call), Caller.of(call), call.query
    wanted = [
        run
        for run in sorted(state.all("run"), key=lambda run: -int(run["order"]))
        if query.get("job_id", "") in ("", str(run["job_id"]))
        and query.get("run_type", run["run_type"]) == run["run_type"]
        and (query.get("active_only") != "true" or run["life_cycle_state"] in ACTIVE)
        and (query.get("completed_only") != "true" or run["life_cycle_state"] not in ACTIVE)
        and (caller.admin or acls.allowed(state, caller.principal, "jobs", str(run["job_id"]), "CAN_VIEW"))
    ]
    some, following = page(wanted, query_int(call, "limit", 20, 1, _LISTED_AT_ONCE), query.get("page_token", ""))
    shown = [_shown(run, tasks=query.get("expand_tasks") == "true") for run in some]
    answer: Document = {"runs": shown} if shown else {}
    answer["has_more"] = bool(following)
    return Response(200, {**answer, "next_page_token": following} if following else answer)


def _output(call: Call) -> Response:
    state, run, key = _existing(call, required(call, "run_id"), "CAN_VIEW")
    task = _task_of(run, key)
    output = output_of(state, task)
    answer: Document = {"metadata": _shown(run, tasks=True)}
    settings = next(one for one in run["settings"]["tasks"] if one["task_key"] == task["task_key"])
    if "notebook_task" in settings:  # what it printed is in its page alone
        result = output.get("notebook")
        answer["notebook_output"] = {"truncated": False} if result is None else {"result": result, "truncated": False}
    elif "logs" in output:
        answer |= {"logs": output["logs"], "logs_truncated": output["truncated"]}
    if task["message"]:
        answer["error"] = task["message"]
    if output.get("trace"):
        answer["error_trace"] = output["trace"]
    return Response(200, answer)


def _task_of(run: Document, key: str) -> Document:
    """The task that an id names. That of the whole run names none, also where it has only one: github.com/databricks/
    databricks-sdk-py/issues/375."""
    if not key:
        message = (
            "Retrieving the output of runs with multiple tasks is not supported. "
            "Please retrieve the output of each individual task run instead."
        )
        raise errors.invalid(message)
    return next(task for task in run["tasks"] if task["task_key"] == key)


def _export(call: Call) -> Response:
    """The page of a notebook's run: docs.databricks.com/api/azure/workspace/jobs/exportrun."""
    state, run, key = _existing(call, required(call, "run_id"), "CAN_VIEW")
    task = _task_of(run, key)
    settings = next(one for one in run["settings"]["tasks"] if one["task_key"] == key)
    if call.query.get("views_to_export", "CODE") not in ("CODE", "DASHBOARDS", "ALL"):
        raise errors.invalid(f"Invalid value for views_to_export: {call.query['views_to_export']}")
    if "notebook_task" not in settings:
        raise errors.invalid("Only runs of notebooks can be exported.")
    if not task["result_state"]:
        raise errors.invalid(f"Run {task['run_id']} has not ended.")
    name = settings["notebook_task"]["notebook_path"].rsplit("/", 1)[-1]
    view = {"content": run_page(name, output_of(state, task), task["message"]), "name": name, "type": "NOTEBOOK"}
    return Response(200, {"views": [view]})
