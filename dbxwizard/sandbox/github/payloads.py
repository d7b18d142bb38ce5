"""What `github.event` holds: docs.github.com/webhooks/webhook-events-and-payloads."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.actions.workflows.events import NO_COMMIT
from dbxwizard.sandbox.github import access, pull_views, views
from dbxwizard.sandbox.github.merging import changed_names
from dbxwizard.sandbox.github.objects import Commit, GitObjects, Ident, utc
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document

_MOST_COMMITS = 2048


def common(call: Call, body: Document) -> dict[str, Any]:
    """The repository and who did it."""
    repository = views.repository(call, body)
    del repository["permissions"]
    return {"repository": repository, "sender": views.account(call, access.caller(call))}


def push(
    call: Call, body: Document, objects: GitObjects, ref: str, old: str | None, new: str, *, forced: bool
) -> dict[str, Any]:
    """`old`: None for a ref that was made."""
    sha = objects.peeled(new)
    commits = pushed(objects, ref, old, sha) if ref.startswith("refs/heads/") else []
    who, web = access.caller(call), views.web(call, body)
    return {
        "ref": ref,
        "before": old or NO_COMMIT,
        "after": new,
        "base_ref": None,
        "created": old is None,
        "deleted": False,
        "forced": forced,
        "compare": f"{web}/compare/{old[:12]}...{new[:12]}" if old else f"{web}/commit/{sha[:12]}",
        "commits": [_commit(call, body, objects, commit) for commit in commits[-_MOST_COMMITS:]],
        "head_commit": _commit(call, body, objects, objects.commit(sha)),
        "pusher": {"name": who["login"], "email": access.email(who)},
        **common(call, body),
    }


def pushed(objects: GitObjects, ref: str, old: str | None, new: str) -> list[Commit]:
    """The commits that a push to `ref` brought, the oldest first; to a new one, those that no branch had before it."""
    heads = [old] if old else [sha for name, sha in objects.refs("refs/heads/").items() if name != ref]
    there = {commit.sha for head in heads for commit in objects.history(head)}
    return [commit for commit in objects.history(new) if commit.sha not in there][::-1]


def _commit(call: Call, body: Document, objects: GitObjects, commit: Commit) -> dict[str, Any]:
    before = objects.files(objects.commit(commit.parents[0]).tree) if commit.parents else {}
    after = objects.files(commit.tree)
    changed = changed_names(before, after)
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": utc(commit.committer.at),
        "url": f"{views.web(call, body)}/commit/{commit.sha}",
        "author": _person(commit.author),
        "committer": _person(commit.committer),
        "added": [name for name in changed if name not in before],
        "removed": [name for name in changed if name not in after],
        "modified": [name for name in changed if name in before and name in after],
    }


def _person(who: Ident) -> dict[str, str]:
    return {"name": who.name, "email": who.email}


def pull_request(
    call: Call, body: Document, objects: GitObjects, pull: Document, action: str, **more: Any
) -> dict[str, Any]:
    shown = pull_views.whole(call, body, objects, pull)
    return {"action": action, "number": pull["number"], "pull_request": shown, **more, **common(call, body)}
