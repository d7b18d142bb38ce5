"""What happened, and whether a workflow listens to it.

docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows and .../workflow-syntax#on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dbxwizard.sandbox.actions.expressions.values import Value, to_text
from dbxwizard.sandbox.actions.workflows.model import Trigger
from dbxwizard.sandbox.actions.workflows.patterns import includes, includes_any

REPOSITORY = "contoso/databricks"  # that of a new sandbox
NO_COMMIT = "0" * 40
MAX_CHANGED = 300  # files of a difference that path filters look at
_DEFAULT_TYPES = ("opened", "synchronize", "reopened")
_PULL_REQUESTS = ("pull_request", "pull_request_target")
_SKIP = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|\n\nskip-checks: ?true\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Event:
    """An event that GitHub tells workflows of.

    `ref` is GITHUB_REF. `action` is the activity type (`opened`), empty for events that have none. `base` and `head`
    are the branches of a pull request. `changed` are paths from the repository's root; None: not known, so path
    filters let it pass. `message` is that of the head commit. `payload` is `github.event`. `workflow`: the path of the
    only one that it starts.
    """

    name: str
    ref: str
    action: str = ""
    base: str = ""
    head: str = ""
    changed: tuple[str, ...] | None = None
    message: str = ""
    cron: str = ""
    inputs: Mapping[str, Value] = field(default_factory=dict)
    payload: Mapping[str, Value] = field(default_factory=dict)
    is_from_fork: bool = False
    workflow: str = ""
    repository: str = REPOSITORY
    sha: str = NO_COMMIT

    def github(self) -> dict[str, Value]:
        """What it brings into the `github` context (.../contexts#github-context)."""
        kind = "tag" if self.ref.startswith("refs/tags/") else "branch"
        return {
            "event_name": self.name,
            "event": dict(self.payload),
            "ref": self.ref,
            "ref_name": self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/pull/"),
            "ref_type": kind,
            "base_ref": self.base,
            "head_ref": self.head,
            "sha": self.sha,
            "repository": self.repository,
            "repository_owner": self.repository.partition("/")[0],
        }


def push(ref: str, *, changed: Sequence[str] | None = None, message: str = "", sha: str = NO_COMMIT) -> Event:
    """Commits or a tag that arrived: `ref` is `refs/heads/…` or `refs/tags/…`, `sha` its commit now."""
    payload = {"ref": ref, "after": sha, "head_commit": {"id": sha, "message": message}, "deleted": False}
    return Event("push", ref, changed=_paths(changed), message=message, payload=payload, sha=sha)


def pull_request(
    action: str,
    *,
    base: str,
    head: str,
    number: int = 1,
    is_merged: bool = False,
    is_from_fork: bool = False,
    changed: Sequence[str] | None = None,
    sha: str = NO_COMMIT,
) -> Event:
    """Something happened to a pull request; one that was merged has the base branch as its ref.

    `sha` is the commit of its merge: into `refs/pull/N/merge`, or into the base branch.
    """
    theirs = f"fork/{REPOSITORY.partition('/')[2]}"
    pull = {
        "number": number,
        "merged": is_merged,
        "state": "closed" if action == "closed" else "open",
        "draft": False,
        "title": f"Merge {head} into {base}",
        "merge_commit_sha": sha,
        "base": {"ref": base, "repo": {"fork": False, "full_name": REPOSITORY}},
        "head": {"ref": head, "repo": {"fork": is_from_fork, "full_name": theirs if is_from_fork else REPOSITORY}},
    }
    return Event(
        "pull_request",
        ref=f"refs/heads/{base}" if is_merged else f"refs/pull/{number}/merge",
        action=action,
        base=base,
        head=head,
        changed=_paths(changed),
        payload={"action": action, "number": number, "pull_request": pull},
        is_from_fork=is_from_fork,
        sha=sha,
    )


def dispatch(workflow: str, ref: str, inputs: Mapping[str, Value] | None = None) -> Event:
    """A workflow started by hand, on a branch or tag. `inputs` as they are sent: strings, or JSON's own types."""
    given = dict(inputs or {})
    texts = {name: to_text(value) for name, value in given.items()}
    payload = {"ref": ref, "workflow": workflow, "inputs": texts}
    return Event("workflow_dispatch", ref, inputs=given, payload=payload, workflow=workflow)


def schedule(cron: str, default_branch: str = "main") -> Event:
    """The time of a cron expression came."""
    return Event("schedule", f"refs/heads/{default_branch}", cron=cron, payload={"schedule": cron})


def _paths(changed: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if changed is None else tuple(changed)


def listens(trigger: Trigger, event: Event) -> bool:
    """Whether a workflow with that trigger starts."""
    if trigger.event != event.name or not _has_type(trigger, event):
        return False
    if event.name in {"push", *_PULL_REQUESTS} and _SKIP.search(event.message) and event.name != "pull_request_target":
        return False
    if event.name == "schedule":
        return event.cron in {each.cron for each in trigger.schedules}
    return _takes_ref(trigger, event) and _takes_paths(trigger, event)


def _has_type(trigger: Trigger, event: Event) -> bool:
    if not event.action:
        return True
    default = _DEFAULT_TYPES if event.name in _PULL_REQUESTS else (event.action,)
    return event.action in (trigger.types or default)


def _takes_ref(trigger: Trigger, event: Event) -> bool:
    """Branches and tags; where only one of the two is filtered, the other kind doesn't start it."""
    if event.name in _PULL_REQUESTS:
        return _passes(trigger, "branches", event.base)
    if event.name != "push":
        return True
    kind, other = ("tags", "branches") if event.ref.startswith("refs/tags/") else ("branches", "tags")
    if not _filters(trigger, kind) and _filters(trigger, other):
        return False
    return _passes(trigger, kind, event.ref.split("/", 2)[2])


def _filters(trigger: Trigger, kind: str) -> bool:
    return kind in trigger.filters or f"{kind}-ignore" in trigger.filters


def _passes(trigger: Trigger, kind: str, name: str) -> bool:
    if kind in trigger.filters:
        return includes(trigger.filters[kind], name)
    return not includes(trigger.filters.get(f"{kind}-ignore", ()), name)


def _takes_paths(trigger: Trigger, event: Event) -> bool:
    """Path filters; they are not looked at for tags. Without a changed file nothing starts."""
    if event.changed is None or not _filters(trigger, "paths") or event.ref.startswith("refs/tags/"):
        return True
    changed = event.changed[:MAX_CHANGED]
    if "paths" in trigger.filters:
        return includes_any(trigger.filters["paths"], changed)
    return any(not includes(trigger.filters["paths-ignore"], path) for path in changed)
