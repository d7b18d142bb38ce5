"""Pull requests as they are kept, with their refs: `refs/pull/N/head` and, while it can be merged, `refs/pull/N/merge`.

A pull request is `github.pull` under `REPOSITORY/NUMBER`. Numbers are shared with issues. `headRepo` is the id of the
repository that the head lies in, a fork's or this one's. `headSha` and `baseSha` follow the branches while it is open.
`testSha` is the commit that `refs/pull/N/merge` points to, "" where both sides conflict.
"""

from __future__ import annotations

from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.merging import merged_files
from dbxwizard.sandbox.github.objects import GitObjects, Ident
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document, Store

_GITHUB = "GitHub", "noreply@github.com"


def key(repository: Document, number: int) -> str:
    return f"{repository['id']}/{number:08d}"


def every(store: Store, repository: Document) -> list[Document]:
    """The oldest first."""
    return store.all("github.pull", f"{repository['id']}/")


def find(store: Store, repository: Document, number: str) -> Document | None:
    return store.get("github.pull", f"{repository['id']}/{number:0>8}")


def save(store: Store, repository: Document, pull: Document) -> None:
    store.put("github.pull", key(repository, pull["number"]), pull)


def next_number(store: Store, repository: Document) -> int:
    kinds = ("github.pull", "github.issue")
    numbers = [one["number"] for kind in kinds for one in store.all(kind, f"{repository['id']}/")]
    return max(numbers, default=0) + 1


def head_repository(store: Store, repository: Document, pull: Document) -> Document | None:
    """None where the fork is gone."""
    if pull["headRepo"] == repository["id"]:
        return repository
    return access.repository_by_id(store, pull["headRepo"])


def is_from_fork(repository: Document, pull: Document) -> bool:
    return bool(pull["headRepo"] != repository["id"])


def ref(number: int, kind: str) -> str:
    """`kind`: `head` or `merge`."""
    return f"refs/pull/{number}/{kind}"


def followed(context: Context, repository: Document, objects: GitObjects, pull: Document, head: str) -> Document:
    """An open pull request whose head is now at `head` and whose base is where its branch is; saved, refs moved."""
    base = objects.ref(f"refs/heads/{pull['base']}") or pull["baseSha"]
    new = {**pull, "headSha": head, "baseSha": base}
    if (head, base) != (pull["headSha"], pull["baseSha"]):
        new |= {"testSha": _test_merge(context, objects, pull["number"], base, head), "updatedAt": context.now}
    objects.set_ref(ref(pull["number"], "head"), head)
    save(context.store, repository, new)
    return new


def _test_merge(context: Context, objects: GitObjects, number: int, base: str, head: str) -> str:
    """Points `refs/pull/N/merge` at a merge of both sides; "" and no ref where they conflict."""
    files = merged_files(objects, base, head)
    if files is None:
        objects.delete_ref(ref(number, "merge"))
        return ""
    who = Ident(*_GITHUB, int(context.now))
    sha = objects.write_commit(objects.write_files(files), (base, head), who, who, f"Merge {head} into {base}")
    objects.set_ref(ref(number, "merge"), sha)
    return sha
