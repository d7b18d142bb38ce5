"""Complete mode: what lies in the resource group and not in the template is deleted.

Source: learn.microsoft.com/azure/azure-resource-manager/templates/deployment-modes. Only resources that stand for
themselves are looked at: what lies in them goes with them, and what is attached to the group (roles, locks) stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dbxwizard.sandbox.arm import resources
from dbxwizard.sandbox.arm.deployments.walk import SEPARATOR, Stage, Walk, failed
from dbxwizard.sandbox.arm.registry import find_type
from dbxwizard.sandbox.arm.stored import KIND
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document


def others(context: Context, group_id: str, wanted: Collection[str]) -> Iterator[Document]:
    """The resources of the group that are not among the ids in `wanted`."""
    keep = {item.lower() for item in wanted}
    for key, body in context.store.find(KIND, f"{group_id.lower()}/"):
        kind = find_type(body["type"])
        if key not in keep and kind is not None and not kind.extension and kind.name.count("/") == 1:
            yield body


def remove_others(walk: Walk, stored: Document, made: Collection[str]) -> Stage:
    """Deletes what the deployment did not make, and waits until it is gone."""
    group = stored["id"].rsplit("/providers/", 1)[0]
    begun = [entry for entry in walk.progress.values() if entry.get("operation") == "Delete"]
    if not begun:
        begun = [_removed(walk, body) for body in others(walk.context, group, made)]
        walk.progress |= {f"{SEPARATOR}delete{SEPARATOR}{entry['id']}": entry for entry in begun}
    stages = {walk.reached(entry) for entry in begun}
    return Stage.WAITING if Stage.WAITING in stages else Stage.LOST if Stage.LOST in stages else Stage.READY


def _removed(walk: Walk, body: Document) -> Document:
    entry = {"of": "", "operation": "Delete", "id": body["id"], "type": body["type"], "name": body["name"]}
    entry["at"] = walk.context.now
    try:
        done = resources.delete(walk.context, body["id"], walk.caller)
    except ApiError as error:
        return entry | failed(error)
    return entry | {"ready": walk.context.now if done is None else done.ready_at, "status": "OK"}
