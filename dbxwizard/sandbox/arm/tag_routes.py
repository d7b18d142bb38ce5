"""The tags of a scope as a resource of their own: Microsoft.Resources/tags/default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from dbxwizard.sandbox.arm import errors, resources, subscriptions
from dbxwizard.sandbox.arm.groups import KIND as GROUP
from dbxwizard.sandbox.arm.groups import VERSIONS
from dbxwizard.sandbox.arm.ids import GROUPS, SUBSCRIPTIONS, ResourceId
from dbxwizard.sandbox.arm.stored import KIND
from dbxwizard.sandbox.http import Call, Response
from dbxwizard.sandbox.store import Document

if TYPE_CHECKING:
    from dbxwizard.sandbox.arm.service import ArmService

_PATH = "/{scope...}/providers/Microsoft.Resources/tags/default"
_RIGHT = "Microsoft.Resources/tags"
_TAGS = {"tags?": {"*": str}}


def register(service: ArmService) -> None:
    route, versions = service.route, tuple(version for version in VERSIONS if version >= "2019-10")
    route("GET", _PATH, api_versions=versions, action=f"{_RIGHT}/read")(_get)
    whole = {"id?": str, "name?": str, "type?": str, "properties": _TAGS}
    route("PUT", _PATH, api_versions=versions, body=whole, action=f"{_RIGHT}/write")(_put)
    change = {"operation": frozenset({"Merge", "Replace", "Delete"}), "properties?": _TAGS}
    route("PATCH", _PATH, api_versions=versions, body=change, action=f"{_RIGHT}/write")(_patch)
    route("DELETE", _PATH, api_versions=versions, action=f"{_RIGHT}/delete")(_delete)


def _get(call: Call) -> Response:
    return _answer(call, _target(call)[1].get("tags", {}))


def _put(call: Call) -> Response:
    return _set(call, call.body["properties"].get("tags") or {})


def _patch(call: Call) -> Response:
    given = (call.body.get("properties") or {}).get("tags") or {}
    old = _target(call)[1].get("tags", {})
    operation = call.body["operation"].lower()
    if operation == "merge":
        return _set(call, {**old, **given})
    return _set(call, given if operation == "replace" else {k: v for k, v in old.items() if given.get(k) != v})


def _delete(call: Call) -> Response:
    _set(call, {})
    return Response(200)


def _set(call: Call, tags: dict[str, Any]) -> Response:
    kind, body = _target(call)
    body["tags"] = tags
    key = body["id"] if kind == "arm.subscription" else body["id"].lower()
    call.store.put(kind, key, body)
    return _answer(call, tags)


def _target(call: Call) -> tuple[str, Document]:
    scope = resources.parse_id(_scope(call))
    if scope.type == SUBSCRIPTIONS:
        return "arm.subscription", _subscription(call, scope)
    return (GROUP if scope.type == GROUPS else KIND), resources.stored(call, scope)


def _subscription(call: Call, scope: ResourceId) -> Document:
    found = subscriptions.find(call.store, scope.name)
    if found is None:
        raise errors.subscription_not_found(scope.name)
    return found


def _scope(call: Call) -> str:
    return unquote(call.request.path)[: -len("/providers/Microsoft.Resources/tags/default")]


def _answer(call: Call, tags: dict[str, Any]) -> Response:
    identity = {"id": unquote(call.request.path), "name": "default", "type": "Microsoft.Resources/tags"}
    return Response(200, {**identity, "properties": {"tags": tags}})
