"""The operations on resources, made for each type of the registry; and lists of resources of every type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from dbxwizard.sandbox.arm import access, errors, operations, resources
from dbxwizard.sandbox.arm.groups import KIND as GROUP
from dbxwizard.sandbox.arm.groups import VERSIONS
from dbxwizard.sandbox.arm.ids import GROUPS, SUBSCRIPTIONS, TENANT, parse, scope_of
from dbxwizard.sandbox.arm.model import ResourceType
from dbxwizard.sandbox.arm.queries import filters, page
from dbxwizard.sandbox.arm.registry import find_type, types
from dbxwizard.sandbox.arm.stored import KIND
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import Call, Response
from dbxwizard.sandbox.store import Document

if TYPE_CHECKING:
    from dbxwizard.sandbox.arm.service import ArmService

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUPS = f"{_SUBSCRIPTION}/resourcegroups"
_GROUP = f"{_GROUPS}/{{group}}"


def register(service: ArmService) -> None:
    for kind in types().values():
        _register_one(service, kind, _path(kind))
    for kind in types().values():
        for path in _collections(kind):
            _add(service, kind, "GET", path, f"{kind.rights}/read", _list_of(kind))
    route = service.route
    read = "Microsoft.Resources/subscriptions/resourceGroups/read"
    route("GET", _GROUPS, api_versions=VERSIONS, query=("$filter", "$top"), action=read)(_groups)
    listed, query = "Microsoft.Resources/subscriptions/resources/read", ("$filter", "$expand", "$top")
    route("GET", f"{_SUBSCRIPTION}/resources", api_versions=VERSIONS, query=query, action=listed)(_resources)
    listed = "Microsoft.Resources/subscriptions/resourceGroups/resources/read"
    route("GET", f"{_GROUP}/resources", api_versions=VERSIONS, query=query, action=listed)(_resources)
    # A caller with rights on some of them sees those.
    service.own_authorization |= {f"GET {_GROUPS}", f"GET {_SUBSCRIPTION}/resources", f"GET {_GROUP}/resources"}


def _path(kind: ResourceType) -> str:
    if kind.name == GROUPS:
        return _GROUP
    if kind.extension:
        return f"/{{scope...}}/providers/{kind.name}/{{name}}"
    namespace, *kinds = kind.name.split("/")
    names = "".join(f"/{name}/{{name{number}}}" for number, name in enumerate(kinds, 1))
    return f"{_GROUP}/providers/{namespace}{names}"


def _collections(kind: ResourceType) -> Iterator[str]:
    """The paths that list resources of the type; role definitions and assignments have their own (role_routes)."""
    if kind.name == GROUPS or kind.name.startswith("Microsoft.Authorization/role"):
        return
    yield _path(kind).rsplit("/", 1)[0]
    if not kind.extension and kind.name.count("/") == 1:
        yield f"{_SUBSCRIPTION}/providers/{kind.name}"


def _register_one(service: ArmService, kind: ResourceType, path: str) -> None:
    """GET, HEAD, PUT, PATCH, DELETE and the actions of one type."""
    _add(service, kind, "GET", path, f"{kind.rights}/read", _get)
    _add(service, kind, "HEAD", path, f"{kind.rights}/read", _head)
    _add(service, kind, "PUT", path, f"{kind.rights}/write", _put, kind.accepts(patch=False))
    if kind.patch_body is not None:
        _add(service, kind, "PATCH", path, f"{kind.rights}/write", _patch, kind.accepts(patch=True))
    _add(service, kind, "DELETE", path, f"{kind.rights}/delete", _delete)
    # Their rights may depend on the body and on what is there: the way through `resources` asks for them.
    service.own_authorization |= {f"{method} {path}" for method in ("PUT", "PATCH", "DELETE")}
    for name, entry in kind.actions.items():
        _add(service, kind, "POST", f"{path}/{name}", entry.right, _action(name))


def _add(
    service: ArmService,
    kind: ResourceType,
    method: str,
    path: str,
    action: str,
    handler: Callable[[Call], Response],
    body: Spec = None,
) -> None:
    service.route(method, path, api_versions=kind.api_versions, body=body, action=action)(handler)
    service.kinds[f"{method} {path}"] = kind


def _get(call: Call) -> Response:
    return Response(200, resources.read(call, unquote(call.request.path)))


def _head(call: Call) -> Response:
    return Response(204 if resources.exists(call, unquote(call.request.path)) else 404)


def _put(call: Call) -> Response:
    return _write(call, patch=False)


def _patch(call: Call) -> Response:
    return _write(call, patch=True)


def _write(call: Call, *, patch: bool) -> Response:
    caller = access.caller_of(call.store, call.principal)
    version = call.query["api-version"]
    done = resources.put(call, unquote(call.request.path), version, call.body, caller, patch=patch)
    kind = resources.resource_type(parse(done.resource_id))
    headers = {}
    if done.ready_at > call.now:
        headers = operations.pace(call, done)
        if kind.answers_with_operation:
            begun = operations.begin(call, done, _operations_path(done.resource_id, "operationStatuses"))
            headers = {"Azure-AsyncOperation": begun["address"], "Retry-After": begun["Retry-After"]}
    return Response(
        kind.created_status if done.created else kind.updated_status, resources.read(call, done.resource_id), headers
    )


def _delete(call: Call) -> Response:
    caller = access.caller_of(call.store, call.principal)
    target = parse(unquote(call.request.path))
    before = resources.resource_type(target).answer_to_delete(call, target)
    done = resources.delete(call, target.text, caller)
    if done is None:
        if target.type == GROUPS:
            raise errors.group_not_found(target.name)
        return Response(204)
    if target.type == GROUPS or done.ready_at > call.now:
        begun = operations.begin(call, done, f"/subscriptions/{target.subscription}/operationresults")
        return Response(202, None, {"Location": begun["address"], "Retry-After": begun["Retry-After"]})
    return Response(200, before)


def _action(name: str) -> Callable[[Call], Response]:
    def handler(call: Call) -> Response:
        caller = access.caller_of(call.store, call.principal)
        target = unquote(call.request.path).rstrip("/").rsplit("/", 1)[0]
        return Response(200, resources.invoke(call, target, name, call.body or {}, caller))

    return handler


def _operations_path(resource_id: str, kind: str) -> str:
    parsed = parse(resource_id)
    return f"/subscriptions/{parsed.subscription}/providers/{parsed.namespace}/locations/global/{kind}"


def _list_of(kind: ResourceType) -> Callable[[Call], Response]:
    def handler(call: Call) -> Response:
        path = unquote(call.request.path).lower().rstrip("/")
        outer = scope_of(path)
        if outer.type not in (SUBSCRIPTIONS, TENANT):
            resources.stored(call, outer)
        whole = outer.type == SUBSCRIPTIONS and not kind.extension
        found = call.store.all(KIND, f"{outer.key}/resourcegroups/" if whole else f"{path}/")
        return Response(200, page(call, [kind.render(call, body) for body in found if body["type"] == kind.name]))

    return handler


def _groups(call: Call) -> Response:
    terms = filters(call, ("tagName", "tagValue"))
    scope = f"/subscriptions/{call.params['subscription']}"
    found = [body for body in call.store.all(GROUP, f"{scope.lower()}/") if _has_tag(body, terms)]
    kind = types()[GROUPS.lower()]
    seen = _visible(call, found, call.route.action, scope)
    return Response(200, page(call, [kind.render(call, body) for body in seen]))


def _resources(call: Call) -> Response:
    """Every resource, as the resource manager lists them: without their properties.

    Who may not look is not told whether there is such a group.
    """
    outer = scope_of(unquote(call.request.path))
    terms = filters(call, ("resourceType", "resourceGroup", "name", "tagName", "tagValue", "location"))
    found = [body for body in call.store.all(KIND, f"{outer.key}/") if _is_listed(body) and _matches(body, terms)]
    seen = _visible(call, found, call.route.action, outer.text)
    if outer.type == GROUPS:
        resources.stored(call, outer)
    expand = {name.strip().lower() for name in call.query.get("$expand", "").split(",")}
    return Response(200, page(call, [_summary(body, expand) for body in seen]))


def _is_listed(body: Document) -> bool:
    """Tracked resources only: what lies in another one, or is attached to it, has no place of its own."""
    kind = find_type(body["type"])
    return kind is not None and not kind.extension and kind.name.count("/") == 1


def _matches(body: Document, terms: dict[str, str]) -> bool:
    found = {
        "resourceType": body["type"],
        "resourceGroup": parse(body["id"]).group,
        "name": body["name"],
        "location": body.get("location", ""),
    }
    wanted = {name: value for name, value in terms.items() if name in found}
    return all(found[name].lower() == value.lower() for name, value in wanted.items()) and _has_tag(body, terms)


def _has_tag(body: Document, terms: dict[str, str]) -> bool:
    tags = {name.lower(): value for name, value in body.get("tags", {}).items()}
    name = terms.get("tagName")
    return name is None or (name.lower() in tags and terms.get("tagValue") in (None, tags[name.lower()]))


def _summary(body: Document, expand: set[str]) -> Document:
    names = ("id", "name", "type", "kind", "location", "tags", "sku", "identity", "managedBy")
    summary = {name: body[name] for name in names if name in body}
    if "createdtime" in expand:
        summary["createdTime"] = iso(body["createdAt"])
    if "changedtime" in expand:
        summary["changedTime"] = iso(body.get("changedAt") or body["createdAt"])
    if "provisioningstate" in expand:
        summary["provisioningState"] = body.get("properties", {}).get("provisioningState", "Succeeded")
    return summary


def _visible(call: Call, found: list[Document], action: str, scope: str) -> list[Document]:
    """All of them for a caller who may list at `scope`, else those on which they may. ApiError 403: none."""
    caller = access.caller_of(call.store, call.principal)
    refusal = access.refusal_of(call, caller, action, scope)
    if refusal is None:
        return found
    seen = [body for body in found if access.refusal_of(call, caller, action, body["id"]) is None]
    if not seen:
        raise refusal
    return seen
