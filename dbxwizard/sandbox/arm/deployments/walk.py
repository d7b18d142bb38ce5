"""How a deployment goes on: each resource starts as soon as what it depends on is there.

`progress` has an entry for each resource that was begun, by its path (the keys of the deployments around it and its
own):

    of       the path of the deployment that it belongs to
    id, type, name, at
    ready    when it is there (epoch seconds); of a deployment, when it ended
    status   as an operation's statusCode says it
    error    why it failed
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any

from dbxwizard.arm_template import Evaluator, Resource, TemplateError
from dbxwizard.sandbox.arm import resources
from dbxwizard.sandbox.arm.deployments import failures, records, survey
from dbxwizard.sandbox.arm.errors import group_not_found
from dbxwizard.sandbox.arm.locations import normal
from dbxwizard.sandbox.arm.model import Caller
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document

SEPARATOR = "|"


class Stage(Enum):
    READY = "ready"
    WAITING = "waiting"
    LOST = "lost"  # failed, or waits for what failed


@dataclass(slots=True)
class Walk:
    """One look at a deployment. `waits_until`: when the next of its resources is ready."""

    context: Context
    caller: Caller
    progress: Document
    waits_until: float = inf
    inner: dict[str, Evaluator] = field(default_factory=dict)  # by path; each is made once in a look

    def deployment(self, evaluator: Evaluator, path: str) -> Stage:
        """Starts what can start below `path`; LOST once all that could be done is done, and something failed."""
        stages: dict[str, Stage] = {}
        for resource in evaluator.resources():
            needs = {stages[key] for key in resource.depends_on if key in stages}
            stages[resource.key] = self._stage(evaluator, resource, path, needs)
        found = set(stages.values())
        return Stage.WAITING if Stage.WAITING in found else Stage.LOST if Stage.LOST in found else Stage.READY

    def _stage(self, evaluator: Evaluator, resource: Resource, path: str, needs: set[Stage]) -> Stage:
        for stage in (Stage.LOST, Stage.WAITING):
            if stage in needs:
                return stage
        if resource.existing:
            return Stage.READY
        at = f"{path}{SEPARATOR}{resource.key}"
        if resource.is_deployment:
            return self._nested(evaluator, resource, path, at)
        if at not in self.progress:
            self.progress[at] = self._begun(resource, path) | self._written(evaluator, resource)
        return self.reached(self.progress[at])

    def reached(self, entry: Document) -> Stage:
        """How far a resource is by now."""
        if "error" in entry:
            return Stage.LOST
        if entry["ready"] <= self.context.now:
            return Stage.READY
        self.waits_until = min(entry["ready"], self.waits_until)
        return Stage.WAITING

    def _begun(self, resource: Resource, path: str) -> Document:
        return {
            "of": path,
            "id": resource.id,
            "type": resource.type,
            "name": resource.name,
            "at": self.context.now,
        }

    def _written(self, evaluator: Evaluator, resource: Resource) -> Document:
        try:
            wanted = evaluator.evaluate(resource)
            done = resources.put(self.context, wanted.id, wanted.api_version, wanted.body, self.caller)
        except (ApiError, TemplateError) as error:
            return failed(error)
        seconds = self.context.seconds("deployment.resource")
        return {"ready": done.ready_at + seconds, "status": "Created" if done.created else "OK"}

    def _nested(self, evaluator: Evaluator, resource: Resource, path: str, at: str) -> Stage:
        entry = self.progress.setdefault(at, self._begun(resource, path))
        if "ready" in entry or "error" in entry:
            return self.reached(entry)
        try:
            inner = self._evaluator(evaluator, resource, at)
            stored = self._nested_record(inner, resource, entry)
        except (ApiError, TemplateError) as error:
            entry |= failed(error)
            return Stage.LOST
        stage = self.deployment(inner, at)
        stored = ended(self, stored, inner, at, stage)
        records.save(self.context.store, stored)
        if stored["state"] == records.SUCCEEDED:
            self._keep_secrets(inner, resource)
            entry |= {"ready": self.context.now, "status": "OK"}
        elif stored["state"] == records.FAILED:
            entry |= {"status": "Conflict", "error": failures.nested_failed(resource.id, stored["error"])}
            return Stage.LOST
        return stage

    def _evaluator(self, evaluator: Evaluator, resource: Resource, at: str) -> Evaluator:
        if at not in self.inner:
            self.inner[at] = evaluator.nested(resource)
        return self.inner[at]

    def _nested_record(self, inner: Evaluator, resource: Resource, entry: Document) -> Document:
        """A nested deployment is one of its own, at its own scope. ApiError: no group, or one of that name runs."""
        store, scope = self.context.store, inner.scope
        found = store.get(records.KIND, resource.id.lower())
        if found is not None and entry.get("correlation") == found["correlation"]:
            return found
        if scope.resource_group and not resources.exists(self.context, scope.id):
            raise group_not_found(scope.resource_group)
        if found is not None and found["state"] == records.RUNNING:
            raise ApiError(409, "DeploymentActive", records.still_active(found))
        entry["correlation"] = self.context.new_id("deployment", resource.id.lower())
        template = resource.declaration["properties"].get("template")
        return records.record(scope, resource.name, template, self.context.now) | {
            "id": resource.id,
            "location": "" if scope.resource_group else normal(scope.location),
            "correlation": entry["correlation"],
            "parameters": records.values(inner.parameters),
            "providers": survey.providers(inner, located=False),
            "dependencies": survey.dependencies(inner),
        }

    def _keep_secrets(self, inner: Evaluator, resource: Resource) -> None:
        """Secure outputs, for the deployment around it while it runs."""
        outputs = {name: entry.value for name, entry in inner.outputs().items() if entry.secure}
        if outputs:
            self.context.store.put(records.RUN, resource.id.lower(), {"outputs": outputs})

    def operations(self, path: str) -> list[Document]:
        """The operations of the deployment at `path`, as they are kept in its record."""
        return [_operation(entry, self.context.now) for entry in self.progress.values() if entry["of"] == path]

    def ids(self, evaluator: Evaluator, path: str) -> list[str]:
        """What was deployed below `path`, nested deployments expanded."""
        found: list[str] = []
        for resource in evaluator.resources():
            at = f"{path}{SEPARATOR}{resource.key}"
            if at not in self.progress or "error" in self.progress[at]:
                continue
            if resource.is_deployment:
                found += self.ids(self._evaluator(evaluator, resource, at), at)
            else:
                found.append(resource.id)
        return found


def ended(walk: Walk, stored: Document, evaluator: Evaluator, path: str, stage: Stage) -> Document:
    """The record of the deployment at `path`, brought up to date; its outputs or its error where it has ended."""
    now = walk.context.now
    stored = {**stored, "operations": walk.operations(path)}
    if stage is Stage.WAITING:
        return stored
    if stage is Stage.READY:
        try:
            outputs = records.values(evaluator.outputs())
            ids = walk.ids(evaluator, path)
            return {**stored, "state": records.SUCCEEDED, "endedAt": now, "outputs": outputs, "resources": ids}
        except TemplateError as error:
            return {**stored, "state": records.FAILED, "endedAt": now, "error": failures.outputs_failed(error)}
        except ApiError as error:
            details = [failures.detail(error)]
    else:
        details = [entry["error"] for entry in walk.progress.values() if entry["of"] == path and "error" in entry]
    failure = failures.deployment_failed(stored["id"], details)
    return {**stored, "state": records.FAILED, "endedAt": now, "error": failure}


def failed(error: ApiError | TemplateError) -> Document:
    """What an entry says of a resource that was refused."""
    refused = failures.as_api_error(error)
    return {"status": failures.status_name(refused.status), "error": failures.detail(refused)}


def _operation(entry: Document, now: float) -> Document:
    end = entry.get("ready")
    state: Any = records.FAILED if "error" in entry else records.RUNNING
    if end is not None and end <= now:
        state = records.SUCCEEDED
    names = ("id", "type", "name", "at", "ready", "status", "error", "operation")
    return {"state": state, **{name: entry[name] for name in names if name in entry}}


def operation_answer(deployment_id: str, entry: Document, number: str) -> Document:
    """One operation as the service answers it."""
    until = float(entry["ready"] if "ready" in entry else entry["at"])
    properties: Document = {
        "provisioningOperation": entry.get("operation", "Create"),
        "provisioningState": entry["state"],
        "timestamp": iso(until),
        "duration": f"PT{until - entry['at']:g}S",
        "statusCode": entry.get("status", "Accepted"),
        "targetResource": {"id": entry["id"], "resourceType": entry["type"], "resourceName": entry["name"]},
    }
    if "error" in entry:
        properties["statusMessage"] = {"status": records.FAILED, "error": entry["error"]}
    return {"id": f"{deployment_id}/operations/{number}", "operationId": number, "properties": properties}
