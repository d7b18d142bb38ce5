"""The Repos API: Git folders. They are cloned from the sandbox's GitHub, with the caller's Git credential."""

from __future__ import annotations

from urllib.parse import urlsplit

from dbxwizard.sandbox.databricks import acls, errors, files
from dbxwizard.sandbox.databricks.git_credentials import credential_for, provider_of
from dbxwizard.sandbox.databricks.state import Caller, WorkspaceState, page
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document, Store

VERSIONS = ("2.0",)
PAGE = 100
_SPARSE = {"patterns": [str]}
_CREATE = {"url": str, "provider": str, "path?": str, "sparse_checkout?": _SPARSE, "git_credential_id?": int}
_UPDATE = {
    "branch?": str,
    "tag?": str,
    "sparse_checkout?": _SPARSE,
    "git_credential_id?": int,
    "dangerously_force_discard_all?": bool,
}


def register(service: Service) -> None:
    prefix = "/api/{version}/repos"
    one = f"{prefix}/{{repo_id}}"
    service.route("POST", prefix, api_versions=VERSIONS, body=_CREATE)(_create)
    service.route("GET", prefix, api_versions=VERSIONS, query=("path_prefix", "next_page_token"))(_list)
    service.route("GET", one, api_versions=VERSIONS, action="repos:CAN_READ")(_get)
    service.route("PATCH", one, api_versions=VERSIONS, body=_UPDATE, action="repos:CAN_EDIT")(_update)
    service.route("DELETE", one, api_versions=VERSIONS, action="repos:CAN_MANAGE")(_delete)


def repository(store: Store, url: str) -> Document | None:
    """The repository of the sandbox's GitHub that an address names; None when there is none."""
    parts = urlsplit(url).path.removesuffix(".git").strip("/").split("/")
    return access.find_repository(store, *parts) if len(parts) == 2 else None


def readable(state: WorkspaceState, principal: Document, found: Document, provider: str) -> bool:
    """Whether the principal may clone the repository: public ones all may, others with a credential that sees them."""
    if not found["private"]:
        return True
    credential = credential_for(state, principal, provider)
    body = state.store.get("_github.token", credential["token_hash"]) if credential else None
    if credential is None or body is None:
        return False
    holder = access.Principal(
        login=body["login"],
        account_id=0,
        kind=body["kind"],
        token_hash=credential["token_hash"],
        scopes=tuple(body["scopes"]),
        permissions=body["permissions"],
        repositories=None if body["repositories"] is None else tuple(body["repositories"]),
    )
    return access.sees(state.store, holder, found)


def _cloned(call: Call, url: str, provider: str) -> tuple[Document, GitObjects]:
    state, caller = WorkspaceState.of(call), Caller.of(call)
    found = repository(call.store, url)
    if found is not None and not readable(state, caller.principal, found, provider):
        message = "Missing Git provider credentials. Go to User Settings > Git Integration to add your access token."
        raise errors.denied(message)
    if found is None:
        raise ApiError(400, "BAD_REQUEST", f"Failed to clone repo. Failure reason: {url} was not found.")
    return found, GitObjects(call.store, found["id"])


def _create(call: Call) -> Response:
    state, caller, url = WorkspaceState.of(call), Caller.of(call), call.body["url"]
    provider = provider_of(call.body["provider"])
    path = files.normal(call.body.get("path") or f"/Repos/{caller.name}/{urlsplit(url).path.split('/')[-1]}")
    if state.get("object", files.parent(path)) is None:
        raise errors.not_found(f"Parent directory {files.parent(path)} does not exist.")
    files.require(call, path, "CAN_MANAGE")
    if state.get("object", path):
        message = (
            f"Repo {path} already exists. If you would like to create two repos from the same remote Git repo, "
            "rename the first repo before creating the second."
        )
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", message)
    found, git = _cloned(call, url, provider)
    branch = found["defaultBranch"]
    entry = files.add(call, state, path, "REPO")
    body: Document = {"id": int(entry["object_id"]), "path": path, "url": url, "provider": provider}
    body |= {"branch": branch, "head_commit_id": git.ref(f"refs/heads/{branch}")}
    if "sparse_checkout" in call.body:
        body["sparse_checkout"] = call.body["sparse_checkout"]
    state.put("repo", entry["object_id"], body)
    acls.give(state, "repos", entry["object_id"], caller.principal, "CAN_MANAGE")
    return Response(200, _shown(body))


def _shown(body: Document) -> Document:
    return {key: value for key, value in body.items() if value is not None}


def _found(call: Call) -> tuple[WorkspaceState, Document]:
    state, number = WorkspaceState.of(call), call.params["repo_id"]
    body = state.get("repo", number)
    if body is None:
        raise errors.not_found(f"Repo could not be found. Repo ID: {number}")
    return state, body


def _get(call: Call) -> Response:
    return Response(200, _shown(_found(call)[1]))


def _list(call: Call) -> Response:
    state, caller, prefix = WorkspaceState.of(call), Caller.of(call), call.query.get("path_prefix", "/Repos")
    seen = [
        _shown(body)
        for body in sorted(state.all("repo"), key=lambda body: str(body["path"]))
        if body["path"].startswith(files.normal(prefix))
        and (caller.admin or acls.allowed(state, caller.principal, "repos", str(body["id"]), "CAN_READ"))
    ]
    some, following = page(seen, PAGE, call.query.get("next_page_token", ""))
    answer: Document = {"repos": some} if some else {}
    return Response(200, {**answer, "next_page_token": following} if following else answer)


def _update(call: Call) -> Response:
    """Sets the folder to a branch or a tag, as it is on GitHub now; a tag leaves no branch."""
    state, body = _found(call)
    branch, tag = call.body.get("branch"), call.body.get("tag")
    if branch and tag:
        raise errors.invalid("Only one of branch and tag can be specified.")
    if branch or tag:
        _, git = _cloned(call, body["url"], body["provider"])
        commit = git.ref(f"refs/heads/{branch}" if branch else f"refs/tags/{tag}")
        if commit is None:
            kind, name = ("Branch", branch) if branch else ("Tag", tag)
            raise errors.not_found(f"{kind} '{name}' does not exist in {body['url']}.")
        body = {**body, "branch": branch, "head_commit_id": _commit_of(git, commit)}
    if "sparse_checkout" in call.body:
        body["sparse_checkout"] = call.body["sparse_checkout"]
    state.put("repo", call.params["repo_id"], body)
    return Response(200, {})


def _commit_of(git: GitObjects, sha: str) -> str:
    """The commit that an annotated tag points to; any other object is the commit itself."""
    found = git.read(sha)
    if found is None or found[0] != "tag":
        return sha
    return found[1].decode().split("\n", 1)[0].removeprefix("object ")


def _delete(call: Call) -> Response:
    state, body = _found(call)
    files.remove(state, files.existing(state, body["path"]))
    return Response(200, {})
