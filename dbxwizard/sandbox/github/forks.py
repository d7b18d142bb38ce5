"""Forks: docs.github.com/rest/repos/forks. A fork has everything of its own; Actions are off in it, as in a new one."""

from __future__ import annotations

from dbxwizard.sandbox.github import access, errors, seed, views
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import git, repository, save
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document, Store

_BODY = {"organization?": str, "name?": str, "default_branch_only?": bool}


def register(service: Service) -> None:
    every = "/repos/{owner}/{repo}/forks"
    service.route("GET", every, action="contents:read")(_list)
    service.route("POST", every, action="contents:read", body=_BODY)(_create)


def every(store: Store, parent: Document) -> list[Document]:
    return [body for body in store.all("github.repository") if body.get("parent") == parent["id"]]


def of_owner(store: Store, parent: Document, owner: str, name: str = "") -> Document | None:
    """Somebody's fork; `name` where they have several."""
    found = [body for body in every(store, parent) if body["owner"].lower() == owner.lower()]
    return next((body for body in found if name in ("", body["name"])), None)


def _list(call: Call) -> Response:
    found = [body for body in every(call.store, repository(call)) if access.sees(call.store, call.principal, body)]
    return page(call, [views.repository(call, body) for body in found])


def _create(call: Call) -> Response:
    """GitHub answers before it has copied the branches; here they are there at once."""
    body, objects = git(call)
    owner = access.account(call.store, call.body.get("organization") or access.caller(call)["login"])["login"]
    if owner == body["owner"]:
        raise ApiError(403, "Forbidden", "A repository can't be forked to the account that it belongs to.")
    if access.role(call.store, {**body, "owner": owner}, access.caller(call)["login"]) != "admin":
        raise errors.not_found()
    made = of_owner(call.store, body, owner) or _copy(call, body, objects, owner)
    return Response(202, views.repository(call, made))


def _copy(call: Call, body: Document, objects: GitObjects, owner: str) -> Document:
    name = call.body.get("name") or body["name"]
    if access.find_repository(call.store, owner, name):
        raise errors.unprocessable(f"Name already exists on this account: {owner}/{name}")
    number = int(call.new_id("github.repository", f"{owner}/{name}")[:7], 16)
    made = {**seed.new_repository(f"{owner}/{name}", number, call.now, private=body["private"]), "parent": body["id"]}
    made |= {"defaultBranch": body["defaultBranch"]}
    save(call, made)
    theirs = GitObjects(call.store, number)
    prefix = f"refs/heads/{body['defaultBranch']}" if call.body.get("default_branch_only") else "refs/heads/"
    for ref, sha in objects.refs(prefix).items():
        theirs.take(objects, sha)
        theirs.set_ref(ref, sha)
    return made
