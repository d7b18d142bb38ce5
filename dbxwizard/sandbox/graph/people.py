"""Users, groups, and directory objects of any kind by their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dbxwizard.sandbox.entra.directory import find_user
from dbxwizard.sandbox.graph import odata, views
from dbxwizard.sandbox.graph.views import GROUP, OBJECT, USER
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document, Store

_KINDS: dict[str, tuple[str, Callable[[Call, Document], Document]]] = {
    "user": ("directory.user", views.user),
    "group": ("directory.group", views.group),
    "servicePrincipal": ("directory.servicePrincipal", views.principal),
    "application": ("directory.application", views.application),
}
_MAX_IDS = 1000


def register(service: Service) -> None:
    service.route("GET", "/v1.0/me", action="User.Read.All")(_me)
    service.route("GET", "/v1.0/me/memberOf", action="Group.Read.All")(_my_groups)
    service.route("GET", "/v1.0/users", action="User.Read.All")(_users)
    service.route("GET", "/v1.0/users/{key}", action="User.Read.All")(_user)
    service.route("GET", "/v1.0/groups", action="Group.Read.All")(_groups)
    service.route("GET", "/v1.0/groups/{id}", action="Group.Read.All")(_group)
    service.route("GET", "/v1.0/groups/{id}/members", action="Group.Read.All")(_members)
    service.route("GET", "/v1.0/groups/{id}/transitiveMembers", action="Group.Read.All")(_transitive_members)
    by_ids = {"ids": [str], "types?": [str]}
    service.route("POST", "/v1.0/directoryObjects/getByIds", body=by_ids, action="Application.Read.All")(_by_ids)
    service.route("GET", "/v1.0/policies/authorizationPolicy", action="Policy.Read.All")(_policy)


def missing(object_id: str) -> ApiError:
    return ApiError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present.",
    )


def _me(call: Call) -> Response:
    return odata.one(call, USER, views.user(call, _self(call)))


def _self(call: Call) -> Document:
    user = call.store.get("directory.user", call.principal.object_id)
    if user is None:
        raise missing(call.principal.object_id)
    return user


def _my_groups(call: Call) -> Response:
    me = _self(call)["id"]
    groups = (body for body in call.store.all("directory.group") if me in body["members"])
    found = [views.typed("group", views.group(call, body)) for body in groups]
    return odata.page(call, OBJECT, found)


def _users(call: Call) -> Response:
    return odata.page(call, USER, [views.user(call, body) for body in call.store.all("directory.user")])


def _user(call: Call) -> Response:
    user = find_user(call.store, call.params["key"])
    if user is None:
        raise missing(call.params["key"])
    return odata.one(call, USER, views.user(call, user))


def _groups(call: Call) -> Response:
    return odata.page(call, GROUP, [views.group(call, body) for body in call.store.all("directory.group")])


def _find_group(call: Call) -> Document:
    group = call.store.get("directory.group", call.params["id"].lower())
    if group is None:
        raise missing(call.params["id"])
    return group


def _group(call: Call) -> Response:
    return odata.one(call, GROUP, views.group(call, _find_group(call)))


def _members(call: Call) -> Response:
    return odata.page(call, OBJECT, [_shown(call, object_id) for object_id in _find_group(call)["members"]])


def _transitive_members(call: Call) -> Response:
    ids = dict.fromkeys(transitive_members(call.store, _find_group(call), set()))
    return odata.page(call, OBJECT, [_shown(call, object_id) for object_id in ids])


def transitive_members(store: Store, group: Document, seen: set[str]) -> Iterator[str]:
    """The ids of a group's members and of theirs; groups that contain each other end too."""
    seen.add(group["id"])
    for object_id in group["members"]:
        yield object_id
        inner = store.get("directory.group", object_id)
        if inner is not None and object_id not in seen:
            yield from transitive_members(store, inner, seen)


def _shown(call: Call, object_id: str) -> Document:
    for kind, (document_kind, view) in _KINDS.items():
        body = call.store.get(document_kind, object_id)
        if body is not None:
            return views.typed(kind, view(call, body))
    raise missing(object_id)


def _by_ids(call: Call) -> Response:
    """Ids that nobody has are left out."""
    ids, types = call.body["ids"], [name.lower() for name in call.body.get("types") or []]
    if not 0 < len(ids) <= _MAX_IDS:
        raise ApiError(400, "Request_BadRequest", f"The number of ids must be between 1 and {_MAX_IDS}.")
    found = []
    for kind, (document_kind, view) in _KINDS.items():
        if not types or kind.lower() in types or "directoryobject" in types:
            bodies = (call.store.get(document_kind, object_id.lower()) for object_id in dict.fromkeys(ids))
            found += [views.typed(kind, view(call, body)) for body in bodies if body is not None]
    return odata.page(call, OBJECT, found)


def _policy(call: Call) -> Response:
    allowed = (call.store.get("_setting", "entra") or {}).get("members_may_register", True)
    permissions = {
        "allowedToCreateApps": allowed,
        "allowedToCreateSecurityGroups": True,
        "allowedToReadOtherUsers": True,
    }
    return Response(200, {"id": "authorizationPolicy", "defaultUserRolePermissions": permissions})
