"""How a deployment runs: each resource starts as soon as what it depends on is there, in the sandbox's own time."""

from __future__ import annotations

from dataclasses import dataclass, field

from dbxwizard.arm_template import Evaluator, Resource, TemplateError
from dbxwizard.sandbox.arm import resources
from dbxwizard.sandbox.arm.deployments import preflight, records
from dbxwizard.sandbox.arm.model import Caller, Context
from dbxwizard.sandbox.http import ApiError
from dbxwizard.sandbox.store import Document

TASK = "arm.deployment.advance"
_PAUSE = 0.05  # seconds between two looks at the same deployment, so that a resource that takes no time ends the look


def start(context: Context, stored: Document) -> None:
    """Accepts a deployment that passed its preflight, and does at once what takes no time."""
    save(context, stored)
    advance(context, stored)


def save(context: Context, stored: Document) -> None:
    context.store.put(records.KIND, stored["id"].lower(), stored)


def advance(context: Context, stored: Document) -> None:
    """Goes as far as it can now; what takes longer continues by a task."""
    if stored["state"] != "Running":
        return
    walk = _Walk(context, records.caller_of(stored), dict(stored["progress"]))
    try:
        evaluator = preflight.evaluator(context, stored)
        walk.deployment(evaluator, "")
        stored = {**stored, "progress": walk.progress}
        if walk.waits_until is None:
            stored = _succeeded(context, stored, evaluator)
    except ApiError as error:
        stored = _failed(context, stored, walk.at, error)
    except TemplateError as error:
        stored = _failed(context, stored, walk.at, ApiError(400, error.code, error.message))
    save(context, stored)
    if stored["state"] == "Running" and walk.waits_until is not None:
        context.later(max(walk.waits_until - context.now, _PAUSE), TASK, id=stored["id"].lower())


@dataclass(slots=True)
class _Walk:
    """One look at a deployment. `progress` maps the path of a resource to the time at which it is ready."""

    context: Context
    caller: Caller
    progress: dict[str, float]
    waits_until: float | None = None
    at: str = ""  # the resource that is being worked on, for the error

    def deployment(self, evaluator: Evaluator, path: str) -> bool:
        """Starts what can start below `path`; True when all of it is ready."""
        ready: set[str] = set()
        complete = True
        for resource in evaluator.resources():
            if resource.existing or self._went_on(evaluator, resource, path, ready):
                ready.add(resource.key)
            else:
                complete = False
        return complete

    def _went_on(self, evaluator: Evaluator, resource: Resource, path: str, ready: set[str]) -> bool:
        return ready.issuperset(self._deployed(evaluator, resource)) and self._resource(evaluator, resource, path)

    def _deployed(self, evaluator: Evaluator, resource: Resource) -> list[str]:
        """The keys that `resource` has to wait for; one whose condition is false is not waited for."""
        deployed = {item.key for item in evaluator.resources()}
        return [key for key in resource.depends_on if key in deployed]

    def _resource(self, evaluator: Evaluator, resource: Resource, path: str) -> bool:
        key = f"{path}/{resource.key}"
        if resource.is_deployment:
            return self._nested(evaluator, resource, key)
        if key not in self.progress:
            self.at = resource.id
            wanted = evaluator.evaluate(resource)
            done = resources.put(self.context, wanted.id, wanted.api_version, wanted.body, self.caller)
            self.progress[key] = done.ready_at + self.context.seconds("deployment.resource")
        return self._is_ready(self.progress[key])

    def _nested(self, evaluator: Evaluator, resource: Resource, key: str) -> bool:
        if key in self.progress:
            return True
        self.at = resource.id
        inner = evaluator.nested(resource)
        if not self.deployment(inner, key):
            return False
        self.progress[key] = self.context.now
        save(self.context, self._inner_record(inner, resource))
        return True

    def _inner_record(self, inner: Evaluator, resource: Resource) -> Document:
        """A nested deployment is one of its own, at its own scope."""
        made = records.record(inner.scope, resource.name, {"properties": {}}, self.caller, self.context.now)
        return {
            **made,
            "id": resource.id,
            "state": "Succeeded",
            "endedAt": self.context.now,
            "outputs": records.values(inner.outputs()),
            "parameters": records.values(inner.parameters),
            "resources": [item.id for item in inner.resources() if not item.existing and not item.is_deployment],
        }

    def _is_ready(self, at: float) -> bool:
        if at <= self.context.now:
            return True
        self.waits_until = at if self.waits_until is None else min(at, self.waits_until)
        return False


@dataclass(frozen=True, slots=True)
class _Ids:
    """The ids of all that a deployment made, nested ones included."""

    found: list[str] = field(default_factory=list)

    def collect(self, evaluator: Evaluator) -> None:
        for resource in evaluator.resources():
            if resource.is_deployment:
                self.collect(evaluator.nested(resource))
            elif not resource.existing:
                self.found.append(resource.id)


def _succeeded(context: Context, stored: Document, evaluator: Evaluator) -> Document:
    ids = _Ids()
    ids.collect(evaluator)
    return {
        **stored,
        "state": "Succeeded",
        "endedAt": context.now,
        "outputs": records.values(evaluator.outputs()),
        "parameters": records.values(evaluator.parameters),
        "resources": ids.found,
        "given": {},
    }


def _failed(context: Context, stored: Document, target: str, error: ApiError) -> Document:
    detail = {"code": error.code, "target": target, "message": error.message}
    failure = {
        "code": "DeploymentFailed",
        "target": stored["id"],
        "message": "At least one resource deployment operation failed. Please list deployment operations for details. "
        "Please see https://aka.ms/arm-deployment-operations for usage details.",
        "details": [detail],
    }
    return {**stored, "state": "Failed", "endedAt": context.now, "error": failure, "given": {}}


def cancelled(context: Context, stored: Document) -> Document:
    """The deployment, stopped where it is; what was made stays."""
    error = {"code": "DeploymentCanceled", "message": "The deployment was canceled."}
    return {**stored, "state": "Canceled", "endedAt": context.now, "error": error, "given": {}}


__all__ = ["TASK", "advance", "cancelled", "save", "start"]
