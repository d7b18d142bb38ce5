"""What-if: what a deployment would change, resource by resource, with the noise of the real one.

Source: learn.microsoft.com/azure/azure-resource-manager/templates/deploy-what-if, and results recorded in the public
repository Azure/azure-cli. Two known limits are played: a nested deployment whose parameters use reference() is not
looked into (Azure/arm-template-whatif#157), and settings that a provider filled in by itself and that the template
leaves out show as Delete.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dbxwizard.arm_template import contains_unknown
from dbxwizard.sandbox.arm import resources
from dbxwizard.sandbox.arm.deployments import complete, preflight, records
from dbxwizard.sandbox.arm.deployments.survey import Planned
from dbxwizard.sandbox.arm.ids import parse
from dbxwizard.sandbox.arm.model import Caller
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document


def result(context: Context, stored: Document, run: Document, level: str = preflight.FULL) -> Document:
    """`changes` sorted by id, and `diagnostics`. ApiError as of the deployment itself."""
    checked = preflight.check(context, stored, run, level, replacing=False)
    look = _Look(context, records.caller_of(run), checked.ids)
    changes = [look.change(item) for item in checked.planned if not item.resource.is_deployment]
    own = stored["id"].rsplit("/providers/", 1)[0]
    changes += look.others([own, *checked.ids], own.lower() if stored["mode"] == "Complete" else "")
    found: Document = {
        "correlationId": stored["correlation"],
        "changes": sorted(changes, key=lambda change: str(change["resourceId"]).lower()),
    }
    closed = [_short_circuited(item) for item in checked.planned if item.closed]
    return found | ({"diagnostics": closed} if closed else {})


def ids_only(found: Document) -> Document:
    """The result in the format ResourceIdOnly."""
    bare = [{name: change[name] for name in ("resourceId", "changeType")} for change in found["changes"]]
    return {**found, "changes": bare}


def _short_circuited(item: Planned) -> Document:
    return {
        "level": "Warning",
        "code": "NestedDeploymentShortCircuited",
        "target": item.id,
        "message": "A nested deployment got short-circuited and all its resources got skipped from validation. This is "
        "due to a nested template having a parameter that was not fully evaluated (contains a reference() function). "
        "Please see https://aka.ms/WhatIfEvalStopped for more guidance.",
    }


class _Look:
    def __init__(self, context: Context, caller: Caller, planned: tuple[str, ...]) -> None:
        self._context = context
        self._caller = caller
        self._planned = planned

    def change(self, item: Planned) -> Document:
        wanted = item.wanted
        change: Document = {"resourceId": wanted.id}
        if contains_unknown(wanted.body):
            return {**change, "changeType": "Deploy"}
        try:
            before, after = resources.preview(
                self._context, wanted.id, wanted.api_version, wanted.body, self._caller, planned=self._planned
            )
        except ApiError:  # what preflight lets pass shows when the resource is written
            return {**change, "changeType": "Deploy", "after": wanted.body}
        version = {"apiVersion": wanted.api_version}
        if before is None:
            return {**change, "changeType": "Create", "after": {**after, **version}}
        spec = resources.resource_type(parse(wanted.id)).body
        delta = list(_differences(before, after, wanted.body, spec, ""))
        kind = "Modify" if delta else "NoChange"
        both = {"before": {**before, **version}, "after": {**after, **version}}
        return {**change, "changeType": kind, **both} | ({"delta": delta} if delta else {})

    def others(self, scopes: Iterable[str], cleared: str) -> Iterator[Document]:
        """What else lies in the groups of `scopes`: it stays, or goes where the group is `cleared` (lower case)."""
        groups = {parse(scope).group_id.lower() for scope in scopes} - {""}
        for group in groups:
            for body in complete.others(self._context, group, self._planned):
                shown = resources.read(self._context, body["id"])
                change = {"resourceId": body["id"], "before": shown}
                if group == cleared:
                    yield {**change, "changeType": "Delete"}
                else:
                    yield {**change, "changeType": "Ignore", "after": shown}


def _differences(before: Any, after: Any, wanted: Any, spec: Spec, path: str) -> Iterator[Document]:
    """Property changes below `path`: real ones, and Delete for what the provider had filled in."""
    if isinstance(before, list) and isinstance(after, list):
        yield from _array(before, after, path)
        return
    if not (isinstance(before, dict) and isinstance(after, dict)):
        if before != after:
            yield {"path": path, "propertyChangeType": "Modify", "before": before, "after": after}
        return
    wanted = wanted if isinstance(wanted, dict) else {}
    known = {name.rstrip("?"): inner for name, inner in spec.items()} if isinstance(spec, dict) else {}
    for name in sorted(before.keys() | after.keys()):
        inner = f"{path}.{name}" if path else name
        filled_in = before.get(name) == after.get(name) and name in known and name not in wanted
        if name not in after or filled_in:
            yield {"path": inner, "propertyChangeType": "Delete", "before": before[name]}
        elif name not in before:
            yield {"path": inner, "propertyChangeType": "Create", "after": after[name]}
        else:
            yield from _differences(before[name], after[name], wanted.get(name), known.get(name), inner)


def _array(before: list[Any], after: list[Any], path: str) -> Iterator[Document]:
    """An array that differs is one change, whose children are its elements by their index."""
    children: list[Document] = []
    for index in range(max(len(before), len(after))):
        if index >= len(after):
            children.append({"path": str(index), "propertyChangeType": "Delete", "before": before[index]})
        elif index >= len(before):
            children.append({"path": str(index), "propertyChangeType": "Create", "after": after[index]})
        else:
            children += _differences(before[index], after[index], after[index], None, str(index))
    if children:
        yield {"path": path, "propertyChangeType": "Array", "children": children}
