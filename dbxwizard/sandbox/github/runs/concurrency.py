"""Concurrency groups: one run or job of a group at a time.

docs.github.com/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency. A group belongs
to its repository, its name is not case sensitive, runs and jobs share it. Members are `run/KEY` and `job/KEY`.
"""

from __future__ import annotations

from dataclasses import dataclass

from dbxwizard.sandbox.store import Document, Store

MAX_WAITING = 100  # of a group with `queue: max`, same page


@dataclass(frozen=True, slots=True)
class Entry:
    """`holds`: it is the member's turn. `displaced`: members who have to end for it. `is_full`: it may not wait."""

    holds: bool
    displaced: tuple[str, ...] = ()
    is_full: bool = False


def superseded(group: Document) -> str:
    """What GitHub says to a member that has to end for another one."""
    return f"Canceling since a higher priority waiting request for '{group['name']}' exists"


def deadlock(group: Document, job_name: str) -> str:
    return (
        f"Canceling since a deadlock for concurrency group '{group['name']}' was detected between "
        f"'top level workflow' and '{job_name}'"
    )


def enter(store: Store, repository: int, group: Document, member: str) -> Entry:
    """Takes the group or waits for it; the same again changes nothing."""
    key = _key(repository, group)
    found = store.get("_github.group", key) or {"holder": None, "waiting": []}
    holder, waiting = found["holder"], found["waiting"]
    if holder in (None, member):
        store.put("_github.group", key, {**found, "holder": member})
        return Entry(holds=True)
    if member in waiting:
        return Entry(holds=False)
    if group["queue"] == "max":
        if len(waiting) >= MAX_WAITING:
            return Entry(holds=False, is_full=True)
        store.put("_github.group", key, {**found, "waiting": [*waiting, member]})
        return Entry(holds=False)
    store.put("_github.group", key, {**found, "waiting": [member]})
    return Entry(holds=False, displaced=(*waiting, *([holder] if group["cancels"] else [])))


def holder(store: Store, repository: int, group: Document) -> str | None:
    found = store.get("_github.group", _key(repository, group))
    return found["holder"] if found else None


def leave(store: Store, repository: int, group: Document | None, member: str) -> None:
    """The next one that waits takes its place."""
    found = store.get("_github.group", _key(repository, group)) if group else None
    if group is None or found is None:
        return
    waiting = [each for each in found["waiting"] if each != member]
    holder = found["holder"]
    if holder == member:
        holder = waiting.pop(0) if waiting else None
    if holder is None:
        store.delete("_github.group", _key(repository, group))
    else:
        store.put("_github.group", _key(repository, group), {"holder": holder, "waiting": waiting})


def _key(repository: int, group: Document) -> str:
    return f"{repository}/{group['name'].lower()}"
