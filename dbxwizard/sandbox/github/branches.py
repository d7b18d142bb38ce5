"""Branches, tags, commits and their comparison: docs.github.com/rest/branches and /commits."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from dbxwizard.sandbox.github import errors, rulesets, views
from dbxwizard.sandbox.github.git_data import filled
from dbxwizard.sandbox.github.merging import changed_lines, changed_names
from dbxwizard.sandbox.github.objects import Entry, GitObjects
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import git
from dbxwizard.sandbox.http import Call, Response, Service
from dbxwizard.sandbox.store import Document


def register(service: Service) -> None:
    root, read = "/repos/{owner}/{repo}", "contents:read"
    service.route("GET", root + "/branches", action=read)(_list_branches)
    service.route("GET", root + "/branches/{branch...}", action=read)(_get_branch)
    service.route("GET", root + "/tags", action=read)(_list_tags)
    service.route("GET", root + "/commits", action=read)(_list_commits)
    service.route("GET", root + "/commits/{sha...}", action=read)(_get_commit)
    service.route("GET", root + "/compare/{range...}", action=read)(_compare)


def _short(call: Call, body: Document, name: str, sha: str) -> dict[str, Any]:
    protected = bool(rulesets.in_force(call.store, body, f"refs/heads/{name}"))
    commit = {"sha": sha, "url": f"{views.api(call, body)}/commits/{sha}"}
    return {"name": name, "commit": commit, "protected": protected}


def _list_branches(call: Call) -> Response:
    body, objects = git(call)
    heads = objects.refs("refs/heads/")
    return page(call, [_short(call, body, name.removeprefix("refs/heads/"), sha) for name, sha in heads.items()])


def _get_branch(call: Call) -> Response:
    body, objects = git(call)
    name = call.params["branch"]
    sha = objects.ref(f"refs/heads/{name}")
    if sha is None:
        raise errors.not_found("Branch not found")
    url = f"{views.api(call, body)}/branches/{quote(name, safe='')}"
    shown = _short(call, body, name, sha)
    checks = {"enforcement_level": "off", "contexts": [], "checks": []}
    return Response(
        200,
        {
            **shown,
            "commit": views.commit(call, body, objects.commit(sha)),
            "_links": {"self": url, "html": f"{views.web(call, body)}/tree/{name}"},
            "protection": {"enabled": shown["protected"], "required_status_checks": checks},
            "protection_url": f"{url}/protection",
        },
    )


def _list_tags(call: Call) -> Response:
    body, objects = git(call)
    tags = {name.removeprefix("refs/tags/"): sha for name, sha in objects.refs("refs/tags/").items()}
    tags = {name: objects.peeled(sha) for name, sha in tags.items()}
    shown = [
        {
            "name": name,
            "commit": {"sha": sha, "url": f"{views.api(call, body)}/commits/{sha}"},
            "zipball_url": f"{views.api(call, body)}/zipball/refs/tags/{name}",
            "tarball_url": f"{views.api(call, body)}/tarball/refs/tags/{name}",
            "node_id": views.node_id("Ref", f"refs/tags/{name}"),
        }
        for name, sha in sorted(tags.items(), reverse=True)
    ]
    return page(call, shown)


def _resolved(objects: GitObjects, revision: str) -> str:
    sha = objects.resolve(revision)
    if sha is None or objects.kind(sha) != "commit":
        raise errors.not_found()
    return sha


def _list_commits(call: Call) -> Response:
    body, objects = filled(call)
    start = _resolved(objects, call.query.get("sha") or body["defaultBranch"])
    return page(call, [views.commit(call, body, commit) for commit in objects.history(start)])


def _get_commit(call: Call) -> Response:
    body, objects = filled(call)
    commit = objects.commit(_resolved(objects, call.params["sha"]))
    before = objects.files(objects.commit(commit.parents[0]).tree) if commit.parents else {}
    files = _changes(call, body, objects, before, objects.files(commit.tree), commit.sha)
    return Response(200, {**views.commit(call, body, commit), "files": files})


def _changes(
    call: Call, body: Document, objects: GitObjects, before: dict[str, Entry], after: dict[str, Entry], sha: str
) -> list[dict[str, Any]]:
    """The files that differ up to the commit `sha`, with the size of the difference but not its text."""
    html, shown = views.web(call, body), []
    for name in changed_names(before, after):
        added, removed = changed_lines(objects, before.get(name), after.get(name))
        shown.append(
            {
                "filename": name,
                "status": "added" if name not in before else "modified" if name in after else "removed",
                "sha": (after.get(name) or before[name]).sha,
                "additions": added,
                "deletions": removed,
                "changes": added + removed,
                "blob_url": f"{html}/blob/{sha}/{name}",
                "raw_url": f"{html}/raw/{sha}/{name}",
                "contents_url": f"{views.api(call, body)}/contents/{name}?ref={sha}",
            }
        )
    return shown


def _compare(call: Call) -> Response:
    body, objects = filled(call)
    base_name, dots, head_name = call.params["range"].partition("...")
    if not dots:
        raise errors.not_found()
    base, head = _resolved(objects, base_name), _resolved(objects, head_name.rpartition(":")[2])
    common = objects.merge_base(base, head)
    if common is None:
        raise errors.not_found(f"No common ancestor between {base_name} and {head_name}.")
    theirs = {commit.sha for commit in objects.history(base)}
    ours = {commit.sha for commit in objects.history(head)}
    ahead = [commit for commit in objects.history(head) if commit.sha not in theirs][::-1]
    behind = len(theirs - ours)
    start = objects.commit(common)
    html = f"{views.web(call, body)}/compare/{base_name}...{head_name}"
    before, after = objects.files(start.tree), objects.files(objects.commit(head).tree)
    return Response(
        200,
        {
            "url": f"{views.api(call, body)}/compare/{base_name}...{head_name}",
            "html_url": html,
            "permalink_url": f"{views.web(call, body)}/compare/{base}...{head}",
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "status": _status(len(ahead), behind),
            "ahead_by": len(ahead),
            "behind_by": behind,
            "total_commits": len(ahead),
            "base_commit": views.commit(call, body, objects.commit(base)),
            "merge_base_commit": views.commit(call, body, start),
            "commits": [views.commit(call, body, commit) for commit in ahead],
            "files": _changes(call, body, objects, before, after, head),
        },
    )


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"
