"""What happens to a repository starts the runs that it starts at GitHub.

docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows. What a job's own token does
starts none (docs.github.com/actions/concepts/security/github_token); in a fork Actions are off until somebody turns
them on; a private repository runs nothing for the pull requests of its forks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dbxwizard.sandbox.actions.workflows.events import Event
from dbxwizard.sandbox.github import access, payloads, pull_state, schedules
from dbxwizard.sandbox.github.merging import brought, changed_names
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document

_MOST_TAGS = 3  # more of them in one push start nothing (same page, `push`)


def ref_moved(
    call: Call, body: Document, objects: GitObjects, ref: str, old: str | None, *, forced: bool = False
) -> None:
    """A ref was made (`old` None), moved or removed; it already points to where it points now."""
    new = objects.ref(ref)
    if new is not None and old != new:
        _pushed(call, body, objects, ref, old, new, forced=forced)
    if not ref.startswith("refs/heads/"):
        return
    branch = ref.removeprefix("refs/heads/")
    if branch == body["defaultBranch"]:
        schedules.plan(call, body, objects, call.principal.login)
    _follow_base(call, body, objects, branch, new)
    _follow_head(call, body, objects, branch, new)


def many_tags(refs: list[str]) -> bool:
    """Whether a push of these refs has more tags than start runs."""
    return sum(ref.startswith("refs/tags/") for ref in refs) > _MOST_TAGS


def _starts(call: Call, body: Document) -> bool:
    return call.principal.kind != "job" and not body.get("parent")


def _pushed(
    call: Call, body: Document, objects: GitObjects, ref: str, old: str | None, new: str, *, forced: bool
) -> None:
    if not _starts(call, body) or not ref.startswith(("refs/heads/", "refs/tags/")):
        return
    sha = objects.peeled(new)
    event = Event(
        "push",
        ref,
        changed=_changed(objects, ref, old, sha) if ref.startswith("refs/heads/") else None,
        message=objects.commit(sha).message,
        payload=payloads.push(call, body, objects, ref, old, new, forced=forced),
        repository=access.full_name(body),
        sha=sha,
    )
    records.start(call, body, event, call.principal.login)


def _changed(objects: GitObjects, ref: str, old: str | None, new: str) -> tuple[str, ...] | None:
    """The files between both ends of a push; of a new branch, from where it left what was there already."""
    if old is None:
        first = next(iter(payloads.pushed(objects, ref, None, new)), None)
        if first is None:
            return None
        old = first.parents[0] if first.parents else None
    before = objects.files(objects.commit(old).tree) if old else {}
    return tuple(changed_names(before, objects.files(objects.commit(new).tree)))


# Pull requests.


def _follow_base(call: Call, body: Document, objects: GitObjects, branch: str, new: str | None) -> None:
    """A pull request whose head has reached the base by a push counts as merged; the others get another merge."""
    for pull in pull_state.every(call.store, body):
        if pull["state"] != "open" or pull["base"] != branch:
            continue
        if new is None:
            close(call, body, objects, pull)
        elif objects.contains(new, pull["headSha"]):
            close(call, body, objects, pull, merged=new)
        else:
            pull_state.followed(call, body, objects, pull, pull["headSha"])


def _follow_head(call: Call, body: Document, objects: GitObjects, branch: str, new: str | None) -> None:
    """Open pull requests from a branch get its commits; without the branch they are closed."""
    for home in access.network(call.store, body):
        theirs = GitObjects(call.store, home["id"])
        for pull in pull_state.every(call.store, home):
            if pull["state"] != "open" or (pull["headRepo"], pull["head"]) != (body["id"], branch):
                continue
            if new is None:
                close(call, home, theirs, pull)
            elif new != pull["headSha"]:
                theirs.take(objects, new)
                followed = pull_state.followed(call, home, theirs, pull, new)
                happened(call, home, theirs, followed, "synchronize", before=pull["headSha"], after=new)


def close(call: Call, body: Document, objects: GitObjects, pull: Document, *, merged: str = "") -> Document:
    """Closes a pull request; `merged`: the commit by which its base has it."""
    closed = {**pull, "state": "closed", "closedAt": call.now, "updatedAt": call.now}
    if merged:
        closed |= {"mergeSha": merged, "mergedBy": access.caller(call)["login"]}
        objects.delete_ref(pull_state.ref(pull["number"], "merge"))
    pull_state.save(call.store, body, closed)
    happened(call, body, objects, closed, "closed")
    return closed


def happened(call: Call, body: Document, objects: GitObjects, pull: Document, action: str, **more: Any) -> None:
    """Starts the runs for an activity of a pull request; with a conflict there are none."""
    is_foreign = pull_state.is_from_fork(body, pull)
    sha = pull["mergeSha"] or pull["testSha"]
    if not _starts(call, body) or (is_foreign and body["private"]):
        return
    event = Event(
        "pull_request",
        ref=f"refs/heads/{pull['base']}" if pull["mergeSha"] else pull_state.ref(pull["number"], "merge"),
        action=action,
        base=pull["base"],
        head=pull["head"],
        changed=tuple(changed_names(*brought(objects, pull["baseSha"], pull["headSha"]))),
        message=objects.commit(pull["headSha"]).message,
        payload=payloads.pull_request(call, body, objects, pull, action, **more),
        is_from_fork=is_foreign,
        repository=access.full_name(body),
        sha=sha,
    )
    if sha:
        records.start(call, body, event, call.principal.login)
    # Its source and reference are the default branch's, whatever the base is: github.blog/changelog/2025-11-07
    target = f"refs/heads/{body['defaultBranch']}"
    trusted = replace(event, name="pull_request_target", ref=target, sha=objects.ref(target) or sha)
    records.start(call, body, trusted, call.principal.login)


def discussed(call: Call, body: Document, name: str, action: str, **payload: Any) -> None:
    """Starts the runs for an issue or a comment."""
    if _starts(call, body):
        on_default_branch(call, body, name, action, **payload)


def on_default_branch(call: Call, body: Document, name: str, action: str, **payload: Any) -> None:
    """Starts the runs for what is about no ref: from the default branch's files, at its commit."""
    ref = f"refs/heads/{body['defaultBranch']}"
    sha = GitObjects(call.store, body["id"]).ref(ref)
    if sha is None:
        return
    event = Event(
        name,
        ref,
        action=action,
        payload={"action": action, **payload, **payloads.common(call, body)},
        repository=access.full_name(body),
        sha=sha,
    )
    records.start(call, body, event, call.principal.login)
