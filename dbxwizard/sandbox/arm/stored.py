"""Resource types that are kept as one document each: described by attributes, with hooks for what is their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, ClassVar

from dbxwizard.sandbox import fields
from dbxwizard.sandbox.arm import errors, management_groups, subscriptions
from dbxwizard.sandbox.arm.ids import SUBSCRIPTIONS, TENANT, ResourceId, parse
from dbxwizard.sandbox.arm.locations import normal
from dbxwizard.sandbox.arm.model import Operation, ResourceType, Write
from dbxwizard.sandbox.arm.registry import find_type
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document, Store

KIND = "arm.resource"
# Fields of the document that GET answers; the others (createdAt, made …) are the sandbox's own.
VISIBLE = ("id", "name", "type", "kind", "location", "tags", "sku", "identity", "managedBy", "etag", "properties")
IGNORED = frozenset({"id", "name", "type", "systemData", "apiVersion"})  # what clients send back from a GET
TAGS = {"*": str}


class StoredType(ResourceType):
    """A resource kept as a document of kind `arm.resource`.

    The document has what clients see, `createdAt` and `changedAt` (epoch seconds), `createdBy`, and `made`: what the
    service made itself (ids, keys), which no write changes.
    """

    name_pattern: ClassVar[str] = r"[^<>%&:\\?/]{1,260}"
    defaults: ClassVar[Document] = {}  # what the service adds where a write says nothing
    read_only: ClassVar[tuple[str, ...]] = ()  # dotted paths that a write may name and that are ignored
    immutable: ClassVar[tuple[str, ...]] = ()  # dotted paths that keep the value they were made with
    keeps_unnamed: ClassVar[bool] = False  # a PUT leaves alone what it does not name
    has_state: ClassVar[bool] = True  # properties.provisioningState
    has_system_data: ClassVar[bool] = False
    create_operation: ClassVar[str] = ""  # how long making it takes: an entry of latency.json
    delete_operation: ClassVar[str] = ""
    name_is_global: ClassVar[bool] = False  # nobody else in the cloud may have it

    # Hooks of a type.

    def name_error(self, name: str) -> ApiError:
        return ApiError(400, "InvalidResourceName", f"The resource name '{name}' is invalid for type '{self.name}'.")

    def immutable_error(self, path: str, old: object, new: object) -> ApiError:
        return ApiError(
            409, "PropertyChangeNotAllowed", f"Changing property '{path}' is not allowed. It was '{old}', not '{new}'."
        )

    def refuse(self, write: Write, document: Document) -> None:
        """Raises what the provider says to a body that is well formed and yet can't be: names taken, links missing."""

    def adapt(self, write: Write, document: Document) -> Document:
        """`document` with what the provider computes from it."""
        return document

    def make(self, write: Write, document: Document) -> Document:
        """What the service makes with a new resource (ids, keys, identities), merged over the document."""
        return {}

    def written(self, context: Context, document: Document, *, created: bool) -> None:
        """After the write, before the resource is ready."""

    def ready(self, context: Context, document: Document) -> None:
        """When a new resource becomes Succeeded."""

    def removed(self, context: Context, document: Document) -> None:
        """When the resource is gone."""

    def live(self, context: Context, document: Document) -> Document:
        """What is computed on each reading, merged over the answer: addresses, times."""
        return {}

    def accepts(self, *, patch: bool) -> Spec:
        return tolerant(self.patch_body if patch else self.body, self._ignored())

    # Reading.

    def stored(self, store: Store, resource_id: ResourceId) -> Document | None:
        return store.get(KIND, resource_id.key)

    def render(self, context: Context, document: Document) -> Document:
        answer = {name: deepcopy(document[name]) for name in VISIBLE if name in document}
        if self.has_system_data and "createdAt" in document:
            answer["systemData"] = system_data(document)
        return merged(answer, self.live(context, document))

    # Writing.

    def check(self, write: Write) -> None:
        problem = fields.check(write.body, self.accepts(patch=write.patch))
        if problem:
            raise self.field_error(problem)
        if write.existing is None:
            self._check_new(write)
        elif write.existing.get("properties", {}).get("provisioningState") in ("Creating", "Deleting"):
            raise _busy(write.id)
        self._check_location(write)
        document = self.document(write)
        self._check_immutable(write, document)
        self.refuse(write, document)

    def document(self, write: Write) -> Document:
        wanted = _without(deepcopy(write.body), self._ignored())
        if "location" in wanted:
            wanted["location"] = normal(wanted["location"])
        old = write.existing
        document = self._start(write) if old is None else deepcopy(old)
        if old is not None and not (write.patch or self.keeps_unnamed):
            for name in ("tags", "sku", "kind", "identity", "properties"):
                document.pop(name, None)
        tags = wanted.pop("tags", None)
        document = merged(merged(deepcopy(self.defaults), document), wanted)
        if tags is not None:
            document["tags"] = tags
        document = merged(self.adapt(write, document), deepcopy(document.get("made", {})))
        if self.has_state:
            document.setdefault("properties", {})["provisioningState"] = "Succeeded"
        return document

    def put(self, write: Write) -> Operation:
        context, document = write.context, self.document(write)
        created = write.existing is None
        if not created and document == write.existing:
            return Operation(document["id"], created=False, ready_at=context.now)
        if created:
            document["made"] = self.make(write, document)
            document = merged(document, deepcopy(document["made"]))
        document["changedAt"] = context.now
        seconds = context.seconds(self.create_operation) if created and self.create_operation else 0.0
        if seconds > 0 and self.has_state:
            document["properties"]["provisioningState"] = "Creating"
        context.store.put(KIND, write.id.key, document)
        if created and self.name_is_global:
            context.store.put("_name", _global_key(self.name, write.id.name), {"id": document["id"]})
        self.written(context, document, created=created)
        if seconds > 0:
            context.later(seconds, "arm.resource.ready", id=document["id"])
        elif created:
            self.ready(context, document)
        return Operation(document["id"], created=created, ready_at=context.now + seconds)

    def delete(self, context: Context, document: Document) -> Operation:
        seconds = context.seconds(self.delete_operation) if self.delete_operation else 0.0
        if seconds <= 0:
            self.gone(context, document)
        elif document["properties"]["provisioningState"] != "Deleting":
            document["properties"]["provisioningState"] = "Deleting"
            context.store.put(KIND, document["id"].lower(), document)
            context.later(seconds, "arm.resource.gone", id=document["id"])
        return Operation(document["id"], created=False, ready_at=context.now + seconds)

    def finish(self, context: Context, document: Document) -> None:
        """The end of the creation."""
        if document["properties"].get("provisioningState") == "Creating":
            document["properties"]["provisioningState"] = "Succeeded"
            context.store.put(KIND, document["id"].lower(), document)
            self.ready(context, document)

    def gone(self, context: Context, document: Document) -> None:
        """The end of the resource, with all that lies in it or is attached to it."""
        context.store.delete(KIND, document["id"].lower())
        if self.name_is_global:
            context.store.delete("_name", _global_key(self.name, document["name"]))
        remove_below(context, document["id"])
        self.removed(context, document)

    # Parts of the above.

    def _start(self, write: Write) -> Document:
        by, kind = write.caller, "User" if write.caller.user else "Application"
        context, resource_id = write.context, write.id
        names = "/".join(resource_id.names) if not self.extension else resource_id.name
        return {
            "id": self._canonical(resource_id),
            "name": names.rsplit("/", 1)[-1],
            "type": self.name,
            "createdAt": context.now,
            "createdBy": {"client": by.client, "objectId": by.object_id, "type": kind},
        }

    def _canonical(self, resource_id: ResourceId) -> str:
        """The id with the type as the provider writes it, names as the client did."""
        namespace, *kinds = self.name.split("/")
        path = "".join(f"/{kind}/{name}" for kind, name in zip(kinds, resource_id.names, strict=True))
        return f"{resource_id.scope}/providers/{namespace}{path}"

    def _ignored(self) -> frozenset[str]:
        return IGNORED | {*self.read_only, "properties.provisioningState"}

    def _check_new(self, write: Write) -> None:
        if not re.fullmatch(self.name_pattern, write.id.name):
            raise self.name_error(write.id.name)
        parent = write.id.parent
        if parent is not None and not is_there(write, parent):
            raise errors.parent_not_found(write.id, parent)
        if self.extension and not is_there(write, write.id.extends):
            raise errors.not_found(write.id.extends)

    def _check_location(self, write: Write) -> None:
        location = write.body.get("location")
        if not self.locations or location is None:
            return
        if normal(location) not in self.locations:
            raise errors.location_unavailable(location, self)
        if write.existing is not None and write.existing["location"] != normal(location):
            raise errors.location_moved(write.id, write.existing["location"], location)

    def _check_immutable(self, write: Write, document: Document) -> None:
        if write.existing is None:
            return
        for path in self.immutable:
            old, new = at(write.existing, path), at(document, path)
            if old != new and str(old).lower() != str(new).lower():
                raise self.immutable_error(path, old, new)


def is_there(write: Write, resource_id: ResourceId) -> bool:
    """Whether `resource_id` exists, or is made by the same deployment."""
    if resource_id.type in (SUBSCRIPTIONS, TENANT):
        return not resource_id.subscription or subscriptions.find(write.store, resource_id.subscription) is not None
    if management_groups.is_root(resource_id):
        return True
    kind = find_type(resource_id.type)
    return resource_id.key in write.planned or (kind is not None and kind.stored(write.store, resource_id) is not None)


def holder_of(store: Store, type_name: str, name: str) -> str | None:
    """The id of the resource that has this name in the whole cloud, for types whose names are global."""
    found = store.get("_name", _global_key(type_name, name))
    return None if found is None else str(found["id"])


def check_link(write: Write, text: str, code: str = "LinkedInvalidPropertyId") -> ResourceId:
    """The id that a property refers to. ApiError 400 `code` when it is no id, 404 when there is nothing."""
    try:
        linked = parse(text)
    except ValueError as error:
        message = (
            f"Property id '{text}' is invalid. Expect fully qualified resource Id that starts with '/subscriptions/'."
        )
        raise ApiError(400, code, message) from error
    if not is_there(write, linked):
        raise errors.not_found(linked)
    return linked


def remove_below(context: Context, scope: str) -> None:
    """Forgets what lies in `scope` or is attached to it; children get no hooks, they have no life of their own."""
    for kind in (KIND, "arm.roleAssignment"):
        for key, _ in context.store.find(kind, scope.lower() + "/"):
            context.store.delete(kind, key)


def system_data(document: Document) -> Document:
    by = document["createdBy"]
    return {
        "createdBy": by["client"],
        "createdByType": by["type"],
        "createdAt": iso(document["createdAt"]),
        "lastModifiedBy": by["client"],
        "lastModifiedByType": by["type"],
        "lastModifiedAt": iso(document.get("changedAt") or document["createdAt"]),
    }


def merged(base: Document, over: Document) -> Document:
    """`base` with `over` on it, object by object; a null in `over` takes the field away."""
    result = dict(base)
    for name, value in over.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            below = result.get(name)
            result[name] = merged(below if isinstance(below, dict) else {}, value)
        else:
            result[name] = value
    return result


def at(document: Document, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def tolerant(spec: Spec, ignored: frozenset[str]) -> Spec:
    """`spec` with the fields at the dotted paths `ignored` in any form."""
    if not ignored or not isinstance(spec, dict):
        return spec
    kept = {name: value for name, value in spec.items() if name.rstrip("?") not in ignored}
    inner = {name: tolerant(value, frozenset(_below(ignored, name.rstrip("?")))) for name, value in kept.items()}
    return inner | {f"{path}?": object for path in ignored if "." not in path}


def _without(body: Document, paths: frozenset[str]) -> Document:
    """`body` without the fields at `paths`."""
    return {
        name: _without(value, frozenset(_below(paths, name))) if isinstance(value, dict) else value
        for name, value in body.items()
        if name not in paths
    }


def _below(paths: frozenset[str], name: str) -> Iterator[str]:
    return (path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}."))


def _global_key(type_name: str, name: str) -> str:
    return f"{type_name}/{name}".lower()


def _busy(resource_id: ResourceId) -> ApiError:
    return ApiError(
        409,
        "AnotherOperationInProgress",
        f"Another operation on this or dependent resource is in progress: '{resource_id.text}'.",
    )
