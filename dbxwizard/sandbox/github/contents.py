"""Files by their path: docs.github.com/rest/repos/contents. It alone can write into an empty repository."""

from __future__ import annotations

import base64
from typing import Any

from dbxwizard.sandbox.github import errors, views
from dbxwizard.sandbox.github.git_data import check_workflows, decoded, move_ref, person
from dbxwizard.sandbox.github.objects import TREE, Entry, GitObjects, blob_sha
from dbxwizard.sandbox.github.repositories import git
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_AUTHOR = {"name": str, "email": str, "date?": str}
_PUT_BODY = {"message": str, "content": str, "sha?": str, "branch?": str, "author?": _AUTHOR, "committer?": _AUTHOR}
_REMOVER = {"name?": str, "email?": str}
_DELETE_BODY = {"message": str, "sha": str, "branch?": str, "author?": _REMOVER, "committer?": _REMOVER}


def register(service: Service) -> None:
    root = "/repos/{owner}/{repo}/contents"
    service.route("GET", root, action="contents:read")(_get)
    service.route("GET", root + "/", action="contents:read")(_get)
    service.route("GET", root + "/{path...}", action="contents:read")(_get)
    service.route("PUT", root + "/{path...}", action="contents:write", body=_PUT_BODY)(_put)
    service.route("DELETE", root + "/{path...}", action="contents:write", body=_DELETE_BODY)(_delete)


def _get(call: Call) -> Response:
    body, objects = git(call)
    if objects.empty:
        raise errors.not_found("This repository is empty.")
    ref = call.query.get("ref") or body["defaultBranch"]
    commit = objects.resolve(ref)
    if commit is None:
        raise errors.not_found(f"No commit found for the ref {ref}")
    path = call.params.get("path", "").strip("/")
    found = _find(objects, objects.commit(commit).tree, path)
    if found.mode != TREE:
        return Response(200, _shown(call, body, objects, path, found, ref, whole=True))
    entries = {f"{path}/{name}".strip("/"): entry for name, entry in objects.tree(found.sha).items()}
    return Response(200, [_shown(call, body, objects, name, entry, ref) for name, entry in entries.items()])


def _find(objects: GitObjects, tree: str, path: str) -> Entry:
    entry = Entry(TREE, tree)
    for name in path.split("/") if path else ():
        entries = objects.tree(entry.sha) if entry.mode == TREE else {}
        if name not in entries:
            raise errors.not_found()
        entry = entries[name]
    return entry


def _shown(
    call: Call, body: Document, objects: GitObjects, path: str, entry: Entry, ref: str, *, whole: bool = False
) -> dict[str, Any]:
    """A file or a folder; `whole` adds the content."""
    url = f"{views.api(call, body)}/contents/{path}?ref={ref}"
    git_url = f"{views.api(call, body)}/git/{entry.kind}s/{entry.sha}"
    html = f"{views.web(call, body)}/{entry.kind}/{ref}/{path}"
    content = objects.blob(entry.sha) if entry.kind == "blob" else b""
    kind = {"120000": "symlink", TREE: "dir"}.get(entry.mode, "file")
    shown: dict[str, Any] = {
        "type": kind,
        "size": len(content),
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": entry.sha,
        "url": url,
        "git_url": git_url,
        "html_url": html,
        "download_url": f"{views.web(call, body)}/raw/{ref}/{path}" if kind == "file" else None,
        "_links": {"self": url, "git": git_url, "html": html},
    }
    if whole and kind == "symlink":
        shown["target"] = content.decode()
    elif whole:
        shown |= {"encoding": "base64", "content": base64.encodebytes(content).decode()}
    return shown


def _put(call: Call) -> Response:
    body, objects = git(call)
    path, content = _clean(call.params["path"]), decoded(call.body["content"])
    branch, head = _branch(call, body, objects)
    files = objects.files(objects.commit(head).tree) if head else {}
    old = files.get(path)
    if any(name.startswith(f"{path}/") for name in files):
        raise errors.unprocessable(f"{path} is a directory")
    _check_sha(call, path, old)
    new = {**files, path: Entry(old.mode if old else "100644", blob_sha(content))}
    check_workflows(call, body, files, new)
    objects.write("blob", content)
    commit = _commit(call, body, objects, branch, head, new)
    shown = _shown(call, body, objects, path, new[path], branch)
    return Response(200 if old else 201, {"content": shown, "commit": commit})


def _clean(path: str) -> str:
    if any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise errors.unprocessable("path contains a malformed path component")
    return path


def _branch(call: Call, body: Document, objects: GitObjects) -> tuple[str, str]:
    """The branch to write to and its head, "" in an empty repository."""
    branch = call.body.get("branch") or body["defaultBranch"]
    head = objects.ref(f"refs/heads/{branch}") or ""
    if not head and not (objects.empty and branch == body["defaultBranch"]):
        raise errors.not_found(f"Branch {branch} not found")
    return branch, head


def _check_sha(call: Call, path: str, old: Entry | None) -> None:
    given = call.body.get("sha")
    if old and not given:
        raise errors.unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.')
    if given and (old is None or old.sha != given):
        raise ApiError(409, "Conflict", f"{path} does not match {given}")


def _commit(
    call: Call, body: Document, objects: GitObjects, branch: str, head: str, files: dict[str, Entry]
) -> dict[str, Any]:
    committer = person(call, call.body.get("committer"))
    author = person(call, call.body.get("author"), committer)
    parents = (head,) if head else ()
    sha = objects.write_commit(objects.write_files(files), parents, author, committer, call.body["message"])
    move_ref(call, body, objects, f"refs/heads/{branch}", sha)
    return views.git_commit(call, body, objects.commit(sha))


def _delete(call: Call) -> Response:
    body, objects = git(call)
    path = _clean(call.params["path"])
    branch, head = _branch(call, body, objects)
    files = objects.files(objects.commit(head).tree) if head else {}
    if path not in files:
        raise errors.not_found()
    _check_sha(call, path, files[path])
    rest = {name: entry for name, entry in files.items() if name != path}
    check_workflows(call, body, files, rest)
    return Response(200, {"content": None, "commit": _commit(call, body, objects, branch, head, rest)})
