"""The one way to a resource: routes and deployments make, read and remove every kind of resource through it.

Everything raises ApiError as the resource manager would answer, and works inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dbxwizard.sandbox.arm import access, errors, providers, subscriptions
from dbxwizard.sandbox.arm.ids import GROUPS, ResourceId, parse
from dbxwizard.sandbox.arm.model import Caller, Operation, ResourceType, Write
from dbxwizard.sandbox.arm.registry import find_type
from dbxwizard.sandbox.arm.types.locks import require_unlocked
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document


def resource_type(resource_id: ResourceId, api_version: str = "", location: str = "") -> ResourceType:
    """The type of `resource_id`, after a look at `api_version` ("" passes). ApiError: unknown type or version."""
    found = find_type(resource_id.type)
    if found is None:
        providers.canonical(resource_id.namespace)
        raise errors.unknown_type(resource_id, api_version)
    if api_version and api_version not in found.api_versions:
        raise errors.unknown_version(found, api_version, location)
    return found


def validate(
    context: Context,
    resource_id: str,
    api_version: str,
    body: Document,
    principal: Caller,
    *,
    planned: Collection[str] = (),
) -> None:
    """Preflight: everything that can be refused before anything is written: version, rights, scope, body.

    `planned`: ids of what the same deployment makes, whatever their case; groups, parents and linked resources among
    them need not exist yet. The provider need not be registered: a deployment registers those that it names.
    """
    _check(*_begin(context, resource_id, api_version, body, principal, planned=planned), deployed=True)


def authorize(context: Context, resource_id: str, api_version: str, body: Document, principal: Caller) -> None:
    """The part of preflight that can be told of a body with values that are not known yet: version, rights."""
    _begin(context, resource_id, api_version, body, principal)


def preview(
    context: Context,
    resource_id: str,
    api_version: str,
    body: Document,
    principal: Caller,
    *,
    planned: Collection[str] = (),
) -> tuple[Document | None, Document]:
    """What is there now and what `put` would leave, as GET answers; changes nothing. `planned` as above."""
    kind, write = _begin(context, resource_id, api_version, body, principal, planned=planned)
    _check(kind, write, deployed=True)
    before = None if write.existing is None else kind.render(context, write.existing)
    return before, kind.render(context, kind.document(write))


def put(
    context: Context, resource_id: str, api_version: str, body: Document, principal: Caller, *, patch: bool = False
) -> Operation:
    """Makes or replaces the resource (with `patch`: changes what `body` names, 404 when it is not there).

    Once the time of the operation has come (Operation.ready_at), `read` shows it as Succeeded, without a request.
    """
    kind, write = _begin(context, resource_id, api_version, body, principal, patch=patch)
    _check(kind, write)
    return kind.put(write)


def read(context: Context, resource_id: str, api_version: str = "") -> Document:
    """The resource as GET answers it. ApiError: 404 with the code of its level (subscription, group, resource)."""
    parsed = parse_id(resource_id)
    kind = resource_type(parsed, api_version)
    return kind.render(context, stored(context, parsed))


def stored(context: Context, resource_id: ResourceId) -> Document:
    """The document as it is kept. ApiError as `read`."""
    kind = resource_type(resource_id)
    subscriptions.require(context.store, resource_id)
    found = kind.stored(context.store, resource_id)
    if found is None:
        subscriptions.require_group(context.store, resource_id)
        raise errors.not_found(resource_id)
    return found


def exists(context: Context, resource_id: str) -> bool:
    """Whether there is such a resource, of a type that is known."""
    parsed = parse_id(resource_id)
    kind = find_type(parsed.type)
    return kind is not None and kind.stored(context.store, parsed) is not None


def delete(context: Context, resource_id: str, principal: Caller) -> Operation | None:
    """Removes the resource; None when there was none."""
    parsed = parse_id(resource_id)
    kind = resource_type(parsed)
    kind.authorize_delete(context, parsed, principal)
    subscriptions.require(context.store, parsed)
    subscriptions.require_group(context.store, parsed)
    found = kind.stored(context.store, parsed)
    if found is None:
        return None
    require_unlocked(context.store, parsed, "delete")
    return kind.delete(context, found)


def invoke(context: Context, resource_id: str, action: str, body: Document, principal: Caller) -> Any:
    """What the action (`listKeys` …) of the resource answers."""
    parsed = parse_id(resource_id)
    kind = resource_type(parsed)
    entry = {name.lower(): known for name, known in kind.actions.items()}.get(action.lower())
    if entry is None:
        raise errors.unknown_action(parsed, action)
    access.require(context, principal, entry.right, parsed.text)
    return entry.run(context, stored(context, parsed), body)


def parse_id(resource_id: str) -> ResourceId:
    """`resource_id` in its parts. ApiError 400 InvalidResourceId."""
    try:
        return parse(resource_id)
    except ValueError as error:
        raise errors.invalid_id(resource_id) from error


def _begin(
    context: Context,
    resource_id: str,
    api_version: str,
    body: Document,
    principal: Caller,
    *,
    planned: Collection[str] = (),
    patch: bool = False,
) -> tuple[ResourceType, Write]:
    parsed = parse_id(resource_id)
    kind = resource_type(parsed, api_version, str(body.get("location", "")))
    _require_level(kind, parsed, api_version)
    subscriptions.require(context.store, parsed)
    existing = kind.stored(context.store, parsed)
    coming = frozenset(name.lower() for name in planned)
    write = Write(context, parsed, api_version, body, principal, existing, coming, patch)
    kind.authorize(write)
    return kind, write


def _require_level(kind: ResourceType, resource_id: ResourceId, api_version: str) -> None:
    """Most types live in a resource group, and a group in a subscription.

    What is said of them above subscriptions is published; at a subscription it is assumed to be the same as of a type
    that is not there.
    """
    if kind.extension or resource_id.group:
        return
    if not resource_id.subscription:
        raise errors.missing_subscription()
    if kind.name.lower() != GROUPS.lower():
        raise errors.unknown_type(resource_id, api_version)


def _check(kind: ResourceType, write: Write, *, deployed: bool = False) -> None:
    """What else refuses a write before it is done. `deployed`: by a deployment, which registers providers itself."""
    subscriptions.require_group(write.store, write.id, write.planned)
    if write.patch and write.existing is None:
        raise errors.not_found(write.id)
    if not deployed:
        providers.require(write.store, write.id)
    require_unlocked(write.store, write.id, "write")
    kind.check(write)
