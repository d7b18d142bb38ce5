"""Resource groups: made at once, deleted with all they hold."""

from __future__ import annotations

import re
from typing import ClassVar

from dbxwizard.sandbox import fields
from dbxwizard.sandbox.arm import access, errors
from dbxwizard.sandbox.arm.ids import GROUPS, ResourceId, parse
from dbxwizard.sandbox.arm.locations import ALL, normal
from dbxwizard.sandbox.arm.model import Caller, Operation, ResourceType, Write
from dbxwizard.sandbox.arm.registry import find_type
from dbxwizard.sandbox.arm.stored import IGNORED, TAGS, StoredType, remove_below, tolerant
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document, Store

KIND = "arm.resourceGroup"
VERSIONS = (
    "2015-11-01",
    "2016-02-01",
    "2016-07-01",
    "2016-09-01",
    "2017-05-10",
    "2018-02-01",
    "2018-05-01",
    "2019-03-01",
    "2019-05-01",
    "2019-05-10",
    "2019-07-01",
    "2019-08-01",
    "2019-10-01",
    "2020-06-01",
    "2020-08-01",
    "2020-10-01",
    "2021-01-01",
    "2021-04-01",
    "2022-09-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-03-01",
    "2025-04-01",
)


class ResourceGroupType(ResourceType):
    name = GROUPS
    api_versions = VERSIONS
    locations = ALL
    body: ClassVar[Spec] = {
        "location": str,
        "tags?": TAGS,
        "managedBy?": str,
    }
    patch_body: ClassVar[Spec] = {
        "tags?": TAGS,
        "managedBy?": str,
        "name?": str,
    }

    def accepts(self, *, patch: bool) -> Spec:
        return tolerant(self.patch_body if patch else self.body, IGNORED | {"properties"})

    @property
    def rights(self) -> str:
        return "Microsoft.Resources/subscriptions/resourceGroups"

    def stored(self, store: Store, resource_id: ResourceId) -> Document | None:
        return store.get(KIND, resource_id.key)

    def render(self, context: Context, document: Document) -> Document:
        names = ("id", "name", "type", "location", "managedBy", "tags", "properties")
        return {name: document[name] for name in names if name in document}

    def check(self, write: Write) -> None:
        problem = fields.check(write.body, self.accepts(patch=write.patch))
        if problem:
            raise errors.invalid_content(problem)
        if not re.fullmatch(r"[-\w._()]{0,89}[-\w_()]", write.id.name):
            raise _invalid_name(write.id.name)
        if write.existing is not None and write.existing["properties"]["provisioningState"] == "Deleting":
            raise errors.group_being_deleted(write.id.name)
        self._check_location(write)

    def _check_location(self, write: Write) -> None:
        location = write.body.get("location")
        if location is None:
            return
        if normal(location) not in self.locations:
            raise ApiError(
                400,
                "LocationNotAvailableForResourceGroup",
                f"The provided location '{location}' is not available for resource group. List of available regions is "
                f"'{','.join(self.locations)}'.",
            )
        if write.existing is not None and write.existing["location"] != normal(location):
            raise ApiError(
                409,
                "InvalidResourceGroupLocation",
                f"Invalid resource group location '{location}'. The Resource group already exists in location "
                f"'{write.existing['location']}'.",
            )

    def document(self, write: Write) -> Document:
        old = write.existing or {"createdAt": write.context.now}
        document = {**old, "id": old.get("id", f"{write.id.scope}/resourceGroups/{write.id.name}"), "type": self.name}
        document |= {"name": old.get("name", write.id.name), "properties": {"provisioningState": "Succeeded"}}
        if "location" in write.body:
            document["location"] = normal(write.body["location"])
        if not write.patch:
            document.pop("tags", None)
        document |= {name: write.body[name] for name in ("tags", "managedBy") if write.body.get(name) is not None}
        return document

    def put(self, write: Write) -> Operation:
        document = self.document(write)
        write.store.put(KIND, write.id.key, document)
        return Operation(document["id"], created=write.existing is None, ready_at=write.context.now)

    def authorize_delete(self, context: Context, resource_id: ResourceId, caller: Caller) -> None:
        """The message names the action in lower case, as the service's does."""
        access.require(context, caller, "Microsoft.Resources/subscriptions/resourcegroups/delete", resource_id.text)

    def delete(self, context: Context, document: Document) -> Operation:
        seconds = context.seconds("resource-group.delete")
        if seconds <= 0:
            self.gone(context, document)
        elif document["properties"]["provisioningState"] != "Deleting":
            document["properties"]["provisioningState"] = "Deleting"
            context.store.put(KIND, document["id"].lower(), document)
            context.later(seconds, "arm.group.gone", id=document["id"])
        return Operation(document["id"], created=False, ready_at=context.now + seconds)

    def gone(self, context: Context, document: Document) -> None:
        """Removes what the group holds, each as its provider removes it, then the group."""
        group = document["id"]
        for _, body in context.store.find("arm.resource", f"{group.lower()}/"):
            kind = find_type(body["type"])
            still_there = context.store.get("arm.resource", body["id"].lower()) is not None
            if still_there and isinstance(kind, StoredType) and not kind.extension and parse(body["id"]).parent is None:
                kind.gone(context, body)
        remove_below(context, group)
        for key, _ in context.store.find("arm.deployment", f"{group.lower()}/"):
            context.store.delete("arm.deployment", key)
        context.store.delete(KIND, group.lower())


def _invalid_name(name: str) -> ApiError:
    return ApiError(
        400,
        "InvalidResourceGroup",
        f"The provided resource group name '{name}' is invalid: up to 90 letters, digits, underscores, parentheses, "
        "hyphens and periods, no period at the end.",
    )
