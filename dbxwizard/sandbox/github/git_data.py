"""The git data API: blobs, trees, commits and refs.

docs.github.com/rest/git. In a repository without a commit each of them answers 409.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any

from dbxwizard.sandbox.github import access, errors, rulesets, triggers, views
from dbxwizard.sandbox.github.merging import changed_names
from dbxwizard.sandbox.github.objects import MODES, TREE, Entry, GitObjects, Ident
from dbxwizard.sandbox.github.repositories import git, repository, save
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_ROOT = "/repos/{owner}/{repo}/git"
_AUTHOR = {"name": str, "email": str, "date?": str}
_COMMITTER = {"name?": str, "email?": str, "date?": str}
_TREE_BODY = {
    "tree": [{"path?": str, "mode?": str, "type?": str, "sha?": str, "content?": str}],
    "base_tree?": str,
}
_COMMIT_BODY = {
    "message": str,
    "tree": str,
    "parents?": [str],
    "author?": _AUTHOR,
    "committer?": _COMMITTER,
    "signature?": str,
}
_NOT_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{")
WORKFLOWS = ".github/workflows/"
HIDDEN = "refs/pull/"  # GitHub alone writes there


def register(service: Service) -> None:
    read, write = "contents:read", "contents:write"
    blob = {"content": str, "encoding?": str}
    service.route("POST", _ROOT + "/blobs", action=write, body=blob)(_create_blob)
    service.route("GET", _ROOT + "/blobs/{sha}", action=read)(_get_blob)
    service.route("POST", _ROOT + "/trees", action=write, body=_TREE_BODY)(_create_tree)
    service.route("GET", _ROOT + "/trees/{sha...}", action=read)(_get_tree)
    service.route("POST", _ROOT + "/commits", action=write, body=_COMMIT_BODY)(_create_commit)
    service.route("GET", _ROOT + "/commits/{sha}", action=read)(_get_commit)
    service.route("GET", _ROOT + "/ref/{ref...}", action=read)(_get_ref)
    service.route("GET", _ROOT + "/matching-refs/{ref...}", action=read)(_matching_refs)
    service.route("POST", _ROOT + "/refs", action=write, body={"ref": str, "sha": str})(_create_ref)
    service.route("PATCH", _ROOT + "/refs/{ref...}", action=write, body={"sha": str, "force?": bool})(_update_ref)
    service.route("DELETE", _ROOT + "/refs/{ref...}", action=write)(_delete_ref)


def filled(call: Call) -> tuple[Document, GitObjects]:
    """The repository and its objects; ApiError 409 while it has no commit."""
    body, objects = git(call)
    if objects.empty:
        raise ApiError(409, "Conflict", "Git Repository is empty.")
    return body, objects


def decoded(text: str) -> bytes:
    """Base64 as GitHub takes it, with or without line breaks. Raises ApiError 422 for anything else."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.unprocessable("content is not valid Base64") from error


# Blobs.


def _create_blob(call: Call) -> Response:
    body, objects = filled(call)
    encoding, content = call.body.get("encoding") or "utf-8", call.body["content"]
    if encoding not in ("utf-8", "base64"):
        raise errors.unprocessable("encoding is not valid: it is utf-8 or base64")
    sha = objects.write("blob", decoded(content) if encoding == "base64" else content.encode())
    return Response(201, {"sha": sha, "url": f"{views.api(call, body)}/git/blobs/{sha}"})


def _get_blob(call: Call) -> Response:
    body, objects = filled(call)
    sha = call.params["sha"]
    if objects.kind(sha) != "blob":
        raise errors.not_found()
    content = objects.blob(sha)
    known = {"sha": sha, "node_id": views.node_id("Blob", sha), "url": f"{views.api(call, body)}/git/blobs/{sha}"}
    text = base64.encodebytes(content).decode()
    return Response(200, {**known, "size": len(content), "content": text, "encoding": "base64"})


# Trees.


def _create_tree(call: Call) -> Response:
    body, objects = filled(call)
    files: dict[str, Entry] = {}
    if call.body.get("base_tree"):
        files = objects.files(_tree_of(objects, call.body["base_tree"]))
    before = dict(files)
    for item in call.body["tree"]:
        _apply(objects, files, item)
    check_workflows(call, body, before, files)
    return Response(201, _shown_tree(call, body, objects, objects.write_files(files), recursive=False))


def _apply(objects: GitObjects, files: dict[str, Entry], item: dict[str, Any]) -> None:
    """One item of a new tree: a file's content, an object by its SHA, or a path that goes (sha null)."""
    path, mode = item.get("path") or "", item.get("mode")
    if not path or any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise errors.unprocessable("tree.path contains a malformed path component")
    if mode not in MODES:
        raise errors.unprocessable("Must supply a valid tree.mode")
    if item.get("content") is not None and item.get("sha") is not None:
        raise errors.unprocessable("Must supply either tree.sha or tree.content, not both")
    gone = item.get("content") is None and item.get("sha") is None
    if gone and "sha" not in item:
        raise errors.unprocessable("Must supply either tree.sha or tree.content")
    for name in [name for name in files if name == path or name.startswith(f"{path}/")]:
        del files[name]
    if not gone:
        files |= _added(objects, path, mode, item)


def _added(objects: GitObjects, path: str, mode: str, item: dict[str, Any]) -> dict[str, Entry]:
    if item.get("content") is not None:
        return {path: Entry(mode, objects.write("blob", item["content"].encode()))}
    entry = Entry(mode, item["sha"])
    if objects.kind(entry.sha) != entry.kind:
        raise errors.unprocessable(f"tree.sha {entry.sha} is not a valid {entry.kind}")
    return objects.files(entry.sha, f"{path}/") if mode == TREE else {path: entry}


def check_workflows(call: Call, body: Document, before: dict[str, Entry], after: dict[str, Entry]) -> None:
    """Changing a workflow needs a right of its own; without it a classic token sees 404
    (github.com/github/docs/pull/4770)."""
    if changed_workflows(before, after):
        access.require(call, body, "workflows", "write")


def changed_workflows(before: dict[str, Entry], after: dict[str, Entry]) -> list[str]:
    return [name for name in changed_names(before, after) if name.startswith(WORKFLOWS)]


def _tree_of(objects: GitObjects, sha: str) -> str:
    """The tree that `sha` names, itself or by its commit. ApiError 422 when it names none."""
    kind = objects.kind(sha)
    if kind not in ("tree", "commit"):
        raise errors.unprocessable("base_tree is not a valid tree oid")
    return objects.commit(sha).tree if kind == "commit" else sha


def _get_tree(call: Call) -> Response:
    body, objects = filled(call)
    sha = objects.resolve(call.params["sha"])
    if sha is None or objects.kind(sha) == "blob":
        raise errors.not_found()
    return Response(200, _shown_tree(call, body, objects, _tree_of(objects, sha), recursive="recursive" in call.query))


def _shown_tree(call: Call, body: Document, objects: GitObjects, sha: str, *, recursive: bool) -> dict[str, Any]:
    url = f"{views.api(call, body)}/git"
    items = [_shown_entry(objects, url, path, entry) for path, entry in _entries(objects, sha, "", recursive=recursive)]
    return {"sha": sha, "url": f"{url}/trees/{sha}", "tree": items, "truncated": False}


def _entries(objects: GitObjects, sha: str, under: str, *, recursive: bool) -> list[tuple[str, Entry]]:
    found: list[tuple[str, Entry]] = []
    for name, entry in objects.tree(sha).items():
        found.append((under + name, entry))
        if recursive and entry.mode == TREE:
            found += _entries(objects, entry.sha, f"{under}{name}/", recursive=True)
    return found


def _shown_entry(objects: GitObjects, url: str, path: str, entry: Entry) -> dict[str, Any]:
    shown: dict[str, Any] = {"path": path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha}
    if entry.kind == "blob":
        shown["size"] = len(objects.blob(entry.sha))
    return {**shown, "url": f"{url}/{entry.kind}s/{entry.sha}"}


# Commits.


def person(call: Call, asked: dict[str, Any] | None, default: Ident | None = None) -> Ident:
    """The person that a body names, else `default`, else the caller now."""
    if not asked:
        return default or _caller(call)
    if not asked.get("name") or not asked.get("email"):
        missing = "email" if asked.get("name") else "name"
        raise errors.unprocessable(f'Invalid request.\n\n"{missing}" wasn\'t supplied.')
    return Ident(asked["name"], asked["email"], _time(asked["date"]) if asked.get("date") else int(call.now))


def _caller(call: Call) -> Ident:
    account = access.caller(call)
    return Ident(account["name"], access.email(account), int(call.now))


def _time(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        raise errors.unprocessable(f"Invalid request.\n\n{text} is not a valid ISO-8601 date.") from error


def _create_commit(call: Call) -> Response:
    body, objects = filled(call)
    if objects.kind(call.body["tree"]) != "tree":
        raise errors.unprocessable("Tree SHA does not exist")
    parents = tuple(call.body.get("parents") or ())
    if any(objects.kind(parent) != "commit" for parent in parents):
        raise errors.unprocessable("Parent SHA does not exist or is not a commit object")
    author = person(call, call.body.get("author"))
    committer = person(call, call.body.get("committer"), author)
    sha = objects.write_commit(call.body["tree"], parents, author, committer, call.body["message"])
    return Response(201, views.git_commit(call, body, objects.commit(sha)))


def _get_commit(call: Call) -> Response:
    body, objects = filled(call)
    if objects.kind(call.params["sha"]) != "commit":
        raise errors.not_found()
    return Response(200, views.git_commit(call, body, objects.commit(call.params["sha"])))


# Refs.


def _shown_ref(call: Call, body: Document, objects: GitObjects, name: str, sha: str) -> dict[str, Any]:
    url, kind = f"{views.api(call, body)}/git", objects.kind(sha)
    target = {"type": kind, "sha": sha, "url": f"{url}/{kind}s/{sha}"}
    return {"ref": name, "node_id": views.node_id("Ref", name), "url": f"{url}/{name}", "object": target}


def _get_ref(call: Call) -> Response:
    body, objects = filled(call)
    name = f"refs/{call.params['ref']}"
    sha = objects.ref(name)
    if sha is None:
        raise errors.not_found()
    return Response(200, _shown_ref(call, body, objects, name, sha))


def _matching_refs(call: Call) -> Response:
    body, objects = filled(call)
    found = objects.refs(f"refs/{call.params['ref']}")
    return Response(200, [_shown_ref(call, body, objects, name, sha) for name, sha in found.items()])


def _create_ref(call: Call) -> Response:
    body, objects = filled(call)
    name, sha = call.body["ref"], call.body["sha"]
    if not is_ref(name):
        raise errors.unprocessable(f"Invalid request.\n\n{name} is not a valid ref name.")
    if objects.kind(sha) != "commit":
        raise errors.unprocessable("Object does not exist")
    if objects.ref(name) is not None:
        raise errors.unprocessable("Reference already exists")
    move_ref(call, body, objects, name, sha)
    return Response(201, _shown_ref(call, body, objects, name, sha))


def is_ref(name: str) -> bool:
    """Whether git allows the name: git-scm.com/docs/git-check-ref-format."""
    first, *parts = name.split("/")
    return (
        first == "refs"
        and len(parts) > 1
        and not _NOT_IN_REFS.search(name)
        and not any(not part or part.startswith(".") or part.endswith((".", ".lock")) for part in parts)
    )


def move_ref(
    call: Call,
    body: Document,
    objects: GitObjects,
    name: str,
    sha: str,
    *,
    force: bool = False,
    starts: bool = True,
) -> None:
    """Points a ref at a commit, as far as git's names and the repository's rules allow it.

    Then starts what that starts, where `starts` says so.
    """
    nested = [known for known in objects.refs() if known.startswith(f"{name}/") or name.startswith(f"{known}/")]
    if nested or name.startswith(HIDDEN):
        raise errors.unprocessable("Reference update failed")
    rulesets.check_update(call, body, objects, name, sha, force=force)
    old = objects.ref(name)
    objects.set_ref(name, sha)
    save(call, {**body, "pushedAt": call.now})
    if starts:
        triggers.ref_moved(call, body, objects, name, old, forced=force)


def _update_ref(call: Call) -> Response:
    body, objects = filled(call)
    name, sha, force = f"refs/{call.params['ref']}", call.body["sha"], bool(call.body.get("force"))
    old = objects.ref(name)
    if old is None:
        raise errors.unprocessable("Reference does not exist")
    if objects.kind(sha) != "commit":
        raise errors.unprocessable("Object does not exist")
    forward = objects.contains(sha, old)
    if not forward and not force:
        raise errors.unprocessable("Update is not a fast forward")
    move_ref(call, body, objects, name, sha, force=not forward)
    return Response(200, _shown_ref(call, body, objects, name, sha))


def _delete_ref(call: Call) -> Response:
    body, objects = filled(call)
    name = f"refs/{call.params['ref']}"
    if name == f"refs/heads/{repository(call)['defaultBranch']}":
        raise errors.unprocessable("Cannot delete the default branch")
    if objects.ref(name) is None:
        raise errors.unprocessable("Reference does not exist")
    if name.startswith(HIDDEN):
        raise errors.unprocessable("Reference update failed")
    remove_ref(call, body, objects, name)
    return Response(204)


def remove_ref(call: Call, body: Document, objects: GitObjects, name: str) -> None:
    """As far as the repository's rules allow it."""
    rulesets.check_deletion(call, body, name)
    old = objects.ref(name)
    objects.delete_ref(name)
    triggers.ref_moved(call, body, objects, name, old)
