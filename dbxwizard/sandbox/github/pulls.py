"""Pull requests between branches of one repository: docs.github.com/rest/pulls/pulls."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github import access, errors, views
from dbxwizard.sandbox.github.branches import changed_lines, changed_names
from dbxwizard.sandbox.github.git_data import check_workflows, filled, person
from dbxwizard.sandbox.github.objects import Entry, GitObjects, utc
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import git, save
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_CREATE_BODY = {
    "title": str,
    "head": str,
    "base": str,
    "body?": str,
    "draft?": bool,
    "maintainer_can_modify?": bool,
    "head_repo?": str,
}
_EDIT_BODY = {"title?": str, "body?": str, "state?": str, "base?": str, "maintainer_can_modify?": bool}
_MERGE_BODY = {"commit_title?": str, "commit_message?": str, "sha?": str, "merge_method?": str}


def register(service: Service) -> None:
    every = "/repos/{owner}/{repo}/pulls"
    one = every + "/{number}"
    read, write = "pull_requests:read", "pull_requests:write"
    service.route("GET", every, action=read)(_list)
    service.route("POST", every, action=write, body=_CREATE_BODY)(_create)
    service.route("GET", one, action=read)(_get)
    service.route("PATCH", one, action=write, body=_EDIT_BODY)(_edit)
    service.route("GET", one + "/merge", action=read)(_is_merged)
    service.route("PUT", one + "/merge", action="contents:write", body=_MERGE_BODY)(_merge)


def _key(body: Document, number: int) -> str:
    return f"{body['id']}/{number:08d}"


def _list(call: Call) -> Response:
    body, objects = git(call)
    asked = call.query
    state, head, base = asked.get("state", "open"), asked.get("head", ""), asked.get("base", "")
    found = [
        pull
        for pull in reversed(call.store.all("github.pull", f"{body['id']}/"))
        if state in ("all", pull["state"])
        and base in ("", pull["base"])
        and head in ("", pull["head"], f"{body['owner']}:{pull['head']}")
    ]
    return page(call, [_shown(call, body, objects, pull) for pull in found])


def _shown(call: Call, body: Document, objects: GitObjects, pull: Document) -> dict[str, Any]:
    html = f"{views.web(call, body)}/pull/{pull['number']}"
    head = _side(call, body, objects, pull["head"], pull["headSha"])
    links = _links(views.api(call, body), pull["number"], head["sha"])
    return {
        "id": pull["id"],
        "node_id": views.node_id("PullRequest", pull["id"]),
        "number": pull["number"],
        "state": pull["state"],
        "locked": False,
        "title": pull["title"],
        "user": views.account(call, access.account(call.store, pull["author"])),
        "body": pull["body"],
        "labels": [],
        "milestone": None,
        "assignee": None,
        "draft": pull["draft"],
        "created_at": utc(pull["createdAt"]),
        "updated_at": utc(pull["updatedAt"]),
        "closed_at": utc(pull["closedAt"]) if pull["closedAt"] else None,
        "merged_at": utc(pull["closedAt"]) if pull["mergeSha"] else None,
        "merge_commit_sha": pull["mergeSha"],
        "author_association": "MEMBER",
        "auto_merge": None,
        "head": head,
        "base": _side(call, body, objects, pull["base"], pull["baseSha"]),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "url": links["self"],
        **{f"{name}_url": url for name, url in links.items() if name != "self"},
        "_links": {name: {"href": url} for name, url in {**links, "html": html}.items()},
    }


def _links(api: str, number: int, sha: str) -> dict[str, str]:
    own = f"{api}/pulls/{number}"
    return {
        "self": own,
        "issue": f"{api}/issues/{number}",
        "comments": f"{api}/issues/{number}/comments",
        "review_comments": f"{own}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{own}/commits",
        "statuses": f"{api}/statuses/{sha}",
    }


def _side(call: Call, body: Document, objects: GitObjects, branch: str, kept: str) -> dict[str, Any]:
    """One end: an open pull request follows its branch, a closed one keeps what it was closed at."""
    return {
        "label": f"{body['owner']}:{branch}",
        "ref": branch,
        "sha": kept or objects.ref(f"refs/heads/{branch}"),
        "user": views.account(call, access.account(call.store, body["owner"])),
        "repo": views.repository(call, body),
    }


def _invalid(**error: str) -> ApiError:
    return errors.validation_failed({"resource": "PullRequest", **error})


def _create(call: Call) -> Response:
    body, objects = git(call)
    base, head = call.body["base"], call.body["head"].removeprefix(f"{body['owner']}:")
    for field, branch in (("head", head), ("base", base)):
        if objects.ref(f"refs/heads/{branch}") is None:
            raise _invalid(field=field, code="invalid")
    known = call.store.all("github.pull", f"{body['id']}/")
    if any(pull["state"] == "open" and (pull["head"], pull["base"]) == (head, base) for pull in known):
        raise _invalid(code="custom", message=f"A pull request already exists for {body['owner']}:{head}.")
    if objects.contains(objects.refs()[f"refs/heads/{base}"], objects.refs()[f"refs/heads/{head}"]):
        raise _invalid(code="custom", message=f"No commits between {base} and {head}")
    pull = _new(call, body, len(known) + 1, head, base)
    call.store.put("github.pull", _key(body, pull["number"]), pull)
    return Response(201, _whole(call, body, objects, pull))


def _new(call: Call, body: Document, number: int, head: str, base: str) -> Document:
    return {
        "id": int(call.new_id("github.pull", f"{body['id']}/{number}")[:8], 16),
        "number": number,
        "title": call.body["title"],
        "body": call.body.get("body"),
        "draft": bool(call.body.get("draft")),
        "head": head,
        "base": base,
        "headSha": "",
        "baseSha": "",
        "mergeSha": None,
        "mergedBy": None,
        "state": "open",
        "author": call.principal.login,
        "createdAt": call.now,
        "updatedAt": call.now,
        "closedAt": None,
    }


def _found(call: Call) -> tuple[Document, GitObjects, Document]:
    body, objects = git(call)
    number = call.params["number"]
    found = call.store.get("github.pull", f"{body['id']}/{number:0>8}")
    if found is None:
        raise errors.not_found()
    return body, objects, found


def _whole(call: Call, body: Document, objects: GitObjects, pull: Document) -> dict[str, Any]:
    """The form of a single pull request: with what a merge would do."""
    shown = _shown(call, body, objects, pull)
    files = _merged_files(objects, shown["base"]["sha"], shown["head"]["sha"]) if pull["state"] == "open" else None
    clean = files is not None
    return {
        **shown,
        **_size(objects, shown["base"]["sha"], shown["head"]["sha"]),
        "merged": pull["mergeSha"] is not None,
        "merged_by": views.account(call, access.account(call.store, pull["mergedBy"])) if pull["mergedBy"] else None,
        "mergeable": clean if pull["state"] == "open" else None,
        "mergeable_state": "clean" if clean else "dirty" if pull["state"] == "open" else "unknown",
        "maintainer_can_modify": False,
    }


def _size(objects: GitObjects, base: str | None, head: str | None) -> dict[str, int]:
    """How much a pull request brings, and how much was said of it."""
    counts = {"comments": 0, "review_comments": 0, "commits": 0, "additions": 0, "deletions": 0, "changed_files": 0}
    if base is None or head is None:
        return counts
    common = objects.merge_base(base, head)
    before = objects.files(objects.commit(common).tree) if common else {}
    after = objects.files(objects.commit(head).tree)
    lines = [changed_lines(objects, before.get(name), after.get(name)) for name in changed_names(before, after)]
    there = {commit.sha for commit in objects.history(base)}
    return counts | {
        "commits": sum(commit.sha not in there for commit in objects.history(head)),
        "additions": sum(added for added, _ in lines),
        "deletions": sum(removed for _, removed in lines),
        "changed_files": len(lines),
    }


def _get(call: Call) -> Response:
    return Response(200, _whole(call, *_found(call)))


def _edit(call: Call) -> Response:
    body, objects, pull = _found(call)
    state = call.body.get("state") or pull["state"]
    if state not in ("open", "closed"):
        raise _invalid(field="state", code="invalid")
    new = {**pull, "updatedAt": call.now}
    new |= {name: call.body[name] for name in ("title", "body", "base") if call.body.get(name) is not None}
    if state == "closed" and pull["state"] == "open":
        new |= _closing(call, objects, pull)
    elif state == "open":
        new |= {"state": "open", "headSha": "", "baseSha": "", "closedAt": None}
    call.store.put("github.pull", _key(body, pull["number"]), new)
    return Response(200, _whole(call, body, objects, new))


def _closing(call: Call, objects: GitObjects, pull: Document) -> dict[str, Any]:
    heads = {f"{side}Sha": objects.ref(f"refs/heads/{pull[side]}") or "" for side in ("head", "base")}
    return {"state": "closed", "closedAt": call.now, "updatedAt": call.now, **heads}


def _is_merged(call: Call) -> Response:
    *_, pull = _found(call)
    if pull["mergeSha"] is None:
        raise errors.not_found()
    return Response(204)


def _merged_files(objects: GitObjects, base: str | None, head: str | None) -> dict[str, Entry] | None:
    """The files after a three-way merge by whole files; None where both sides changed one differently."""
    if base is None or head is None:
        return None
    common = objects.merge_base(base, head)
    start = objects.files(objects.commit(common).tree) if common else {}
    ours, theirs = objects.files(objects.commit(base).tree), objects.files(objects.commit(head).tree)
    merged = dict(ours)
    for path in theirs.keys() | start.keys():
        if theirs.get(path) == start.get(path) or theirs.get(path) == ours.get(path):
            continue
        if ours.get(path) != start.get(path):
            return None
        merged.pop(path, None)
        merged |= {path: theirs[path]} if path in theirs else {}
    return merged


def _merge(call: Call) -> Response:
    body, objects = filled(call)
    _, _, pull = _found(call)
    shown = _shown(call, body, objects, pull)
    base, head = shown["base"]["sha"], shown["head"]["sha"]
    files = _merged_files(objects, base, head) if pull["state"] == "open" else None
    if files is None:
        raise ApiError(405, "NotMergeable", "Pull Request is not mergeable")
    if call.body.get("sha") not in (None, head):
        raise ApiError(409, "Conflict", "Head branch was modified. Review and try the merge again.")
    check_workflows(call, body, objects.files(objects.commit(base).tree), files)
    who = person(call, None)
    sha = objects.write_commit(objects.write_files(files), _parents(call, base, head), who, who, _message(call, pull))
    closed = {**pull, **_closing(call, objects, pull), "mergeSha": sha, "mergedBy": call.principal.login}
    objects.set_ref(f"refs/heads/{pull['base']}", sha)
    call.store.put("github.pull", _key(body, pull["number"]), closed)
    save(call, {**body, "pushedAt": call.now})
    return Response(200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _parents(call: Call, base: str, head: str) -> tuple[str, ...]:
    method = call.body.get("merge_method") or "merge"
    if method not in ("merge", "squash"):
        raise ApiError(405, "NotAllowed", "Rebase merges are not allowed on this repository.")
    return (base, head) if method == "merge" else (base,)


def _message(call: Call, pull: Document) -> str:
    default = f"Merge pull request #{pull['number']} from {pull['head']}"
    text = [call.body.get("commit_title") or default, call.body.get("commit_message") or pull["title"]]
    return "\n\n".join(text)
