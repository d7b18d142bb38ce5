"""How GitHub shows a pull request: docs.github.com/rest/pulls/pulls."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github import access, pull_state, rulesets, views
from dbxwizard.sandbox.github.merging import size
from dbxwizard.sandbox.github.objects import GitObjects, utc
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document


def shown(call: Call, body: Document, pull: Document) -> dict[str, Any]:
    html = f"{views.web(call, body)}/pull/{pull['number']}"
    links = _links(views.api(call, body), pull["number"], pull["headSha"])
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
        "merge_commit_sha": pull["mergeSha"] or pull["testSha"] or None,
        "author_association": association(call, body, pull["author"]),
        "auto_merge": None,
        "head": _side(call, pull_state.head_repository(call.store, body, pull), pull["head"], pull["headSha"]),
        "base": _side(call, body, pull["base"], pull["baseSha"]),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "url": links["self"],
        **{f"{name}_url": url for name, url in links.items() if name != "self"},
        "_links": {name: {"href": url} for name, url in {**links, "html": html}.items()},
    }


def association(call: Call, body: Document, login: str) -> str:
    """What somebody is to a repository: docs.github.com/graphql/reference/enums#commentauthorassociation."""
    owner = access.account(call.store, body["owner"])
    if login == owner["login"]:
        return "OWNER"
    if login in owner.get("members", {}):
        return "MEMBER"
    return "COLLABORATOR" if login in body["collaborators"] else "NONE"


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


def _side(call: Call, repository: Document | None, branch: str, sha: str) -> dict[str, Any]:
    """One end; a fork that is gone is null."""
    if repository is None:
        return {"label": f"unknown repository:{branch}", "ref": branch, "sha": sha, "user": None, "repo": None}
    return {
        "label": f"{repository['owner']}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": views.account(call, access.account(call.store, repository["owner"])),
        "repo": views.repository(call, repository),
    }


def whole(call: Call, body: Document, objects: GitObjects, pull: Document) -> dict[str, Any]:
    """The form of a single pull request: with what a merge would do."""
    is_open = pull["state"] == "open"
    comments = call.store.all("github.comment", f"{pull_state.key(body, pull['number'])}/")
    return {
        **shown(call, body, pull),
        **size(objects, pull["baseSha"], pull["headSha"]),
        "comments": len(comments),
        "review_comments": 0,
        "merged": pull["mergeSha"] is not None,
        "merged_by": views.account(call, access.account(call.store, pull["mergedBy"])) if pull["mergedBy"] else None,
        "mergeable": bool(pull["testSha"]) if is_open else None,
        "mergeable_state": _mergeable_state(call, body, pull) if is_open else "unknown",
        "maintainer_can_modify": False,
    }


def _mergeable_state(call: Call, body: Document, pull: Document) -> str:
    if not pull["testSha"]:
        return "dirty"
    return "blocked" if rulesets.unmet(call, body, pull) else "clean"
