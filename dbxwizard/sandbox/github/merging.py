"""Merges of two commits, and how much one brings to the other."""

from __future__ import annotations

from difflib import SequenceMatcher

from dbxwizard.sandbox.github.objects import Entry, GitObjects


def merged_files(objects: GitObjects, base: str | None, head: str | None) -> dict[str, Entry] | None:
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


def changed_names(before: dict[str, Entry], after: dict[str, Entry]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def changed_lines(objects: GitObjects, before: Entry | None, after: Entry | None) -> tuple[int, int]:
    """How many lines came and went."""
    old, new = (objects.blob(entry.sha).splitlines() if entry else [] for entry in (before, after))
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    changed = [code for code in codes if code[0] != "equal"]
    return sum(code[4] - code[3] for code in changed), sum(code[2] - code[1] for code in changed)


def brought(objects: GitObjects, base: str, head: str) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """The files at the merge base and at `head`: what a pull request shows as its difference."""
    common = objects.merge_base(base, head)
    before = objects.files(objects.commit(common).tree) if common else {}
    return before, objects.files(objects.commit(head).tree)


def size(objects: GitObjects, base: str | None, head: str | None) -> dict[str, int]:
    """Commits, files and lines that `head` brings to `base`."""
    counts = {"commits": 0, "additions": 0, "deletions": 0, "changed_files": 0}
    if base is None or head is None:
        return counts
    before, after = brought(objects, base, head)
    lines = [changed_lines(objects, before.get(name), after.get(name)) for name in changed_names(before, after)]
    there = {commit.sha for commit in objects.history(base)}
    return {
        "commits": sum(commit.sha not in there for commit in objects.history(head)),
        "additions": sum(added for added, _ in lines),
        "deletions": sum(removed for _, removed in lines),
        "changed_files": len(lines),
    }
