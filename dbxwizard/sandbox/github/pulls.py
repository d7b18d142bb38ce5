"""Pull requests, from branches of the repository and from its forks: docs.github.com/rest/pulls/pulls."""

from __future__ import annotations

from dbxwizard.sandbox.github import access, errors, forks, pull_state, rulesets, triggers
from dbxwizard.sandbox.github.git_data import check_workflows, filled, person
from dbxwizard.sandbox.github.merging import merged_files
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.pull_views import shown, whole
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


def _list(call: Call) -> Response:
    body, _ = git(call)
    asked = call.query
    state, head, base = asked.get("state", "open"), asked.get("head", ""), asked.get("base", "")
    found = [
        pull
        for pull in reversed(pull_state.every(call.store, body))
        if state in ("all", pull["state"])
        and base in ("", pull["base"])
        and head in ("", pull["head"], f"{_head_owner(call, body, pull)}:{pull['head']}")
    ]
    return page(call, [shown(call, body, pull) for pull in found])


def _head_owner(call: Call, body: Document, pull: Document) -> str:
    repository = pull_state.head_repository(call.store, body, pull)
    return str(repository["owner"]) if repository else ""


def _invalid(**error: str) -> ApiError:
    return errors.validation_failed({"resource": "PullRequest", **error})


def _create(call: Call) -> Response:
    body, objects = git(call)
    base = call.body["base"]
    source, head = _source(call, body)
    head_sha = GitObjects(call.store, source["id"]).ref(f"refs/heads/{head}") if source else None
    base_sha = objects.ref(f"refs/heads/{base}")
    if source is None or head_sha is None:
        raise _invalid(field="head", code="invalid")
    if base_sha is None:
        raise _invalid(field="base", code="invalid")
    proposed = (source["id"], head, base)
    if any(pull["state"] == "open" and _proposed(pull) == proposed for pull in pull_state.every(call.store, body)):
        raise _invalid(code="custom", message=f"A pull request already exists for {source['owner']}:{head}.")
    objects.take(GitObjects(call.store, source["id"]), head_sha)
    if objects.contains(base_sha, head_sha):
        raise _invalid(code="custom", message=f"No commits between {base} and {call.body['head']}")
    pull = pull_state.followed(call, body, objects, _new(call, body, proposed), head_sha)
    triggers.happened(call, body, objects, pull, "opened")
    return Response(201, whole(call, body, objects, pull))


def _proposed(pull: Document) -> tuple[int, str, str]:
    return pull["headRepo"], pull["head"], pull["base"]


def _source(call: Call, body: Document) -> tuple[Document | None, str]:
    """The repository and the branch that are proposed: `OWNER:BRANCH` is a fork's."""
    owner, _, branch = call.body["head"].rpartition(":")
    if owner in ("", body["owner"]):
        return body, branch
    return forks.of_owner(call.store, body, owner, call.body.get("head_repo") or ""), branch


def _new(call: Call, body: Document, proposed: tuple[int, str, str]) -> Document:
    number = pull_state.next_number(call.store, body)
    repository, head, base = proposed
    return {
        "id": int(call.new_id("github.pull", f"{body['id']}/{number}")[:8], 16),
        "number": number,
        "title": call.body["title"],
        "body": call.body.get("body"),
        "draft": bool(call.body.get("draft")),
        "head": head,
        "headRepo": repository,
        "base": base,
        "headSha": "",
        "baseSha": "",
        "testSha": "",
        "mergeSha": None,
        "mergedBy": None,
        "state": "open",
        "author": access.caller(call)["login"],
        "createdAt": call.now,
        "updatedAt": call.now,
        "closedAt": None,
    }


def _found(call: Call) -> tuple[Document, GitObjects, Document]:
    body, objects = git(call)
    found = pull_state.find(call.store, body, call.params["number"])
    if found is None:
        raise errors.not_found()
    return body, objects, found


def _get(call: Call) -> Response:
    return Response(200, whole(call, *_found(call)))


def _edit(call: Call) -> Response:
    body, objects, pull = _found(call)
    state = call.body.get("state") or pull["state"]
    if state not in ("open", "closed"):
        raise _invalid(field="state", code="invalid")
    access.require_own(call, body, pull["author"])
    pull = _reworded(call, body, objects, pull)
    if state == "closed" and pull["state"] == "open":
        pull = triggers.close(call, body, objects, pull)
    elif state == "open" and pull["state"] == "closed":
        pull = _reopened(call, body, objects, pull)
    return Response(200, whole(call, body, objects, pull))


def _reworded(call: Call, body: Document, objects: GitObjects, pull: Document) -> Document:
    changed = {name: call.body[name] for name in ("title", "body", "base") if call.body.get(name) is not None}
    before = {name: {"from": pull[name]} for name, value in changed.items() if pull[name] != value}
    if not before:
        return pull
    if "base" in before and objects.ref(f"refs/heads/{changed['base']}") is None:
        raise _invalid(field="base", code="invalid")
    new = {**pull, **changed, "updatedAt": call.now}
    pull_state.save(call.store, body, new)
    if new["state"] == "open":
        new = pull_state.followed(call, body, objects, new, new["headSha"])
    triggers.happened(call, body, objects, new, "edited", changes=before)
    return new


def _reopened(call: Call, body: Document, objects: GitObjects, pull: Document) -> Document:
    source = pull_state.head_repository(call.store, body, pull)
    theirs = GitObjects(call.store, source["id"]) if source else None
    head = theirs.ref(f"refs/heads/{pull['head']}") if theirs else None
    if pull["mergeSha"] or theirs is None or head is None:
        message = "state cannot be changed. The pull request cannot be reopened."
        raise _invalid(field="state", code="invalid", message=message)
    objects.take(theirs, head)
    opened = {**pull, "state": "open", "closedAt": None, "updatedAt": call.now}
    followed = pull_state.followed(call, body, objects, opened, head)
    triggers.happened(call, body, objects, followed, "reopened")
    return followed


def _is_merged(call: Call) -> Response:
    *_, pull = _found(call)
    if pull["mergeSha"] is None:
        raise errors.not_found()
    return Response(204)


def _merge(call: Call) -> Response:
    body, objects = filled(call)
    _, _, pull = _found(call)
    base, head, ref = pull["baseSha"], pull["headSha"], f"refs/heads/{pull['base']}"
    files = merged_files(objects, base, head) if pull["state"] == "open" and not pull["draft"] else None
    if files is None:
        raise ApiError(405, "NotMergeable", _why_not(pull))
    if call.body.get("sha") not in (None, head):
        raise ApiError(409, "Conflict", "Head branch was modified. Review and try the merge again.")
    rulesets.check_merge(call, body, pull)
    check_workflows(call, body, objects.files(objects.commit(base).tree), files)
    who = person(call, None)
    sha = objects.write_commit(
        objects.write_files(files), _parents(call, base, head), who, who, _message(call, body, pull)
    )
    objects.set_ref(ref, sha)
    save(call, {**body, "pushedAt": call.now})
    triggers.close(call, body, objects, pull, merged=sha)
    triggers.ref_moved(call, body, objects, ref, base)
    return Response(200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _why_not(pull: Document) -> str:
    is_draft = pull["draft"] and pull["state"] == "open"
    return "Pull Request is still a draft" if is_draft else "Pull Request is not mergeable"


def _parents(call: Call, base: str, head: str) -> tuple[str, ...]:
    method = call.body.get("merge_method") or "merge"
    if method not in ("merge", "squash"):
        raise ApiError(405, "NotAllowed", "Rebase merges are not allowed on this repository.")
    return (base, head) if method == "merge" else (base,)


def _message(call: Call, body: Document, pull: Document) -> str:
    default = f"Merge pull request #{pull['number']} from {_head_owner(call, body, pull)}/{pull['head']}"
    text = [call.body.get("commit_title") or default, call.body.get("commit_message") or pull["title"]]
    return "\n\n".join(text)
