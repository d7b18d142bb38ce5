"""How GitHub shows its objects as JSON."""

from __future__ import annotations

import base64
from typing import Any

from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.objects import Commit, Ident, utc
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document


def base(call: Call) -> str:
    """The root of the urls in an answer: with /api/v3 where the request came that way."""
    root = call.url("github")
    return f"{root}/api/v3" if call.request.path.startswith("/api/v3/") else root


def api(call: Call, repository: Document) -> str:
    return f"{base(call)}/repos/{access.full_name(repository)}"


def web(call: Call, repository: Document) -> str:
    return f"{call.url('github')}/{access.full_name(repository)}"


def node_id(kind: str, number: int | str) -> str:
    return base64.b64encode(f"{kind}{number}".encode()).decode()


def account(call: Call, body: Document) -> dict[str, Any]:
    """The short form that stands wherever GitHub names somebody."""
    login, url = body["login"], f"{base(call)}/users/{body['login']}"
    return {
        "login": login,
        "id": body["id"],
        "node_id": node_id(body["type"], body["id"]),
        "avatar_url": f"{call.url('github')}/avatars/{login}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{call.url('github')}/{login}",
        **{
            f"{name}_url": f"{url}/{name}"
            for name in ("followers", "following", "gists", "starred", "subscriptions", "repos", "received_events")
        },
        "organizations_url": f"{url}/orgs",
        "events_url": f"{url}/events{{/privacy}}",
        "type": body["type"],
        "site_admin": False,
    }


# What the sandbox has none of, as GitHub shows a repository without it.
_NOTHING_OF: dict[str, Any] = {
    "archived": False,
    "disabled": False,
    "is_template": False,
    "homepage": None,
    "language": None,
    "license": None,
    "mirror_url": None,
    "topics": [],
    "size": 0,
    "has_issues": True,
    **dict.fromkeys(("has_projects", "has_wiki", "has_pages", "has_discussions", "has_downloads"), False),
    **dict.fromkeys(("forks", "watchers", "network_count", "subscribers_count"), 0),
    **dict.fromkeys(("forks_count", "stargazers_count", "watchers_count"), 0),
}
_MERGING = {
    "allow_merge_commit": True,
    "allow_squash_merge": True,
    "allow_rebase_merge": False,
    "allow_auto_merge": False,
    "delete_branch_on_merge": False,
}
_URLS = {
    name: name
    for name in (
        "comments", "contributors", "deployments", "downloads", "events", "forks", "hooks", "languages", "merges",
        "stargazers", "subscribers", "subscription", "tags", "teams",
    )
} | {
    "archive": "{archive_format}{/ref}",
    "assignees": "assignees{/user}",
    "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}",
    "collaborators": "collaborators{/collaborator}",
    "commits": "commits{/sha}",
    "compare": "compare/{base}...{head}",
    "contents": "contents/{+path}",
    "git_commits": "git/commits{/sha}",
    "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}",
    "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}",
    "issues": "issues{/number}",
    "keys": "keys{/key_id}",
    "labels": "labels{/name}",
    "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}",
    "pulls": "pulls{/number}",
    "releases": "releases{/id}",
    "statuses": "statuses/{sha}",
    "trees": "git/trees{/sha}",
}  # fmt: skip


def repository(call: Call, body: Document) -> dict[str, Any]:
    """A repository as `GET /repos/{owner}/{repo}` shows it."""
    html, url = web(call, body), api(call, body)
    return {
        **_NOTHING_OF,
        **_MERGING,
        "fork": bool(body.get("parent")),
        **dict.fromkeys(("open_issues", "open_issues_count"), _open(call, body)),
        "id": body["id"],
        "node_id": node_id("Repository", body["id"]),
        "name": body["name"],
        "full_name": access.full_name(body),
        "private": body["private"],
        "visibility": "private" if body["private"] else "public",
        "owner": account(call, access.account(call.store, body["owner"])),
        "description": body["description"],
        "default_branch": body["defaultBranch"],
        "created_at": utc(body["createdAt"]),
        "updated_at": utc(body["updatedAt"]),
        "pushed_at": utc(body["pushedAt"]),
        "permissions": _permissions(call, body),
        "url": url,
        "html_url": html,
        "clone_url": f"{html}.git",
        "git_url": f"{html.replace('https', 'git', 1)}.git",
        "ssh_url": f"git@{html.removeprefix('https://')}.git",
        "svn_url": html,
        **{f"{name}_url": f"{url}/{path}" for name, path in _URLS.items()},
    }


def _open(call: Call, body: Document) -> int:
    """Open issues, of which pull requests are some."""
    kinds = ("github.issue", "github.pull")
    return sum(one["state"] == "open" for kind in kinds for one in call.store.all(kind, f"{body['id']}/"))


def _permissions(call: Call, body: Document) -> dict[str, bool]:
    order = ("read", "triage", "write", "maintain", "admin")
    own = access.role(call.store, body, call.principal.login)
    level = order.index(own) if own in order else -1
    names = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}
    return {name: level >= order.index(needed) for name, needed in names.items()}


def ident(who: Ident) -> dict[str, str]:
    return {"name": who.name, "email": who.email, "date": utc(who.at)}


def git_commit(call: Call, repository: Document, commit: Commit) -> dict[str, Any]:
    """A commit as the git data API shows it."""
    url = api(call, repository)
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", commit.sha),
        "url": f"{url}/git/commits/{commit.sha}",
        "html_url": f"{web(call, repository)}/commit/{commit.sha}",
        "author": ident(commit.author),
        "committer": ident(commit.committer),
        "message": commit.message,
        "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
        "parents": _parents(call, repository, commit, "git/commits"),
        "verification": _UNSIGNED,
    }


def commit(call: Call, repository: Document, body: Commit) -> dict[str, Any]:
    """A commit as the lists of commits show it."""
    url = api(call, repository)
    return {
        "sha": body.sha,
        "node_id": node_id("Commit", body.sha),
        "url": f"{url}/commits/{body.sha}",
        "html_url": f"{web(call, repository)}/commit/{body.sha}",
        "comments_url": f"{url}/commits/{body.sha}/comments",
        "commit": {
            "url": f"{url}/git/commits/{body.sha}",
            "author": ident(body.author),
            "committer": ident(body.committer),
            "message": body.message,
            "tree": {"sha": body.tree, "url": f"{url}/git/trees/{body.tree}"},
            "comment_count": 0,
            "verification": _UNSIGNED,
        },
        "author": _person(call, body.author),
        "committer": _person(call, body.committer),
        "parents": _parents(call, repository, body, "commits"),
    }


_UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def _parents(call: Call, repository: Document, commit: Commit, where: str) -> list[dict[str, str]]:
    url, html = api(call, repository), web(call, repository)
    return [{"sha": sha, "url": f"{url}/{where}/{sha}", "html_url": f"{html}/commit/{sha}"} for sha in commit.parents]


def _person(call: Call, who: Ident) -> dict[str, Any] | None:
    """The account whose address a commit carries; None when nobody has it."""
    found = next((body for body in call.store.all("github.account") if body.get("email") == who.email), None)
    return account(call, found) if found else None
