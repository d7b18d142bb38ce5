"""The life of a deployment: it starts, goes on by itself in the sandbox's own time, and ends."""

from __future__ import annotations

from dbxwizard.arm_template import TemplateError
from dbxwizard.sandbox.arm.deployments import complete, failures, records, runtime
from dbxwizard.sandbox.arm.deployments.walk import Stage, Walk, ended
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document

TASK = "arm.deployment.advance"


def start(context: Context, stored: Document, run: Document) -> None:
    """Accepts a deployment that passed its preflight, and does at once what takes no time."""
    advance(context, stored, run)


def advance(context: Context, stored: Document, run: Document) -> None:
    """Goes as far as it can now; what takes longer continues by a task."""
    walk = Walk(context, records.caller_of(run), dict(run["progress"]))
    try:
        evaluator = runtime.evaluator(context, stored, run, live=True)
        stage = walk.deployment(evaluator, "")
        if stage is Stage.READY and stored["mode"] == "Complete":
            stage = complete.remove_others(walk, stored, walk.ids(evaluator, ""))
        stored = ended(walk, stored, evaluator, "", stage)
    except (ApiError, TemplateError) as error:
        details = [failures.detail(failures.as_api_error(error))]
        failure = failures.deployment_failed(stored["id"], details)
        stored = {**stored, "state": records.FAILED, "endedAt": context.now, "error": failure}
    _keep(context, stored, {**run, "progress": walk.progress}, walk.waits_until)


def _keep(context: Context, stored: Document, run: Document, waits_until: float) -> None:
    records.save(context.store, stored)
    if stored["state"] != records.RUNNING:
        _forget(context, stored, run)
        return
    context.store.put(records.RUN, stored["id"].lower(), run)
    # The very moment, not a duration: the sum of two floats could be a little too early, again and again.
    context.store.schedule(waits_until, TASK, {"id": stored["id"].lower()})


def _forget(context: Context, stored: Document, run: Document) -> None:
    """The values of the parameters are needed no more, nor the secrets that nested deployments gave."""
    for entry in ({"id": stored["id"]}, *run["progress"].values()):
        context.store.delete(records.RUN, entry["id"].lower())


def cancel(context: Context, stored: Document) -> None:
    """Stops the deployment, and those nested in it, where they are; what was made stays."""
    run = context.store.get(records.RUN, stored["id"].lower()) or {"progress": {}}
    nested = [context.store.get(records.KIND, entry["id"].lower()) for entry in run["progress"].values()]
    for one in (stored, *nested):
        if one is not None and one["state"] == records.RUNNING:
            ending = {"state": records.CANCELED, "endedAt": context.now, "error": failures.canceled()}
            records.save(context.store, {**one, **ending})
    _forget(context, stored, run)
