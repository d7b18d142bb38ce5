"""What-if: what a deployment would change, resource by resource, with the noise of the real one.

Source: learn.microsoft.com/azure/azure-resource-manager/templates/deploy-what-if. Two of its known limits are played: a
nested deployment whose parameters use reference() is not expanded, and settings that a provider filled in by itself and
the template leaves out show as Delete.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dbxwizard.arm_template import Evaluator, Resource, TemplateError, contains_unknown
from dbxwizard.sandbox.arm import resources
from dbxwizard.sandbox.arm.deployments import preflight, records
from dbxwizard.sandbox.arm.ids import parse
from dbxwizard.sandbox.arm.model import Caller, Context
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.store import Document


def changes(context: Context, stored: Document) -> list[Document]:
    """The changes of the deployment, sorted by id. ApiError as of the deployment itself."""
    preflight.check(context, stored)
    try:
        evaluator = records.evaluator_of(context, stored, live=False)
        found = list(_Look(context, records.caller_of(stored)).deployment(evaluator))
    except TemplateError as error:
        raise preflight.invalid(error) from error
    return sorted(found, key=lambda change: str(change["resourceId"]).lower())


class _Look:
    def __init__(self, context: Context, caller: Caller) -> None:
        self._context = context
        self._caller = caller
        self._planned: list[str] = []

    def deployment(self, evaluator: Evaluator) -> Iterator[Document]:
        listed = [resource for resource in evaluator.resources() if not resource.existing]
        self._planned += [resource.id for resource in listed]
        for resource in listed:
            if not resource.is_deployment:
                yield self._resource(evaluator, resource)
                continue
            inner = evaluator.nested(resource)
            if contains_unknown([entry.value for entry in inner.parameters.values()]):
                yield {
                    "resourceId": resource.id,
                    "changeType": "Unsupported",
                    "unsupportedReason": "Changes to the resource declared at "
                    f"'{resource.id}' cannot be analyzed because its parameters use values that are known at run time.",
                }
            else:
                yield from self.deployment(inner)

    def _resource(self, evaluator: Evaluator, resource: Resource) -> Document:
        wanted = evaluator.evaluate(resource)
        change: Document = {"resourceId": wanted.id}
        if contains_unknown(wanted.body):
            return {**change, "changeType": "Deploy"}
        before, after = resources.preview(
            self._context, wanted.id, wanted.api_version, wanted.body, self._caller, planned=self._planned
        )
        if before is None:
            return {**change, "changeType": "Create", "after": {**after, "apiVersion": wanted.api_version}}
        spec = resources.resource_type(parse(wanted.id)).body
        delta = list(_differences(before, after, wanted.body, spec, ""))
        real = any(entry["propertyChangeType"] != "NoEffect" for entry in delta)
        kind = "Modify" if real else "NoChange"
        return {**change, "changeType": kind, "before": before, "after": after, "delta": delta}


def _differences(before: Any, after: Any, wanted: Any, spec: Spec, path: str) -> Iterator[Document]:
    """Property changes below `path`: real ones, and Delete for what the provider had filled in."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        if before != after:
            yield _change(path, "Modify", before, after)
        return
    wanted = wanted if isinstance(wanted, dict) else {}
    known = {name.rstrip("?"): inner for name, inner in spec.items()} if isinstance(spec, dict) else {}
    for name in sorted(before.keys() | after.keys()):
        inner = f"{path}.{name}" if path else name
        if name not in after:
            yield _change(inner, "Delete", before[name], None)
        elif name not in before:
            yield _change(inner, "Create", None, after[name])
        elif before[name] == after[name] and name in known and name not in wanted:
            yield _change(inner, "Delete", before[name], None)
        else:
            yield from _differences(before[name], after[name], wanted.get(name), known.get(name), inner)


def _change(path: str, kind: str, before: Any, after: Any) -> Document:
    return {"path": path, "propertyChangeType": kind, "before": before, "after": after, "children": None}
