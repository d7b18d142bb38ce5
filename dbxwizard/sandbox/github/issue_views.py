"""How GitHub shows issues and comments: docs.github.com/rest/issues."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github import access, pull_state, pull_views, views
from dbxwizard.sandbox.github.objects import utc
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document

_REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def shown(call: Call, body: Document, issue: Document) -> dict[str, Any]:
    """An issue, or a pull request as one."""
    url = f"{views.api(call, body)}/issues/{issue['number']}"
    is_pull = "headSha" in issue
    html = f"{views.web(call, body)}/{'pull' if is_pull else 'issues'}/{issue['number']}"
    comments = call.store.keys("github.comment", f"{pull_state.key(body, issue['number'])}/")
    return {
        "id": issue["id"],
        "node_id": views.node_id("Issue", issue["id"]),
        "number": issue["number"],
        "title": issue["title"],
        "body": issue["body"],
        "state": issue["state"],
        "state_reason": issue.get("reason"),
        "user": views.account(call, access.account(call.store, issue["author"])),
        "labels": [_label(call, body, name) for name in issue.get("labels", ())],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": False,
        "active_lock_reason": None,
        "comments": len(comments),
        "created_at": utc(issue["createdAt"]),
        "updated_at": utc(issue["updatedAt"]),
        "closed_at": utc(issue["closedAt"]) if issue["closedAt"] else None,
        "author_association": pull_views.association(call, body, issue["author"]),
        "url": url,
        "html_url": html,
        "repository_url": views.api(call, body),
        "labels_url": f"{url}/labels{{/name}}",
        "reactions": _reactions(url),
        **{f"{name}_url": f"{url}/{name}" for name in ("comments", "events", "timeline")},
        **(_as_pull(call, body, issue, html) if is_pull else {}),
    }


def _as_pull(call: Call, body: Document, pull: Document, html: str) -> dict[str, Any]:
    merged = utc(pull["closedAt"]) if pull["mergeSha"] else None
    url = f"{views.api(call, body)}/pulls/{pull['number']}"
    texts = {f"{name}_url": f"{html}.{name}" for name in ("diff", "patch")}
    return {"draft": pull["draft"], "pull_request": {"url": url, "html_url": html, **texts, "merged_at": merged}}


def _label(call: Call, body: Document, name: str) -> dict[str, Any]:
    known = {"id": len(name), "node_id": views.node_id("Label", name), "url": f"{views.api(call, body)}/labels/{name}"}
    return {**known, "name": name, "description": None, "color": "ededed", "default": False}


def _reactions(url: str) -> dict[str, Any]:
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(_REACTIONS, 0)}


def comment(call: Call, body: Document, found: Document) -> dict[str, Any]:
    url = f"{views.api(call, body)}/issues/comments/{found['id']}"
    kind = "pull" if found["isPull"] else "issues"
    return {
        "id": found["id"],
        "node_id": views.node_id("IssueComment", found["id"]),
        "url": url,
        "html_url": f"{views.web(call, body)}/{kind}/{found['number']}#issuecomment-{found['id']}",
        "issue_url": f"{views.api(call, body)}/issues/{found['number']}",
        "user": views.account(call, access.account(call.store, found["author"])),
        "created_at": utc(found["createdAt"]),
        "updated_at": utc(found["updatedAt"]),
        "body": found["body"],
        "author_association": pull_views.association(call, body, found["author"]),
        "performed_via_github_app": None,
        "reactions": _reactions(url),
    }
